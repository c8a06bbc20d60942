//! What an owner does: take what is due, seal groups, settle.

use std::collections::HashSet;
use std::time::Duration;

use delivery::{DeadReason, Delivery, Gate, HoldReason};
use domain::DeliveryId;
use domain::access::Scope;
use domain::alert::Alert;
use store::{Change, Standing};

use crate::world::{MINUTE, Settle, World};

on_both!(
    what_is_due_comes_with_its_bytes,
    critical_ones_come_first_and_retries_are_not_starved,
    what_is_in_flight_is_skipped_and_the_next_due_time_is_told,
    a_group_is_closed_then_sealed_once,
    a_settled_delivery_is_no_longer_due,
    a_failed_delivery_waits,
    a_stale_lease_changes_nothing,
    attempts_are_numbered_over_retries_by_hand,
    a_gate_is_saved_and_parks_what_is_pending,
    nothing_is_pulled_before_its_not_before,
    a_due_time_beyond_the_longest_wait_is_clamped,
    what_was_parked_too_long_is_given_up,
);

async fn due(world: &World, limit: usize) -> Vec<DeliveryId> {
    let page = world
        .store
        .due(world.integration, world.now, limit, &HashSet::new())
        .await
        .unwrap();
    page.items.into_iter().map(|due| due.id).collect()
}

async fn what_is_due_comes_with_its_bytes(mut world: World) {
    let acceptance = world.acceptance("web-1").await;
    let (event, delivery) = (
        acceptance.events[0].event.id,
        acceptance.events[0].deliveries[0].clone(),
    );
    world.store.accept(acceptance).await.unwrap();
    let page = world
        .store
        .due(world.integration, world.now, 10, &HashSet::new())
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.next_due), (1, None));
    let due = &page.items[0];
    assert_eq!(
        (due.id, due.company, due.critical, due.first_event),
        (delivery.id, world.company, false, event)
    );
    assert_eq!(
        (&due.alert, &due.state),
        (&delivery.alert, &Delivery::new(world.now))
    );
    assert_eq!((due.created_at, due.replay_of), (world.now, None));
}

async fn critical_ones_come_first_and_retries_are_not_starved(mut world: World) {
    let mut retried = HashSet::new();
    for number in 0..8 {
        let id = world.accepted(&format!("retry-{number}")).await.1;
        fail(&mut world, id, Duration::ZERO).await;
        retried.insert(id);
    }
    for number in 0..8 {
        world.accepted(&format!("first-{number}")).await;
    }
    world.pass(MINUTE);
    let mut acceptance = world.acceptance("critical").await;
    acceptance.events[0].deliveries[0].critical = true;
    let critical = acceptance.events[0].deliveries[0].id;
    world.store.accept(acceptance).await.unwrap();
    let found = due(&world, 9).await;
    assert_eq!((found.len(), found[0]), (9, critical));
    assert_eq!(found.iter().filter(|id| retried.contains(id)).count(), 2);
    assert_eq!(due(&world, 100).await.len(), 17);
}

/// Settles as failed, due again after a wait.
async fn fail(world: &mut World, id: DeliveryId, wait: Duration) {
    let lease = world.lease().await;
    let state = Delivery {
        attempts: 1,
        ..Delivery::new(world.now.after(wait))
    };
    let settlement = world.settlement(id, state, Some("status_503"));
    assert!(
        world
            .store
            .settle(&lease, vec![settlement], None)
            .await
            .unwrap()
    );
}

async fn what_is_in_flight_is_skipped_and_the_next_due_time_is_told(mut world: World) {
    let one = world.accepted("web-1").await.1;
    let two = world.accepted("web-2").await.1;
    let three = world.accepted("web-3").await.1;
    fail(&mut world, three, MINUTE).await;
    let page = world
        .store
        .due(world.integration, world.now, 10, &HashSet::from([one]))
        .await
        .unwrap();
    assert_eq!(
        page.items.iter().map(|due| due.id).collect::<Vec<_>>(),
        [two]
    );
    assert_eq!(page.next_due, Some(world.now.after(MINUTE)));
    let page = world
        .store
        .due(world.integration, world.now, 1, &HashSet::new())
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.next_due), (1, Some(world.now)));
}

async fn a_group_is_closed_then_sealed_once(mut world: World) {
    let first = world.joinable("web-1", "a", 1, 10).await;
    let id = first.events[0].deliveries[0].id;
    world.store.accept(first).await.unwrap();
    let second = world.joinable("web-2", "a", 1, 10).await;
    world.store.accept(second).await.unwrap();
    assert!(due(&world, 10).await.is_empty());
    let lease = world.lease().await;
    let closed = world.store.close_groups(&lease, &[id]).await.unwrap();
    let bodies: Vec<_> = closed[0]
        .1
        .iter()
        .map(|event| event.body.as_str())
        .collect();
    assert_eq!((closed[0].0, bodies), (id, vec!["web-1", "web-2"]));
    let third = world.joinable("web-3", "a", 1, 10).await;
    let other = third.events[0].deliveries[0].id;
    world.store.accept(third).await.unwrap();
    let alert = |text: &str| Alert {
        body: text.into(),
        headers: vec![("a".into(), "b".into())],
        hash: [4; 32],
    };
    let seal = |text: &str| world.store.seal(&lease, vec![(id, alert(text))]);
    assert_eq!(seal("one").await.unwrap(), Some(HashSet::from([id])));
    assert_eq!(seal("two").await.unwrap(), Some(HashSet::new()));
    assert_eq!(
        world.store.alert(&Scope::All, id).await.unwrap(),
        Some(alert("one"))
    );
    assert_eq!(world.store.alert(&Scope::All, other).await.unwrap(), None);
    world.pass(2 * MINUTE);
    assert_eq!(due(&world, 10).await.len(), 2);
}

async fn a_settled_delivery_is_no_longer_due(mut world: World) {
    let id = world.accepted("web-1").await.1;
    world.deliver(id).await;
    assert!(due(&world, 10).await.is_empty());
    let row = world
        .store
        .delivery(&Scope::All, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.standing, row.attempts, row.cause),
        (Standing::Delivered, 1, None)
    );
    let attempts = world.store.attempts(&Scope::All, id).await.unwrap();
    assert_eq!(
        (attempts.len(), attempts[0].status_code, attempts[0].number),
        (1, Some(200), 1)
    );
    assert!(
        world
            .store
            .attempts(&crate::world::elsewhere(), id)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_failed_delivery_waits(mut world: World) {
    let id = world.accepted("web-1").await.1;
    fail(&mut world, id, MINUTE).await;
    assert!(due(&world, 10).await.is_empty());
    let waiting = world
        .store
        .waiting(world.integration, world.now, 10)
        .await
        .unwrap();
    assert_eq!(waiting, [(id, world.now.after(MINUTE))]);
    let row = world
        .store
        .delivery(&Scope::All, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.standing, row.cause.as_deref()),
        (Standing::Pending, Some("status_503"))
    );
    world.pass(MINUTE);
    assert_eq!(due(&world, 10).await, [id]);
}

async fn a_stale_lease_changes_nothing(mut world: World) {
    let id = world.accepted("web-1").await.1;
    let group = world.joinable("web-2", "a", 1, 10).await;
    let open = group.events[0].deliveries[0].id;
    world.store.accept(group).await.unwrap();
    let stale = world.lease().await;
    world.lease().await;
    let mut state = Delivery::new(world.now);
    state.give_up(DeadReason::Gone);
    let settlement = world.settlement(id, state, Some("status_410"));
    let gate = Gate::Resting {
        until: world.now.after(MINUTE),
        rests: 1,
        failing_since: None,
    };
    assert!(
        !world
            .store
            .settle(&stale, vec![settlement], Some(gate))
            .await
            .unwrap()
    );
    assert!(
        world
            .store
            .close_groups(&stale, &[open])
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(world.store.seal(&stale, Vec::new()).await.unwrap(), None);
    assert!(!world.store.pull_forward(&stale, Vec::new()).await.unwrap());
    assert_eq!(
        world
            .store
            .clamp_due(&stale, world.now, Duration::ZERO)
            .await
            .unwrap(),
        0
    );
    assert_eq!(due(&world, 10).await, [id]);
    assert!(
        world
            .store
            .attempts(&Scope::All, id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        world.store.gate(world.integration).await.unwrap(),
        Gate::default()
    );
}

async fn attempts_are_numbered_over_retries_by_hand(mut world: World) {
    let id = world.accepted("web-1").await.1;
    for _ in 0..3 {
        world.bury(id).await;
        world
            .store
            .retry(&Scope::All, id, world.now, &crate::world::ACTOR)
            .await
            .unwrap();
    }
    let attempts = world.store.attempts(&Scope::All, id).await.unwrap();
    assert_eq!(
        attempts
            .iter()
            .map(|attempt| attempt.number)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

async fn a_gate_is_saved_and_parks_what_is_pending(mut world: World) {
    let id = world.accepted("web-1").await.1;
    let lease = world.lease().await;
    let gate = Gate::Held {
        reason: HoldReason::Login,
        since: world.now,
        probe_at: None,
        probes: 0,
    };
    assert!(
        world
            .store
            .settle(&lease, Vec::new(), Some(gate.clone()))
            .await
            .unwrap()
    );
    assert_eq!(world.store.gate(world.integration).await.unwrap(), gate);
    assert_eq!(world.store.gates().await.unwrap()[&world.integration], gate);
    let standing = |world: &World| {
        let store = world.store.clone();
        async move {
            store
                .delivery(&Scope::All, id)
                .await
                .unwrap()
                .unwrap()
                .standing
        }
    };
    assert_eq!(standing(&world).await, Standing::Parked);
    world
        .change(Change::ReleaseGate {
            id: world.integration,
        })
        .await;
    assert_eq!(standing(&world).await, Standing::Pending);
    world
        .change(Change::SetEnabled {
            id: world.integration,
            enabled: false,
        })
        .await;
    assert_eq!(standing(&world).await, Standing::Parked);
}

async fn nothing_is_pulled_before_its_not_before(mut world: World) {
    let free = world.accepted("web-1").await.1;
    let asked = world.accepted("web-2").await.1;
    let soon = world.accepted("web-3").await.1;
    let hour = 60 * MINUTE;
    fail(&mut world, free, hour).await;
    fail(&mut world, soon, MINUTE).await;
    let lease = world.lease().await;
    let not_before = world.now.after(hour / 2);
    let state = Delivery {
        attempts: 1,
        not_before: Some(not_before),
        ..Delivery::new(world.now.after(hour))
    };
    let settlement = world.settlement(asked, state, Some("status_429"));
    assert!(
        world
            .store
            .settle(&lease, vec![settlement], None)
            .await
            .unwrap()
    );
    let to = world.now.after(2 * MINUTE);
    assert!(
        world
            .store
            .pull_forward(&lease, vec![(free, to), (asked, to), (soon, to)])
            .await
            .unwrap()
    );
    let waiting = world
        .store
        .waiting(world.integration, world.now, 10)
        .await
        .unwrap();
    assert_eq!(
        waiting,
        [
            (soon, world.now.after(MINUTE)),
            (free, to),
            (asked, not_before)
        ]
    );
}

async fn a_due_time_beyond_the_longest_wait_is_clamped(mut world: World) {
    let far = world.accepted("web-1").await.1;
    let near = world.accepted("web-2").await.1;
    fail(&mut world, far, 600 * MINUTE).await;
    fail(&mut world, near, MINUTE).await;
    let lease = world.lease().await;
    assert_eq!(
        world
            .store
            .clamp_due(&lease, world.now, 60 * MINUTE)
            .await
            .unwrap(),
        1
    );
    let waiting = world
        .store
        .waiting(world.integration, world.now, 10)
        .await
        .unwrap();
    assert_eq!(
        waiting,
        [
            (near, world.now.after(MINUTE)),
            (far, world.now.after(60 * MINUTE))
        ]
    );
}

async fn what_was_parked_too_long_is_given_up(mut world: World) {
    let parked = world.accepted("web-1").await.1;
    let later = world.now.after(MINUTE);
    assert_eq!(
        world.store.give_up_parked(later, 10).await,
        Ok(0),
        "it is not parked"
    );
    let off = Change::SetEnabled {
        id: world.integration,
        enabled: false,
    };
    world.change(off).await;
    assert_eq!(
        world.store.give_up_parked(world.now, 10).await,
        Ok(0),
        "it was due just now"
    );
    assert_eq!(world.store.give_up_parked(later, 10).await, Ok(1));
    let row = world
        .store
        .delivery(&Scope::All, parked)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.standing, row.reason.as_deref()),
        (Standing::Dead, Some("held_too_long"))
    );
}
