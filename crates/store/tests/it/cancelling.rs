//! What a person wants no more: it ends as dead, and an attempt that was in flight is told as it ended.

use std::collections::HashSet;

use delivery::{DeadReason, Delivery};
use domain::DeliveryId;
use domain::access::Scope;
use domain::alert::Alert;
use store::{Cancel, DeliveryQuery, DeliveryRow, PageAt, Retried, Standing, Store};

use crate::world::{ACTOR, MINUTE, Settle, World, elsewhere};

on_both!(
    a_cancelled_delivery_is_dead_and_not_due,
    what_has_ended_or_is_not_seen_is_not_cancelled,
    an_attempt_in_flight_that_arrives_is_told,
    an_attempt_in_flight_that_fails_is_told_and_none_follows,
    what_was_held_too_long_and_arrives_all_the_same_is_delivered,
    a_group_that_is_cancelled_before_it_is_sealed_is_not_sealed,
    after_a_cancelled_group_the_next_event_opens_another,
    what_was_cancelled_can_be_sent_again,
    a_replay_of_what_is_dead_leaves_the_cancelled_out,
    what_was_cancelled_needs_no_attention,
    no_more_are_cancelled_at_once_than_the_bound,
);

async fn cancel(world: &World, id: DeliveryId) -> Cancel {
    let told = world
        .store
        .cancel(&Scope::All, &[id], world.now, &ACTOR)
        .await;
    told.unwrap()[0]
}

async fn row(world: &World, id: DeliveryId) -> DeliveryRow {
    let row = world.store.delivery(&Scope::All, id).await.unwrap();
    row.unwrap()
}

async fn due(world: &World) -> Vec<DeliveryId> {
    let page = world
        .store
        .due(world.integration, world.now, 100, &HashSet::new())
        .await;
    page.unwrap().items.into_iter().map(|due| due.id).collect()
}

async fn settle(world: &mut World, id: DeliveryId, state: Delivery, cause: Option<&str>) {
    let lease = world.lease().await;
    let settlement = world.settlement(id, state, cause);
    let settled = world.store.settle(&lease, vec![settlement], None).await;
    assert!(settled.unwrap());
}

fn cancelled(row: &DeliveryRow) -> bool {
    (row.standing, row.reason.as_deref()) == (Standing::Dead, Some(DeadReason::Cancelled.as_str()))
}

async fn a_cancelled_delivery_is_dead_and_not_due(mut world: World) {
    let (_, one) = world.accepted("one").await;
    let (_, two) = world.accepted("two").await;
    let before = world.store.recalls();
    assert_eq!(cancel(&world, one).await, Cancel::Done);
    assert!(world.store.recalls() > before, "owners look what they hold");
    assert!(cancelled(&row(&world, one).await));
    assert_eq!(due(&world).await, [two]);
    let pending = world.store.still_pending(&[one, two]).await.unwrap();
    assert_eq!(pending, HashSet::from([two]));
    let audit = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await;
    let line = &audit.unwrap().items[0];
    assert_eq!(
        (line.action.as_str(), line.what.as_str()),
        ("cancel", "delivery")
    );
    assert_eq!((line.id.clone(), line.at), (one.to_string(), world.now));
}

async fn what_has_ended_or_is_not_seen_is_not_cancelled(mut world: World) {
    let (_, delivered) = world.accepted("one").await;
    let (_, dead) = world.accepted("two").await;
    let (_, pending) = world.accepted("three").await;
    world.deliver(delivered).await;
    world.bury(dead).await;
    let nobody = DeliveryId::from_bytes([9; 16]);
    let ids = [delivered, pending, dead, pending, nobody];
    let hidden = world
        .store
        .cancel(&elsewhere(), &ids, world.now, &ACTOR)
        .await;
    assert_eq!(hidden.unwrap(), [Cancel::NotFound; 5]);
    let told = world
        .store
        .cancel(&Scope::All, &ids, world.now, &ACTOR)
        .await;
    assert_eq!(
        told.unwrap(),
        [
            Cancel::Ended,
            Cancel::Done,
            Cancel::Ended,
            Cancel::Before,
            Cancel::NotFound
        ]
    );
    assert_eq!(cancel(&world, pending).await, Cancel::Before);
    let dead = row(&world, dead).await;
    assert_eq!(dead.reason.as_deref(), Some(DeadReason::Exhausted.as_str()));
}

async fn an_attempt_in_flight_that_arrives_is_told(mut world: World) {
    let (_, id) = world.accepted("one").await;
    cancel(&world, id).await;
    world.deliver(id).await;
    let row = row(&world, id).await;
    assert_eq!((row.standing, row.reason), (Standing::Delivered, None));
    let attempts = world.store.attempts(&Scope::All, id).await.unwrap();
    assert_eq!(attempts.len(), 1);
}

async fn an_attempt_in_flight_that_fails_is_told_and_none_follows(mut world: World) {
    for ends in [false, true] {
        let (_, id) = world.accepted("one").await;
        cancel(&world, id).await;
        let mut state = Delivery {
            attempts: 1,
            ..Delivery::new(world.now)
        };
        if ends {
            state.give_up(DeadReason::Exhausted);
        }
        settle(&mut world, id, state, Some("status_503")).await;
        let row = row(&world, id).await;
        assert!(cancelled(&row), "{row:?}");
        assert_eq!(
            (row.attempts, row.cause.as_deref()),
            (1, Some("status_503"))
        );
        world.pass(MINUTE);
        assert_eq!(due(&world).await, []);
    }
}

async fn what_was_held_too_long_and_arrives_all_the_same_is_delivered(mut world: World) {
    let (_, id) = world.accepted("one").await;
    world
        .change(store::Change::SetEnabled {
            id: world.integration,
            enabled: false,
        })
        .await;
    world.pass(MINUTE);
    let given_up = world.store.give_up_parked(world.now, 10).await;
    assert_eq!(given_up.unwrap(), 1);
    world.deliver(id).await;
    let row = row(&world, id).await;
    assert_eq!((row.standing, row.reason), (Standing::Delivered, None));
}

async fn a_group_that_is_cancelled_before_it_is_sealed_is_not_sealed(mut world: World) {
    let joinable = world.joinable("one", "a", 1, 10).await;
    let id = joinable.events[0].deliveries[0].id;
    world.store.accept(joinable).await.unwrap();
    world.pass(MINUTE);
    let lease = world.lease().await;
    let closed = world.store.close_groups(&lease, &[id]).await.unwrap();
    assert_eq!(closed.len(), 1);
    cancel(&world, id).await;
    let alert = Alert {
        body: b"{}".to_vec(),
        headers: Vec::new(),
        hash: [4; 32],
    };
    let sealed = world.store.seal(&lease, vec![(id, alert)]).await.unwrap();
    assert_eq!(sealed, Some(HashSet::new()));
    assert_eq!(world.store.alert(&Scope::All, id).await.unwrap(), None);
    let closed = world.store.close_groups(&lease, &[id]).await.unwrap();
    assert!(closed.is_empty());
}

async fn after_a_cancelled_group_the_next_event_opens_another(mut world: World) {
    let first = world.joinable("one", "a", 1, 10).await;
    let id = first.events[0].deliveries[0].id;
    world.store.accept(first).await.unwrap();
    assert_eq!(cancel(&world, id).await, Cancel::Done);
    let second = world.joinable("two", "a", 1, 10).await;
    let other = second.events[0].deliveries[0].id;
    world.store.accept(second).await.unwrap();
    assert_eq!(row(&world, id).await.events.len(), 1);
    assert_eq!(row(&world, other).await.standing, Standing::Pending);
}

async fn what_was_cancelled_can_be_sent_again(mut world: World) {
    let (_, id) = world.accepted("one").await;
    cancel(&world, id).await;
    let retried = world.store.retry(&Scope::All, id, world.now, &ACTOR).await;
    assert_eq!(retried.unwrap(), Retried::Due(id));
    assert_eq!(due(&world).await, [id]);
    let row = row(&world, id).await;
    assert_eq!((row.standing, row.reason), (Standing::Pending, None));
}

async fn a_replay_of_what_is_dead_leaves_the_cancelled_out(mut world: World) {
    let (_, dead) = world.accepted("one").await;
    let (_, unwanted) = world.accepted("two").await;
    world.bury(dead).await;
    cancel(&world, unwanted).await;
    let listed = async |uncancelled| {
        let query = DeliveryQuery {
            standing: Some(Standing::Dead),
            uncancelled,
            ..DeliveryQuery::default()
        };
        let (scope, most) = (Scope::All, 100);
        let listed = world
            .store
            .list_for_replay(&scope, &query, None, most)
            .await;
        let counted = world.store.count_deliveries(&scope, &query, most).await;
        (listed.unwrap().total(), counted.unwrap())
    };
    assert_eq!(listed(false).await, (2, 2));
    assert_eq!(listed(true).await, (1, 1));
}

async fn what_was_cancelled_needs_no_attention(mut world: World) {
    let (_, id) = world.accepted("one").await;
    let failed = Delivery {
        attempts: 1,
        ..Delivery::new(world.now)
    };
    settle(&mut world, id, failed, Some("status_503")).await;
    cancel(&world, id).await;
    let dead = world.store.dead_now(&Scope::All, None).await.unwrap();
    assert!(dead.by_integration.is_empty());
    assert_eq!(row(&world, id).await.cause.as_deref(), Some("status_503"));
    let by_fault = DeliveryQuery {
        fault: Some(delivery::Fault::Ours),
        ..DeliveryQuery::default()
    };
    let counted = world
        .store
        .count_deliveries(&Scope::All, &by_fault, 9)
        .await;
    assert_eq!(counted.unwrap(), 0, "it is nobody's fault");
}

async fn no_more_are_cancelled_at_once_than_the_bound(mut world: World) {
    let (_, id) = world.accepted("one").await;
    let mut ids = vec![DeliveryId::from_bytes([9; 16]); Store::CANCELLED_AT_ONCE];
    ids.push(id);
    let told = world
        .store
        .cancel(&Scope::All, &ids, world.now, &ACTOR)
        .await;
    assert_eq!(told.unwrap().len(), Store::CANCELLED_AT_ONCE);
    assert_eq!(row(&world, id).await.standing, Standing::Pending);
}
