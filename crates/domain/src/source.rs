//! A door that events come in by: its authentication, and the companies it may speak for.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::configuration::Configuration;
use crate::{CompanyId, Secret, SourceId, Timestamp};

/// Most companies or company rules of one source.
pub const COMPANIES: usize = 10_000;
pub const COMPANY_RULES: usize = 1_000;
/// Live secrets of one kind: the present one and the one being rotated out.
pub const LIVE_SECRETS: usize = 2;

/// A keyed digest of a secret; the secret itself is not kept.
pub type Digest = [u8; 32];

#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub id: SourceId,
    pub name: String,
    /// The companies it may speak for; empty means all. What a body says never reaches beyond them.
    pub companies: Vec<CompanyId>,
    /// The default company.
    pub company: Option<CompanyId>,
    /// First match wins, but only with a company inside the set.
    pub company_rules: Vec<CompanyRule>,
    pub authentication: Authentication,
    /// An event that says the same as one which was last seen within this time is counted on that one; none means never.
    pub dedup_window: Option<Duration>,
    pub limits: SourceLimits,
    pub created_at: Timestamp,
}

/// How a sender proves itself: by header, Basic, login or signature where any is set, and its address where a list is set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Authentication {
    pub require: Require,
    pub header: Option<HeaderAuthentication>,
    pub basic: Option<PasswordAuthentication>,
    pub login: Option<PasswordAuthentication>,
    /// Standard Webhooks secrets, the raw bytes after `whsec_`: HMAC needs them as they are, so they are sealed, not digested.
    pub signature: Live<Secret<Vec<u8>>>,
    pub addresses: Vec<IpNet>,
}

/// How many of the ways that are set have to fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    #[default]
    Any,
    All,
}

/// The live secrets of one way, the newest first: the present one, and while it is rotated out the former.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live<T> {
    #[serde(rename = "digests")]
    pub secrets: Vec<T>,
    /// When the former is no longer good; without a time it is until a person ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_until: Option<Timestamp>,
}

/// What is kept of a secret that is only ever compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digested {
    #[serde(flatten)]
    pub live: Live<Digest>,
    /// The last characters of the present one, so that a person can tell which it is; none when it is too short for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderAuthentication {
    /// Header name in lower case.
    pub key: String,
    #[serde(flatten)]
    pub secret: Digested,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordAuthentication {
    pub username: String,
    #[serde(flatten)]
    pub secret: Digested,
}

/// What one source may bring; where nothing is said, the server's own limit holds alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLimits {
    /// Longest body, in bytes.
    pub body_bytes: Option<u32>,
    /// Arrays and objects inside one another; a deeper message is kept in quarantine.
    pub json_depth: Option<u32>,
    pub rate: Option<SourceRate>,
}

/// How fast a source's messages may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRate {
    pub per_second: NonZeroU32,
    /// How many may come at once.
    pub burst: NonZeroU32,
}

impl<T> Default for Live<T> {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            former_until: None,
        }
    }
}

impl<T> Live<T> {
    /// One secret, and no former one.
    #[must_use]
    pub fn one(secret: T) -> Self {
        Self {
            secrets: vec![secret],
            former_until: None,
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Those that are good at this time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> &[T] {
        let ended = self.former_until.is_some_and(|until| until <= now);
        let most = if ended { 1 } else { LIVE_SECRETS };
        &self.secrets[..self.secrets.len().min(most)]
    }

    /// Puts a secret in the place of the present one, which is good until then beside it; without a time it ends at once.
    /// Whatever was the former until now ends: at most two are live.
    pub fn rotate(&mut self, secret: T, until: Option<Timestamp>) {
        self.secrets.truncate(usize::from(until.is_some()));
        self.former_until = until.filter(|_| !self.secrets.is_empty());
        self.secrets.insert(0, secret);
    }

    /// Ends the former secret.
    pub fn end_former(&mut self) {
        self.secrets.truncate(1);
        self.former_until = None;
    }
}

/// An operator's rule that chooses the company of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyRule {
    pub when: When,
    pub company: CompanyId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The body names this company (compared without regard to case).
    BodyCompany(String),
    /// The host name fits this pattern; `*` stands for any run of characters.
    Hostname(String),
    /// The address lies in this range.
    Address(IpNet),
}

/// What a certain reading says that can choose a company. Ambiguous fields are not in here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spoken<'a> {
    pub company: Option<&'a str>,
    pub hostname: Option<&'a str>,
    pub address: Option<IpAddr>,
}

impl Source {
    fn may_speak_for(&self, company: CompanyId) -> bool {
        self.companies.is_empty() || self.companies.contains(&company)
    }

    /// The company of a message (decisions.md 10): the first rule that matches, else the company that the body names,
    /// both only inside the source's set, else the default, else unassigned.
    #[must_use]
    pub fn company_of(
        &self,
        spoken: &Spoken<'_>,
        configuration: &Configuration,
    ) -> Option<CompanyId> {
        let by_rule = self
            .company_rules
            .iter()
            .find(|rule| rule.when.holds(spoken))
            .map(|rule| rule.company);
        let by_name = || {
            spoken
                .company
                .and_then(|name| configuration.company_named(name))
                .map(|company| company.id)
        };
        by_rule
            .filter(|company| self.may_speak_for(*company))
            .or_else(|| by_name().filter(|company| self.may_speak_for(*company)))
            .or(self.company)
    }
}

impl When {
    fn holds(&self, spoken: &Spoken<'_>) -> bool {
        match self {
            Self::BodyCompany(name) => spoken.company.is_some_and(|said| {
                crate::company::name_key(said) == crate::company::name_key(name)
            }),
            Self::Hostname(pattern) => spoken
                .hostname
                .is_some_and(|host| crate::filter::glob(pattern, host)),
            Self::Address(range) => spoken
                .address
                .is_some_and(|address| range.contains(&address)),
        }
    }
}
