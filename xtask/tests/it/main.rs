//! Tidiness: what the house rules of ARCHITECTURE.md say is asserted here.

#[cfg(test)]
mod layers;
#[cfg(test)]
mod tidy;
