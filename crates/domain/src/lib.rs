//! The words of Alertwire as types, and the decisions that need nothing but their arguments.
//!
//! What it is for: companies, sources, integrations, event sets, rules, mappings and silences
//! ([`configuration::Configuration`]), events, the one [`filter::Filter`] language,
//! [`matching`]: which integrations an event goes to, and why; [`what_if`]: which it would go to; and [`projection`]: events
//! in the formats of others.
//! [`reader`] turns a message into events, [`reread`] does so again with what is known today.
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
pub mod diff;
pub mod event;
pub mod event_kind;
pub mod event_set;
pub mod filter;
pub mod finding;
pub mod id;
pub mod integration;
pub mod mapping;
pub mod matching;
pub mod message;
pub mod projection;
pub mod reader;
pub mod reread;
pub mod rule;
pub mod secret;
pub mod session;
pub mod sign_in;
pub mod silence;
pub mod source;
pub mod time;
pub mod user;
pub mod what_if;

pub use alertwire_catalogue as catalogue;
pub use alertwire_catalogue::Severity;
pub use clock::{Clock, Dice};
pub use id::{
    AttemptId, CompanyId, DeliveryId, EventId, EventKindId, EventSetId, IntegrationId, JobId,
    KeyId, MessageId, NodeId, RuleId, SilenceId, SourceId, UserId,
};
pub use secret::Secret;
pub use time::Timestamp;
