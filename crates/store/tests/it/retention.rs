//! Forgetting.

use std::time::Duration;

use domain::Timestamp;
use domain::access::Scope;
use store::{EventQuery, Idempotency, PageAt, Receipt, RetentionClass};

use crate::world::{MINUTE, World, stored};

on_both!(
    a_message_goes_with_its_events_once_its_deliveries_have_ended,
    only_what_is_older_goes_and_in_batches,
    ended_deliveries_go_by_their_end,
    a_forgotten_webhook_id_is_new_again,
    a_forgotten_idempotency_key_is_new_again,
    a_forgotten_fingerprint_is_not_counted_on,
    the_audit_log_is_forgotten_too,
    what_went_is_counted_by_day,
);

const DAY: Duration = Duration::from_secs(86_400);

async fn prune(world: &World, class: RetentionClass, before: Timestamp) -> usize {
    world
        .store
        .prune(class, before, 100, world.now)
        .await
        .unwrap()
}

async fn a_message_goes_with_its_events_once_its_deliveries_have_ended(mut world: World) {
    let (event, delivery) = world.accepted("web-1 zanzibar").await;
    world.store.index_search(100).await.unwrap();
    let message = world
        .store
        .event(&Scope::All, event)
        .await
        .unwrap()
        .unwrap()
        .message;
    world.pass(DAY);
    assert_eq!(prune(&world, RetentionClass::Messages, world.now).await, 0);
    world.deliver(delivery).await;
    assert_eq!(prune(&world, RetentionClass::Messages, world.now).await, 1);
    assert_eq!(
        world.store.message(&Scope::All, message).await.unwrap(),
        None
    );
    assert_eq!(world.store.event(&Scope::All, event).await.unwrap(), None);
    let query = EventQuery {
        text: Some("zanzibar".to_owned()),
        ..EventQuery::default()
    };
    assert!(
        world
            .store
            .events(&Scope::All, &query, &PageAt::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let row = world
        .store
        .delivery(&Scope::All, delivery)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.subject.as_str(), row.events.len()),
        ("New Asset Discovered", 0)
    );
}

async fn only_what_is_older_goes_and_in_batches(mut world: World) {
    for number in 0..5 {
        let delivery = world.accepted(&format!("web-{number}")).await.1;
        world.deliver(delivery).await;
    }
    world.pass(DAY);
    let kept = world.accepted("web-9").await.0;
    let before = world.now;
    for expected in [2, 2, 1, 0] {
        assert_eq!(
            world
                .store
                .prune(RetentionClass::Messages, before, 2, world.now)
                .await
                .unwrap(),
            expected
        );
    }
    assert!(
        world
            .store
            .event(&Scope::All, kept)
            .await
            .unwrap()
            .is_some()
    );
}

async fn ended_deliveries_go_by_their_end(mut world: World) {
    let delivered = world.accepted("web-1").await.1;
    let dead = world.accepted("web-2").await.1;
    let pending = world.accepted("web-3").await.1;
    world.deliver(delivered).await;
    world.bury(dead).await;
    world.pass(DAY);
    let left = |world: &World| {
        let store = world.store.clone();
        async move {
            let page = store
                .deliveries(&Scope::All, &Default::default(), &PageAt::default())
                .await
                .unwrap();
            page.items
                .into_iter()
                .map(|row| row.id)
                .collect::<std::collections::HashSet<_>>()
        }
    };
    assert_eq!(prune(&world, RetentionClass::Delivered, world.now).await, 1);
    assert_eq!(left(&world).await, [dead, pending].into());
    assert!(
        world
            .store
            .attempts(&Scope::All, delivered)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(prune(&world, RetentionClass::Dead, world.now).await, 1);
    assert_eq!(left(&world).await, [pending].into());
}

async fn a_forgotten_webhook_id_is_new_again(mut world: World) {
    for expected in [false, true, false] {
        let mut acceptance = world.acceptance("web-1").await;
        acceptance.message.webhook_id = Some("msg-1".to_owned());
        let receipt = world.store.accept(acceptance).await.unwrap();
        assert_eq!(matches!(receipt, Receipt::Duplicate { .. }), expected);
        if expected {
            world.pass(DAY);
            prune(&world, RetentionClass::WebhookIds, world.now).await;
        }
    }
}

async fn a_forgotten_idempotency_key_is_new_again(mut world: World) {
    for expected in [false, true, false] {
        let mut acceptance = world.acceptance("web-1").await;
        let body_hash = acceptance.message.sha256;
        acceptance.idempotency = Some(Idempotency {
            scope: "key".into(),
            key: "once".into(),
            body_hash,
        });
        let receipt = world.store.accept(acceptance).await.unwrap();
        assert_eq!(matches!(receipt, Receipt::Duplicate { .. }), expected);
        if expected {
            world.pass(DAY);
            assert_eq!(
                prune(&world, RetentionClass::IdempotencyKeys, world.now).await,
                1
            );
        }
    }
}

async fn a_forgotten_fingerprint_is_not_counted_on(mut world: World) {
    let mut ids = Vec::new();
    for forget in [false, true, false] {
        let mut acceptance = world.acceptance("web-1").await;
        acceptance.events[0].dedup_window = Some(2 * DAY);
        ids.push(stored(world.store.accept(acceptance).await.unwrap()));
        world.pass(MINUTE);
        if forget {
            assert_eq!(
                prune(&world, RetentionClass::Fingerprints, world.now).await,
                1
            );
        }
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

async fn the_audit_log_is_forgotten_too(mut world: World) {
    world.pass(DAY);
    let before = world.now;
    world
        .change(store::Change::SetEnabled {
            id: world.integration,
            enabled: false,
        })
        .await;
    assert!(prune(&world, RetentionClass::Audit, before).await > 0);
    assert_eq!(
        world
            .store
            .audit(&Default::default(), &PageAt::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}

async fn what_went_is_counted_by_day(mut world: World) {
    for number in 0..3 {
        let delivery = world.accepted(&format!("web-{number}")).await.1;
        world.deliver(delivery).await;
    }
    world.pass(DAY);
    for limit in [1, 2] {
        world
            .store
            .prune(RetentionClass::Delivered, world.now, limit, world.now)
            .await
            .unwrap();
    }
    let rows = world.store.pruned(10).await.unwrap();
    let day = world.now.micros() / 86_400_000_000;
    assert_eq!(
        (
            rows.len(),
            rows[0].class.as_str(),
            rows[0].day,
            rows[0].count
        ),
        (1, "delivered", day, 3)
    );
    assert_ne!(rows[0].hash, [0; 32]);
}
