//! The order of lists that people look names up in.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use domain::company::name_key;

/// Where a thing stands in a list by names: its name without regard to case, and its id, so that no two are the same.
/// Lists put what is greatest first, as the newest ids are; so the order is turned round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByName(String);

impl ByName {
    pub(super) fn new(name: &str, id: impl fmt::Display) -> Self {
        Self(format!("{} {id}", name_key(name)))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.cmp(&self.0)
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for ByName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ByName;

    #[test]
    fn the_first_name_is_the_greatest() {
        let (acme, globex) = (ByName::new("acme", 2), ByName::new("Globex", 1));
        assert!(acme > globex);
        assert!(ByName::new("Acme", 1) > acme);
        assert_eq!(acme.to_string().parse::<ByName>(), Ok(acme));
    }
}
