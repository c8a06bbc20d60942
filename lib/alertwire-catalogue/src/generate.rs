//! Values made up from a seed, for checks that want many bodies of a kind.

use crate::template::{Piece, Template};
use crate::types::{FieldType, means_absent};
use crate::value::{Record, Value};

/// A small generator of its own: checks must say the same on every machine, for ever.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        let index = self.below(among.len() as u64);
        among[usize::try_from(index).unwrap_or(0)]
    }
}

const WORDS: [&str; 24] = [
    "Acme",
    "Corporation",
    "Müller",
    "Smith,",
    "Jones",
    "and",
    "Co.",
    "O'Neil",
    "\"Best\"",
    "GmbH",
    "in",
    "on",
    "at",
    "for",
    "Server",
    "2.4.58",
    "(x64)",
    "Apache",
    "HTTP",
    "john.doe",
    "ACME\\jdoe",
    "jane@acme.example",
    "7-Zip",
    "C:\\Windows",
];
const HOST_PARTS: [&str; 8] = [
    "server-01",
    "db",
    "WS7",
    "probe_2",
    "example",
    "corp",
    "local",
    "com",
];

/// Records that the template can print: several when it repeats, segments now there and now not.
pub(crate) fn records(template: &Template, dice: &mut Dice) -> Vec<Record> {
    let levels = template
        .fields
        .iter()
        .map(|field| field.level)
        .max()
        .unwrap_or(0);
    let mut heading = Record::new();
    fill(template, &template.pieces, 0, &mut heading, dice);
    if levels == 0 {
        return vec![heading];
    }
    let mut records = Vec::new();
    for _ in 0..=dice.below(2) {
        let mut outer = heading.clone();
        fill(template, &template.pieces, 1, &mut outer, dice);
        if levels == 1 {
            records.push(outer);
            continue;
        }
        for _ in 0..=dice.below(2) {
            let mut inner = outer.clone();
            fill(template, &template.pieces, 2, &mut inner, dice);
            records.push(inner);
        }
    }
    records
}

fn fill(template: &Template, pieces: &[Piece], level: u8, record: &mut Record, dice: &mut Dice) {
    for piece in pieces {
        match piece {
            Piece::Literal { .. } | Piece::Gap => {}
            Piece::Field(index) => {
                let field = &template.fields[*index];
                if field.level == level {
                    record.insert(field.name.clone(), value(&field.kind, dice));
                }
            }
            Piece::Optional { pieces, .. } => {
                if dice.below(3) > 0 {
                    fill(template, pieces, level, record, dice);
                }
            }
            Piece::Repeat { pieces, .. } => fill(template, pieces, level, record, dice),
        }
    }
}

/// A canonical value of the type.
fn value(kind: &FieldType, dice: &mut Dice) -> Value {
    match kind {
        FieldType::Ip => ip(dice).into(),
        FieldType::Port => Value::Int(1 + dice.below(65_535).cast_signed()),
        FieldType::Mac => {
            let pairs: Vec<String> = (0..6).map(|_| format!("{:02X}", dice.below(256))).collect();
            pairs.join(":").into()
        }
        FieldType::Cve => {
            format!("CVE-{}-{:04}", 1999 + dice.below(30), dice.below(100_000)).into()
        }
        FieldType::Advisory => {
            format!("GHSA-{:04}-{:04}", dice.below(10_000), dice.below(10_000)).into()
        }
        FieldType::Severity => dice
            .pick(&["info", "low", "medium", "high", "critical"])
            .into(),
        FieldType::Timestamp => {
            let fraction = dice.pick(&["", ".5", ".123456789"]);
            let (hour, minute, second) = (dice.below(24), dice.below(60), dice.below(60));
            format!(
                "{}T{hour:02}:{minute:02}:{second:02}{fraction}Z",
                date(dice)
            )
            .into()
        }
        FieldType::Date => date(dice).into(),
        FieldType::Host => host(dice).into(),
        FieldType::Int => Value::Int(dice.below(1_000_000).cast_signed() - 500),
        FieldType::Decimal => {
            Value::Decimal(f64::from(u32::try_from(dice.below(100_000)).unwrap_or(0)) / 100_000.0)
        }
        FieldType::Word => dice
            .pick(&[
                "alpha",
                "scan-7",
                "x",
                "4711",
                "a/b",
                "CVE-2024-1",
                "tenant.example",
            ])
            .into(),
        FieldType::Enum(choices) => dice
            .pick(&choices.iter().map(String::as_str).collect::<Vec<_>>())
            .into(),
        FieldType::Text | FieldType::Other(_) | FieldType::User => free(kind, dice).into(),
        FieldType::Multiline => format!("{}\n{}", free(kind, dice), free(kind, dice)).into(),
    }
}

fn ip(dice: &mut Dice) -> String {
    if dice.below(4) == 0 {
        return format!("2001:db8::{:x}", 1 + dice.below(0xfffe));
    }
    format!(
        "{}.{}.{}.{}",
        dice.below(256),
        dice.below(256),
        dice.below(256),
        dice.below(256)
    )
}

fn date(dice: &mut Dice) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        1990 + dice.below(60),
        1 + dice.below(12),
        1 + dice.below(28)
    )
}

fn host(dice: &mut Dice) -> String {
    let parts: Vec<&str> = (0..=dice.below(3))
        .map(|_| dice.pick(&HOST_PARTS))
        .collect();
    parts.join(".")
}

fn free(kind: &FieldType, dice: &mut Dice) -> String {
    loop {
        let words: Vec<&str> = (0..=dice.below(4)).map(|_| dice.pick(&WORDS)).collect();
        let text = words.join(" ");
        if kind.admits(text.as_bytes()) && !means_absent(&text) {
            return text;
        }
    }
}
