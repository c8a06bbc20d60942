//! Turns an alignment into a template: columns that never differ are its words, what lies between them its fields.

use std::ops::Range;

use super::align::Alignment;
use super::fields;
use super::naming;
use super::parts::{
    Part, Slot, blank, ends_free, holds_free, may_end_free, print, push_blank, push_text,
    words_before,
};
use super::tokens::{Blank, Sort, Token, fills};

/// Optional segments inside one another.
const DEEPEST: usize = 3;
/// Bodies in which a number has to be the same before it is taken for a part of the wording.
const PROVES_A_NUMBER: usize = 3;
/// Columns between two words of the wording in which segments are looked for: looking is quadratic in them.
const LONGEST_BETWEEN: usize = 160;
/// Words between the start of a segment that stands in one body only and its first typed value.
const LONGEST_LONE_INTRODUCER: usize = 4;

/// One of so many bodies may be laid beside the others wrongly: whether the template reads it is tried anyhow.
const STRAY: usize = 8;

/// How much of what differs is told apart; less of it is tried when more does not read the bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Segments,
    /// Optional segments only when they hold no free text.
    TightSegments,
    NoSegments,
    /// The words that all begin with, and one text.
    Opening,
}

impl Detail {
    pub(super) const ALL: [Self; 4] = [
        Self::Segments,
        Self::TightSegments,
        Self::NoSegments,
        Self::Opening,
    ];
}

/// The template, as it is written in a catalogue file.
pub(super) fn template(alignment: &Alignment<'_, '_>, detail: Detail) -> String {
    let shaper = Shaper { alignment, detail };
    let all: Vec<usize> = (0..alignment.bodies.len()).collect();
    let mut parts = if detail == Detail::Opening {
        shaper.opening(&all)
    } else {
        shaper.sequence(0..alignment.columns.len(), &all, DEEPEST)
    };
    naming::name(&mut parts);
    let mut source = String::new();
    print(&parts, &mut source);
    source
}

struct Shaper<'a, 'b, 't> {
    alignment: &'a Alignment<'b, 't>,
    detail: Detail,
}

/// A part of the wording that some bodies have and others have not.
struct Segment {
    columns: Range<usize>,
    bodies: Vec<usize>,
    /// It was the same in all of them.
    constant: bool,
}

impl<'b, 't> Shaper<'_, 'b, 't> {
    fn tokens(&self, column: usize, bodies: &[usize]) -> Vec<&'b Token<'t>> {
        bodies
            .iter()
            .filter_map(|body| self.alignment.token(column, *body))
            .collect()
    }

    /// The parts of these columns, as they stand in these bodies. As deep as `depth`.
    fn sequence(&self, columns: Range<usize>, bodies: &[usize], depth: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut start = columns.start;
        for column in columns.clone() {
            let Some(solid) = self.solid(column, bodies, &parts) else {
                continue;
            };
            self.between(start..column, bodies, depth, &mut parts);
            push_blank(&mut parts, blank(&self.tokens(column, bodies)));
            match solid {
                Part::Text(text) => push_text(&mut parts, &text),
                Part::Field(mut slot) => {
                    slot.before = words_before(&parts);
                    parts.push(Part::Field(slot));
                }
                other => parts.push(other),
            }
            start = column + 1;
        }
        self.between(start..columns.end, bodies, depth, &mut parts);
        parts
    }

    /// What stands in a column that every one of the bodies has, when it is a word of the wording or a typed value.
    fn solid(&self, column: usize, bodies: &[usize], parts: &[Part]) -> Option<Part> {
        let tokens = self.tokens(column, bodies);
        if tokens.len() != bodies.len() {
            return None;
        }
        let first = tokens.first()?;
        let same = tokens
            .iter()
            .all(|token| token.text.eq_ignore_ascii_case(first.text));
        if same && !tokens.iter().any(|token| token.varies) {
            let proved = match first.sort {
                Sort::Word | Sort::Mark => true,
                Sort::Typed(_) => bodies.len() >= PROVES_A_NUMBER,
                Sort::Absent => false,
            };
            if proved {
                return Some(Part::Text(first.text.to_owned()));
            }
        }
        let kind = fields::common_type(&tokens).or_else(|| fields::few_words(&tokens))?;
        let list = tokens.iter().any(|token| token.list);
        let text = |body: usize| self.alignment.bodies[body].text;
        let fits = kind.is_free()
            || list
            || bodies
                .iter()
                .zip(&tokens)
                .all(|(body, token)| fills(&kind, text(*body), token.start, token.end()));
        let beside_free = kind.is_free() && ends_free(parts);
        (fits && !beside_free).then(|| {
            Part::Field(Slot {
                kind,
                list,
                before: Vec::new(),
                name: String::new(),
            })
        })
    }

    /// What stands between two solid columns: a field, optional segments, or both.
    fn between(
        &self,
        columns: Range<usize>,
        bodies: &[usize],
        depth: usize,
        parts: &mut Vec<Part>,
    ) {
        let held = |column: &usize| !self.tokens(*column, bodies).is_empty();
        if !columns.clone().any(|column| held(&column)) {
            return;
        }
        let told_apart = columns.len() <= LONGEST_BETWEEN;
        if depth > 0 && told_apart && self.detail != Detail::NoSegments {
            for lone in [false, true] {
                let segments = self.segments(columns.clone(), bodies, lone);
                if self.split(columns.clone(), bodies, segments, depth, parts) {
                    return;
                }
            }
        }
        self.field(columns, bodies, parts);
    }

    /// Adds the segments and what stands before them. A segment that its neighbours would not let stand becomes a part
    /// of the field before it; false when none can stand.
    fn split(
        &self,
        columns: Range<usize>,
        bodies: &[usize],
        mut segments: Vec<Segment>,
        depth: usize,
        parts: &mut Vec<Part>,
    ) -> bool {
        while let Some(first) = segments.first() {
            let begin = first.columns.start;
            let mut lead: Vec<usize> = (columns.start..begin).collect();
            let mut covered = true;
            for column in begin..columns.end {
                let held = self.bodies_of(column, bodies);
                if held.is_empty() || segments.iter().any(|one| one.columns.contains(&column)) {
                    continue;
                }
                // Of a body that has none of the segments before it, it stands in front of them as well.
                let before = |one: &&Segment| one.columns.start < column;
                let behind = segments
                    .iter()
                    .filter(before)
                    .any(|one| one.bodies.iter().any(|body| held.contains(body)));
                if !behind {
                    lead.push(column);
                } else if held.len() * STRAY > bodies.len() {
                    covered = false;
                }
            }
            let mut fresh = parts.clone();
            self.field(lead, bodies, &mut fresh);
            if covered && self.optional(&segments, depth, &mut fresh) {
                *parts = fresh;
                return true;
            }
            segments.remove(0);
        }
        false
    }

    /// Adds the segments; false when one of them cannot stand where it would.
    fn optional(&self, segments: &[Segment], depth: usize, parts: &mut Vec<Part>) -> bool {
        for segment in segments {
            let content = if segment.constant {
                self.last_word_varies(segment)
            } else {
                self.sequence(segment.columns.clone(), &segment.bodies, depth - 1)
            };
            let free = holds_free(&content);
            if free && self.detail == Detail::TightSegments {
                return false;
            }
            let (least, least_letters) = if free { (6, 3) } else { (4, 2) };
            let introducer = match content.first() {
                Some(Part::Text(text)) => text.as_str(),
                _ => "",
            };
            let letters = introducer
                .chars()
                .filter(|one| one.is_alphanumeric())
                .count();
            let short = introducer.len() < least || letters < least_letters;
            if short && may_end_free(parts) {
                return false;
            }
            parts.push(Part::Optional(content));
        }
        true
    }

    /// A segment whose value was the same wherever it stood: a segment of words alone could not be rendered.
    fn last_word_varies(&self, segment: &Segment) -> Vec<Part> {
        let words = segment.columns.len();
        // In one body alone nothing tells words from values: the mark and the first word introduce the rest.
        let kept = if segment.bodies.len() > 1 {
            words - 1
        } else {
            2.min(words - 1)
        };
        let mut parts = Vec::new();
        for column in segment.columns.clone().take(kept) {
            let tokens = self.tokens(column, &segment.bodies);
            push_blank(&mut parts, blank(&tokens));
            push_text(&mut parts, tokens.first().map_or("", |token| token.text));
        }
        let rest = segment.columns.start + kept..segment.columns.end;
        self.field(rest, &segment.bodies, &mut parts);
        parts
    }

    fn segments(&self, columns: Range<usize>, bodies: &[usize], lone: bool) -> Vec<Segment> {
        let mut found = Vec::new();
        let mut column = columns.start;
        while column < columns.end {
            match self.segment(column..columns.end, bodies, lone) {
                Some(segment) => {
                    column = segment.columns.end;
                    found.push(segment);
                }
                None => column += 1,
            }
        }
        found
    }

    /// The segment that begins at the first of these columns, if one does.
    fn segment(&self, columns: Range<usize>, bodies: &[usize], lone: bool) -> Option<Segment> {
        let first = self.tokens(columns.start, bodies);
        let inside = self.bodies_of(columns.start, bodies);
        if inside.is_empty() || inside.len() == bodies.len() || !is_constant(&first) {
            return None;
        }
        let end = columns
            .clone()
            .find(|column| {
                let held = self.bodies_of(*column, bodies);
                let outside = held.iter().filter(|body| !inside.contains(body)).count();
                outside * STRAY > held.len()
            })
            .unwrap_or(columns.end);
        let introducer = (columns.start..end)
            .take_while(|column| {
                let tokens = self.tokens(*column, &inside);
                tokens.len() == inside.len() && is_constant(&tokens)
            })
            .count();
        let introduces = |column: usize| {
            self.tokens(column, &inside).first().map_or(0, |token| {
                token.text.chars().filter(|one| one.is_alphabetic()).count()
            })
        };
        let letters: usize = (columns.start..columns.start + introducer)
            .map(introduces)
            .sum();
        let typed_at = |column: usize| {
            let tokens = self.tokens(column, &inside);
            tokens.len() == inside.len() && tokens.iter().all(|token| token.varies)
        };
        let typed = (columns.start..end).any(typed_at);
        // A part that fewer of the bodies have may stand without this one, too.
        let end = (columns.start + introducer + 1..end)
            .find(|column| self.begins_another(*column, &inside))
            .unwrap_or(end);
        let constant = columns.start + introducer == end;
        let begins = first[0].sort == Sort::Mark
            || first[0].before == Blank::Break
            || first[0].text.starts_with(char::is_lowercase)
            || typed;
        let sentence = lone && introducer > 2 && matches!(first[0].text, "." | ";");
        let supported = inside.len() > 1
            || sentence
            || (introducer <= LONGEST_LONE_INTRODUCER && typed_at(columns.start + introducer));
        let fits = letters >= 2 && begins && supported && (!constant || introducer > 2);
        fits.then_some(Segment {
            columns: columns.start..end,
            constant: constant || (sentence && inside.len() == 1 && !typed),
            bodies: inside,
        })
    }

    fn begins_another(&self, column: usize, bodies: &[usize]) -> bool {
        let inside = self.bodies_of(column, bodies);
        let tokens = self.tokens(column, &inside);
        inside.len() > 1
            && inside.len() < bodies.len()
            && is_constant(&tokens)
            && tokens
                .iter()
                .all(|token| token.sort == Sort::Mark || token.joint || token.head)
            && inside == self.bodies_of(column + 1, bodies)
    }

    fn bodies_of(&self, column: usize, bodies: &[usize]) -> Vec<usize> {
        bodies
            .iter()
            .copied()
            .filter(|body| self.alignment.token(column, *body).is_some())
            .collect()
    }

    /// One field for all that stands in these columns.
    fn field(
        &self,
        columns: impl IntoIterator<Item = usize> + Clone,
        bodies: &[usize],
        parts: &mut Vec<Part>,
    ) {
        let mut values = Vec::new();
        let mut firsts = Vec::new();
        for body in bodies {
            let mut tokens = columns
                .clone()
                .into_iter()
                .filter_map(|column| self.alignment.token(column, *body));
            let Some(first) = tokens.next() else { continue };
            let last = tokens.last().unwrap_or(first);
            firsts.push(first);
            values.push(fields::Seen {
                text: self.alignment.bodies[*body].text,
                range: first.start..last.end(),
                alone: std::ptr::eq(first, last),
            });
        }
        if values.is_empty() {
            return;
        }
        let mut fresh = Vec::new();
        push_blank(&mut fresh, blank(&firsts));
        let optional = values.len() < bodies.len();
        let before = words_before(parts);
        let kind = fields::type_of(&values, before.last().map_or("", String::as_str));
        fresh.push(Part::Field(Slot {
            kind,
            list: false,
            before,
            name: String::new(),
        }));
        if optional {
            parts.push(Part::Optional(fresh));
        } else {
            for part in fresh {
                match part {
                    Part::Text(text) => push_text(parts, &text),
                    other => parts.push(other),
                }
            }
        }
    }

    fn opening(&self, bodies: &[usize]) -> Vec<Part> {
        let mut parts = Vec::new();
        let columns = 0..self.alignment.columns.len();
        let mut start = columns.end;
        for column in columns.clone() {
            match self.solid(column, bodies, &parts) {
                Some(Part::Text(text)) => {
                    push_blank(&mut parts, blank(&self.tokens(column, bodies)));
                    push_text(&mut parts, &text);
                }
                _ => {
                    start = column;
                    break;
                }
            }
        }
        self.field(start..columns.end, bodies, &mut parts);
        parts
    }
}

fn is_constant(tokens: &[&Token<'_>]) -> bool {
    let words = tokens
        .iter()
        .all(|token| matches!(token.sort, Sort::Word | Sort::Mark));
    words
        && tokens
            .windows(2)
            .all(|pair| pair[0].text.eq_ignore_ascii_case(pair[1].text))
}
