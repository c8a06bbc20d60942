use std::collections::BTreeSet;

use alertwire_domain::access::Actor;
use alertwire_domain::catalogue::Catalogue;
use alertwire_domain::configuration::{Configuration, Delta, Parts, Removed};
use alertwire_domain::event_kind::{Adds, EventKind};
use alertwire_domain::event_set::NotifyBy;
use alertwire_domain::mapping::MappedTo;
use alertwire_domain::{EventKindId, Timestamp};

use crate::house::House;

/// Everything that can be asked of a snapshot, in an order of its own.
fn all(configuration: &Configuration) -> BTreeSet<String> {
    let things = configuration
        .companies()
        .map(|company| format!("{company:?}"))
        .chain(
            configuration
                .integrations()
                .map(|found| format!("{found:?}")),
        )
        .chain(configuration.event_sets().map(|set| format!("{set:?}")))
        .chain(configuration.rules().map(|rule| format!("{rule:?}")))
        .chain(
            configuration
                .mappings()
                .map(|mapping| format!("{mapping:?}")),
        )
        .chain(
            configuration
                .silences()
                .map(|silence| format!("{silence:?}")),
        );
    things.collect()
}

#[test]
fn a_snapshot_that_was_changed_step_by_step_is_the_one_made_at_once() {
    let mut house = House::new();
    let (acme, contoso) = (house.company("Acme"), house.company("Contoso"));
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &["system.asset_added"], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::Company(acme), &[rule], false);
    house.map(desk, MappedTo::All, &[rule], true);
    let whole = house.configuration();
    let Parts {
        companies,
        integrations,
        event_sets,
        rules,
        mappings,
        ..
    } = house.parts.clone();
    let step = |put: Parts| Delta {
        put: Parts {
            epoch: 7,
            instance: "here".to_owned(),
            ..put
        },
        removed: Removed::default(),
    };
    let parts = Parts::default;
    let stepwise = Configuration::default()
        .changed(step(Parts {
            companies,
            ..parts()
        }))
        .changed(step(Parts {
            integrations,
            ..parts()
        }))
        .changed(step(Parts {
            event_sets,
            rules,
            ..parts()
        }))
        .changed(step(Parts {
            mappings: mappings.clone(),
            ..parts()
        }))
        .changed(step(Parts {
            mappings,
            ..parts()
        }));
    assert_eq!(all(&stepwise), all(&whole));
    assert_eq!(
        stepwise.company_named("contoso").map(|found| found.id),
        Some(contoso)
    );
    assert_eq!(stepwise.epoch, 7);
}

#[test]
fn what_is_removed_is_found_by_nobody() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &["system.asset_added"], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::Company(acme), &[rule], true);
    house.map(desk, MappedTo::All, &[rule], true);
    let without = |removed: Removed| {
        house.configuration().changed(Delta {
            put: Parts::default(),
            removed,
        })
    };
    let own = without(Removed {
        mappings: vec![(desk, MappedTo::Company(acme))],
        ..Removed::default()
    });
    let companies: Vec<_> = own.mappings_for(acme).map(|found| found.company).collect();
    assert_eq!(companies, [MappedTo::All]);
    let acme_gone = without(Removed {
        companies: vec![acme],
        ..Removed::default()
    });
    assert!(acme_gone.company_named("acme gmbh").is_none());
    let gone = without(Removed {
        companies: vec![acme],
        integrations: vec![desk],
        rules: vec![rule],
        ..Removed::default()
    });
    assert!(gone.company(acme).is_none() && gone.integration(desk).is_none());
    assert!(gone.rule(rule).is_none());
}

fn entry(number: u8, adds: Adds, file: &str) -> EventKind {
    EventKind {
        id: EventKindId::from_bytes([number; 16]),
        code: "backup.failed".to_owned(),
        adds,
        file: file.to_owned(),
        author: Actor::Local,
        created_at: Timestamp::from_micros(1),
    }
}

const KIND: &str = "category = 'Backups'
[[event]]
code = 'backup.failed'
subject = 'Backup Failed'
body = 'Backup of {hostname:host} failed'
";
const WORDINGS: &str = "[[extend]]
code = 'backup.failed'
variants = ['No backup of {hostname:host}']
";

#[test]
fn the_catalogue_follows_the_entries_of_event_kinds() {
    let house = House::new();
    let before = house.configuration();
    let kind = entry(1, Adds::Kind, KIND);
    let put = |event_kinds| Parts {
        event_kinds,
        ..Parts::default()
    };
    let taught = before.with(put(vec![kind.clone(), entry(2, Adds::Wordings, WORDINGS)]));
    assert!(before.catalogue().kind("backup.failed").is_none());
    let found = taught.catalogue().kind("backup.failed").unwrap();
    assert_eq!((found.variants.len(), taught.left_out().len()), (1, 0));
    // A change of something else keeps the very catalogue.
    let later = taught.with(Parts::default());
    assert!(std::sync::Arc::ptr_eq(
        taught.catalogue(),
        later.catalogue()
    ));
    let gone = taught.changed(Delta {
        put: Parts::default(),
        removed: Removed {
            event_kinds: vec![kind.id],
            ..Removed::default()
        },
    });
    assert!(gone.catalogue().kind("backup.failed").is_none());
    assert_eq!(gone.left_out()[0].file, "backup.failed wordings");
}

#[test]
fn an_entry_that_does_not_fit_costs_no_other_kind() {
    let broken = entry(1, Adds::Kind, &KIND.replace("host}", "nonsense}"));
    let configuration = Configuration::on(Catalogue::builtin()).with(Parts {
        event_kinds: vec![broken],
        ..Parts::default()
    });
    assert!(configuration.catalogue().kind("backup.failed").is_none());
    assert!(
        configuration
            .catalogue()
            .kind("system.asset_added")
            .is_some()
    );
    assert_eq!(configuration.left_out()[0].file, "backup.failed");
}
