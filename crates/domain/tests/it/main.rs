//! Facts about the words and the matching of Alertwire.

#[cfg(test)]
mod alert;
#[cfg(test)]
mod any_filter;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod house;
#[cfg(test)]
mod matching;
#[cfg(test)]
mod projection;
#[cfg(test)]
mod reread;
#[cfg(test)]
mod session;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod source;
#[cfg(test)]
mod user;
#[cfg(test)]
mod what_if;
