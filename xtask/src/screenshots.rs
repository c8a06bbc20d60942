//! `cargo xtask screenshots`: the pictures of the console's pages that the documentation shows.
//!
//! A test takes them of a server that it furnishes, on each run; here it is told where to keep them.

use anyhow::Result;

use crate::ci::linked;
use crate::run::{cargo, root, run};
use crate::system;

const FOLDER: &str = "docs/screenshots";
const TEST: &str = "test(the_main_pages_are_photographed)";

/// Takes them all.
pub fn screenshots() -> Result<()> {
    system::prepare()?;
    let mut test = linked(cargo(&[
        "nextest",
        "run",
        "--locked",
        "-p",
        "alertwire",
        "-E",
        TEST,
    ]));
    test.env("ALERTWIRE_SCREENSHOTS", root().join(FOLDER));
    run(test)
}
