//! Runs a compiled template over a text: anchored at both ends, no recursion, every failure remembered.
//!
//! A choice that failed once at an offset fails there always, whatever stood before it, so each (node, offset) is tried
//! once: the time is linear in the length of the text. A budget of steps is the second fence.

use std::cell::Cell;

use memchr::memchr3;

use super::lexis::{gap, is_cut, join, skip_blanks};
use super::program::{First, Leads, Node, NodeId, Program};
use super::syntax::Field;
use super::tried::Tried;

/// Items of one list.
const MOST_ITEMS: usize = 1024;

/// A field's place in the text; or, as `ITERATION`, that a repeat began anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) field: u16,
    pub(crate) start: u32,
    /// For an iteration: its level.
    pub(crate) end: u32,
}

pub(crate) const ITERATION: u16 = u16::MAX;

/// Why a run ended without a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    NoReading,
    /// The budget of steps ran out.
    Exhausted,
}

/// How much of the text a reading must cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    /// Text may be left over behind a tight field.
    Front,
}

/// A choice that was put off.
#[derive(Clone, Copy, Debug)]
struct Job {
    node: NodeId,
    start: u32,
    at: u32,
    trail: u32,
    kind: JobKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JobKind {
    /// Go on at the node.
    Go,
    /// Go on at the node with this field captured from `start` to `at`.
    Captured(u16),
    /// The text of the node begins at `start` and ends later than `at`.
    Longer,
    /// The same, and it ends earlier than `at`.
    Shorter,
}

/// The memory of a run, kept between runs so that it is allocated once.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    jobs: Vec<Job>,
    /// The way to where the run stands; after a run, its reading.
    pub(crate) trail: Vec<Capture>,
    /// The reading of the first order, while the second is tried.
    pub(crate) captures: Vec<Capture>,
    tried: Tried,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// Memory kept for the next reading of this thread, in bytes at most.
    const MOST_KEPT: usize = 256 * 1024;

    /// The memory of an earlier reading of this thread, or new one.
    pub(crate) fn take() -> Box<Self> {
        SCRATCH.take().unwrap_or_default()
    }

    /// Keeps the memory for the next reading, unless it has grown large.
    pub(crate) fn keep(self: Box<Self>) {
        let captures = (self.trail.capacity() + self.captures.capacity()) * size_of::<Capture>();
        if captures + self.jobs.capacity() * size_of::<Job>() + self.tried.capacity()
            <= Self::MOST_KEPT
        {
            SCRATCH.set(Some(self));
        }
    }
}

#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) program: &'a Program,
    pub(crate) fields: &'a [Field],
    pub(crate) text: &'a str,
    pub(crate) extent: Extent,
    /// Look at the choices that were put off, to tell whether the reading is alone.
    pub(crate) look: bool,
    pub(crate) steps: &'a mut u64,
    pub(crate) budget: u64,
}

/// Where a reading ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) end: usize,
    /// None of the choices that were put off can lead to another reading, as one look at each of them told. When it
    /// is not set, only the opposite order tells.
    pub(crate) alone: bool,
}

/// Nodes that one look at a choice follows at most.
const LOOK: usize = 16;

/// A free text of a node, as its parts.
struct TextNode<'a> {
    id: NodeId,
    field: u16,
    multiline: bool,
    row: u32,
    first: &'a First,
    leads: &'a Leads,
    next: NodeId,
    start: usize,
    /// The text must end here at the latest.
    most: usize,
}

impl<'a> Run<'a> {
    /// The first reading in the program's order: the captures are left in the scratch, the end is returned.
    pub(crate) fn first(mut self, scratch: &mut Scratch) -> Result<Reached, Miss> {
        scratch.jobs.clear();
        scratch.trail.clear();
        scratch
            .tried
            .reset(self.program.rows as usize, self.text.len() + 1);
        let mut found = self.go(self.program.start, 0, scratch);
        loop {
            if let Some(end) = found {
                let alone = self.look
                    && self.extent == Extent::Whole
                    && scratch.jobs.iter().all(|job| self.is_dead(job));
                return Ok(Reached { end, alone });
            }
            if *self.steps > self.budget {
                return Err(Miss::Exhausted);
            }
            let Some(job) = scratch.jobs.pop() else {
                return Err(Miss::NoReading);
            };
            scratch.trail.truncate(job.trail as usize);
            found = self.resume(job, scratch);
        }
    }

    /// Whether a choice that was put off leads nowhere, or only to a text that swallows a segment behind it.
    fn is_dead(&self, job: &Job) -> bool {
        let at = job.at as usize;
        match job.kind {
            JobKind::Go | JobKind::Captured(_) => self.leads_nowhere(job.node, at, LOOK),
            JobKind::Longer => self.has_one_end(&self.text_node(job.node, job.start as usize), at),
            JobKind::Shorter => false,
        }
    }

    fn leads_nowhere(&self, mut node: NodeId, mut at: usize, look: usize) -> bool {
        let bytes = self.text.as_bytes();
        for left in (0..look).rev() {
            let on = match &self.program.nodes[node as usize] {
                Node::Literal { phrase, next } => (phrase.end(bytes, at), *next),
                Node::Gap { next } => (gap(bytes, at), *next),
                Node::Join { punctuation, next } => (join(bytes, at, *punctuation), *next),
                Node::Iteration { next, .. } => (Some(at), *next),
                Node::Split { first, second, .. } => {
                    return self.leads_nowhere(*first, at, left / 2)
                        && self.leads_nowhere(*second, at, left / 2);
                }
                Node::End => return at != bytes.len(),
                Node::Tight { .. } | Node::List { .. } | Node::Text { .. } => return false,
            };
            let (Some(end), next) = on else { return true };
            (at, node) = (end, next);
        }
        false
    }

    /// Whether a text that ends at `at` could end nowhere behind it: what stands there, and the segments that come
    /// before that in the order, stand at no later place.
    fn has_one_end(&self, text: &TextNode<'_>, at: usize) -> bool {
        let bytes = self.text.as_bytes();
        let limit = self.limit(text);
        let behind = text
            .leads
            .phrases
            .iter()
            .position(|phrase| phrase.end(bytes, at).is_some());
        let Some(behind) = behind else {
            return limit == at;
        };
        let leads = &text.leads.phrases[..=behind];
        !(at + 1..=limit).any(|end| {
            text.first.admits_at(bytes, end)
                && leads.iter().any(|phrase| phrase.end(bytes, end).is_some())
        })
    }

    fn resume(&mut self, job: Job, scratch: &mut Scratch) -> Option<usize> {
        let at = job.at as usize;
        match job.kind {
            JobKind::Go => self.go(job.node, at, scratch),
            JobKind::Captured(field) => {
                scratch.trail.push(Capture {
                    field,
                    start: job.start,
                    end: job.at,
                });
                self.go(job.node, at, scratch)
            }
            JobKind::Longer => {
                let text = self.text_node(job.node, job.start as usize);
                self.longer(&text, at, scratch)
            }
            JobKind::Shorter => {
                let text = self.text_node(job.node, job.start as usize);
                self.shorter(&text, at, scratch)
            }
        }
    }

    /// Follows the nodes until the end or a failure; choices are put off as jobs.
    fn go(&mut self, mut node: NodeId, mut at: usize, scratch: &mut Scratch) -> Option<usize> {
        let bytes = self.text.as_bytes();
        loop {
            *self.steps += 1;
            node = match &self.program.nodes[node as usize] {
                Node::Literal { phrase, next } => {
                    let end = phrase.end(bytes, at)?;
                    if end == bytes.len()
                        && is_cut(bytes, &phrase.lower)
                        && self.behind_free(at, scratch)
                    {
                        return None;
                    }
                    at = end;
                    *next
                }
                Node::Gap { next } => {
                    at = gap(bytes, at).filter(|_| !self.splits_gap(at, scratch))?;
                    *next
                }
                Node::Join { punctuation, next } => {
                    at = join(bytes, at, *punctuation).filter(|_| !self.splits_gap(at, scratch))?;
                    *next
                }
                Node::Tight { field, next } => {
                    at = self.tight(*field, *next, at, scratch)?;
                    *next
                }
                Node::List { field, next } => {
                    at = self.list(*field, at, scratch)?;
                    *next
                }
                Node::Text { longest, .. } => return self.text(node, *longest, at, scratch),
                Node::Split { first, second, row } => {
                    if !scratch.tried.mark(*row, at) {
                        return None;
                    }
                    put_off(scratch, JobKind::Go, *second, at, at);
                    *first
                }
                Node::Iteration { level, next } => {
                    scratch.trail.push(Capture {
                        field: ITERATION,
                        start: offset(at),
                        end: u32::from(*level),
                    });
                    *next
                }
                Node::End => return self.may_end(at, scratch).then_some(at),
            };
        }
    }

    /// Whether free text ends here with a `\n` spelled out, which is rather the front of the gap that begins here.
    fn splits_gap(&self, at: usize, scratch: &Scratch) -> bool {
        let before = &self.text.as_bytes()[..at];
        (before.ends_with(b"\\n") || before.ends_with(b"\\r")) && self.behind_free(at, scratch)
    }

    /// Whether free text ends here: then a literal whose last blank was cut off is rather the end of that text.
    fn behind_free(&self, at: usize, scratch: &Scratch) -> bool {
        let free = |last: &Capture| {
            last.field != ITERATION
                && last.end as usize == at
                && self.fields[usize::from(last.field)].kind.is_free()
        };
        scratch.trail.last().is_some_and(free)
    }

    fn may_end(&self, at: usize, scratch: &Scratch) -> bool {
        let behind_tight = |last: &Capture| {
            last.field != ITERATION
                && last.end as usize == at
                && last.start < last.end
                && !self.fields[usize::from(last.field)].kind.is_free()
        };
        at == self.text.len()
            || (self.extent == Extent::Front && scratch.trail.last().is_some_and(behind_tight))
    }

    fn tight(
        &mut self,
        field: u16,
        next: NodeId,
        at: usize,
        scratch: &mut Scratch,
    ) -> Option<usize> {
        let kind = &self.fields[usize::from(field)].kind;
        let start = skip_blanks(self.text.as_bytes(), at);
        let found = kind
            .scan(self.text, start)
            .filter(|ends| start == at || ends.end > start);
        let Some(ends) = found else {
            if start == at {
                return None;
            }
            // An empty value stands before the blanks, which are the next literal's.
            scratch.trail.push(Capture {
                field,
                start: offset(at),
                end: offset(at),
            });
            return Some(at);
        };
        if start > at {
            put_off(scratch, JobKind::Captured(field), next, at, at);
        }
        if let Some(longer) = ends.longer {
            put_off(scratch, JobKind::Captured(field), next, start, longer);
        }
        scratch.trail.push(Capture {
            field,
            start: offset(start),
            end: offset(ends.end),
        });
        Some(ends.end)
    }

    fn list(&mut self, field: u16, at: usize, scratch: &mut Scratch) -> Option<usize> {
        let kind = &self.fields[usize::from(field)].kind;
        let bytes = self.text.as_bytes();
        let mut start = skip_blanks(bytes, at);
        let mut end = kind.scan(self.text, start)?.end;
        for _ in 0..MOST_ITEMS {
            *self.steps += 1;
            scratch.trail.push(Capture {
                field,
                start: offset(start),
                end: offset(end),
            });
            let comma = skip_blanks(bytes, end);
            if !matches!(bytes.get(comma), Some(b',' | b';')) {
                break;
            }
            start = skip_blanks(bytes, comma + 1);
            match kind.scan(self.text, start) {
                Some(ends) if ends.end > start => end = ends.end,
                _ => break,
            }
        }
        Some(end)
    }

    #[inline]
    fn text_node(&self, id: NodeId, start: usize) -> TextNode<'a> {
        match &self.program.nodes[id as usize] {
            Node::Text {
                field,
                multiline,
                row,
                first,
                refused,
                leads,
                next,
                ..
            } => {
                let most = self.most(*field, refused, start);
                TextNode {
                    id,
                    field: *field,
                    multiline: *multiline,
                    row: *row,
                    first,
                    leads,
                    next: *next,
                    start,
                    most,
                }
            }
            _ => unreachable!("only a text is lengthened or shortened"),
        }
    }

    /// Where a text that begins like a refused one has to end.
    #[inline]
    fn most(&self, field: u16, refused: &[Box<[u8]>], start: usize) -> usize {
        let kind = &self.fields[usize::from(field)].kind;
        if kind.refusals().is_empty() {
            return self.text.len();
        }
        let bytes = &self.text.as_bytes()[start..];
        let ends = refused.iter().filter_map(|prefix| {
            let found = bytes.get(..prefix.len())?;
            found
                .eq_ignore_ascii_case(prefix)
                .then_some(start + prefix.len() - 1)
        });
        let marked = kind.refusal_end(self.text.as_bytes(), start);
        ends.chain(marked).min().unwrap_or(self.text.len())
    }

    fn text(
        &mut self,
        id: NodeId,
        longest: bool,
        at: usize,
        scratch: &mut Scratch,
    ) -> Option<usize> {
        let text = self.text_node(id, skip_blanks(self.text.as_bytes(), at));
        let empty = text.first.admits_at(self.text.as_bytes(), at);
        if !self.may_start_text(text.start) {
            // Nothing may be marked as tried, for from another start these ends are fine.
            if !empty {
                return None;
            }
            scratch.trail.push(Capture {
                field: text.field,
                start: offset(at),
                end: offset(at),
            });
            return self.go(text.next, at, scratch);
        }
        if longest {
            if empty {
                put_off(scratch, JobKind::Captured(text.field), text.next, at, at);
            }
            let limit = self.limit(&text);
            let fresh = match scratch.tried.first_in(text.row, text.start + 1, limit) {
                Some(tried) => (tried - 1).max(limit.min(text.start + self.refusal(&text))),
                None => limit,
            };
            scratch.tried.fill(text.row, text.start + 1, fresh);
            *self.steps += (fresh - text.start) as u64;
            return self.shorter(&text, fresh + 1, scratch);
        }
        if empty {
            put_off(scratch, JobKind::Longer, id, text.start, text.start);
            scratch.trail.push(Capture {
                field: text.field,
                start: offset(at),
                end: offset(at),
            });
            return self.go(text.next, at, scratch);
        }
        let start = text.start;
        self.longer(&text, start, scratch)
    }

    /// The next end of the text behind `at`, and on from there.
    fn longer(&mut self, text: &TextNode<'_>, at: usize, scratch: &mut Scratch) -> Option<usize> {
        let refused = text.start + self.refusal(text);
        let mut from = at;
        loop {
            // What another start has passed over is done with, all the way to the end of the line.
            if from >= refused
                && scratch
                    .tried
                    .first_in(text.row, from + 1, from + 1)
                    .is_some()
            {
                return None;
            }
            let (end, admitted) = self.next_end(text, from);
            *self.steps += (end - from) as u64;
            let tried = scratch.tried.first_in(text.row, from + 1, end);
            scratch.tried.fill(text.row, from + 1, end);
            if !admitted || tried.is_some_and(|tried| tried > refused) {
                return None;
            }
            if self.may_end_text(text, end) {
                put_off(scratch, JobKind::Longer, text.id, text.start, end);
                scratch.trail.push(Capture {
                    field: text.field,
                    start: offset(text.start),
                    end: offset(end),
                });
                return self.go(text.next, end, scratch);
            }
            from = end;
        }
    }

    /// The next place behind `from` where the continuation can begin, or where the text must end at the latest.
    #[inline]
    fn next_end(&self, text: &TextNode<'_>, from: usize) -> (usize, bool) {
        let bytes = self.text.as_bytes();
        let mut end = from;
        while end < text.most {
            let mark = matches!(bytes[end], b'\n' | b'\\' | b'<');
            if mark && !text.multiline && breaks_line(bytes, end) {
                return (end, false);
            }
            end += 1;
            if text.first.admits_at(bytes, end) {
                return (end, true);
            }
        }
        (end, false)
    }

    /// The next end of the text before `at`, and on from there.
    fn shorter(&mut self, text: &TextNode<'_>, at: usize, scratch: &mut Scratch) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut end = at;
        while end > text.start + 1 {
            end -= 1;
            if text.first.admits_at(bytes, end) && self.may_end_text(text, end) {
                *self.steps += (at - end) as u64;
                put_off(scratch, JobKind::Shorter, text.id, text.start, end);
                scratch.trail.push(Capture {
                    field: text.field,
                    start: offset(text.start),
                    end: offset(end),
                });
                return self.go(text.next, end, scratch);
            }
        }
        *self.steps += (at - end) as u64;
        None
    }

    /// How far the text could reach at most.
    fn limit(&self, text: &TextNode<'_>) -> usize {
        let bytes = self.text.as_bytes();
        if text.multiline {
            return text.most;
        }
        let mut from = text.start;
        while let Some(found) = memchr3(b'\n', b'\\', b'<', &bytes[from..text.most]) {
            if breaks_line(bytes, from + found) {
                return from + found;
            }
            from += found + 1;
        }
        text.most
    }

    /// Free text neither starts nor ends with white space or a stray backslash.
    fn may_start_text(&self, start: usize) -> bool {
        match self.text.as_bytes().get(start..) {
            Some([b'\\', rest @ ..]) => {
                rest.first().is_some_and(|next| !next.is_ascii_whitespace())
            }
            Some([first, ..]) => !first.is_ascii_whitespace(),
            _ => false,
        }
    }

    #[inline]
    fn may_end_text(&self, text: &TextNode<'_>, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let last = bytes[end - 1];
        !last.is_ascii_whitespace()
            && last != b'\\'
            && self.text.is_char_boundary(end)
            && self.fields[usize::from(text.field)]
                .kind
                .admits(&bytes[text.start..end])
    }

    /// Ends nearer to the start than this must be tried again for each start, for `other(…)` may refuse one and not the next.
    fn refusal(&self, text: &TextNode<'_>) -> usize {
        self.fields[usize::from(text.field)].kind.longest_refusal()
    }
}

/// Whether a line ends here: a break, or what mangled breaks look like.
fn breaks_line(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b'\n' => true,
        b'\\' => bytes.get(at + 1).is_some_and(u8::is_ascii_whitespace),
        b'<' => bytes
            .get(at + 1..at + 3)
            .is_some_and(|tag| tag.eq_ignore_ascii_case(b"br")),
        _ => false,
    }
}

fn put_off(scratch: &mut Scratch, kind: JobKind, node: NodeId, start: usize, at: usize) {
    let trail = offset(scratch.trail.len());
    scratch.jobs.push(Job {
        node,
        start: offset(start),
        at: offset(at),
        trail,
        kind,
    });
}

/// Offsets fit: a body is at most [`crate::Limits::MOST_BYTES`] long, and longer ones are never run.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
