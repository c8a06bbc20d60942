//! Drives a target with a stable compiler: over files, and over damaged examples made from a seed.
//!
//! `fuzz decode|parse [--seconds N] [--seed N] [FILE…]`. An input that fails is written to `fuzz-failure.bin`.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use alertwire_catalogue::Catalogue;
use alertwire_catalogue_fuzz::{decode, parse};

const FAILURE: &str = "fuzz-failure.bin";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let target: fn(&[u8]) = match arguments.next().as_deref() {
        Some("decode") => decode,
        Some("parse") => parse,
        _ => return Err("usage: fuzz decode|parse [--seconds N] [--seed N] [FILE…]".into()),
    };
    let (mut seconds, mut seed, mut files) = (10, 1, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => {
                seconds = arguments
                    .next()
                    .ok_or("--seconds needs a number")?
                    .parse()?
            }
            "--seed" => seed = arguments.next().ok_or("--seed needs a number")?.parse()?,
            file => files.push(file.to_owned()),
        }
    }
    for file in &files {
        run(target, &std::fs::read(file)?)?;
    }
    let start = Instant::now();
    let mut dice = Dice(seed);
    let examples = examples(std::ptr::fn_addr_eq(target, parse as fn(&[u8])));
    let mut runs = files.len() as u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let input = damaged(&examples, &mut dice);
        run(target, &input)?;
        runs += 1;
    }
    println!("{runs} inputs, seed {seed}, no failure");
    Ok(())
}

fn run(target: fn(&[u8]), input: &[u8]) -> Result<(), Box<dyn Error>> {
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        std::fs::write(FAILURE, input)?;
        return Err(format!("a promise was broken; the input is in {FAILURE}").into());
    }
    Ok(())
}

/// The catalogue's examples as inputs: payloads, or a byte for the subject and the body.
fn examples(bare: bool) -> Vec<Vec<u8>> {
    let catalogue = Catalogue::builtin();
    let mut examples = Vec::new();
    for (index, kind) in catalogue.kinds().iter().enumerate() {
        for example in &kind.examples {
            examples.push(if bare {
                [&[u8::try_from(index).unwrap_or(0)], example.body.as_bytes()].concat()
            } else {
                format!(
                    "{{\"subject\": \"{}\", \"body\": \"{}\"}}",
                    kind.subject, example.body
                )
                .into_bytes()
            });
        }
    }
    examples
}

/// An example with a few bytes changed, taken out, doubled, or taken from another example.
fn damaged(examples: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = examples[dice.below(examples.len())].clone();
    for _ in 0..dice.below(8) {
        let (from, to) = (dice.below(input.len() + 1), dice.below(input.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        match dice.below(6) {
            0 => input.insert(from, u8::try_from(dice.below(256)).unwrap_or(0)),
            1 => drop(input.drain(from..to.min(from + 8))),
            2 => input.extend_from_within(from..to),
            3 => {
                let piece = input[from..to].to_vec();
                let at = dice.below(input.len() + 1);
                input.splice(at..at, piece);
            }
            4 => input.truncate(to.max(1)),
            _ => {
                let other = &examples[dice.below(examples.len())];
                let start = dice.below(other.len());
                let end = (start + dice.below(40)).min(other.len());
                input.splice(from..from, other[start..end].iter().copied());
            }
        }
    }
    input
}

/// SplitMix64: the same inputs for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap_or(0)
    }
}
