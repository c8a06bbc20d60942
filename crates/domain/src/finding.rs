//! What a scanner found, before it is an event, and what became of it.

use std::fmt;
use std::str::FromStr;

use alertwire_catalogue::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Timestamp;

/// Whose results can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scanner {
    Nmap,
    Trivy,
}

/// What findings are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    Host,
    Port,
    Vulnerability,
}

/// One record of one event kind: each port and each vulnerability is new or known for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub sort: Sort,
    pub kind: String,
    pub record: Record,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
}

/// What became of the findings of one sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub new: u64,
    pub seen: u64,
    /// They cannot be written in the words of their kind.
    pub failed: u64,
}

/// What became of the findings of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub hosts: Count,
    pub ports: Count,
    pub vulnerabilities: Count,
}

impl Scanner {
    pub const ALL: [Self; 2] = [Self::Nmap, Self::Trivy];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nmap => "nmap",
            Self::Trivy => "trivy",
        }
    }

    /// As its makers write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nmap => "nmap",
            Self::Trivy => "Trivy",
        }
    }
}

impl FromStr for Scanner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scanner| scanner.as_str() == text)
            .ok_or_else(|| "is nmap or trivy".to_owned())
    }
}

impl Sort {
    pub const ALL: [Self; 3] = [Self::Host, Self::Port, Self::Vulnerability];

    /// The word for several.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "hosts",
            Self::Port => "ports",
            Self::Vulnerability => "vulnerabilities",
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Finding {
    /// As `POST /api/v1/events` takes it, and as the journal keeps it.
    #[must_use]
    pub fn event(&self, company: &str) -> Value {
        let mut event = json!({"event": self.kind, "company": company, "fields": self.record});
        if let Some(at) = self.occurred_at {
            event["occurred_at"] = json!(at);
        }
        event
    }
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            new: self.new.saturating_add(other.new),
            seen: self.seen.saturating_add(other.seen),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

impl Tally {
    #[must_use]
    pub fn of(&self, sort: Sort) -> Count {
        match sort {
            Sort::Host => self.hosts,
            Sort::Port => self.ports,
            Sort::Vulnerability => self.vulnerabilities,
        }
    }

    pub fn at(&mut self, sort: Sort) -> &mut Count {
        match sort {
            Sort::Host => &mut self.hosts,
            Sort::Port => &mut self.ports,
            Sort::Vulnerability => &mut self.vulnerabilities,
        }
    }

    /// Over all sorts.
    #[must_use]
    pub fn sum(&self) -> Count {
        self.hosts.plus(self.ports).plus(self.vulnerabilities)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            hosts: self.hosts.plus(other.hosts),
            ports: self.ports.plus(other.ports),
            vulnerabilities: self.vulnerabilities.plus(other.vulnerabilities),
        }
    }
}
