use std::sync::Arc;

use alertwire_domain::access::Scope;
use alertwire_domain::configuration::{Configuration, Delta, Parts, Removed};
use alertwire_domain::event::{Event, Reason};
use alertwire_domain::event_set::NotifyBy;
use alertwire_domain::mapping::MappedTo;
use alertwire_domain::what_if::{EXAMPLES, Tally, WhatIf, companies_without_mapping};
use alertwire_domain::{CompanyId, IntegrationId, RuleId, Severity};

use crate::house::House;

const KINDS: [&str; 3] = ["system.asset_added", "job.failed", "port.opened"];

/// Two companies, two integrations with a rule each, and events of all sorts.
struct Story {
    house: House,
    companies: [CompanyId; 2],
    integrations: [IntegrationId; 2],
    rules: [RuleId; 2],
    events: Vec<Event>,
}

fn story() -> Story {
    let mut house = House::new();
    let companies = [house.company("Acme"), house.company("Globex")];
    let integrations = [house.integration(&[]), house.integration(&[])];
    let rules = [
        house.rule(integrations[0], &KINDS[..2], NotifyBy::Event, &[]),
        house.rule(
            integrations[1],
            &KINDS[1..],
            NotifyBy::Event,
            &["severity>=medium"],
        ),
    ];
    house.map(integrations[0], MappedTo::All, &[rules[0]], true);
    house.map(
        integrations[1],
        MappedTo::Company(companies[0]),
        &[rules[1]],
        true,
    );
    let mut events = Vec::new();
    for number in 0..240 {
        let company = [Some(companies[0]), Some(companies[1]), None][number % 3];
        let mut event = house.event(company, Some(KINDS[number / 3 % 3]), &[]);
        event.severity = [Severity::Low, Severity::High][number % 2];
        events.push(event);
    }
    Story {
        house,
        companies,
        integrations,
        rules,
        events,
    }
}

impl Story {
    fn ask(&self, delta: Delta, filter: Option<&str>) -> Tally {
        let before = Arc::new(self.house.configuration());
        let put = Parts {
            epoch: before.epoch,
            instance: before.instance.clone(),
            ..delta.put
        };
        let after = Arc::new(before.changed(Delta { put, ..delta }));
        let filter = filter.map(|text| text.parse().unwrap());
        let mut what_if = WhatIf::new(before, after, filter);
        self.events.iter().for_each(|event| what_if.see(event));
        let tally = what_if.into_tally();
        assert_eq!(
            tally.same + tally.gained + tally.lost + tally.moved,
            tally.events
        );
        tally
    }
}

fn removed(removed: Removed) -> Delta {
    Delta {
        removed,
        ..Delta::default()
    }
}

#[test]
fn without_a_change_everything_is_the_same() {
    let story = story();
    let tally = story.ask(Delta::default(), None);
    assert_eq!((tally.same, tally.events, tally.read), (240, 240, 240));
    assert_eq!(tally.reasons.before, tally.reasons.after);
    assert!(tally.examples.is_empty());
    let equal = |sides: &alertwire_domain::what_if::Sides<u64>| sides.before == sides.after;
    assert!(tally.integrations.values().all(equal));
    // The same things put once more are no change.
    let again = Delta {
        put: story.house.parts.clone(),
        ..Delta::default()
    };
    assert_eq!(story.ask(again, None), tally);
}

#[test]
fn a_removed_rule_loses_exactly_what_it_carried() {
    let story = story();
    let whole = story.ask(Delta::default(), None);
    for (rule, integration) in story.rules.into_iter().zip(story.integrations) {
        let tally = story.ask(
            removed(Removed {
                rules: vec![rule],
                ..Removed::default()
            }),
            None,
        );
        let carried = whole.integrations[&integration].before;
        assert!(carried > 0);
        assert_eq!((tally.lost, tally.gained, tally.moved), (carried, 0, 0));
        assert_eq!(tally.integrations[&integration].after, 0);
        assert_eq!(tally.examples.len() as u64, carried.min(EXAMPLES as u64));
    }
}

#[test]
fn what_is_added_gains_and_what_is_swapped_moves() {
    let mut story = story();
    let [_, other] = story.integrations;
    let mut put = Parts::default();
    put.mappings
        .push(alertwire_domain::mapping::CompanyMapping {
            integration: other,
            company: MappedTo::All,
            rules: vec![story.rules[1]],
            create_webhook_alert: true,
        });
    let gained = story.ask(
        Delta {
            put: put.clone(),
            ..Delta::default()
        },
        None,
    );
    assert!(gained.gained > 0 && gained.lost == 0 && gained.moved == 0);
    // Acme's failed jobs of high severity went to both; the rest of its assets and jobs to the first alone.
    let third = story.house.integration(&[]);
    let rule = story.house.rule(third, &KINDS[..2], NotifyBy::Event, &[]);
    let mut delta = removed(Removed {
        rules: vec![story.rules[0]],
        ..Removed::default()
    });
    delta
        .put
        .mappings
        .push(alertwire_domain::mapping::CompanyMapping {
            integration: third,
            company: MappedTo::All,
            rules: vec![rule],
            create_webhook_alert: true,
        });
    let moved = story.ask(delta, None);
    assert_eq!((moved.lost, moved.gained), (0, 0));
    assert_eq!(moved.moved, moved.integrations[&third].after);
}

#[test]
fn a_silence_loses_what_it_mutes_and_says_so() {
    let mut story = story();
    let before = story.ask(Delta::default(), None);
    let silence = story
        .house
        .silence("event=job.failed", &[story.companies[0]]);
    let with = story.ask(Delta::default(), None);
    let muted = with.reasons.before[&Reason::Silenced];
    assert!(!before.reasons.before.contains_key(&Reason::Silenced) && muted > 0);
    let lifted = story.ask(
        removed(Removed {
            silences: vec![silence],
            ..Removed::default()
        }),
        None,
    );
    assert_eq!((lifted.gained, lifted.lost), (muted, 0));
}

#[test]
fn a_filter_keeps_events_out_and_still_counts_them_as_read() {
    let story = story();
    let tally = story.ask(Delta::default(), Some("company=Acme event=job.*"));
    assert_eq!(tally.read, 240);
    assert!(tally.events > 0 && tally.events < 80);
}

#[test]
fn examples_are_the_first_ones_and_not_without_end() {
    let mut story = story();
    let more = story.events.clone();
    story.events.extend(more);
    let tally = story.ask(
        removed(Removed {
            rules: story.rules.to_vec(),
            ..Removed::default()
        }),
        None,
    );
    assert!(tally.lost > EXAMPLES as u64);
    assert_eq!(tally.examples.len(), EXAMPLES);
    assert!(
        tally
            .examples
            .iter()
            .all(|one| one.ways.after.integrations.is_empty())
    );
}

#[test]
fn companies_that_no_mapping_serves_are_counted_within_the_scope() {
    let story = story();
    let count =
        |configuration: &Configuration, scope| companies_without_mapping(configuration, &scope);
    let whole = story.house.configuration();
    assert_eq!(count(&whole, Scope::All), 0);
    let without = whole.changed(removed(Removed {
        mappings: vec![(story.integrations[0], MappedTo::All)],
        ..Removed::default()
    }));
    assert_eq!(count(&without, Scope::All), 1);
    assert_eq!(
        count(&without, Scope::Companies(vec![story.companies[0]])),
        0
    );
    assert_eq!(
        count(&without, Scope::Companies(vec![story.companies[1]])),
        1
    );
}
