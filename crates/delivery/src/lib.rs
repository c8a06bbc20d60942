//! What to do next with a delivery: the decisions of delivering, without any of its I/O.
//!
//! What it is for: the state of one delivery ([`Delivery`]), what an attempt came to ([`Outcome`]), the gate of an
//! integration ([`Gate`]), the order in which due work is taken ([`queue`]), its pace ([`rate`], [`recovery`]), what one
//! integration may hold of all that is in flight ([`share`]), grouping ([`group`]), the deliveries that a verdict asks for
//! ([`planning`]), sending many again ([`replay`]) and login freshness ([`login`]).
//!
//! What it never does: no socket, no database, no clock, no global randomness, no async. `dispatch` obeys it.
//!
//! Start reading at [`state`], then [`gate`]; `tests/it/story.rs` plays the two together through outages.

pub mod gate;
pub mod group;
pub mod login;
pub mod outcome;
pub mod planning;
pub mod queue;
pub mod rate;
pub mod recovery;
pub mod replay;
pub mod retry_after;
pub mod share;
pub mod state;
pub mod status;

pub use gate::{Admission, Gate, GateChange, HoldReason};
pub use outcome::{Cause, Outcome};
pub use planning::{NewDelivery, NewGroup, Planner};
pub use queue::{Lane, Queue};
pub use rate::Rate;
pub use recovery::Recovery;
pub use share::Shares;
pub use state::{DeadReason, Delivery, Fault, Status, Step};
pub use status::{IntegrationStatus, integration_status};
