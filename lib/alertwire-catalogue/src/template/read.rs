//! Reads a text by a template: the first reading, and whether it is the only one.

use std::borrow::Cow;

use super::Compiled;
use super::run::{Capture, Extent, ITERATION, Miss, Reached, Run, Scratch};
use super::syntax::Field;
use crate::reading::Span;
use crate::value::{Record, Value};

/// What came of reading a text by one template; the captures are in the scratch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readings {
    /// Both orders found the same. Otherwise the other reading is the scratch's trail.
    pub(crate) certain: bool,
    /// Where the reading ends in the text.
    pub(crate) end: usize,
}

impl Compiled {
    /// Reads the whole text, or (`front`) leaves over what stands behind a tight field.
    pub(crate) fn read(
        &self,
        text: &str,
        front: bool,
        scratch: &mut Scratch,
        steps: &mut u64,
        budget: u64,
    ) -> Result<Readings, Miss> {
        let extent = if front { Extent::Front } else { Extent::Whole };
        let fields = &self.template.fields;
        let run = Run {
            program: &self.programs.forward,
            fields,
            text,
            extent,
            look: self.programs.backward.is_some(),
            steps: &mut *steps,
            budget,
        };
        let Reached { end, alone } = run.first(scratch)?;
        std::mem::swap(&mut scratch.trail, &mut scratch.captures);
        let Some(program) = self.programs.backward.as_ref().filter(|_| !alone) else {
            return Ok(Readings { certain: true, end });
        };
        let run = Run {
            program,
            fields,
            text,
            extent,
            look: false,
            steps,
            budget,
        };
        run.first(scratch)?;
        Ok(Readings {
            certain: scratch.trail == scratch.captures,
            end,
        })
    }

    /// The records of a reading, and where each of their fields stands.
    pub(crate) fn records(
        &self,
        text: &str,
        captures: &[Capture],
        most: usize,
    ) -> (Vec<Record>, Vec<Span>) {
        let mut builder = Builder {
            fields: &self.template.fields,
            text,
            records: Vec::new(),
            found: Vec::with_capacity(captures.len()),
            most,
        };
        builder.run(captures);
        (builder.records, builder.found)
    }
}

struct Builder<'a> {
    fields: &'a [Field],
    text: &'a str,
    records: Vec<Record>,
    found: Vec<Span>,
    most: usize,
}

impl Builder<'_> {
    fn run(&mut self, captures: &[Capture]) {
        // The captures in force, outermost first: the headings and the current item.
        let mut open: Vec<Capture> = Vec::new();
        let turns = |level: u32| {
            captures
                .iter()
                .filter(|capture| capture.field == ITERATION && capture.end == level)
                .count()
        };
        if turns(1) <= 1 && turns(2) <= 1 {
            self.leaf(captures);
            return;
        }
        let mut fresh = false;
        for capture in captures {
            if capture.field != ITERATION {
                open.push(*capture);
                fresh = true;
                continue;
            }
            let level = capture.end;
            let inner = open.iter().position(|held| self.level(held) >= level);
            if inner.is_some() && fresh {
                self.leaf(&open);
            }
            open.truncate(inner.unwrap_or(open.len()));
            fresh = false;
        }
        self.leaf(&open);
    }

    fn level(&self, capture: &Capture) -> u32 {
        u32::from(self.fields[usize::from(capture.field)].level)
    }

    /// One record; several when a list holds several items.
    fn leaf(&mut self, captures: &[Capture]) {
        let items = match captures
            .iter()
            .filter(|capture| self.is_item(capture))
            .count()
        {
            0 => 1,
            items => items,
        };
        for item in 0..items {
            if self.records.len() == self.most {
                return;
            }
            self.record(captures, item);
        }
    }

    fn is_item(&self, capture: &Capture) -> bool {
        self.fields
            .get(usize::from(capture.field))
            .is_some_and(|field| field.list)
    }

    /// A record has each field once: the first of two ports says the protocol, and a field of that name before both.
    fn wants_protocol(&self, record: &Record) -> bool {
        !record.contains("protocol") && self.fields.iter().all(|field| field.name != "protocol")
    }

    fn record(&mut self, captures: &[Capture], item: usize) {
        let mut record = Record::with_capacity(captures.len() + 1);
        let mut items = 0;
        for capture in captures {
            let Some(field) = self
                .fields
                .get(usize::from(capture.field))
                .filter(|field| field.is_kept())
            else {
                continue;
            };
            if field.list {
                items += 1;
                if items != item + 1 {
                    continue;
                }
            }
            let (start, end) = (capture.start as usize, capture.end as usize);
            let meaning = field.kind.meaning(&self.text[start..end]);
            let Some(value) = meaning.value else { continue };
            record.push(field.name.clone(), value);
            self.found.push(Span {
                record: self.records.len(),
                field: field.name.clone(),
                start,
                end,
                assumed_utc: meaning.assumed_utc,
            });
            if let Some(protocol) = meaning.protocol.filter(|_| self.wants_protocol(&record)) {
                record.push(Cow::Borrowed("protocol"), Value::from(protocol));
                let start = end - protocol.len();
                self.found.push(Span {
                    record: self.records.len(),
                    field: Cow::Borrowed("protocol"),
                    start,
                    end,
                    assumed_utc: false,
                });
            }
        }
        self.records.push(record);
    }
}
