//! Watched subjects: looked at once each, by one node, and seen by whoever sees their company.

use domain::access::Scope;
use domain::catalogue::{Drift, Turn};
use domain::event::{Match, Reading};
use domain::message::Decode;
use domain::{CompanyId, Timestamp};
use store::{DriftRound, Watched};

use crate::world::World;

on_both!(
    each_event_is_looked_at_once_in_the_order_of_storing,
    the_slower_of_two_nodes_writes_nothing,
    open_alarms_are_seen_within_the_scope_and_forgotten_with_age,
);

async fn sighted(world: &mut World, matched: Match) {
    let mut acceptance = world.acceptance("A body").await;
    let event = &mut acceptance.events[0].event;
    event.kind = Some("system.asset_added".to_owned());
    event.source = Some(world.source);
    event.reading = Reading {
        matched,
        ..Reading::nothing(Decode::Ok)
    };
    world.store.accept(acceptance).await.unwrap();
}

fn open(round: &DriftRound, at: Timestamp) -> Watched {
    let first = &round.sightings[0];
    let mut state = Drift::default();
    (0..50).for_each(|_| _ = state.see(true));
    assert!((0..20).any(|_| state.see(false) == Turn::Alarm));
    Watched {
        key: first.key,
        subject: first.subject.clone(),
        kind: first.kind.clone(),
        state,
        misses: round.sightings.iter().map(|one| one.event).collect(),
        opened_at: Some(at),
        changed_at: at,
    }
}

async fn each_event_is_looked_at_once_in_the_order_of_storing(mut world: World) {
    assert!(world.store.drift_round(10).await.unwrap().is_none());
    for matched in [Match::Full, Match::None, Match::Partial] {
        sighted(&mut world, matched).await;
    }
    let round = world.store.drift_round(2).await.unwrap().unwrap();
    let full: Vec<bool> = round.sightings.iter().map(|one| one.full).collect();
    assert_eq!((round.passed, full), (2, vec![true, false]));
    let before = Timestamp::from_micros(0);
    assert!(
        world
            .store
            .keep_drift(&round, Vec::new(), before)
            .await
            .unwrap()
    );
    let rest = world.store.drift_round(2).await.unwrap().unwrap();
    assert_eq!((rest.passed, rest.sightings[0].full), (1, false));
    assert!(
        world
            .store
            .keep_drift(&rest, Vec::new(), before)
            .await
            .unwrap()
    );
    assert!(world.store.drift_round(2).await.unwrap().is_none());
}

async fn the_slower_of_two_nodes_writes_nothing(mut world: World) {
    sighted(&mut world, Match::None).await;
    let (one, two) = (
        world.store.drift_round(10).await.unwrap().unwrap(),
        world.store.drift_round(10).await.unwrap().unwrap(),
    );
    let (before, now) = (Timestamp::from_micros(0), world.now);
    assert!(
        world
            .store
            .keep_drift(&one, Vec::new(), before)
            .await
            .unwrap()
    );
    let late = vec![open(&two, now)];
    assert!(!world.store.keep_drift(&two, late, before).await.unwrap());
    assert_eq!(world.store.open_drift(&Scope::All, 10).await.unwrap(), []);
}

async fn open_alarms_are_seen_within_the_scope_and_forgotten_with_age(mut world: World) {
    sighted(&mut world, Match::None).await;
    let round = world.store.drift_round(10).await.unwrap().unwrap();
    let alarm = open(&round, world.now);
    let keep = vec![alarm.clone()];
    let before = Timestamp::from_micros(0);
    assert!(world.store.keep_drift(&round, keep, before).await.unwrap());
    let seen = |scope: Scope| {
        let store = world.store.clone();
        async move { store.open_drift(&scope, 10).await.unwrap() }
    };
    assert_eq!(seen(Scope::All).await, std::slice::from_ref(&alarm));
    let company = alarm.key.company.unwrap();
    assert_eq!(
        seen(Scope::Companies([company].into())).await,
        std::slice::from_ref(&alarm)
    );
    let other = CompanyId::from_bytes([9; 16]);
    assert_eq!(seen(Scope::Companies([other].into())).await, []);
    // The next round knows it, and closes it.
    sighted(&mut world, Match::Full).await;
    let round = world.store.drift_round(10).await.unwrap().unwrap();
    assert_eq!(round.known, std::slice::from_ref(&alarm));
    let closed = Watched {
        opened_at: None,
        ..alarm
    };
    assert!(
        world
            .store
            .keep_drift(&round, vec![closed.clone()], before)
            .await
            .unwrap()
    );
    assert_eq!(world.store.open_drift(&Scope::All, 10).await.unwrap(), []);
    sighted(&mut world, Match::Full).await;
    let round = world.store.drift_round(10).await.unwrap().unwrap();
    assert_eq!(round.known, [closed]);
    let after = world.now.after(std::time::Duration::from_secs(1));
    assert!(
        world
            .store
            .keep_drift(&round, Vec::new(), after)
            .await
            .unwrap()
    );
    sighted(&mut world, Match::Full).await;
    let round = world.store.drift_round(10).await.unwrap().unwrap();
    assert_eq!(round.known, []);
}
