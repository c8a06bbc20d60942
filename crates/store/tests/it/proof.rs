//! The proof of the journal: what happens beneath the store shows.

use std::time::Duration;

use domain::access::Scope;
use domain::{EventId, MessageId};
use store::{Fault, KeptReceipt, ReceiptState, RetentionClass};

use crate::world::{World, stored};

on_both!(
    what_was_acked_is_whole,
    what_was_pruned_is_accounted_for,
    a_journal_that_was_all_pruned_goes_on,
    a_deleted_message_shows_and_its_events_name_it,
    altered_bytes_are_named,
    bytes_altered_with_their_hash_show_by_their_day,
    an_added_message_shows,
    a_deleted_event_is_named,
    a_lost_day_shows,
    a_forged_row_of_the_books_shows_and_is_not_written_on,
    what_was_stored_before_there_was_a_seal_is_sealed,
    a_receipt_tells_what_became_of_it,
    sealing_at_two_nodes_beside_accepts_misses_nothing,
);

const DAY: Duration = Duration::from_secs(86_400);

/// All that is found by a verification.
async fn faults(world: &World) -> Vec<Fault> {
    let store = &world.store;
    let sealed = store.sealed().await.unwrap();
    let mut faults = sealed.faults;
    for day in sealed.days {
        faults.extend(store.prove_day(day).await.unwrap().faults);
    }
    let mut after: Option<MessageId> = None;
    loop {
        let checked = store.prove_messages(after, 2).await.unwrap();
        faults.extend(checked.faults);
        after = checked.next;
        if after.is_none() {
            break;
        }
    }
    let mut after: Option<EventId> = None;
    loop {
        let checked = store.prove_events(after, 2).await.unwrap();
        faults.extend(checked.faults);
        after = checked.next;
        if after.is_none() {
            return faults;
        }
    }
}

async fn seal(world: &World) -> usize {
    world.store.seal_journal(100).await.unwrap()
}

/// So many messages whose deliveries have ended, all sealed.
async fn sealed(world: &mut World, count: usize) -> Vec<MessageId> {
    let mut messages = Vec::new();
    for number in 0..count {
        let (event, delivery) = world.accepted(&format!("web-{number}")).await;
        world.deliver(delivery).await;
        messages.push(message_of(world, event).await);
    }
    seal(world).await;
    messages
}

async fn message_of(world: &World, event: EventId) -> MessageId {
    let event = world.store.event(&Scope::All, event).await.unwrap();
    event.unwrap().message
}

/// An id as the database writes it in a statement.
fn literal(world: &World, id: &str) -> String {
    let hex: String = id.chars().filter(|letter| *letter != '-').collect();
    match world.store.is_postgres() {
        true => format!("'\\x{hex}'::bytea"),
        false => format!("x'{hex}'"),
    }
}

fn is_day(fault: &Fault, sealed: u64, present: u64) -> bool {
    matches!(fault, Fault::Day { sealed: s, present: p, .. } if (*s, *p) == (sealed, present))
}

async fn what_was_acked_is_whole(mut world: World) {
    sealed(&mut world, 3).await;
    world.pass(DAY);
    sealed(&mut world, 2).await;
    world.accepted("not sealed yet").await;
    assert_eq!(faults(&world).await, []);
    let head = world.store.sealed().await.unwrap();
    assert_eq!((head.count, head.days.len()), (5, 2));
    let today = world.store.prove_day(head.days[1]).await.unwrap();
    assert_eq!((today.sealed, today.present, today.unsealed), (2, 2, 1));
    assert_eq!((seal(&world).await, seal(&world).await), (1, 0));
}

async fn what_was_pruned_is_accounted_for(mut world: World) {
    sealed(&mut world, 5).await;
    world.pass(DAY);
    sealed(&mut world, 1).await;
    for count in [2, 2] {
        let pruned = world
            .store
            .prune(RetentionClass::Messages, world.now, 2, world.now)
            .await
            .unwrap();
        assert_eq!(pruned, count);
        assert_eq!(faults(&world).await, []);
    }
    let days = world.store.sealed().await.unwrap().days;
    let first = world.store.prove_day(days[0]).await.unwrap();
    assert_eq!((first.sealed, first.present, first.pruned), (5, 1, 4));
    world
        .batch("UPDATE pruned SET count = count + 1 WHERE class = 'messages'")
        .await;
    assert!(matches!(faults(&world).await[0], Fault::Book { .. }));
}

async fn a_journal_that_was_all_pruned_goes_on(mut world: World) {
    sealed(&mut world, 3).await;
    world.pass(DAY);
    let pruned = world
        .store
        .prune(RetentionClass::Messages, world.now, 100, world.now)
        .await
        .unwrap();
    assert_eq!(pruned, 3);
    sealed(&mut world, 2).await;
    assert_eq!(faults(&world).await, []);
    assert_eq!(world.store.sealed().await.unwrap().count, 5);
}

async fn a_deleted_message_shows_and_its_events_name_it(mut world: World) {
    let messages = sealed(&mut world, 3).await;
    let id = literal(&world, &messages[1].to_string());
    world
        .batch(&format!("DELETE FROM message WHERE id = {id}"))
        .await;
    let found = faults(&world).await;
    assert!(is_day(&found[0], 3, 2), "{found:?}");
    assert!(
        matches!(&found[1], Fault::Stray { message, .. } if *message == messages[1]),
        "{found:?}"
    );
    world
        .batch(&format!("DELETE FROM event WHERE message = {id}"))
        .await;
    let found = faults(&world).await;
    assert_eq!(found.len(), 1, "its day still tells: {found:?}");
}

async fn altered_bytes_are_named(mut world: World) {
    let messages = sealed(&mut world, 3).await;
    let id = literal(&world, &messages[2].to_string());
    let raw = literal(&world, "00");
    world
        .batch(&format!("UPDATE message SET raw = {raw} WHERE id = {id}"))
        .await;
    let message = messages[2];
    assert_eq!(faults(&world).await, [Fault::Altered { message }]);
}

async fn bytes_altered_with_their_hash_show_by_their_day(mut world: World) {
    let messages = sealed(&mut world, 3).await;
    let id = literal(&world, &messages[0].to_string());
    let (raw, hash) = (
        literal(&world, "00"),
        literal(
            &world,
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        ),
    );
    world
        .batch(&format!(
            "UPDATE message SET raw = {raw}, sha256 = {hash} WHERE id = {id}"
        ))
        .await;
    let found = faults(&world).await;
    assert!(found.len() == 1 && is_day(&found[0], 3, 3), "{found:?}");
}

async fn an_added_message_shows(mut world: World) {
    let messages = sealed(&mut world, 3).await;
    let twin = MessageId::new(world.now, &mut world.rng).to_string();
    let (id, twin) = (
        literal(&world, &messages[0].to_string()),
        literal(&world, &twin),
    );
    world
        .batch(&format!(
            "INSERT INTO message (seq, id, source, received_at, headers, sha256, decode, id_reused, events, raw) \
             SELECT -seq, {twin}, source, received_at, headers, sha256, decode, id_reused, events, raw \
             FROM message WHERE id = {id}"
        ))
        .await;
    let found = faults(&world).await;
    assert!(is_day(&found[0], 3, 4), "{found:?}");
}

async fn a_deleted_event_is_named(mut world: World) {
    let messages = sealed(&mut world, 2).await;
    let id = literal(&world, &messages[0].to_string());
    world
        .batch(&format!("DELETE FROM event WHERE message = {id}"))
        .await;
    let found = faults(&world).await;
    assert!(
        matches!(&found[..], [Fault::EventGone { message, .. }] if *message == messages[0]),
        "{found:?}"
    );
}

async fn a_lost_day_shows(mut world: World) {
    sealed(&mut world, 2).await;
    world.pass(DAY);
    sealed(&mut world, 2).await;
    world
        .batch(
            "DELETE FROM message WHERE received_at = (SELECT min(received_at) FROM message); \
             DELETE FROM event WHERE received_at = (SELECT min(received_at) FROM event); \
             DELETE FROM seal WHERE day = (SELECT min(day) FROM seal)",
        )
        .await;
    let found = faults(&world).await;
    assert!(matches!(&found[..], [Fault::Book { .. }]), "{found:?}");
}

async fn a_forged_row_of_the_books_shows_and_is_not_written_on(mut world: World) {
    let messages = sealed(&mut world, 3).await;
    let id = literal(&world, &messages[0].to_string());
    world
        .batch(&format!(
            "DELETE FROM message WHERE id = {id}; UPDATE seal SET count = 2"
        ))
        .await;
    let found = faults(&world).await;
    assert!(matches!(found[0], Fault::Book { .. }), "{found:?}");
    world.accepted("web-9").await;
    let error = world.store.seal_journal(100).await.unwrap_err();
    assert!(error.to_string().contains("seal"), "{error}");
    world.accepted("acks go on").await;
    world.pass(DAY);
    let pruned = world
        .store
        .prune(RetentionClass::Messages, world.now, 100, world.now)
        .await;
    assert!(pruned.is_err(), "nothing goes while the books are broken");
}

async fn what_was_stored_before_there_was_a_seal_is_sealed(mut world: World) {
    for number in 0..3 {
        world.accepted(&format!("web-{number}")).await;
    }
    assert_eq!(world.store.sealed().await.unwrap().count, 0);
    assert_eq!(faults(&world).await, []);
    assert_eq!(world.store.seal_journal(2).await.unwrap(), 2);
    assert_eq!(faults(&world).await, []);
    assert_eq!(world.store.seal_journal(2).await.unwrap(), 1);
    assert_eq!(faults(&world).await, []);
}

async fn a_receipt_tells_what_became_of_it(mut world: World) {
    let mut receipts = Vec::new();
    for number in 0..3 {
        let acceptance = world.acceptance(&format!("web-{number}")).await;
        let (id, sha256) = (acceptance.message.id, acceptance.message.sha256);
        let delivery = acceptance.events[0].deliveries[0].id;
        let event = stored(world.store.accept(acceptance).await.unwrap());
        world.deliver(delivery).await;
        receipts.push(KeptReceipt {
            id,
            sha256,
            events: vec![event],
        });
    }
    seal(&world).await;
    let state = |world: &World, receipt: &KeptReceipt| {
        let (store, receipt) = (world.store.clone(), receipt.clone());
        async move { store.prove_receipt(&receipt).await.unwrap() }
    };
    assert_eq!(state(&world, &receipts[0]).await, ReceiptState::Kept);
    let other = KeptReceipt {
        sha256: [1; 32],
        ..receipts[0].clone()
    };
    assert_eq!(state(&world, &other).await, ReceiptState::Altered);
    let event = literal(&world, &receipts[1].events[0].to_string());
    world
        .batch(&format!("DELETE FROM event WHERE id = {event}"))
        .await;
    assert_eq!(state(&world, &receipts[1]).await, ReceiptState::EventGone);
    let id = literal(&world, &receipts[2].id.to_string());
    world
        .batch(&format!("DELETE FROM message WHERE id = {id}"))
        .await;
    assert_eq!(state(&world, &receipts[2]).await, ReceiptState::Missing);
    world.pass(DAY);
    world
        .store
        .prune(RetentionClass::Messages, world.now, 10, world.now)
        .await
        .unwrap();
    assert_eq!(state(&world, &receipts[0]).await, ReceiptState::Pruned);
}

async fn sealing_at_two_nodes_beside_accepts_misses_nothing(mut world: World) {
    const ROUNDS: usize = 20;
    let other = world.another_node().await;
    let nodes = [world.store.clone(), other];
    let mut accepting = Vec::new();
    for number in 0..4 * ROUNDS {
        let acceptance = world.acceptance(&format!("web-{number}")).await;
        let store = nodes[number % 2].clone();
        accepting.push(tokio::spawn(async move { store.accept(acceptance).await }));
    }
    let sealing = nodes.clone().map(|store| {
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                store.seal_journal(7).await.unwrap();
            }
        })
    });
    for task in accepting {
        stored(task.await.unwrap().unwrap());
    }
    for task in sealing {
        task.await.unwrap();
    }
    while seal(&world).await > 0 {}
    assert_eq!(faults(&world).await, []);
    let count = world.store.sealed().await.unwrap().count;
    assert_eq!(count, 4 * ROUNDS as u64);
}
