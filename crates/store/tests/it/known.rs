//! What a company is known to have, and accepts that store what is new alone.

use std::time::Duration;

use domain::access::Scope;
use domain::{CompanyId, EventId};
use store::{Acceptance, EventQuery, Idempotency, PageAt, Receipt, RetentionClass, StoreError};

use crate::world::{World, stored};

on_both!(
    what_is_known_is_not_stored_again,
    of_a_message_what_is_new_is_stored,
    what_came_by_other_ways_is_known_before_and_after_it_is_indexed,
    what_one_company_has_is_new_to_another,
    of_two_at_once_one_is_stored,
    the_same_told_twice_in_a_message_is_stored_once,
    what_is_known_outlives_its_event_and_is_new_when_it_is_forgotten,
    meeting_it_again_keeps_it_known,
    a_repeat_under_its_key_gets_its_first_answer,
    what_is_known_can_be_asked_for,
    behind_an_index_that_lags_too_far_nothing_is_stored,
);

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// An acceptance of events with these bodies that wants what is new alone.
async fn wanting(world: &mut World, bodies: &[&str]) -> Acceptance {
    let mut acceptance = world.acceptance(bodies[0]).await;
    for body in &bodies[1..] {
        acceptance
            .events
            .extend(world.acceptance(body).await.events);
    }
    let message = acceptance.message.id;
    for accepted in &mut acceptance.events {
        accepted.event.message = message;
        (accepted.event.source, acceptance.message.source) = (None, None);
    }
    acceptance.only_new = true;
    acceptance
}

async fn accept(world: &mut World, bodies: &[&str]) -> Receipt {
    let acceptance = wanting(world, bodies).await;
    world.store.accept(acceptance).await.unwrap()
}

async fn count(world: &World) -> usize {
    let query = EventQuery::default();
    let page = world
        .store
        .events(&Scope::All, &query, &PageAt::default())
        .await;
    page.unwrap().items.len()
}

/// All is known, by these events.
fn known(receipt: Receipt) -> Vec<EventId> {
    match receipt {
        Receipt::Known { events } => events,
        other => panic!("something was stored: {other:?}"),
    }
}

async fn what_is_known_is_not_stored_again(mut world: World) {
    let first = stored(accept(&mut world, &["web-1"]).await);
    let acceptance = wanting(&mut world, &["web-1"]).await;
    let message = acceptance.message.id;
    assert_eq!(
        known(world.store.accept(acceptance).await.unwrap()),
        [first]
    );
    assert_eq!(count(&world).await, 1);
    let stored = world.store.message(&Scope::All, message).await.unwrap();
    assert_eq!(stored, None, "a message without an event is none");
}

async fn of_a_message_what_is_new_is_stored(mut world: World) {
    let first = stored(accept(&mut world, &["web-1"]).await);
    let acceptance = wanting(&mut world, &["web-1", "web-2"]).await;
    let (message, second) = (acceptance.message.id, acceptance.events[1].event.id);
    let receipt = world.store.accept(acceptance).await.unwrap();
    let events = vec![first, second];
    assert_eq!(receipt, Receipt::Stored { message, events });
    assert_eq!(count(&world).await, 2);
    let pending = world.store.deliveries_of_event(&Scope::All, second).await;
    assert_eq!(pending.unwrap().len(), 1);
}

async fn what_came_by_other_ways_is_known_before_and_after_it_is_indexed(mut world: World) {
    let (behind, _) = world.accepted("web-1").await;
    assert_eq!(known(accept(&mut world, &["web-1"]).await), [behind]);
    let (indexed, _) = world.accepted("web-2").await;
    world.store.index_search(100).await.unwrap();
    assert_eq!(known(accept(&mut world, &["web-2"]).await), [indexed]);
    assert_eq!(known(accept(&mut world, &["web-2"]).await), [indexed]);
    assert_eq!(count(&world).await, 2);
}

async fn what_one_company_has_is_new_to_another(mut world: World) {
    stored(accept(&mut world, &["web-1"]).await);
    let mut acceptance = wanting(&mut world, &["web-1"]).await;
    // Even under the same fingerprint.
    acceptance.events[0].event.company = Some(CompanyId::from_bytes([9; 16]));
    stored(world.store.accept(acceptance).await.unwrap());
}

async fn of_two_at_once_one_is_stored(mut world: World) {
    let stores = [world.store.clone(), world.another_node().await];
    let mut accepting = Vec::new();
    let bodies: Vec<String> = (0..20).map(|number| format!("web-{number}")).collect();
    for turn in 0..8 {
        let mut bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        if turn % 2 == 1 {
            bodies.reverse();
        }
        let acceptance = wanting(&mut world, &bodies).await;
        let store = stores[turn / 2 % 2].clone();
        accepting.push(tokio::spawn(async move { store.accept(acceptance).await }));
    }
    let mut receipts = 0;
    for accepting in accepting {
        match accepting.await.unwrap().unwrap() {
            Receipt::Stored { events, .. } | Receipt::Known { events } => {
                receipts += 1;
                assert_eq!(events.len(), 20);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((receipts, count(&world).await), (8, 20));
}

async fn the_same_told_twice_in_a_message_is_stored_once(mut world: World) {
    let receipt = accept(&mut world, &["web-1", "web-1"]).await;
    let Receipt::Stored { events, .. } = receipt else {
        panic!("{receipt:?}");
    };
    assert_eq!(events[0], events[1]);
    assert_eq!(count(&world).await, 1);
}

async fn prune(world: &World, class: RetentionClass) -> usize {
    world
        .store
        .prune(class, world.now, 100, world.now)
        .await
        .unwrap()
}

async fn what_is_known_outlives_its_event_and_is_new_when_it_is_forgotten(mut world: World) {
    let acceptance = {
        let mut acceptance = wanting(&mut world, &["web-1"]).await;
        acceptance.events[0].deliveries.clear();
        acceptance
    };
    let first = stored(world.store.accept(acceptance).await.unwrap());
    world.pass(DAY);
    assert_eq!(prune(&world, RetentionClass::Messages).await, 1);
    assert_eq!(known(accept(&mut world, &["web-1"]).await), [first]);
    assert_eq!(count(&world).await, 0);
    world.pass(2 * DAY);
    assert_eq!(prune(&world, RetentionClass::Known).await, 1);
    stored(accept(&mut world, &["web-1"]).await);
}

async fn meeting_it_again_keeps_it_known(mut world: World) {
    accept(&mut world, &["web-1", "web-2"]).await;
    world.pass(2 * DAY);
    accept(&mut world, &["web-1"]).await;
    let before = world.now;
    world.pass(DAY);
    let forgotten = world
        .store
        .prune(RetentionClass::Known, before, 100, world.now)
        .await;
    assert_eq!(forgotten.unwrap(), 1, "web-2 alone was not met again");
}

async fn a_repeat_under_its_key_gets_its_first_answer(mut world: World) {
    let mut first = wanting(&mut world, &["web-1"]).await;
    let idempotency = Idempotency {
        scope: "key".to_owned(),
        key: "batch-1".to_owned(),
        body_hash: first.message.sha256,
    };
    first.idempotency = Some(idempotency.clone());
    let (message, event) = (first.message.id, first.events[0].event.id);
    stored(world.store.accept(first).await.unwrap());
    let mut again = wanting(&mut world, &["web-1"]).await;
    again.idempotency = Some(idempotency.clone());
    let receipt = world.store.accept(again).await.unwrap();
    assert!(
        matches!(&receipt, Receipt::Duplicate { message: first, events, .. } if *first == message && *events == [event]),
        "{receipt:?}"
    );
    // A key under which nothing was stored holds nothing back.
    for _ in 0..2 {
        let mut nothing = wanting(&mut world, &["web-1"]).await;
        nothing.idempotency = Some(Idempotency {
            key: "batch-2".to_owned(),
            ..idempotency.clone()
        });
        assert_eq!(known(world.store.accept(nothing).await.unwrap()), [event]);
    }
}

async fn what_is_known_can_be_asked_for(mut world: World) {
    let first = stored(accept(&mut world, &["web-1"]).await);
    let (other, _) = world.accepted("web-2").await;
    let asked = wanting(&mut world, &["web-1", "web-2", "web-3"]).await;
    let prints = |company: CompanyId| {
        let print = |accepted: &store::Accepted| (company, accepted.event.fingerprint);
        asked.events.iter().map(print).collect::<Vec<_>>()
    };
    let found = world.store.known(prints(world.company)).await.unwrap();
    assert_eq!(found, [Some(first), Some(other), None]);
    let elsewhere = prints(CompanyId::from_bytes([9; 16]));
    assert_eq!(world.store.known(elsewhere).await.unwrap(), [None; 3]);
}

async fn behind_an_index_that_lags_too_far_nothing_is_stored(mut world: World) {
    world.accepted("web-1").await;
    world.batch("UPDATE indexed SET seq = -200000").await;
    let mut acceptance = wanting(&mut world, &["web-2"]).await;
    acceptance.idempotency = Some(Idempotency {
        scope: "key".to_owned(),
        key: "batch-1".to_owned(),
        body_hash: [1; 32],
    });
    let refused = world.store.accept(acceptance.clone()).await;
    assert_eq!(refused, Err(StoreError::Overloaded));
    assert_eq!(count(&world).await, 1);
    world.batch("UPDATE indexed SET seq = 0").await;
    // Not even the key was taken.
    stored(world.store.accept(acceptance).await.unwrap());
}
