//! Tells wordings apart: bodies that share most of their words, in their order, are of one wording.

use super::Body;
use super::tokens::Sort;

/// The share of words in common: of the shorter of two that begin alike; else, for words tell less then, of what all bodies
/// of the wording have in common; and of both together while there is only one body, whose values nobody knows yet.
const LEAST_ALIKE: f64 = 0.5;
const LEAST_OF_WORDING: f64 = 0.6;
const LEAST_OF_BOTH: f64 = 0.5;
/// Words of a body that are compared: the wording shows in its front.
const MOST_WORDS: usize = 64;
/// Wordings that are kept apart while bodies are sorted, before the largest are chosen.
const MOST_GROUPS: usize = 32;

struct Group<'t> {
    /// The words that all of its bodies share, in order.
    words: Vec<String>,
    bodies: Vec<Body<'t>>,
}

/// The bodies by wording, the largest last; the bodies of wordings beyond `most` are left over.
pub(super) fn group<'t>(
    bodies: Vec<Body<'t>>,
    most: usize,
    left: &mut Vec<usize>,
) -> Vec<Vec<Body<'t>>> {
    let mut groups: Vec<Group<'t>> = Vec::new();
    for body in bodies {
        let words = words(&body);
        let nearest = groups
            .iter()
            .enumerate()
            .filter_map(|(index, group)| Some((index, likeness(group, &words)?)))
            .max_by(|(_, one), (_, two)| one.total_cmp(two));
        match nearest {
            Some((index, _)) => {
                let group = &mut groups[index];
                let common = common(&group.words, &words);
                // Words in common shrink with each body; the last two are kept, so that not everything fits.
                if common.len() >= 2.min(group.words.len()) {
                    group.words = common;
                }
                group.bodies.push(body);
            }
            None if groups.len() < MOST_GROUPS => groups.push(Group {
                words,
                bodies: vec![body],
            }),
            None => left.extend(&body.places),
        }
    }
    groups.sort_by_key(|group| group.bodies.len());
    let beyond = groups.len().saturating_sub(most);
    for group in groups.drain(..beyond) {
        left.extend(group.bodies.iter().flat_map(|body| &body.places));
    }
    groups.into_iter().map(|group| group.bodies).collect()
}

/// The words that could be constant: letters only, in lower case.
fn words(body: &Body<'_>) -> Vec<String> {
    body.tokens
        .iter()
        .filter(|token| token.sort == Sort::Word && token.text.chars().all(char::is_alphabetic))
        .take(MOST_WORDS)
        .map(|token| token.text.to_ascii_lowercase())
        .collect()
}

/// How much a body is like those of a group; none when it is of another wording.
fn likeness(group: &Group<'_>, body: &[String]) -> Option<f64> {
    let (one, two) = (group.words.len(), body.len());
    if one == 0 || two == 0 {
        return (one == two).then_some(1.0);
    }
    let common = common(&group.words, body).len();
    let alike = share(common, one.min(two));
    let fits = if group.words.first() == body.first() {
        alike >= LEAST_ALIKE
    } else if group.bodies.len() == 1 {
        share(common * 2, one + two) >= LEAST_OF_BOTH
    } else {
        share(common, one) >= LEAST_OF_WORDING
    };
    fits.then_some(alike)
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    number(part) / number(whole)
}

/// The longest common subsequence; both sides are at most [`MOST_WORDS`] long.
fn common(one: &[String], two: &[String]) -> Vec<String> {
    let width = two.len() + 1;
    let mut lengths = vec![0_u16; (one.len() + 1) * width];
    for i in (0..one.len()).rev() {
        for j in (0..two.len()).rev() {
            lengths[i * width + j] = if one[i] == two[j] {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while i < one.len() && j < two.len() {
        if one[i] == two[j] {
            found.push(one[i].clone());
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}
