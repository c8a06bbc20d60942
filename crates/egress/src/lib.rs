//! The one guarded door: every outgoing socket of Alertwire is opened here.
//!
//! What it is for: [`Egress::http`] carries out one whole HTTP exchange under one deadline, [`Egress::tcp`],
//! [`Egress::tls`] and [`Egress::address`] serve the other protocols, [`Egress::probe`] shows the steps of a connection
//! one by one. All of them go through the same few lines (`dial`), so the address policy cannot be walked around:
//! a name is resolved, *every* address it has is judged, and a judged address, never the name, is connected to.
//! [`Egress::identity`] gives one integration roots of trust and a client certificate of its own.
//!
//! What it never does: follow a redirect, ask for or undo a content encoding, read a proxy from the environment,
//! skip a certificate check, resend a request of which a byte may have gone out, or say why an address was refused
//! (the operator's log does).
//!
//! Start reading at [`address::classify`] (what is public), then [`allow`] (what the operator adds), then `dial`.

pub mod address;
pub mod allow;
mod client;
mod connection;
mod dial;
mod failure;
mod identity;
mod pool;
pub mod resolve;
mod settings;
mod stream;
mod target;
mod tls;

pub use address::{Standing, classify};
pub use allow::{AllowEntry, AllowEntryError};
pub use client::{Egress, Exchange, Request, USER_AGENT};
pub use failure::{BLOCKED, Cause, Failure, Step, Timings};
pub use identity::{CERTIFICATES, Identity, IdentityError, Shown};
pub use resolve::Resolve;
pub use settings::{EgressError, Settings};
pub use stream::Stream;
pub use target::{Target, TargetError};
