//! Reads the payload on standard input and prints the answer.

use std::io::{Read, Write};

use alertwire_catalogue::{Catalogue, Limits, answer};

fn main() -> std::io::Result<()> {
    let mut payload = Vec::new();
    std::io::stdin().read_to_end(&mut payload)?;
    let catalogue = Catalogue::builtin();
    let reading = catalogue.read(&payload, &Limits::default());
    writeln!(
        std::io::stdout(),
        "{:#}",
        answer(&catalogue, &reading, std::env::args().nth(1).is_some())
    )
}
