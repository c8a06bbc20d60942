//! HTTP in front of Alertwire: the REST API, the console's pages, the webhook intake, health and figures.
//!
//! What it is for: translation. A handler authorises its caller by an extractor type, parses the request into the domain's
//! types, asks `store`, `receive` or `connectors`, and translates the answer. [`router`] is all of it as a service,
//! [`serve`] runs that on a listener with its limits.
//!
//! What it never does: decide where an event goes or what a delivery does next, run SQL, open an outgoing socket (a check
//! of an integration goes through `connectors`), call `dispatch` (it writes rows, so nodes can take different roles), read
//! files, clocks or the environment.
//!
//! Start reading at `router`, then an endpoint such as `api/company/create.rs`, then `problem`, then `intake`, then `console`.

mod api;
mod app;
mod blocking;
mod console;
mod disk;
mod door;
mod health;
mod hex;
mod intake;
mod meters;
mod openapi;
mod problem;
mod rate_limit;
mod read;
mod router;
mod serve;
mod settings;
mod tallies;
mod test_sends;
mod verification;

pub use app::{App, Parts};
pub use disk::{Disk, Room};
pub use openapi::document as openapi;
pub use router::{Peer, router};
pub use serve::{Tls, TlsError, serve};
pub use settings::{PublicUrl, PublicUrlError, Settings};
