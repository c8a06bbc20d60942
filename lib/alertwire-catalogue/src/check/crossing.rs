//! Two kinds of one subject must not read each other's text: then nothing would say which of them an alert is.

use std::collections::BTreeMap;

use super::Place;
use crate::catalogue::{Catalogue, normalised};
use crate::diagnostic::Diagnostic;
use crate::generate::{self, Dice};
use crate::kind::Kind;
use crate::template::Scratch;

/// Bodies made up from each template of a kind.
const BODIES: usize = 1000;
/// Steps for one of them.
const STEPS: u64 = 1_000_000;

/// Looks at the subjects that a wanted kind has a part in.
pub(super) fn check(
    catalogue: &Catalogue,
    places: &[Place<'_>],
    wanted: impl Fn(&Kind) -> bool,
    found: &mut Vec<Diagnostic>,
) {
    let mut subjects: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, kind) in catalogue.kinds().iter().enumerate() {
        for subject in std::iter::once(&kind.subject).chain(&kind.aliases) {
            let kinds = subjects.entry(normalised(subject)).or_default();
            if !kinds.contains(&index) {
                kinds.push(index);
            }
        }
    }
    for kinds in subjects.values().filter(|kinds| kinds.len() > 1) {
        let concerned = |index: &usize| wanted(&catalogue.kinds()[*index]);
        if kinds.iter().any(concerned) {
            check_subject(catalogue, places, kinds, found);
        }
    }
}

fn check_subject(
    catalogue: &Catalogue,
    places: &[Place<'_>],
    kinds: &[usize],
    found: &mut Vec<Diagnostic>,
) {
    for &writer in kinds {
        let bodies = bodies(&catalogue.kinds()[writer]);
        for &reader in kinds.iter().filter(|reader| **reader != writer) {
            let (one, two) = (&catalogue.kinds()[reader], &catalogue.kinds()[writer]);
            if one.alternatives.contains(&two.code) || two.alternatives.contains(&one.code) {
                continue;
            }
            let Some(body) = bodies.iter().find(|body| reads(one, body)) else {
                continue;
            };
            // The finding stands at the one that came later: it is the newcomer.
            let place = &places[reader.max(writer)];
            let message = format!(
                "`{}` reads the text of `{}`, which has the same subject: {body:?}",
                one.code, two.code
            );
            let finding = place.at(&place.places.code, message);
            let finding = finding.with_help("tell them apart by a literal or by disjoint enums, or name one in the `alternatives` of the other");
            if !found
                .iter()
                .any(|known| known.span == finding.span && known.file == finding.file)
            {
                found.push(finding);
            }
        }
    }
}

/// The examples of a kind, and bodies made up from its templates.
fn bodies(kind: &Kind) -> Vec<String> {
    let mut dice = Dice::new(7);
    let mut bodies: Vec<String> = kind
        .examples
        .iter()
        .map(|example| example.body.clone())
        .collect();
    for compiled in kind.templates() {
        bodies.extend((0..BODIES).filter_map(|_| {
            compiled
                .print(&generate::records(&compiled.template, &mut dice))
                .ok()
        }));
    }
    bodies
}

fn reads(kind: &Kind, body: &str) -> bool {
    let mut scratch = Scratch::default();
    kind.templates().any(|template| {
        template
            .read(body, false, &mut scratch, &mut 0, STEPS)
            .is_ok()
    })
}
