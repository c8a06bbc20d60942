//! Ids are types: two things that could be swapped by mistake never share one.
//!
//! Every id is a UUID version 7 (RFC 9562, section 5.7), so ids order by time of making.

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id; ids are UUIDs as the API printed them")]
pub struct IdError(String);

/// Makes a version 7 UUID from the time and the randomness that were passed in.
fn make(now: Timestamp, rng: &mut impl Rng) -> Uuid {
    let mut random = [0_u8; 10];
    rng.fill_bytes(&mut random);
    uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id that orders after all ids of earlier milliseconds.
            pub fn new(now: Timestamp, rng: &mut impl Rng) -> Self {
                Self(make(now, rng))
            }

            /// No id of this millisecond or of an earlier one orders after it.
            #[must_use]
            pub fn last_of(now: Timestamp) -> Self {
                let random = [u8::MAX; 10];
                Self(uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), &random).into_uuid())
            }

            /// The millisecond that it was made in.
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                let mut millis = [0; 8];
                millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
                let micros = i64::from_be_bytes(millis).saturating_mul(1_000);
                Timestamp::from_micros(micros).min(Timestamp::LAST)
            }

            /// The 16 bytes that the databases store.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.into_bytes()
            }

            /// The id of 16 stored bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError(text.chars().take(64).collect()))
            }
        }
    )*};
}

ids! {
    /// A customer of the MSP.
    CompanyId
    /// A door that events come in by.
    SourceId
    /// A configured destination.
    IntegrationId
    /// A named selection of event kinds.
    EventSetId
    /// An event kind of the user's, or wordings of theirs for another one.
    EventKindId
    /// A link of one integration with one event set.
    RuleId
    /// A time in which certain events go nowhere.
    SilenceId
    /// A raw message in the journal.
    MessageId
    /// One occurrence of an event kind.
    EventId
    /// One alert to be brought to one integration; also its `webhook-id`.
    DeliveryId
    /// One try of a delivery.
    AttemptId
    /// An API key.
    KeyId
    /// Somebody who signs in to the console.
    UserId
    /// A long piece of work: a replay.
    JobId
    /// A node, stable over restarts (kept in the state folder).
    NodeId
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn ids_order_by_time_and_survive_text_and_bytes() {
        let mut rng = StdRng::seed_from_u64(7);
        let early = EventId::new(Timestamp::from_micros(1_000_000), &mut rng);
        let late = EventId::new(Timestamp::from_micros(2_000_000), &mut rng);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(EventId::from_bytes(early.to_bytes()), early);
        assert!("nonsense".parse::<EventId>().is_err());
    }
}
