//! Drives a target with a stable compiler: over files, and over damaged examples made from a seed.
//!
//! `fuzz decode|parse|template|file|learn [--inputs N | --seconds N] [--seed N] [FILE…]`. An input that fails is written to
//! `fuzz-failure.bin`; the same seed makes the same inputs.

mod examples;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use alertwire_catalogue::{Catalogue, Kind};
use alertwire_catalogue_fuzz::{BODIES, TEMPLATES, decode, file, learn, parse, template};

const FAILURE: &str = "fuzz-failure.bin";
const USAGE: &str =
    "usage: fuzz decode|parse|template|file|learn [--inputs N | --seconds N] [--seed N] [FILE…]";

/// What is fuzzed: the promises, and what its inputs are made of.
struct Target {
    name: &'static str,
    run: fn(&[u8]) -> usize,
    examples: fn(&[Kind]) -> Vec<Vec<u8>>,
    /// Damaged examples that one call takes, with a zero byte between.
    at_once: u64,
    /// They are mostly those of one example.
    alike: bool,
}

const TARGETS: [Target; 5] = [
    Target {
        name: "decode",
        run: decode,
        examples: examples::payloads,
        at_once: 1,
        alike: false,
    },
    Target {
        name: "parse",
        run: parse,
        examples: examples::bodies,
        at_once: 1,
        alike: false,
    },
    Target {
        name: "template",
        run: template,
        examples: examples::templates,
        at_once: TEMPLATES as u64,
        alike: false,
    },
    Target {
        name: "file",
        run: file,
        examples: examples::files,
        at_once: 1,
        alike: false,
    },
    Target {
        name: "learn",
        run: learn,
        examples: examples::texts,
        at_once: BODIES as u64,
        alike: true,
    },
];

/// When to stop.
enum End {
    Inputs(u64),
    After(Duration),
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or(USAGE)?;
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.ok_or(USAGE)?;
    let (mut end, mut seed, mut files) = (End::After(Duration::from_secs(10)), 1, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number =
            || -> Result<u64, Box<dyn Error>> { Ok(arguments.next().ok_or(USAGE)?.parse()?) };
        match argument.as_str() {
            "--inputs" => end = End::Inputs(number()?),
            "--seconds" => end = End::After(Duration::from_secs(number()?)),
            "--seed" => seed = number()?,
            file => files.push(file.to_owned()),
        }
    }
    let start = Instant::now();
    for file in &files {
        run(target, &std::fs::read(file)?)?;
    }
    let (inputs, understood) = drive(target, &end, seed, start)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {inputs} inputs, {understood} understood, seed {seed}, {seconds:.1} s, no failure"
    );
    Ok(())
}

fn drive(
    target: &Target,
    end: &End,
    seed: u64,
    start: Instant,
) -> Result<(u64, u64), Box<dyn Error>> {
    let examples = (target.examples)(Catalogue::builtin().kinds());
    let mut dice = Dice(seed);
    let (mut inputs, mut understood) = (0, 0);
    loop {
        let over = match end {
            End::Inputs(most) => inputs >= *most,
            End::After(most) => start.elapsed() >= *most,
        };
        if over {
            return Ok((inputs, understood));
        }
        let mut chosen = dice.below(examples.len());
        let mut input = damaged(chosen, &examples, &mut dice);
        for _ in 1..target.at_once {
            if !target.alike || dice.below(8) == 0 {
                chosen = dice.below(examples.len());
            }
            input.push(0);
            input.extend(damaged(chosen, &examples, &mut dice));
        }
        understood += run(target, &input)? as u64;
        inputs += target.at_once;
    }
}

fn run(target: &Target, input: &[u8]) -> Result<usize, Box<dyn Error>> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).or_else(|_| {
        std::fs::write(FAILURE, input)?;
        Err(format!("a promise was broken; the input is in {FAILURE}").into())
    })
}

/// This example with a few bytes changed, taken out, doubled, or taken from another example.
fn damaged(example: usize, examples: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = examples[example].clone();
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
