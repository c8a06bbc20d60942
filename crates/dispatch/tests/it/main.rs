//! Facts about delivering, over a real store, real sockets and a scripted target.

mod delivering;
mod house;
mod joining;
