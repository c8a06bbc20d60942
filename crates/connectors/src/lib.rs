//! The destinations: what a connector's credentials may be, how a set-up is checked step by step, how alerts are sent.
//!
//! What it is for: [`parse`] and [`change`] turn the API's `credentials` object into checked fields and secrets;
//! [`Ready`] is a connector with its settings, its secrets and its token, ready to [`Ready::check`] and [`Ready::send`].
//! Today there is one connector, `webhook`.
//!
//! What it never does: open a socket (that is `egress`), decide about retries (that is `delivery`), change a byte of a
//! frozen alert, send an alert unauthenticated when its login failed, or let a secret into a record, an error or a log.
//!
//! Start reading at [`Ready`], then `webhook`.

mod check;
pub mod credentials;
mod header_rules;
mod identity;
mod outcome;
mod ready;
mod record;
pub mod rotation;
pub mod signature;
mod webhook;

pub use check::{CheckReport, MOST_STEPS, Step, TEST_EVENT, TEST_SUBJECT, test_alert};
pub use credentials::{FieldError, Parsed, change, known, parse};
pub use ready::{NotReady, Ready};
pub use record::{Exchanged, Outgoing, Sent};
pub use webhook::settings::PORTS;
