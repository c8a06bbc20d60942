//! The target of learning.

use std::collections::BTreeSet;

use alertwire_catalogue::{NewKind, Proposal, Severity, check, learn as learn_from};

/// Bodies of one input.
pub const BODIES: usize = 8;
/// One of so many proposals is checked as a catalogue file, which takes longer than learning it.
const CHECKED: usize = 64;

/// Bodies, one behind another with a zero byte between: each is read by a proposal, unread or left out, and a proposal
/// is a template that reads as many of the bodies as it says and makes a catalogue file that passes its check.
pub fn learn(data: &[u8]) -> usize {
    let bodies = data.split(|byte| *byte == 0).take(BODIES);
    let bodies: Vec<&str> = bodies
        .filter_map(|body| std::str::from_utf8(body).ok())
        .collect();
    let learned = learn_from(&bodies);
    let read: usize = learned
        .proposals
        .iter()
        .map(|proposal| proposal.bodies)
        .sum();
    let rest = learned.unread.iter().chain(&learned.left_out);
    assert!(
        rest.clone().all(|place| *place < bodies.len()),
        "a body that was not read is one of the given"
    );
    let unread: BTreeSet<&usize> = rest.collect();
    assert_eq!(
        unread.len(),
        learned.unread.len() + learned.left_out.len(),
        "none is told twice"
    );
    assert_eq!(read + unread.len(), bodies.len(), "none is lost");
    for proposal in &learned.proposals {
        let template = &proposal.template;
        let again = Proposal::of(template, &bodies)
            .unwrap_or_else(|error| panic!("a proposal is a template: {error} of {template:?}"));
        assert!(
            again.bodies >= proposal.bodies,
            "it reads what it says: {template:?}"
        );
        if data.len().is_multiple_of(CHECKED) {
            let file = proposal.kind_file(&kind());
            let found = check(&[("learned.toml", &file)]);
            assert!(found.is_empty(), "{found:?} of\n{file}");
        }
    }
    read
}

fn kind() -> NewKind {
    NewKind {
        code: "fuzz.learned".into(),
        category: "Fuzz".into(),
        name: "Learned \"\\ by\u{1b} fuzzing".into(),
        subject: "Learned by fuzzing".into(),
        severity: Severity::Medium,
        class: None,
    }
}
