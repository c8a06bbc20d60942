//! Deliveries as lists show them, and sent again by hand.

use std::time::Duration;

use domain::access::Scope;
use domain::{DeliveryId, EventId};
use store::{
    Change, DeliveryQuery, Health, Hit, HitsQuery, PageAt, Retried, Share, Standing, Store,
};

use crate::world::{ACTOR, MINUTE, World, elsewhere};

on_both!(
    pages_show_each_delivery_once_newest_first,
    each_part_of_a_query_narrows_it,
    what_the_event_and_the_last_attempt_say_narrows_a_list,
    what_is_only_known_by_events_is_walked_and_bounded_too,
    a_list_of_what_is_rare_goes_on_by_its_cursor,
    nothing_is_parked_while_no_integration_is_held,
    parked_is_derived,
    the_last_attempt_and_what_fails_by_what_are_told,
    events_tell_where_their_deliveries_stand,
    the_hits_of_a_rule_are_its_alerts_since_a_time,
    a_dead_delivery_is_sent_again_under_its_id,
    a_delivered_one_is_sent_again_under_a_new_id,
    an_open_group_and_a_foreign_delivery_are_not_retried,
    health_tells_what_waits,
);

pub async fn ids(world: &World, scope: &Scope, query: &DeliveryQuery) -> Vec<DeliveryId> {
    let page = world
        .store
        .deliveries(scope, query, &PageAt::default())
        .await
        .unwrap();
    let ids: Vec<_> = page.items.into_iter().map(|row| row.id).collect();
    let counted = world
        .store
        .count_deliveries(scope, query, 1_000)
        .await
        .unwrap();
    assert_eq!(counted as usize, ids.len(), "{query:?}");
    ids
}

async fn pages_show_each_delivery_once_newest_first(mut world: World) {
    let mut made = Vec::new();
    for number in 0..7 {
        world.pass(MINUTE);
        made.push(world.accepted(&format!("web-{number}")).await.1);
    }
    made.reverse();
    for standing in [None, Some(Standing::Pending)] {
        let query = DeliveryQuery {
            standing,
            ..DeliveryQuery::default()
        };
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let at = PageAt::new(Some(3), cursor.take());
            let page = world
                .store
                .deliveries(&Scope::All, &query, &at)
                .await
                .unwrap();
            seen.extend(page.items.into_iter().map(|row| row.id));
            let Some(next) = page.next else { break };
            cursor = Some(next);
        }
        assert_eq!(seen, made);
    }
    assert_eq!(
        world
            .store
            .count_deliveries(&Scope::All, &DeliveryQuery::default(), 4)
            .await
            .unwrap(),
        4
    );
}

/// Copies the pending deliveries of the store so often, each a millisecond after the one before.
async fn copy(world: &World, times: u32) {
    let columns = "integration, lane, status, attempts, due_at, critical, rule, company, event, created_at, records, bytes";
    world
        .copy("delivery", columns, "status = 'pending'", times)
        .await;
}

/// All pages of a list, and how many of them ended before they were full.
async fn walked(world: &World, scope: &Scope, query: &DeliveryQuery) -> (Vec<DeliveryId>, usize) {
    let (mut seen, mut short, mut cursor) = (Vec::new(), 0, None);
    loop {
        let at = PageAt::new(Some(1_000), cursor.take());
        let page = world.store.deliveries(scope, query, &at).await.unwrap();
        seen.extend(page.items.into_iter().map(|row| row.id));
        short += usize::from(page.scanned_until.is_some());
        let Some(next) = page.next else {
            return (seen, short);
        };
        cursor = Some(next);
    }
}

async fn a_list_of_what_is_rare_goes_on_by_its_cursor(mut world: World) {
    let oldest = world.accepted("web-1").await.1;
    world.bury(oldest).await;
    let row = world.store.delivery(&Scope::All, oldest).await.unwrap();
    let cause = row.unwrap().cause;
    assert!(cause.is_some());
    let foreign = match world.file() {
        Some(_) => "UPDATE delivery SET company = unhex('09090909090909090909090909090909')",
        None => "UPDATE delivery SET company = decode('09090909090909090909090909090909', 'hex')",
    };
    world.batch(foreign).await;
    world.pass(MINUTE);
    world.accepted("web-2").await;
    copy(&world, 25_000).await;
    let all = DeliveryQuery::default;
    let failing = DeliveryQuery {
        failing: true,
        ..all()
    };
    let by_cause = DeliveryQuery { cause, ..all() };
    for (scope, query) in [
        (Scope::All, &failing),
        (Scope::All, &by_cause),
        (elsewhere(), &all()),
        (elsewhere(), &failing),
    ] {
        let at = PageAt::default();
        let page = world.store.deliveries(&scope, query, &at).await.unwrap();
        assert!(page.items.is_empty(), "{query:?}");
        let until = page.scanned_until.expect("it ended before it was full");
        assert!(until >= world.now, "{until}");
        assert_eq!(walked(&world, &scope, query).await, (vec![oldest], 1));
    }
    // Whoever does not see all is told the id of nothing that is another company's.
    let (scope, query, at) = (elsewhere(), all(), PageAt::default());
    let page = world.store.deliveries(&scope, &query, &at).await.unwrap();
    let cursor: DeliveryId = page.next.unwrap().parse().unwrap();
    let named = world.store.delivery(&Scope::All, cursor).await.unwrap();
    assert_eq!(named, None);
    // What is not rare is found once each, and no page of it is short.
    let pending = DeliveryQuery {
        standing: Some(Standing::Pending),
        ..all()
    };
    let (seen, short) = walked(&world, &Scope::All, &pending).await;
    assert!(seen.is_sorted_by(|newer, older| newer > older));
    assert_eq!((seen.len(), short), (25_001, 0));
    assert_eq!(walked(&world, &Scope::All, &all()).await.0.len(), 25_002);
}

async fn nothing_is_parked_while_no_integration_is_held(mut world: World) {
    let id = world.accepted("web-1").await.1;
    copy(&world, 6_000).await;
    let parked = DeliveryQuery {
        standing: Some(Standing::Parked),
        ..DeliveryQuery::default()
    };
    assert_eq!(walked(&world, &Scope::All, &parked).await, (Vec::new(), 0));
    let switch = Change::SetEnabled {
        id: world.integration,
        enabled: false,
    };
    world.change(switch).await;
    let (seen, _) = walked(&world, &Scope::All, &parked).await;
    assert_eq!((seen.len(), seen.last()), (6_001, Some(&id)));
    assert!(walked(&world, &elsewhere(), &parked).await.0.is_empty());
}

async fn each_part_of_a_query_narrows_it(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    world.pass(MINUTE);
    let (event, delivered) = world.accepted("web-2").await;
    world.deliver(delivered).await;
    let all = DeliveryQuery::default;
    let queries = [
        (
            DeliveryQuery {
                standing: Some(Standing::Dead),
                ..all()
            },
            vec![dead],
        ),
        (
            DeliveryQuery {
                standing: Some(Standing::Delivered),
                ..all()
            },
            vec![delivered],
        ),
        (
            DeliveryQuery {
                standing: Some(Standing::Pending),
                ..all()
            },
            vec![],
        ),
        (
            DeliveryQuery {
                standing: Some(Standing::Parked),
                ..all()
            },
            vec![],
        ),
        (
            DeliveryQuery {
                cause: Some("status_503".to_owned()),
                ..all()
            },
            vec![dead],
        ),
        (
            DeliveryQuery {
                failing: true,
                ..all()
            },
            vec![dead],
        ),
        (
            DeliveryQuery {
                ids: vec![dead, delivered],
                ..all()
            },
            vec![delivered, dead],
        ),
        (
            DeliveryQuery {
                since: Some(world.now),
                ..all()
            },
            vec![delivered],
        ),
        (
            DeliveryQuery {
                until: Some(world.now),
                ..all()
            },
            vec![dead],
        ),
        (
            DeliveryQuery {
                event: Some(event),
                ..all()
            },
            vec![delivered],
        ),
        (
            DeliveryQuery {
                integration: Some(world.integration),
                ..all()
            },
            vec![delivered, dead],
        ),
        (
            DeliveryQuery {
                company: Some(world.company),
                ..all()
            },
            vec![delivered, dead],
        ),
    ];
    for (query, expected) in queries {
        assert_eq!(
            ids(&world, &Scope::All, &query).await,
            expected,
            "{query:?}"
        );
    }
    assert!(ids(&world, &elsewhere(), &all()).await.is_empty());
    assert!(
        ids(&world, &Scope::Companies(Vec::new()), &all())
            .await
            .is_empty()
    );
    let row = world
        .store
        .delivery(&Scope::All, dead)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.reason.as_deref(), Some("exhausted"));
}

async fn what_the_event_and_the_last_attempt_say_narrows_a_list(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    world.pass(MINUTE);
    let delivered = world.accepted("web-2").await.1;
    world.deliver(delivered).await;
    world.pass(MINUTE);
    let waiting = world.accepted("web-3").await.1;
    let row = world.store.delivery(&Scope::All, dead).await.unwrap();
    assert_eq!(row.unwrap().kind.as_deref(), Some("asset.discovered"));
    world
        .batch("UPDATE event SET kind = 'job.failed', category = 'Jobs', subject = 'Job 100% \u{d6}k failed' WHERE id = (SELECT event FROM delivery WHERE status = 'delivered')")
        .await;
    world
        .batch("UPDATE attempt SET duration = 7000000 WHERE delivery = (SELECT id FROM delivery WHERE status = 'delivered')")
        .await;
    let all = DeliveryQuery::default;
    let kind = |kind: &str| DeliveryQuery {
        kind: Some(kind.to_owned()),
        ..all()
    };
    let text = |text: &str| DeliveryQuery {
        text: Some(text.to_owned()),
        ..all()
    };
    let codes = |codes: &str| DeliveryQuery {
        codes: Some(codes.parse().unwrap()),
        ..all()
    };
    let took = |seconds| DeliveryQuery {
        took_least: Some(Duration::from_secs(seconds)),
        ..all()
    };
    let category = DeliveryQuery {
        category: Some("Jobs".to_owned()),
        ..all()
    };
    let found = [
        (kind("asset.discovered"), vec![waiting, dead]),
        (kind("ASSET.*"), vec![waiting, dead]),
        (kind("job.*"), vec![delivered]),
        (kind("job%"), vec![]),
        (kind("*"), vec![waiting, delivered, dead]),
        (category, vec![delivered]),
        (text("JOB 100% "), vec![delivered]),
        (text("\u{d6}K"), vec![delivered]),
        (text("_"), vec![]),
        (codes("503"), vec![dead]),
        (codes("5xx"), vec![dead]),
        (codes("2xx"), vec![delivered]),
        (codes("500"), vec![]),
        (took(7), vec![delivered]),
        (took(8), vec![]),
        (
            DeliveryQuery {
                text: Some("job".to_owned()),
                took_least: Some(Duration::from_secs(5)),
                ..codes("200")
            },
            vec![delivered],
        ),
    ];
    for (query, expected) in found {
        let found = ids(&world, &Scope::All, &query).await;
        assert_eq!(found, expected, "{query:?}");
        assert!(ids(&world, &elsewhere(), &query).await.is_empty());
        let listed = world.store.list_for_replay(&Scope::All, &query, None, 10);
        let listed = listed.await.unwrap();
        assert_eq!(listed.total(), expected.len() as u64, "{query:?}");
        let told = world.store.breakdown(&Scope::All, &query).await.unwrap();
        let counted: u64 = told.shares.iter().map(|share| share.count).sum();
        assert_eq!(counted, expected.len() as u64, "{query:?}");
    }
}

async fn what_is_only_known_by_events_is_walked_and_bounded_too(mut world: World) {
    let oldest = world.accepted("web-1").await.1;
    world.bury(oldest).await;
    world.pass(MINUTE);
    world.accepted("web-2").await;
    copy(&world, Store::GONE_OVER + 10).await;
    let failed = DeliveryQuery {
        codes: Some("5xx".parse().unwrap()),
        ..DeliveryQuery::default()
    };
    let page = world
        .store
        .deliveries(&Scope::All, &failed, &PageAt::default())
        .await
        .unwrap();
    assert!(page.items.is_empty() && page.scanned_until.is_some());
    let listed = world.store.list_for_replay(&Scope::All, &failed, None, 10);
    let listed = listed.await.unwrap();
    assert_eq!((listed.total(), listed.truncated), (0, true));
    let told = world.store.breakdown(&Scope::All, &failed).await.unwrap();
    assert!(told.shares.is_empty() && told.truncated);
    // What is named, or of which there are few, is not cut.
    let dead = DeliveryQuery {
        standing: Some(Standing::Dead),
        ..failed
    };
    let listed = world.store.list_for_replay(&Scope::All, &dead, None, 10);
    let listed = listed.await.unwrap();
    assert_eq!((listed.total(), listed.truncated), (1, false));
}

/// What has happened since, once as much of it has ended as is expected: on PostgreSQL the transactions of others hold it back.
async fn the_last_attempt_and_what_fails_by_what_are_told(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    let delivered = world.accepted("web-2").await.1;
    world.deliver(delivered).await;
    let waiting = world.accepted("web-3").await.1;
    let asked = [dead, delivered, waiting];
    let tries = world.store.last_tries(&Scope::All, &asked).await.unwrap();
    let attempts = world.store.attempts(&Scope::All, dead).await.unwrap();
    let last = attempts.last().unwrap();
    assert_eq!(tries[&dead].number, last.number);
    assert_eq!(tries[&dead].status_code, last.status_code);
    assert_eq!(tries[&dead].duration_micros, last.duration_micros);
    assert!(tries.contains_key(&delivered) && !tries.contains_key(&waiting));
    let foreign = world.store.last_tries(&elsewhere(), &asked).await.unwrap();
    assert!(foreign.is_empty());
    let all = DeliveryQuery::default();
    let told = world.store.breakdown(&Scope::All, &all).await.unwrap();
    let share = |cause: Option<&str>, count| Share {
        integration: world.integration,
        cause: cause.map(str::to_owned),
        count,
    };
    let expected = [share(None, 2), share(Some("status_503"), 1)];
    assert_eq!(told.shares, expected);
    assert!(!told.truncated);
    let foreign = world.store.breakdown(&elsewhere(), &all).await.unwrap();
    assert!(foreign.shares.is_empty());
}

async fn events_tell_where_their_deliveries_stand(mut world: World) {
    let (first, dead) = world.accepted("web-1").await;
    let (second, delivered) = world.accepted("web-2").await;
    let (third, _) = world.accepted("web-3").await;
    world.bury(dead).await;
    world.deliver(delivered).await;
    let asked = [first, second, third, EventId::from_bytes([9; 16])];
    let standings = world.store.standings(&Scope::All, &asked);
    let expected = [
        (first, vec![Standing::Dead]),
        (second, vec![Standing::Delivered]),
        (third, vec![Standing::Pending]),
    ];
    assert_eq!(standings.await.unwrap(), expected.into());
    let foreign = world.store.standings(&elsewhere(), &asked).await.unwrap();
    assert!(foreign.is_empty());
    let none = world.store.standings(&Scope::All, &[]).await.unwrap();
    assert!(none.is_empty());
}

async fn parked_is_derived(mut world: World) {
    let id = world.accepted("web-1").await.1;
    let standing = |standing| DeliveryQuery {
        standing: Some(standing),
        ..DeliveryQuery::default()
    };
    assert_eq!(
        ids(&world, &Scope::All, &standing(Standing::Pending)).await,
        [id]
    );
    world
        .change(Change::SetEnabled {
            id: world.integration,
            enabled: false,
        })
        .await;
    assert_eq!(
        ids(&world, &Scope::All, &standing(Standing::Parked)).await,
        [id]
    );
    assert!(
        ids(&world, &Scope::All, &standing(Standing::Pending))
            .await
            .is_empty()
    );
    world
        .change(Change::RemoveIntegration(world.integration))
        .await;
    let row = world
        .store
        .delivery(&Scope::All, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.standing, row.reason.as_deref()),
        (Standing::Dead, Some("removed"))
    );
}

async fn the_hits_of_a_rule_are_its_alerts_since_a_time(mut world: World) {
    world.accepted("web-1").await;
    world.pass(60 * MINUTE);
    let since = world.now;
    let (_, delivered) = world.accepted("web-2").await;
    world.deliver(delivered).await;
    world.pass(MINUTE);
    let newest = world.now;
    world.accepted("web-3").await;
    world.pass(MINUTE);
    let again = world
        .store
        .retry(&Scope::All, delivered, world.now, &ACTOR)
        .await;
    assert!(matches!(again, Ok(Retried::Replayed(_))));
    let hits = async |scope: Scope, integration, since| {
        let query = HitsQuery {
            scope,
            integration,
            since,
        };
        world.store.hits(&query).await.unwrap()
    };
    let own = Scope::Companies(vec![world.company]);
    for scope in [Scope::All, own] {
        let found = hits(scope, Some(world.integration), since).await;
        let hit = Hit { count: 2, newest };
        assert_eq!(found.rules.get(&world.rule), Some(&hit));
        assert!(!found.truncated && found.rules.len() == 1);
    }
    assert!(hits(elsewhere(), None, since).await.rules.is_empty());
    assert!(hits(Scope::All, None, world.now).await.rules.is_empty());
}

async fn a_dead_delivery_is_sent_again_under_its_id(mut world: World) {
    let id = world.accepted("web-1").await.1;
    world.bury(id).await;
    world.pass(MINUTE);
    let retried = world
        .store
        .retry(&Scope::All, id, world.now, &ACTOR)
        .await
        .unwrap();
    assert_eq!(retried, Retried::Due(id));
    let due = world
        .store
        .due(world.integration, world.now, 10, &Default::default())
        .await
        .unwrap();
    assert_eq!(
        (
            due.items.len(),
            due.items[0].id,
            due.items[0].state.attempts
        ),
        (1, id, 0)
    );
    let audit = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await
        .unwrap();
    assert_eq!(
        (audit.items[0].action.as_str(), audit.items[0].id.clone()),
        ("retry", id.to_string())
    );
}

async fn a_delivered_one_is_sent_again_under_a_new_id(mut world: World) {
    let (event, id) = world.accepted("web-1").await;
    world.deliver(id).await;
    world.pass(MINUTE);
    let retried = world
        .store
        .retry(&Scope::All, id, world.now, &ACTOR)
        .await
        .unwrap();
    let Retried::Replayed(fresh) = retried else {
        panic!("{retried:?}")
    };
    assert_ne!(fresh, id);
    let row = world
        .store
        .delivery(&Scope::All, fresh)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.replay_of, row.standing, row.events),
        (Some(id), Standing::Pending, vec![event])
    );
    assert_eq!(
        world.store.alert(&Scope::All, fresh).await.unwrap(),
        world.store.alert(&Scope::All, id).await.unwrap()
    );
    let carried = world
        .store
        .deliveries_of_event(&Scope::All, event)
        .await
        .unwrap();
    assert_eq!(
        carried
            .iter()
            .map(|carried| carried.delivery)
            .collect::<Vec<_>>(),
        [id, fresh]
    );
    let due = world
        .store
        .due(world.integration, world.now, 10, &Default::default())
        .await
        .unwrap();
    assert_eq!((due.items[0].id, due.items[0].replay_of), (fresh, Some(id)));
}

async fn an_open_group_and_a_foreign_delivery_are_not_retried(mut world: World) {
    let group = world.joinable("web-1", "a", 1, 10).await;
    let open = group.events[0].deliveries[0].id;
    world.store.accept(group).await.unwrap();
    assert_eq!(
        world
            .store
            .retry(&Scope::All, open, world.now, &ACTOR)
            .await
            .unwrap(),
        Retried::Grouping
    );
    assert_eq!(
        world
            .store
            .retry(&elsewhere(), open, world.now, &ACTOR)
            .await
            .unwrap(),
        Retried::NotFound
    );
}

async fn health_tells_what_waits(mut world: World) {
    let idle = Health {
        writable: Ok(()),
        oldest_due: None,
        pending: 0,
    };
    assert_eq!(world.store.health(world.now).await, idle);
    world.accepted("web-1").await;
    let busy = Health {
        oldest_due: Some(world.now),
        pending: 1,
        ..idle
    };
    assert_eq!(world.store.health(world.now).await, busy);
    world
        .change(Change::SetEnabled {
            id: world.integration,
            enabled: false,
        })
        .await;
    assert_eq!(world.store.health(world.now).await.oldest_due, None);
}
