//! The door, tried through real listeners.

// The name that all other crates know it by.
extern crate alertwire_egress as egress;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod urls;
