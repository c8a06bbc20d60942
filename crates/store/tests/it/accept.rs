//! An alert comes in.

use std::time::Duration;

use domain::access::Scope;
use domain::event::{Event, Repeats};
use domain::{CompanyId, EventId, MessageId, SourceId};
use store::{Acceptance, Idempotency, Notice, PageAt, Receipt, Store, StoreError};

use crate::world::{MINUTE, World, company, elsewhere, stored};

on_both!(
    an_accepted_alert_is_there_as_it_came,
    a_message_with_several_events_keeps_their_order,
    the_same_webhook_id_and_body_is_a_duplicate,
    the_same_webhook_id_with_another_body_is_stored_and_flagged,
    the_same_webhook_id_at_another_source_is_new,
    of_concurrent_repeats_one_is_stored,
    an_idempotent_twin_gets_the_first_answer,
    an_idempotency_key_with_another_body_is_refused,
    what_was_matched_under_an_old_epoch_is_matched_again,
    a_repeat_within_the_window_is_counted,
    repeats_at_once_are_counted_on_one,
    without_a_window_equal_events_are_events_of_their_own,
    events_join_an_open_group,
    a_full_group_is_followed_by_another,
    a_group_past_its_window_is_not_joined,
    many_accepts_at_once_are_all_stored,
    a_full_queue_refuses_and_stores_nothing,
    an_accept_rings_for_its_integrations,
);

async fn an_accepted_alert_is_there_as_it_came(mut world: World) {
    let acceptance = world.acceptance("web-1 was found").await;
    let (message, event) = (
        acceptance.message.clone(),
        acceptance.events[0].event.clone(),
    );
    let delivery = acceptance.events[0].deliveries[0].clone();
    let receipt = world.store.accept(acceptance).await.unwrap();
    assert_eq!(
        receipt,
        Receipt::Stored {
            message: message.id,
            events: vec![event.id]
        }
    );
    let store = &world.store;
    assert_eq!(
        store.message(&Scope::All, message.id).await.unwrap(),
        Some((message.clone(), vec![event.id]))
    );
    assert_eq!(
        store.event(&Scope::All, event.id).await.unwrap(),
        Some(event.clone())
    );
    let carried = store
        .deliveries_of_event(&Scope::All, event.id)
        .await
        .unwrap();
    assert_eq!(
        (carried.len(), carried[0].delivery, carried[0].rule),
        (1, delivery.id, world.rule)
    );
    assert_eq!(
        store.alert(&Scope::All, delivery.id).await.unwrap(),
        delivery.alert
    );
    let row = store
        .delivery(&Scope::All, delivery.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.subject.as_str(), row.events, row.sealed),
        (event.subject.as_str(), vec![event.id], true)
    );
    let other = elsewhere();
    assert_eq!(store.message(&other, message.id).await.unwrap(), None);
    assert_eq!(store.event(&other, event.id).await.unwrap(), None);
    assert!(
        store
            .deliveries_of_event(&other, event.id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.delivery(&other, delivery.id).await.unwrap(), None);
    assert_eq!(store.alert(&other, delivery.id).await.unwrap(), None);
    let own = Scope::Companies(vec![world.company]);
    assert!(store.message(&own, message.id).await.unwrap().is_some());
}

async fn a_message_with_several_events_keeps_their_order(mut world: World) {
    let mut acceptance = world.acceptance("one").await;
    for body in ["two", "three"] {
        let more = world.acceptance(body).await;
        acceptance.events.extend(more.events);
    }
    for accepted in &mut acceptance.events {
        accepted.event.message = acceptance.message.id;
    }
    let ids: Vec<_> = acceptance
        .events
        .iter()
        .map(|accepted| accepted.event.id)
        .collect();
    let message = acceptance.message.id;
    world.store.accept(acceptance).await.unwrap();
    assert_eq!(
        world
            .store
            .message(&Scope::All, message)
            .await
            .unwrap()
            .unwrap()
            .1,
        ids
    );
}

/// An acceptance under a `webhook-id`.
async fn named(world: &mut World, body: &str, id: &str) -> Acceptance {
    let mut acceptance = world.acceptance(body).await;
    acceptance.message.webhook_id = Some(id.to_owned());
    acceptance
}

async fn the_same_webhook_id_and_body_is_a_duplicate(mut world: World) {
    let first = named(&mut world, "web-1", "msg-1").await;
    let (id, sha256) = (first.message.id, first.message.sha256);
    let event = stored(world.store.accept(first).await.unwrap());
    let again = named(&mut world, "web-1", "msg-1").await;
    let receipt = world.store.accept(again).await.unwrap();
    assert_eq!(
        receipt,
        Receipt::Duplicate {
            message: id,
            sha256,
            events: vec![event]
        }
    );
    assert_eq!(count(&world.store).await, 1);
}

async fn the_same_webhook_id_with_another_body_is_stored_and_flagged(mut world: World) {
    let first = named(&mut world, "web-1", "msg-1").await;
    let second = named(&mut world, "web-2", "msg-1").await;
    let (one, two) = (first.message.id, second.message.id);
    stored(world.store.accept(first).await.unwrap());
    stored(world.store.accept(second).await.unwrap());
    assert!(!is_reused(&world, one).await);
    assert!(is_reused(&world, two).await);
    let again = named(&mut world, "web-2", "msg-1").await;
    assert!(
        matches!(world.store.accept(again).await.unwrap(), Receipt::Duplicate { message, .. } if message == two)
    );
}

async fn is_reused(world: &World, id: MessageId) -> bool {
    world
        .store
        .message(&Scope::All, id)
        .await
        .unwrap()
        .unwrap()
        .0
        .id_reused
}

async fn the_same_webhook_id_at_another_source_is_new(mut world: World) {
    let first = named(&mut world, "web-1", "msg-1").await;
    stored(world.store.accept(first).await.unwrap());
    world.source = SourceId::new(world.now, &mut world.rng);
    let second = named(&mut world, "web-1", "msg-1").await;
    let id = second.message.id;
    stored(world.store.accept(second).await.unwrap());
    assert!(!is_reused(&world, id).await);
}

async fn of_concurrent_repeats_one_is_stored(mut world: World) {
    let mut acceptances = Vec::new();
    for _ in 0..32 {
        acceptances.push(named(&mut world, "web-1", "msg-1").await);
    }
    let receipts = accept_all(&world.store, acceptances).await;
    let firsts = receipts
        .iter()
        .filter(|receipt| matches!(receipt, Ok(Receipt::Stored { .. })))
        .count();
    let repeats = receipts
        .iter()
        .filter(|receipt| matches!(receipt, Ok(Receipt::Duplicate { .. })))
        .count();
    assert_eq!((firsts, repeats), (1, 31), "{receipts:?}");
    assert_eq!(count(&world.store).await, 1);
}

async fn accept_all(
    store: &Store,
    acceptances: Vec<Acceptance>,
) -> Vec<Result<Receipt, StoreError>> {
    let mut running = tokio::task::JoinSet::new();
    for acceptance in acceptances {
        let store = store.clone();
        running.spawn(async move { store.accept(acceptance).await });
    }
    running.join_all().await
}

/// How many events there are, up to a page.
async fn count(store: &Store) -> usize {
    let at = PageAt::new(Some(PageAt::MOST), None);
    store
        .events(&Scope::All, &Default::default(), &at)
        .await
        .unwrap()
        .items
        .len()
}

async fn idempotent(world: &mut World, body: &str) -> Acceptance {
    let mut acceptance = world.acceptance(body).await;
    let body_hash = acceptance.message.sha256;
    acceptance.idempotency = Some(Idempotency {
        scope: "key-1".to_owned(),
        key: "once".to_owned(),
        body_hash,
    });
    acceptance
}

async fn an_idempotent_twin_gets_the_first_answer(mut world: World) {
    let (one, two) = (
        idempotent(&mut world, "web-1").await,
        idempotent(&mut world, "web-1").await,
    );
    let receipts = accept_all(&world.store, vec![one, two]).await;
    let ids: Vec<(MessageId, Vec<EventId>)> = receipts
        .into_iter()
        .map(|receipt| match receipt.unwrap() {
            Receipt::Stored { message, events }
            | Receipt::Duplicate {
                message, events, ..
            } => (message, events),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(count(&world.store).await, 1);
}

async fn an_idempotency_key_with_another_body_is_refused(mut world: World) {
    let (one, two) = (
        idempotent(&mut world, "web-1").await,
        idempotent(&mut world, "web-2").await,
    );
    stored(world.store.accept(one).await.unwrap());
    assert_eq!(world.store.accept(two).await.unwrap(), Receipt::KeyReused);
    assert_eq!(count(&world.store).await, 1);
}

async fn what_was_matched_under_an_old_epoch_is_matched_again(mut world: World) {
    let mut acceptance = world.acceptance("web-1").await;
    let id = CompanyId::new(world.now, &mut world.rng);
    let epoch = world
        .change(store::Change::InsertCompany(company(
            id, "Fabrikam", world.now,
        )))
        .await;
    assert_eq!(
        world.store.accept(acceptance.clone()).await.unwrap(),
        Receipt::Moved { epoch }
    );
    assert_eq!(count(&world.store).await, 0);
    assert_eq!(world.store.configuration().await.unwrap().epoch, epoch);
    acceptance.epoch = epoch;
    stored(world.store.accept(acceptance).await.unwrap());
}

async fn event(world: &World, id: EventId) -> Event {
    world.store.event(&Scope::All, id).await.unwrap().unwrap()
}

/// Several at once, whatever order they are committed in: one is an event, the others are counted on it.
async fn repeats_at_once_are_counted_on_one(mut world: World) {
    let mut acceptances = Vec::new();
    for _ in 0..32 {
        let mut acceptance = world.acceptance("web-1").await;
        acceptance.events[0].dedup_window = Some(5 * MINUTE);
        acceptances.push(acceptance);
    }
    let messages: Vec<_> = acceptances.iter().map(|one| one.message.id).collect();
    let receipts = accept_all(&world.store, acceptances).await;
    let events: Vec<_> = receipts
        .into_iter()
        .map(|receipt| stored(receipt.unwrap()))
        .collect();
    assert_eq!(events, vec![events[0]; 32]);
    let one = event(&world, events[0]).await;
    assert_eq!((one.count, count(&world.store).await), (32, 1));
    assert!(messages.contains(&one.repeats.last.unwrap().1));
    assert_eq!(one.repeats.reopened, None);
}

async fn without_a_window_equal_events_are_events_of_their_own(mut world: World) {
    let mut events = Vec::new();
    for _ in 0..2 {
        let acceptance = world.acceptance("web-1").await;
        events.push(stored(world.store.accept(acceptance).await.unwrap()));
    }
    assert_ne!(events[0], events[1]);
    for id in events {
        let event = event(&world, id).await;
        assert_eq!((event.count, event.repeats), (1, Repeats::default()));
    }
}

async fn a_repeat_within_the_window_is_counted(mut world: World) {
    let (mut events, mut messages) = (Vec::new(), Vec::new());
    for wait in [0, 4, 4, 4, 5] {
        world.pass(wait * MINUTE);
        let mut acceptance = world.acceptance("web-1").await;
        acceptance.events[0].dedup_window = Some(5 * MINUTE);
        messages.push(acceptance.message.id);
        events.push(stored(world.store.accept(acceptance).await.unwrap()));
    }
    // The window of five minutes runs from the last one, so the fifth, after five quiet minutes, is an event again.
    assert_eq!(events[1..4], [events[0]; 3]);
    assert_ne!(events[4], events[0]);
    let (first, again) = (
        event(&world, events[0]).await,
        event(&world, events[4]).await,
    );
    assert_eq!((first.count, first.repeats.reopened), (4, None));
    let last = first.repeats.last.unwrap();
    assert_eq!(
        (last.0, last.1),
        (world.now.before(5 * MINUTE), messages[3])
    );
    assert_eq!((again.count, again.repeats.last), (1, None));
    assert_eq!(again.repeats.reopened, Some(first.id));
    assert_eq!(
        world
            .store
            .deliveries_of_event(&Scope::All, events[0])
            .await
            .unwrap()
            .len(),
        1
    );
    let all = world
        .store
        .deliveries(&Scope::All, &Default::default(), &PageAt::default())
        .await
        .unwrap();
    assert_eq!(all.items.len(), 2);
}

/// The delivery that carries the event of an acceptance.
async fn carrier(world: &World, acceptance: Acceptance) -> domain::DeliveryId {
    let event = stored(world.store.accept(acceptance).await.unwrap());
    world
        .store
        .deliveries_of_event(&Scope::All, event)
        .await
        .unwrap()[0]
        .delivery
}

async fn events_join_an_open_group(mut world: World) {
    let mut carriers = Vec::new();
    for (body, key) in [("web-1", "a"), ("web-2", "a"), ("web-3", "b")] {
        let acceptance = world.joinable(body, key, 1, 10).await;
        carriers.push(carrier(&world, acceptance).await);
    }
    assert_eq!(carriers[0], carriers[1]);
    assert_ne!(carriers[0], carriers[2]);
    let row = world
        .store
        .delivery(&Scope::All, carriers[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.events.len(), row.sealed), (2, false));
}

async fn a_full_group_is_followed_by_another(mut world: World) {
    for (records, bytes) in [(20, 10), (1, 7_000)] {
        let mut carriers = Vec::new();
        for _ in 0..3 {
            let acceptance = world
                .joinable("web", &format!("{records}"), records, bytes)
                .await;
            carriers.push(carrier(&world, acceptance).await);
        }
        assert_eq!(carriers[0], carriers[1], "{records} records, {bytes} bytes");
        assert_ne!(carriers[1], carriers[2], "{records} records, {bytes} bytes");
    }
}

async fn a_group_past_its_window_is_not_joined(mut world: World) {
    let first = world.joinable("web-1", "a", 1, 10).await;
    let first = carrier(&world, first).await;
    world.pass(MINUTE);
    let second = world.joinable("web-2", "a", 1, 10).await;
    let second = carrier(&world, second).await;
    assert_ne!(first, second);
    world.pass(Duration::from_secs(1));
    let third = world.joinable("web-3", "a", 1, 10).await;
    assert_eq!(carrier(&world, third).await, second);
}

async fn many_accepts_at_once_are_all_stored(mut world: World) {
    let mut acceptances = Vec::new();
    for number in 0..500 {
        acceptances.push(world.acceptance(&format!("web-{number}")).await);
    }
    let ids: Vec<_> = acceptances
        .iter()
        .map(|acceptance| acceptance.events[0].event.id)
        .collect();
    let receipts = accept_all(&world.store, acceptances).await;
    assert!(
        receipts
            .iter()
            .all(|receipt| matches!(receipt, Ok(Receipt::Stored { .. })))
    );
    for id in ids {
        assert!(world.store.event(&Scope::All, id).await.unwrap().is_some());
    }
}

async fn a_full_queue_refuses_and_stores_nothing(mut world: World) {
    world.small_queue();
    world.restart(None).await;
    let mut acceptances = Vec::new();
    for number in 0..500 {
        acceptances.push(world.acceptance(&format!("web-{number}")).await);
    }
    let receipts = accept_all(&world.store, acceptances).await;
    let acked = receipts.iter().filter(|receipt| receipt.is_ok()).count();
    assert!(
        receipts
            .iter()
            .all(|receipt| matches!(receipt, Ok(_) | Err(StoreError::Overloaded)))
    );
    assert!(acked >= 1);
    assert_eq!(count(&world.store).await, acked);
}

async fn an_accept_rings_for_its_integrations(mut world: World) {
    let mut notices = world.store.notices();
    world.accepted("web-1").await;
    assert!(
        world
            .store
            .bell()
            .rung()
            .await
            .integrations
            .contains(&world.integration)
    );
    loop {
        if notices.recv().await.unwrap() == Notice::Events {
            break;
        }
    }
}
