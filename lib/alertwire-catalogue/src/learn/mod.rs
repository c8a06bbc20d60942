//! Learns a wording from bodies: words that all of them share stay, what differs becomes a field.
//!
//! Nothing is proposed that the bodies do not prove: each template is checked as a catalogue file is, and reads the
//! bodies it was made from. What it cannot read with certainty is counted, not hidden.

mod align;
mod cluster;
mod fields;
mod naming;
mod parts;
mod proposal;
mod shape;
mod tokens;
mod wordings;

pub use proposal::{LearnedField, NewKind, Proposal, RenameError, TemplateError};
pub use wordings::Wordings;

use std::collections::{HashMap, HashSet};

use crate::check::structure;
use crate::template::Compiled;
use crate::view::View;

use align::Alignment;
use proposal::Tried;
use shape::Detail;
use tokens::{Sort, Token};

/// Bodies that one lesson looks at.
pub const MOST_BODIES: usize = 1000;
/// The longest body that is learned from, in bytes.
pub const LONGEST_BODY: usize = 64 * 1024;
/// Wordings that one lesson tells apart.
pub const MOST_WORDINGS: usize = 8;
/// Words and marks of a body that is learned from: a longer one is left out, for aligning is quadratic in them.
const MOST_TOKENS: usize = 512;
/// Bodies that are laid side by side to find what differs; the others are read by what came of these.
const MOST_ALIGNED: usize = 48;
const ALIGNED_FIRST: usize = 24;
/// Bodies that a template did not read and that are laid beside the others for the next one.
const ADDED_A_ROUND: usize = 8;
const MOST_ROUNDS: usize = 6;
/// A word that more than this share of the bodies have belongs to the wording rather than to a value.
const COMMON_PERCENT: usize = 40;

/// What was learned from a set of bodies.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// One for each wording, the one that reads most bodies first.
    pub proposals: Vec<Proposal>,
    /// Bodies that no proposal reads, by their place among the given.
    pub unread: Vec<usize>,
    /// Bodies that were not looked at: too long, too many words, or beyond [`MOST_BODIES`].
    pub left_out: Vec<usize>,
}

/// Proposes a template for each wording among the bodies.
///
/// ```
/// let bodies = [
///     "Backup of db-1.corp.example failed at 2024-01-15 10:30:00 UTC. Reason: disk full",
///     "Backup of web.corp.example failed at 2024-01-16 10:30:00 UTC. Reason: no route to host",
///     "Backup of mail.corp.example failed at 2024-01-17 10:31:00 UTC. Reason: timed out",
/// ];
/// let learned = alertwire_catalogue::learn(&bodies);
/// assert_eq!(
///     learned.proposals[0].template,
///     "Backup of {hostname:host} failed at {timestamp:timestamp}. Reason: {reason:text}"
/// );
/// ```
pub fn learn<B: AsRef<str>>(bodies: &[B]) -> Learned {
    let mut learned = Learned::default();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let views: Vec<View<'_>> = bodies
        .iter()
        .map(|body| View::new(floor(body.as_ref())))
        .collect();
    let mut known: Vec<Body<'_>> = Vec::new();
    for (index, view) in views.iter().enumerate() {
        let fits = index < MOST_BODIES
            && bodies[index].as_ref().len() <= LONGEST_BODY
            && !view.text.is_empty();
        if !fits {
            learned.left_out.push(index);
        } else if let Some(twin) = seen.get(view.text.as_ref()) {
            known[*twin].places.push(index);
        } else if let Some(tokens) = tokens::split(&view.text, MOST_TOKENS) {
            seen.insert(&view.text, known.len());
            known.push(Body {
                places: vec![index],
                text: &view.text,
                tokens,
            });
        } else {
            learned.left_out.push(index);
        }
    }
    learn_wordings(known, &mut learned);
    learned
        .proposals
        .sort_by_key(|proposal| std::cmp::Reverse(proposal.bodies));
    learned.unread.sort_unstable();
    learned
}

/// A body, in words.
#[derive(Clone, Debug)]
struct Body<'t> {
    /// Where it stands among the given: in several places when it came more than once.
    places: Vec<usize>,
    text: &'t str,
    tokens: Vec<Token<'t>>,
}

/// At most one byte more than may be learned from: enough to see that a body is too long.
fn floor(body: &str) -> &str {
    let mut end = body.len().min(LONGEST_BODY + 1);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    &body[..end]
}

fn learn_wordings(known: Vec<Body<'_>>, learned: &mut Learned) {
    let mut wordings = cluster::group(known, MOST_WORDINGS, &mut learned.unread);
    let mut made = 0;
    while let Some(mut wording) = wordings.pop() {
        if made == MOST_WORDINGS {
            learned
                .unread
                .extend(wording.iter().flat_map(|body| &body.places));
            continue;
        }
        made += 1;
        mark_common(&mut wording);
        let (proposal, unread) = learn_wording(&wording);
        let progress = unread.len() < wording.len();
        learned.proposals.extend(proposal);
        if progress && !unread.is_empty() {
            // What one template left is a wording of its own.
            wordings.insert(0, unread.into_iter().cloned().collect());
        } else {
            learned
                .unread
                .extend(unread.iter().flat_map(|body| &body.places));
        }
    }
}

/// The best template for bodies that look alike, and those that it does not read.
fn learn_wording<'b, 't>(bodies: &'b [Body<'t>]) -> (Option<Proposal>, Vec<&'b Body<'t>>) {
    let whole = best(bodies);
    let lines = by_lines(bodies);
    let tried = match (lines, whole) {
        (Some(lines), Some(whole)) if lines.certain.len() >= whole.certain.len() => lines,
        (lines, whole) => match whole.or(lines) {
            Some(tried) => tried,
            None => return (None, bodies.iter().collect()),
        },
    };
    let unread = bodies
        .iter()
        .enumerate()
        .filter(|(place, _)| !tried.certain.contains(place))
        .map(|(_, body)| body)
        .collect();
    (Some(Proposal::new(tried, bodies)), unread)
}

/// Marks the words that so many of the bodies have that they are hardly values.
fn mark_common(bodies: &mut [Body<'_>]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for body in bodies.iter() {
        let words: HashSet<String> = body
            .tokens
            .iter()
            .filter(|token| token.sort == Sort::Word)
            .map(|token| token.text.to_ascii_lowercase())
            .collect();
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
    }
    let many = (bodies.len() * COMMON_PERCENT / 100).max(1);
    for body in bodies {
        let mut introducer = None;
        for token in &mut body.tokens {
            let count = counts.get(&token.text.to_ascii_lowercase());
            token.common = token.joint || count.is_some_and(|count| *count > many);
            token.introducer = introducer;
            let introduces = token.common || token.sort == Sort::Mark;
            introducer = introduces.then_some(token.text);
        }
    }
}

/// Aligns some of the bodies, and more of them while the template does not read all.
fn best(bodies: &[Body<'_>]) -> Option<Tried> {
    let mut alignment = Alignment::default();
    let mut aligned = HashSet::new();
    let mut best: Option<Tried> = None;
    let mut next: Vec<usize> = (0..bodies.len().min(ALIGNED_FIRST)).collect();
    // The longest say most of what can stand in the others.
    next.sort_by_key(|place| std::cmp::Reverse(bodies[*place].tokens.len()));
    for _ in 0..MOST_ROUNDS {
        for place in next {
            if aligned.len() < MOST_ALIGNED && aligned.insert(place) {
                alignment.add(&bodies[place]);
            }
        }
        let Some(tried) = most_detailed(&alignment, bodies) else {
            break;
        };
        let unread: Vec<usize> = (0..bodies.len())
            .filter(|place| !tried.certain.contains(place) && !aligned.contains(place))
            .take(ADDED_A_ROUND)
            .collect();
        let better = best
            .as_ref()
            .is_none_or(|best| tried.certain.len() >= best.certain.len());
        if better {
            best = Some(tried);
        }
        if unread.is_empty() {
            break;
        }
        next = unread;
    }
    best
}

/// The template with the most detail that reads all bodies; when none does, the one that reads most of them.
fn most_detailed(alignment: &Alignment<'_, '_>, bodies: &[Body<'_>]) -> Option<Tried> {
    let mut best: Option<Tried> = None;
    for detail in Detail::ALL {
        // One text for everything says so little that rather half of the bodies are left for another template.
        let half = |best: &Tried| best.certain.len() * 2 >= bodies.len();
        if detail == Detail::Opening && best.as_ref().is_some_and(half) {
            break;
        }
        let source = shape::template(alignment, detail);
        let Ok(compiled) = Compiled::parse(&source) else {
            continue;
        };
        if structure::fault(&compiled).is_some() {
            continue;
        }
        let tried = Tried::read(source, compiled, bodies);
        let all = tried.certain.len() == bodies.len();
        let better = best
            .as_ref()
            .is_none_or(|best| tried.certain.len() > best.certain.len());
        if better && !tried.certain.is_empty() {
            best = Some(tried);
        }
        if all {
            break;
        }
    }
    best
}

/// The template of one line, repeated, when the bodies hold several lines that begin alike.
fn by_lines(bodies: &[Body<'_>]) -> Option<Tried> {
    let mut lines: Vec<Body<'_>> = Vec::new();
    let mut several = false;
    let mut first = None;
    for body in bodies {
        let before = lines.len();
        for line in body
            .text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let word = line.split_whitespace().next();
            if *first.get_or_insert(word) != word {
                return None;
            }
            if lines.len() < MOST_BODIES {
                lines.push(Body {
                    places: vec![lines.len()],
                    text: line,
                    tokens: tokens::split(line, MOST_TOKENS)?,
                });
            }
        }
        several |= lines.len() > before + 1;
    }
    if !several {
        return None;
    }
    mark_common(&mut lines);
    let line = best(&lines)?;
    let source = format!("({})+", line.source);
    let compiled = Compiled::parse(&source).ok()?;
    if structure::fault(&compiled).is_some() {
        return None;
    }
    Some(Tried::read(source, compiled, bodies)).filter(|tried| !tried.certain.is_empty())
}
