//! Facts about getting in, over a real store.

#[cfg(test)]
mod admitting;
#[cfg(test)]
mod house;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod reading;
