//! Event kinds, typed fields and the template language of Alertwire: one template per kind renders an event as an
//! alert (`subject`, `body`) and reads an alert back as fields.
//!
//! It never touches a socket, a file, a clock or randomness; it never panics on what it reads, never guesses without
//! saying so, and never takes more than linear time.
//!
//! Start at [`Catalogue::read`] for the way in (its steps have the names of the webhook guide's parser flow) and at
//! [`Catalogue::render`] for the way out. The kinds themselves are data: `kinds/*.toml`.
//!
//! ```
//! use alertwire_catalogue::{Catalogue, Limits};
//!
//! let payload = br#"{"subject": "Asset Ports",
//!                    "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;
//! let catalogue = Catalogue::builtin();
//! let reading = catalogue.read(payload, &Limits::default());
//! let alert = &reading.alerts[0];
//! assert_eq!(alert.kind.unwrap().code, "system.port_open_probe");
//! assert_eq!(alert.records[0].text("hostname"), Some("server-01.example.com"));
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod catalogue;
mod kind;

mod reading;

mod envelope;
mod view;

mod template;
mod types;

mod render;

mod answer;
mod keys;
mod sweep;

mod check;
mod diagnostic;
mod entry;
mod files;
mod generate;

mod drift;
mod learn;

mod hash;
mod limits;
mod nearest;
mod severity;
mod value;

pub use answer::{alert_answer, answer};
pub use catalogue::Catalogue;
pub use check::check;
pub use diagnostic::Diagnostic;
pub use drift::{Drift, Turn, new_tail};
pub use entry::Entry;
pub use envelope::{Decode, Repair, Rule};
pub use kind::{Example, FieldInfo, Kind};
pub use learn::{
    LONGEST_BODY, Learned, LearnedField, MOST_BODIES, MOST_WORDINGS, NewKind, Proposal,
    RenameError, TemplateError, Wordings, learn,
};
pub use limits::Limits;
pub use nearest::nearest;
pub use reading::{AlertReading, Ambiguity, Match, Reading, Span};
pub use render::{RenderError, Rendered};
pub use severity::{NotASeverity, Severity, Wording};
pub use sweep::Entities;
pub use value::{Record, Value};
