//! Which events share one alert (decisions.md 13): a group is a pending delivery with no attempts whose due time is the
//! end of its window.

use std::fmt::Write as _;

use domain::event_set::NotifyBy;
use domain::{CompanyId, IntegrationId, RuleId};
use sha2::{Digest as _, Sha256};

/// Most records and most body bytes of one joined alert; then the next one opens.
pub const RECORDS: u32 = 50;
pub const BYTES: u32 = 16 * 1_024;

/// What the events of a group have in common. Kinds never mix, for the subject is the routing key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupKey(String);

impl GroupKey {
    /// `shared` is the asset or product key that all the records share; none when it is joined by company. It stands in the
    /// key as its hash: it comes out of a message and so may be longer, or hold other bytes, than an index of a database takes.
    #[must_use]
    pub fn new(
        integration: IntegrationId,
        rule: RuleId,
        kind: &str,
        company: CompanyId,
        by: NotifyBy,
        shared: Option<&str>,
    ) -> Self {
        // Ids and codes hold no slash, so two different groups never share a key.
        let mut key = format!("{integration}/{rule}/{kind}/{company}/{}/", by.as_str());
        for byte in shared.map(Sha256::digest).into_iter().flatten() {
            // Writing to a text cannot fail.
            let _ = write!(key, "{byte:02x}");
        }
        Self(key)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for GroupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
