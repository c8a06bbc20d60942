//! What is wrong with a template by itself.

use std::ops::Range;

use super::Place;
use crate::diagnostic::Diagnostic;
use crate::generate::{self, Dice};
use crate::kind::Kind;
use crate::template::{Compiled, Piece, Scratch, Template};

/// Bodies made up for each template to see that every segment is reached.
const BODIES: usize = 200;
/// Steps for one of them.
const STEPS: u64 = 1_000_000;

pub(super) fn check(kind: &Kind, place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    for (index, compiled) in kind.templates().enumerate() {
        for Finding {
            span,
            message,
            help,
        } in findings(compiled, index == 0)
        {
            let finding = place.in_template(kind, index, &span, message);
            found.push(finding.with_help(help));
        }
    }
}

/// The first fault of a template that would be rendered, and what to do about it.
pub(crate) fn fault(compiled: &Compiled) -> Option<(String, String)> {
    findings(compiled, true)
        .into_iter()
        .next()
        .map(|finding| (finding.message, finding.help))
}

fn findings(compiled: &Compiled, rendered: bool) -> Vec<Finding> {
    let mut findings = Findings {
        template: &compiled.template,
        rendered,
        list: Vec::new(),
    };
    findings.sequence(&compiled.template.pieces, &mut Vec::new());
    if findings.list.is_empty() {
        findings.segments(compiled);
    }
    findings.list
}

struct Finding {
    span: Range<usize>,
    message: String,
    help: String,
}

struct Findings<'a> {
    template: &'a Template,
    /// The template is printed too, not only read.
    rendered: bool,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Finding {
            span,
            message: message.into(),
            help: help.into(),
        });
    }

    /// Walks a sequence; `open` are the free fields that may stand right before the next piece.
    fn sequence(&mut self, pieces: &[Piece], open: &mut Vec<usize>) {
        let mut ended = false;
        for piece in pieces {
            match piece {
                Piece::Literal { .. } | Piece::Gap => open.clear(),
                Piece::Field(index) => {
                    if ended {
                        let span = self.template.fields[*index].span.clone();
                        self.add(
                            span,
                            "a field stands behind a repeat",
                            "put the fields that all items share before the `(`",
                        );
                    }
                    self.field(*index, open);
                }
                Piece::Optional { pieces, span } => {
                    self.optional(pieces, span, open);
                    let mut inside = open.clone();
                    self.sequence(pieces, &mut inside);
                    // The segment may be absent, so what stood before it stays open too.
                    inside.retain(|field| !open.contains(field));
                    open.extend(inside);
                }
                Piece::Repeat { pieces, .. } => {
                    self.sequence(pieces, open);
                    ended = true;
                }
            }
        }
        self.lists(pieces);
    }

    fn field(&mut self, index: usize, open: &mut Vec<usize>) {
        let field = &self.template.fields[index];
        if field.kind.is_free()
            && let Some(before) = open.first()
        {
            let message = format!(
                "two free fields stand side by side: `{}` and `{}`",
                self.template.fields[*before].name, field.name
            );
            self.add(
                field.span.clone(),
                message,
                "put words between them, or give one a tight type",
            );
        }
        open.clear();
        if field.kind.is_free() {
            open.push(index);
        }
        if self.rendered && !field.is_kept() {
            self.add(
                field.span.clone(),
                format!(
                    "`{}` is read over and not kept, so it cannot be rendered",
                    field.name
                ),
                "use it in `variants` only",
            );
        }
    }

    fn optional(&mut self, pieces: &[Piece], span: &Range<usize>, open: &[usize]) {
        let begins_free = matches!(pieces.first(), Some(Piece::Field(index)) if self.template.fields[*index].kind.is_free());
        if let Some(before) = open.first().filter(|_| !begins_free) {
            let introducer = introducer(pieces);
            let letters = introducer
                .chars()
                .filter(|letter| letter.is_alphanumeric())
                .count();
            let (least, least_letters) = if self.holds_free(pieces) {
                (6, 3)
            } else {
                (4, 2)
            };
            if introducer.len() < least || letters < least_letters {
                let name = &self.template.fields[*before].name;
                let message = format!(
                    "the free field `{name}` stands before an optional segment whose introducer {introducer:?} is too short"
                );
                let end = span.start + 1 + introducer.len().max(1);
                self.add(span.start..end, message, format!("begin the segment with at least {least} characters, {least_letters} of them letters"));
            }
        }
        let holds_field = pieces
            .iter()
            .any(|piece| !matches!(piece, Piece::Literal { .. } | Piece::Gap));
        if self.rendered && !holds_field {
            self.add(
                span.clone(),
                "nothing reaches this segment: it holds no field, so it is never rendered",
                "use it in `variants` only",
            );
        }
    }

    fn holds_free(&self, pieces: &[Piece]) -> bool {
        pieces.iter().any(|piece| match piece {
            Piece::Field(index) => self.template.fields[*index].kind.is_free(),
            Piece::Optional { pieces, .. } | Piece::Repeat { pieces, .. } => {
                self.holds_free(pieces)
            }
            Piece::Literal { .. } | Piece::Gap => false,
        })
    }

    fn lists(&mut self, pieces: &[Piece]) {
        let mut lists = pieces.iter().filter_map(|piece| match piece {
            Piece::Field(index) if self.template.fields[*index].list => Some(*index),
            _ => None,
        });
        if let Some(second) = lists.nth(1) {
            let span = self.template.fields[second].span.clone();
            self.add(
                span,
                "a second list in one item",
                "which value of one belongs to which of the other would be a guess",
            );
        }
    }

    /// Segments that no body of the template can reach.
    fn segments(&mut self, compiled: &Compiled) {
        let mut segments = Vec::new();
        collect(&self.template.pieces, &mut segments);
        let mut dice = Dice::new(1);
        let mut scratch = Scratch::default();
        for _ in 0..BODIES {
            if segments.is_empty() {
                return;
            }
            let records = generate::records(self.template, &mut dice);
            let Ok(body) = compiled.print(&records) else {
                continue;
            };
            if compiled
                .read(&body, false, &mut scratch, &mut 0, STEPS)
                .is_err()
            {
                continue;
            }
            let (read, _) = compiled.records(&body, &scratch.captures, records.len());
            let came_back = |name: &str| {
                read.iter()
                    .zip(&records)
                    .any(|(read, meant)| read.contains(name) && read.get(name) == meant.get(name))
            };
            segments.retain(|(_, fields)| {
                !fields.iter().all(|field| {
                    let field = &self.template.fields[*field];
                    !field.is_kept() || came_back(&field.name)
                })
            });
        }
        for (span, _) in segments {
            self.add(
                span,
                "nothing reaches this segment: what stands before it takes its text",
                "give it an introducer of its own",
            );
        }
    }
}

/// The literal that a segment begins with.
fn introducer(pieces: &[Piece]) -> &str {
    match pieces.first() {
        Some(Piece::Literal { text }) => text,
        Some(Piece::Optional { pieces, .. }) => introducer(pieces),
        _ => "",
    }
}

/// The optional segments that hold fields, with those fields.
fn collect(pieces: &[Piece], segments: &mut Vec<(Range<usize>, Vec<usize>)>) {
    for piece in pieces {
        match piece {
            Piece::Optional { pieces, span } => {
                let fields: Vec<usize> = pieces
                    .iter()
                    .filter_map(|piece| match piece {
                        Piece::Field(index) => Some(*index),
                        _ => None,
                    })
                    .collect();
                if !fields.is_empty() {
                    segments.push((span.clone(), fields));
                }
                collect(pieces, segments);
            }
            Piece::Repeat { pieces, .. } => collect(pieces, segments),
            Piece::Literal { .. } | Piece::Field(_) | Piece::Gap => {}
        }
    }
}
