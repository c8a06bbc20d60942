//! Facts about the words and the matching of Alertwire.

mod alert;
mod filter;
mod house;
mod matching;
mod source;
