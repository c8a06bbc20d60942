//! Connectors, tried against scripted targets.

// The name that all other crates know it by.
extern crate alertwire_connectors as connectors;

#[cfg(test)]
mod check;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod login;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod support;
#[cfg(test)]
mod webhook;
