//! How grave an event is, and how sure we are of a kind's wording.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How grave an event is; ordered, so that `High > Low`.
///
/// ```
/// use alertwire_catalogue::Severity;
/// assert_eq!("Critical".parse(), Ok(Severity::Critical));
/// assert!(Severity::High > Severity::Low);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// As the documented bodies write it: with a capital.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is none of `info`, `low`, `medium`, `high`, `critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a severity is one of info, low, medium, high, critical")]
pub struct NotASeverity;

impl FromStr for Severity {
    type Err = NotASeverity;

    /// In any case; `informational` and `moderate` are what some senders write.
    fn from_str(text: &str) -> Result<Self, NotASeverity> {
        match text {
            _ if text.eq_ignore_ascii_case("informational") => Ok(Self::Info),
            _ if text.eq_ignore_ascii_case("moderate") => Ok(Self::Medium),
            _ => Self::ALL
                .into_iter()
                .find(|severity| text.eq_ignore_ascii_case(severity.as_str()))
                .ok_or(NotASeverity),
        }
    }
}

/// Whether the vendor's documentation shows a kind's wording, or we propose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wording {
    Documented,
    Proposed,
}

impl Wording {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Proposed => "proposed",
        }
    }
}
