//! A door that events come in by: its authentication, and the companies it may speak for.

use std::net::IpAddr;
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
    /// Equal fingerprints within this time are counted on the first event; none means never.
    pub dedup_window: Option<Duration>,
    pub created_at: Timestamp,
}

/// How a sender proves itself: one of header, Basic, login or signature where any is set, and its address where a list is set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Authentication {
    pub header: Option<HeaderAuthentication>,
    pub basic: Option<PasswordAuthentication>,
    pub login: Option<PasswordAuthentication>,
    /// Standard Webhooks secrets, the raw bytes after `whsec_`: HMAC needs them as they are, so they are sealed, not digested.
    pub signature: Vec<Secret<Vec<u8>>>,
    pub addresses: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderAuthentication {
    /// Header name in lower case.
    pub key: String,
    pub digests: Vec<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordAuthentication {
    pub username: String,
    pub digests: Vec<Digest>,
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
