//! A customer of the MSP.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::{CompanyId, Timestamp};

/// The longest name of anything that a person names, in characters.
pub const NAME_CHARS: usize = 200;

/// A name, a domain or another short text that broke its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("must not be empty")]
    Empty,
    #[error("must be at most {NAME_CHARS} characters long")]
    TooLong,
    #[error("must not hold control characters")]
    Control,
}

/// Checks a name that a person chose and trims the white space around it.
pub fn parse_name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().count() > NAME_CHARS {
        return Err(NameError::TooLong);
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(name.to_owned())
}

/// Every event belongs to one, or to *unassigned* until someone says which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    /// Other names by which alert bodies call it.
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// None means as much as comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    pub created_at: Timestamp,
}

/// How much a company may bring, so that one that floods does not take what the others need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Of each node; a second's worth may come at once.
    pub events_per_second: NonZeroU32,
}

impl Quota {
    pub const MOST: u32 = 1_000_000;
}

/// How names are compared: without regard to case, and runs of white space count as one space.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}
