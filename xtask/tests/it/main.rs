//! Tidiness: what the house rules of ARCHITECTURE.md say is asserted here.

mod layers;
mod tidy;
