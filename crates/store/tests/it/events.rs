//! Events as lists and the live stream show them, and the search index behind the ack path.

use std::collections::HashSet;

use domain::access::Scope;
use domain::event::{Match, Reason, Routing};
use domain::message::Decode;
use domain::{CompanyId, EventId, Severity};
use store::{EventQuery, PageAt, StoreError};

use crate::world::{MINUTE, World, elsewhere, stored};

on_both!(
    pages_show_each_event_once_newest_first,
    each_part_of_a_query_narrows_it,
    events_that_went_nowhere_are_counted_by_reason,
    a_stream_goes_on_after_what_it_has_seen,
    text_is_found_once_it_is_indexed,
    a_fingerprint_is_found_before_and_after_indexing,
    a_cursor_that_no_page_gave_is_refused,
);

async fn ids(world: &World, scope: &Scope, query: &EventQuery) -> Vec<EventId> {
    let page = world
        .store
        .events(scope, query, &PageAt::default())
        .await
        .unwrap();
    page.items.into_iter().map(|event| event.id).collect()
}

async fn pages_show_each_event_once_newest_first(mut world: World) {
    let mut made = Vec::new();
    for number in 0..7 {
        world.pass(MINUTE);
        made.push(world.accepted(&format!("web-{number}")).await.0);
    }
    made.reverse();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let at = PageAt::new(Some(3), cursor.take());
        let page = world
            .store
            .events(&Scope::All, &EventQuery::default(), &at)
            .await
            .unwrap();
        seen.extend(page.items.into_iter().map(|event| event.id));
        let Some(next) = page.next else { break };
        cursor = Some(next);
    }
    assert_eq!(seen, made);
}

async fn events_that_went_nowhere_are_counted_by_reason(mut world: World) {
    let mut unrouted = async |reason| {
        let mut acceptance = world.acceptance("web-1").await;
        let accepted = &mut acceptance.events[0];
        accepted.event.routing = Routing::Unrouted(reason);
        accepted.deliveries.clear();
        stored(world.store.accept(acceptance).await.unwrap());
        world.pass(MINUTE);
    };
    unrouted(Reason::NoRule).await;
    unrouted(Reason::NoRule).await;
    unrouted(Reason::NoMapping).await;
    world.accepted("web-2").await;
    let count = async |scope: &Scope, since| {
        let found = world.store.unrouted(scope, since).await.unwrap();
        assert!(!found.truncated);
        found.reasons.into_iter().collect::<Vec<_>>()
    };
    let begin = world.now.before(3 * MINUTE);
    let all = [(Reason::NoMapping, 1), (Reason::NoRule, 2)];
    assert_eq!(count(&Scope::All, begin).await, all);
    let own = Scope::Companies(vec![world.company]);
    assert_eq!(count(&own, begin).await, all);
    let later = world.now.before(2 * MINUTE);
    assert_eq!(count(&own, later).await, [all[0], (Reason::NoRule, 1)]);
    assert_eq!(count(&elsewhere(), begin).await, []);
}

async fn each_part_of_a_query_narrows_it(mut world: World) {
    let plain = world.accepted("web-1").await.0;
    world.pass(MINUTE);
    let mut acceptance = world.acceptance("web-2").await;
    let event = &mut acceptance.events[0].event;
    event.kind = Some("port.opened".to_owned());
    event.category = Some("ports".to_owned());
    event.severity = Severity::High;
    event.routing = Routing::Unrouted(Reason::NoRule);
    event.count = 2;
    event.reading.matched = Match::Full;
    event.reading.decode = Decode::Repaired;
    event.company = Some(CompanyId::from_bytes([5; 16]));
    event.source = None;
    let (message, fingerprint) = (event.message, event.fingerprint);
    let other = stored(world.store.accept(acceptance).await.unwrap());
    let all = EventQuery::default;
    let queries = [
        EventQuery {
            kind: Some("port.opened".to_owned()),
            ..all()
        },
        EventQuery {
            category: Some("ports".to_owned()),
            ..all()
        },
        EventQuery {
            company: Some(CompanyId::from_bytes([5; 16])),
            ..all()
        },
        EventQuery {
            severity_least: Some(Severity::Medium),
            ..all()
        },
        EventQuery {
            routing: Some("unrouted".to_owned()),
            ..all()
        },
        EventQuery {
            routing: Some("no_rule".to_owned()),
            ..all()
        },
        EventQuery {
            routing: Some("unmatched".to_owned()),
            ..all()
        },
        EventQuery {
            repeated: true,
            ..all()
        },
        EventQuery {
            matched: Some(Match::Full),
            ..all()
        },
        EventQuery {
            decode: Some(Decode::Repaired),
            ..all()
        },
        EventQuery {
            since: Some(world.now),
            ..all()
        },
        EventQuery {
            message: Some(message),
            ..all()
        },
        EventQuery {
            fingerprint: Some(fingerprint),
            ..all()
        },
    ];
    for query in queries {
        assert_eq!(ids(&world, &Scope::All, &query).await, [other], "{query:?}");
    }
    let queries = [
        EventQuery {
            source: Some(world.source),
            ..all()
        },
        EventQuery {
            routing: Some("routed".to_owned()),
            ..all()
        },
        EventQuery {
            until: Some(world.now),
            ..all()
        },
    ];
    for query in queries {
        assert_eq!(ids(&world, &Scope::All, &query).await, [plain], "{query:?}");
    }
    let own = Scope::Companies(vec![world.company]);
    assert_eq!(ids(&world, &own, &all()).await, [plain]);
    assert!(ids(&world, &elsewhere(), &all()).await.is_empty());
    assert!(
        ids(&world, &Scope::Companies(Vec::new()), &all())
            .await
            .is_empty()
    );
}

async fn a_stream_goes_on_after_what_it_has_seen(mut world: World) {
    let first = world.accepted("web-1").await.0;
    // An id that is older than one stored before it must not be passed over.
    let late = world.acceptance("web-2").await;
    world.pass(MINUTE);
    let second = world.accepted("web-3").await.0;
    let late = stored(world.store.accept(late).await.unwrap());
    let after = |id| {
        let store = world.store.clone();
        async move {
            let events = store.events_after(&Scope::All, id, 10).await.unwrap();
            events.into_iter().map(|event| event.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(after(None).await, [first, second, late]);
    assert_eq!(after(Some(first)).await, [second, late]);
    assert_eq!(after(Some(second)).await, [late]);
    assert!(after(Some(late)).await.is_empty());
    assert!(
        world
            .store
            .events_after(&elsewhere(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn text_is_found_once_it_is_indexed(mut world: World) {
    let wanted = world.accepted("The server zanzibar-17 was found").await.0;
    world.accepted("The server lisbon-3 was found").await;
    let query = |text: &str| EventQuery {
        text: Some(text.to_owned()),
        ..EventQuery::default()
    };
    assert_eq!(world.store.index_search(1).await.unwrap(), 1);
    assert_eq!(world.store.index_search(100).await.unwrap(), 1);
    assert_eq!(world.store.index_search(100).await.unwrap(), 0);
    assert_eq!(ids(&world, &Scope::All, &query("Zanzibar")).await, [wanted]);
    assert_eq!(
        ids(&world, &Scope::All, &query("server zanzibar")).await,
        [wanted]
    );
    assert_eq!(ids(&world, &Scope::All, &query("found")).await.len(), 2);
    for nothing in [
        "",
        "\"",
        "OR",
        "zanzibar NOT server*",
        "') --",
        "lisbon zanzibar",
    ] {
        assert!(
            ids(&world, &Scope::All, &query(nothing)).await.is_empty(),
            "{nothing}"
        );
    }
}

async fn a_fingerprint_is_found_before_and_after_indexing(mut world: World) {
    let mut found = HashSet::new();
    for _ in 0..2 {
        found.insert(world.accepted("web-1").await.0);
        world.accepted("web-2").await;
        let fingerprint = world.acceptance("web-1").await.events[0].event.fingerprint;
        let query = EventQuery {
            fingerprint: Some(fingerprint),
            ..EventQuery::default()
        };
        assert_eq!(
            ids(&world, &Scope::All, &query)
                .await
                .into_iter()
                .collect::<HashSet<_>>(),
            found
        );
        world.store.index_search(100).await.unwrap();
        assert_eq!(
            ids(&world, &Scope::All, &query)
                .await
                .into_iter()
                .collect::<HashSet<_>>(),
            found
        );
    }
}

async fn a_cursor_that_no_page_gave_is_refused(world: World) {
    let at = PageAt::new(None, Some("nonsense".to_owned()));
    let outcome = world
        .store
        .events(&Scope::All, &EventQuery::default(), &at)
        .await;
    assert_eq!(outcome.unwrap_err(), StoreError::BadCursor);
    assert_eq!(
        world
            .store
            .audit(&Default::default(), &at)
            .await
            .unwrap_err(),
        StoreError::BadCursor
    );
}
