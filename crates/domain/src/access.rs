//! Who may do what: roles, the companies that somebody sees, API keys. People who sign in are in [`crate::user`].

use serde::{Deserialize, Serialize};

use crate::{CompanyId, KeyId, Timestamp, UserId};

/// Each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Reads, sends events, retries deliveries.
    Operator,
    /// Everything, configuration and keys included.
    Admin,
}

impl Role {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Viewer, Self::Operator, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a role; take admin, operator or viewer"))
    }
}

/// The companies that a caller may see: every query carries it, and another company's things do not exist for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All companies, and what belongs to none.
    All,
    /// These companies alone; unassigned things are not theirs.
    Companies(Vec<CompanyId>),
}

impl Scope {
    #[must_use]
    pub fn admits(&self, company: Option<CompanyId>) -> bool {
        match self {
            Self::All => true,
            Self::Companies(ids) => company.is_some_and(|id| ids.contains(&id)),
        }
    }
}

/// The name of the key that the first start makes: until there is a first user, it is what lets one be made in the console.
pub const SETUP_KEY: &str = "set-up token";

/// An API key as it is stored; the key itself is shown once and kept only as a keyed digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: KeyId,
    pub name: String,
    pub role: Role,
    pub scope: Scope,
    pub digest: [u8; 32],
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Who a change is put down to in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Key {
        id: KeyId,
        name: String,
    },
    /// Somebody who is signed in.
    User {
        id: UserId,
        name: String,
    },
    /// The command line on the machine itself.
    Local,
    /// Alertwire itself: a gate that closed, a first start.
    System,
}
