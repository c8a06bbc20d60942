//! Dead letters: found by why they died, and counted.

use delivery::{DeadReason, Fault};
use domain::access::Scope;
use store::{DeadLetterRow, DeadQuery, DeliveryQuery};

use crate::deliveries::ids;
use crate::world::{MINUTE, Settle, World, elsewhere};

on_both!(
    dead_ones_are_found_by_reason_and_fault,
    dead_letters_are_counted_by_cause,
);

async fn dead_ones_are_found_by_reason_and_fault(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    let alive = world.accepted("web-2").await.1;
    let all = DeliveryQuery::default;
    let reason = |reason| DeliveryQuery {
        reason: Some(reason),
        ..all()
    };
    let fault = |fault| DeliveryQuery {
        fault: Some(fault),
        ..all()
    };
    let found = [
        (reason(DeadReason::Exhausted), vec![dead]),
        (reason(DeadReason::Gone), vec![]),
        (fault(Fault::Receiver), vec![dead]),
        (fault(Fault::Ours), vec![]),
        (
            DeliveryQuery {
                fault: Some(Fault::Ours),
                ..reason(DeadReason::Exhausted)
            },
            vec![],
        ),
        (
            DeliveryQuery {
                ids: vec![alive],
                ..all()
            },
            vec![alive],
        ),
        (
            DeliveryQuery {
                ids: vec![alive],
                ..fault(Fault::Receiver)
            },
            vec![],
        ),
    ];
    for (query, wanted) in found {
        assert_eq!(ids(&world, &Scope::All, &query).await, wanted, "{query:?}");
        assert!(ids(&world, &elsewhere(), &query).await.is_empty());
    }
}

async fn dead_letters_are_counted_by_cause(mut world: World) {
    let first = world.now;
    for number in 0..3 {
        let dead = world.accepted(&format!("web-{number}")).await.1;
        world.bury(dead).await;
        world.pass(MINUTE);
    }
    let gone = world.accepted("web-9").await.1;
    let lease = world.lease().await;
    let mut state = delivery::Delivery::new(world.now);
    state.give_up(DeadReason::HeldTooLong);
    let settlement = store::Settlement {
        delivery: gone,
        state,
        attempt: None,
    };
    assert!(
        world
            .store
            .settle(&lease, vec![settlement], None)
            .await
            .unwrap()
    );
    let of = |query: DeadQuery| {
        let store = world.store.clone();
        async move { store.dead_letters(&Scope::All, &query).await.unwrap() }
    };
    let letters = of(DeadQuery::default()).await;
    let row = |reason, cause: Option<&str>, count, oldest, newest| DeadLetterRow {
        integration: world.integration,
        reason,
        cause: cause.map(str::to_owned),
        count,
        oldest,
        newest,
    };
    let exhausted = row(
        DeadReason::Exhausted,
        Some("status_503"),
        3,
        first,
        first.after(2 * MINUTE),
    );
    let held = row(DeadReason::HeldTooLong, None, 1, world.now, world.now);
    assert_eq!(letters.rows, [exhausted, held.clone()]);
    assert!(!letters.truncated);
    let since = of(DeadQuery {
        since: Some(world.now),
        ..DeadQuery::default()
    });
    assert_eq!(since.await.rows, [held]);
    let before = of(DeadQuery {
        integration: Some(world.integration),
        company: Some(world.company),
        until: Some(first.after(MINUTE)),
        ..DeadQuery::default()
    });
    assert_eq!(before.await.rows[0].count, 1);
    let foreign = world
        .store
        .dead_letters(&elsewhere(), &DeadQuery::default())
        .await;
    assert!(foreign.unwrap().rows.is_empty());
}
