//! An event: one occurrence of a kind, and how it was read.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::catalogue::{Kind, Record, Value};
use crate::message::Decode;
use crate::{CompanyId, EventId, MessageId, Severity, SilenceId, SourceId, Timestamp};

/// One alert of a message, with 1..n records.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: EventId,
    pub message: MessageId,
    pub source: Option<SourceId>,
    /// None is *unassigned*.
    pub company: Option<CompanyId>,
    /// Code of the kind that the subject names; none when it names none.
    pub kind: Option<String>,
    pub category: Option<String>,
    pub subject: String,
    pub body: String,
    pub severity: Severity,
    pub reading: Reading,
    pub fingerprint: Fingerprint,
    pub occurred_at: Option<Timestamp>,
    pub received_at: Timestamp,
    /// How often it was seen within its source's window; 1 at first.
    pub count: u32,
    pub routing: Routing,
    /// The silence that muted it.
    pub silence: Option<SilenceId>,
    /// The configuration's epoch that the verdict was reached by.
    pub epoch: u64,
    /// Instances that the alert had passed when it came in.
    pub via: Vec<String>,
    pub repeats: Repeats,
}

/// What is known of an event beyond its own message, where its source counts repeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeats {
    /// When it was last counted again, and the message that did it; none while it was seen once.
    pub last: Option<(Timestamp, MessageId)>,
    /// The event that said the same, and had been quiet for the window when this one came.
    pub reopened: Option<EventId>,
}

/// How the body was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub decode: Decode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    #[serde(rename = "match")]
    pub matched: Match,
    /// Reading panicked or ran out of its budget; the raw message is in the journal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_failed: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguous: Vec<Ambiguity>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remainder: String,
}

/// A change that decoding made to a broken envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Byte offset in the raw message.
    pub offset: usize,
    pub rule: String,
}

/// How much of the body a template explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    Full,
    Partial,
    None,
}

impl Match {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}

/// A field that two readings disagree on. Never used for routing, deduplication or closing anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ambiguity {
    pub record: usize,
    pub field: String,
    /// What the two readings say; none where a reading lacks the field.
    pub readings: [Option<Value>; 2],
}

impl Reading {
    /// The reading of an event that was raised from its own records, not read from prose.
    #[must_use]
    pub fn of_records(records: Vec<Record>) -> Self {
        Self {
            records,
            ..Self::nothing(Decode::Ok)
        }
        .with_match(Match::Full)
    }

    /// A reading that understood nothing.
    #[must_use]
    pub fn nothing(decode: Decode) -> Self {
        Self {
            decode,
            repairs: Vec::new(),
            matched: Match::None,
            read_failed: false,
            records: Vec::new(),
            alternatives: Vec::new(),
            suggested: None,
            ambiguous: Vec::new(),
            remainder: String::new(),
        }
    }

    fn with_match(self, matched: Match) -> Self {
        Self { matched, ..self }
    }

    /// The value of a field of a record, unless it is ambiguous.
    #[must_use]
    pub fn certain(&self, record: usize, field: &str) -> Option<&Value> {
        let doubtful = self
            .ambiguous
            .iter()
            .any(|ambiguity| ambiguity.record == record && ambiguity.field == field);
        if doubtful {
            None
        } else {
            self.records.get(record)?.get(field)
        }
    }

    /// The certain values of a field, over all records.
    pub fn certain_values<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a Value> {
        (0..self.records.len()).filter_map(move |record| self.certain(record, field))
    }
}

/// Where an event went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    Routed,
    Unrouted(Reason),
}

/// Why an event went nowhere. In the order of how far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The message had passed this very instance before.
    Loop,
    /// No company is known for it.
    UnassignedCompany,
    /// No integration has a mapping for its company.
    NoMapping,
    /// A mapping is there, with *Create Webhook Alert* off.
    MappingOff,
    /// No rule of the mapping selects it.
    NoRule,
    /// It would have been routed, but for a silence that held when it came in.
    Silenced,
    /// It was found when a stored message was read again, and nobody asked for it to be sent.
    Reread,
}

impl Reason {
    pub const ALL: [Self; 7] = [
        Self::Loop,
        Self::UnassignedCompany,
        Self::NoMapping,
        Self::MappingOff,
        Self::NoRule,
        Self::Silenced,
        Self::Reread,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::UnassignedCompany => "unassigned_company",
            Self::NoMapping => "no_mapping",
            Self::MappingOff => "mapping_off",
            Self::NoRule => "no_rule",
            Self::Silenced => "silenced",
            Self::Reread => "reread",
        }
    }

    /// Its company is known, and no mapping and rule takes it. Lists and filters call these `unmatched`.
    #[must_use]
    pub fn is_unmatched(self) -> bool {
        matches!(self, Self::NoMapping | Self::MappingOff | Self::NoRule)
    }

    /// What it means and what a person can do about it.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Loop => {
                "the message had passed this instance before, so it was kept and not sent on"
            }
            Self::UnassignedCompany => {
                "no company is known for it: give its source a default company or a company rule"
            }
            Self::NoMapping => {
                "no integration has a mapping for its company: add a company mapping"
            }
            Self::MappingOff => {
                "its company is mapped with `Create Webhook Alert` off: switch it on"
            }
            Self::NoRule => {
                "no rule of its company's mapping selects it: check the rule's event set, matchers and switch"
            }
            Self::Silenced => {
                "a silence held when it came in, so it was kept and not sent: replay it if it should be"
            }
            Self::Reread => {
                "it was found when a stored message was read again, and was kept and not sent: replay it if it should be"
            }
        }
    }
}

impl Routing {
    /// The one word that the databases store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Routed => "routed",
            Self::Unrouted(reason) => reason.as_str(),
        }
    }

    /// The routing of a stored word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        if word == "routed" {
            return Some(Self::Routed);
        }
        Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .map(Self::Unrouted)
    }
}

/// 16 bytes of a SHA-256: equal for events that say the same of the same thing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a kind's sorted record keys in a company; where there is none, of subject and body.
    /// Times, counts and free text are in no key, so a repeat has the same fingerprint.
    #[must_use]
    pub fn new(
        company: Option<CompanyId>,
        kind: Option<&str>,
        keys: &mut [String],
        subject: &str,
        body: &str,
    ) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(&company.map_or([0; 16], CompanyId::to_bytes));
        if let (Some(kind), false) = (kind, keys.is_empty()) {
            keys.sort_unstable();
            part(kind.as_bytes());
            keys.iter().for_each(|key| part(key.as_bytes()));
        } else {
            part(subject.as_bytes());
            part(body.as_bytes());
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hash.finalize()[..16]);
        Self(short)
    }

    /// The fingerprint of what was read. Keys of doubtful readings are not used: such an event is the same only as one with
    /// the same words.
    #[must_use]
    pub fn of_records(
        company: Option<CompanyId>,
        kind: Option<&Kind>,
        records: &[Record],
        is_certain: bool,
        subject: &str,
        body: &str,
    ) -> Self {
        let keys = |kind: &Kind| -> Option<Vec<String>> {
            records
                .iter()
                .map(|record| kind.record_key(record))
                .collect()
        };
        let mut keys = kind
            .filter(|_| is_certain)
            .and_then(keys)
            .unwrap_or_default();
        let kind = kind.map(|kind| kind.code.as_str());
        Self::new(company, kind, &mut keys, subject, body)
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is 32 hexadecimal digits")]
pub struct FingerprintError;

impl std::str::FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 16 || !rest.is_empty() {
            return Err(FingerprintError);
        }
        let mut bytes = [0; 16];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |letter: u8| char::from(letter).to_digit(16).ok_or(FingerprintError);
            let value = digit(*high)? * 16 + digit(*low)?;
            *byte = u8::try_from(value).map_err(|_| FingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
