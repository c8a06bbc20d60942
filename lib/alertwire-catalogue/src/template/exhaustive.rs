//! A reader that tries everything and remembers nothing: slow, plain, and what the quick one is measured against.

use super::lexis::{gap, is_cut, join, skip_blanks};
use super::program::{Node, NodeId, Program};
use super::run::{Capture, ITERATION, Scratch};
use super::syntax::{Field, Piece};
use super::{Compiled, Miss};

const STEPS: u64 = 10_000_000;

/// All readings in the first order, each once.
fn all_readings(compiled: &Compiled, text: &str) -> Vec<Vec<Capture>> {
    let mut search = Search {
        program: &compiled.programs.forward,
        fields: &compiled.template.fields,
        text,
        trail: Vec::new(),
        found: Vec::new(),
    };
    search.go(search.program.start, 0);
    search.found
}

struct Search<'a> {
    program: &'a Program,
    fields: &'a [Field],
    text: &'a str,
    trail: Vec<Capture>,
    found: Vec<Vec<Capture>>,
}

impl Search<'_> {
    fn go(&mut self, node: NodeId, at: usize) {
        let bytes = self.text.as_bytes();
        match &self.program.nodes[node as usize] {
            Node::Literal { phrase, next } => {
                let end = phrase.end(bytes, at);
                let cut = end == Some(bytes.len()) && is_cut(bytes, &phrase.lower);
                self.on(*next, end.filter(|_| !(cut && self.behind_free(at))));
            }
            Node::Gap { next } => self.on(*next, gap(bytes, at).filter(|_| !self.splits_gap(at))),
            Node::Join { punctuation, next } => self.on(
                *next,
                join(bytes, at, *punctuation).filter(|_| !self.splits_gap(at)),
            ),
            Node::Iteration { level, next } => {
                self.with(ITERATION, at, u32::from(*level) as usize, *next, at)
            }
            Node::Tight { field, next } => {
                let start = skip_blanks(bytes, at);
                let ends = self.fields[usize::from(*field)]
                    .kind
                    .scan(self.text, start)
                    .filter(|ends| start == at || ends.end > start);
                if let Some(ends) = ends {
                    self.with(*field, start, ends.end, *next, ends.end);
                    if let Some(longer) = ends.longer {
                        self.with(*field, start, longer, *next, longer);
                    }
                }
                if start > at {
                    self.with(*field, at, at, *next, at);
                }
            }
            Node::List { .. } => unreachable!("the templates below hold no lists"),
            Node::Text {
                field,
                multiline,
                first,
                next,
                ..
            } => {
                if first.admits_at(bytes, at) {
                    self.with(*field, at, at, *next, at);
                }
                let start = skip_blanks(bytes, at);
                for end in start + 1..=self.text.len() {
                    if self.fits(start, end, *multiline) {
                        self.with(*field, start, end, *next, end);
                    }
                }
            }
            Node::Split { first, second, .. } => {
                self.go(*first, at);
                self.go(*second, at);
            }
            Node::End => {
                if at == self.text.len() && !self.found.contains(&self.trail) {
                    self.found.push(self.trail.clone());
                }
            }
        }
    }

    fn behind_free(&self, at: usize) -> bool {
        self.trail.last().is_some_and(|last| {
            last.field != ITERATION
                && last.end as usize == at
                && self.fields[usize::from(last.field)].kind.is_free()
        })
    }

    fn splits_gap(&self, at: usize) -> bool {
        self.behind_free(at)
            && (self.text[..at].ends_with("\\n") || self.text[..at].ends_with("\\r"))
    }

    fn on(&mut self, next: NodeId, at: Option<usize>) {
        if let Some(at) = at {
            self.go(next, at);
        }
    }

    fn with(&mut self, field: u16, start: usize, end: usize, next: NodeId, at: usize) {
        self.trail.push(Capture {
            field,
            start: start as u32,
            end: end as u32,
        });
        self.go(next, at);
        self.trail.pop();
    }

    /// The rules of free text, spelled out.
    fn fits(&self, start: usize, end: usize, multiline: bool) -> bool {
        let Some(value) = self.text.get(start..end) else {
            return false;
        };
        let blank = |letter: char| letter.is_ascii_whitespace();
        let broken = value.contains('\n')
            || value.contains("\\ ")
            || value.contains("\\\n")
            || value.to_lowercase().contains("<br");
        let cut = self.text[start..].starts_with("\\ ")
            || self.text[start..].starts_with("\\\n")
            || &self.text[start..] == "\\";
        let tag_cut = self.text[start..].char_indices().any(|(index, _)| {
            let here = start + index;
            here < end && self.text[here..].to_lowercase().starts_with("<br")
        });
        let line_cut = !multiline && (broken || tag_cut);
        !value.starts_with(blank)
            && !value.ends_with(blank)
            && !value.ends_with('\\')
            && !cut
            && !line_cut
    }
}

/// The literals that segments right behind a free field begin with, by field.
fn introducers(compiled: &Compiled) -> Vec<(u16, String)> {
    fn walk(
        compiled: &Compiled,
        pieces: &[Piece],
        open: &mut Vec<u16>,
        found: &mut Vec<(u16, String)>,
    ) {
        for piece in pieces {
            match piece {
                Piece::Literal { .. } | Piece::Gap => open.clear(),
                Piece::Field(index) => {
                    open.clear();
                    if compiled.template.fields[*index].kind.is_free() {
                        open.push(*index as u16);
                    }
                }
                Piece::Optional { pieces, .. } => {
                    if let Some(Piece::Literal { text }) = pieces.first() {
                        found.extend(open.iter().map(|field| (*field, text.to_lowercase())));
                    }
                    let mut inside = open.clone();
                    walk(compiled, pieces, &mut inside, found);
                    inside.retain(|field| !open.contains(field));
                    open.extend(inside);
                }
                Piece::Repeat { pieces, .. } => walk(compiled, pieces, open, found),
            }
        }
    }
    let mut found = Vec::new();
    walk(
        compiled,
        &compiled.template.pieces,
        &mut Vec::new(),
        &mut found,
    );
    found
}

fn check(source: &str, text: &str) {
    let compiled = Compiled::parse(source).unwrap();
    let all = all_readings(&compiled, text);
    let mut scratch = Scratch::default();
    let read = compiled.read(text, false, &mut scratch, &mut 0, STEPS);
    let context = format!("{source:?} on {text:?}: {all:?}");
    let readings = match read {
        Err(Miss::NoReading) => return assert!(all.is_empty(), "{context}"),
        Err(Miss::Exhausted) => panic!("out of steps: {context}"),
        Ok(readings) => readings,
    };
    assert_eq!(
        all.first(),
        Some(&scratch.captures),
        "the first reading: {context}"
    );
    let introducers = introducers(&compiled);
    match readings.certain {
        false => assert!(
            all.contains(&scratch.trail) && scratch.trail != scratch.captures,
            "the rival {:?}: {context}",
            scratch.trail
        ),
        true => {
            for other in all.iter().skip(1) {
                let swallows = other.iter().any(|capture| {
                    // The blanks around a text may be the introducer's.
                    let (start, end) = (
                        (capture.start as usize).saturating_sub(1),
                        capture.end as usize,
                    );
                    let value = text
                        .get(start..end + 1)
                        .or(text.get(start..end))
                        .unwrap_or("")
                        .to_lowercase();
                    introducers.iter().any(|(field, introducer)| {
                        *field == capture.field && value.contains(introducer.as_str())
                    })
                });
                // A tight field takes the first of its ends that fits; an empty value is the last of them.
                let leaves_out = other.iter().any(|capture| {
                    capture.field != ITERATION
                        && capture.start == capture.end
                        && !compiled.template.fields[usize::from(capture.field)]
                            .kind
                            .is_free()
                });
                let dotted = other.iter().any(|capture| {
                    capture.field != ITERATION
                        && text[..capture.end as usize].ends_with('.')
                        && capture.start < capture.end
                });
                assert!(
                    swallows || leaves_out || dotted,
                    "called certain, yet {other:?} reads it too: {context}"
                );
            }
        }
    }
}

const TEMPLATES: [&str; 12] = [
    "a {x:text} b {y:text}",
    "a {x:text} b {n:int}",
    "a {x:text}[ b {n:int}]",
    "a {x:text}[ b {n:int}][ aa {m:int}]",
    "a {x:text}[ b {y:text}]",
    "(a {x:text})+",
    "(a {x:text}[ b {n:int}])+",
    "a {n:int}[ b {x:text}]{ws}(a {y:text} b {m:int})+",
    "((a {x:text} b)+ aa)+",
    "a {x:multiline} b {y:text}",
    "a {h:host}[. b {i:host}][ a {x:text}]",
    "a {x:text}{ws}b {y:multiline}",
];

const PIECES: [&str; 16] = [
    "a ", " b ", "b", " aa ", "a", "1", " ", "\n", "\\", "\\n", ".", " b 1", "a b", ". b ", "<br>",
    "é",
];

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 3000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_quick_reader_finds_what_the_exhaustive_one_finds(
        template in 0..TEMPLATES.len(),
        pieces in proptest::collection::vec(0..PIECES.len(), 0..9),
    ) {
        let text: String = std::iter::once("a ").chain(pieces.into_iter().map(|piece| PIECES[piece])).collect();
        check(TEMPLATES[template], text.trim_ascii());
    }
}

#[test]
fn a_text_that_holds_the_words_of_its_template_is_ambiguous() {
    let compiled = Compiled::parse("a {x:text} b {y:text}").unwrap();
    let readings = compiled
        .read("a 1 b 2 b 3", false, &mut Scratch::default(), &mut 0, STEPS)
        .unwrap();
    assert!(!readings.certain);
}
