//! What tests need and no product has: a clock moved by hand, seeded randomness, a scripted HTTP(S) target, a browser.
//!
//! What it never does: let a test sleep. A test that has to wait waits for the thing itself ([`Watched::until`],
//! [`Target::requests`], [`browser::Page::says`]); a script that needs time uses the runtime's clock, which `start_paused`
//! makes virtual.
//! Nothing here is compiled into the product: crates take it as a development dependency.
//!
//! Start reading at [`Target`], then [`Answer`].

pub mod browser;
pub mod clock;
pub mod seed;
pub mod target;
pub mod watched;

pub use browser::Browser;
pub use clock::ManualClock;
pub use seed::{for_seeds, seeded};
pub use target::{Answer, Authority, Certificate, ClientFiles, Received, Target, gzip_bomb};
pub use watched::Watched;
