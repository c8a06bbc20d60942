//! The words of Alertwire as types, and the decisions that need nothing but their arguments.
//!
//! What it is for: companies, sources, integrations, event sets, rules and mappings
//! ([`configuration::Configuration`]), events, the one [`filter::Filter`] language, and
//! [`matching`]: which integrations an event goes to, and why.
//!
//! What it never does: no socket, no file, no database, no clock and no global randomness.
//! Time and randomness are arguments.
//!
//! Start reading at [`configuration`], then [`matching`].

pub mod access;
pub mod alert;
pub mod clock;
pub mod company;
pub mod configuration;
pub mod event;
pub mod event_set;
pub mod filter;
pub mod id;
pub mod integration;
pub mod mapping;
pub mod matching;
pub mod message;
pub mod rule;
pub mod secret;
pub mod source;
pub mod time;

pub use alertwire_catalogue as catalogue;
pub use alertwire_catalogue::Severity;
pub use clock::{Clock, Dice};
pub use id::{
    AttemptId, CompanyId, DeliveryId, EventId, EventSetId, IntegrationId, JobId, KeyId, MessageId,
    NodeId, RuleId, SourceId,
};
pub use secret::Secret;
pub use time::Timestamp;
