//! Searches by a filter: what a database is told of it changes how long they take and never what they find.

use std::sync::Arc;

use domain::access::Scope;
use domain::catalogue::{Record, Value};
use domain::configuration::Configuration;
use domain::event::{Event, Match, Reason, Routing};
use domain::filter::Filter;
use domain::matching::Facts;
use domain::message::Decode;
use domain::{CompanyId, EventId, Severity};
use store::{Change, EventPage, EventQuery, PageAt};

use crate::world::{ACTOR, MINUTE, World, company, elsewhere, stored};

on_both!(
    a_search_finds_what_its_filter_lets_through,
    a_filter_narrows_what_the_query_asks_for,
    words_are_found_before_and_after_indexing,
    pages_of_a_search_show_each_event_once_in_either_order,
    a_search_for_what_is_rare_goes_on_by_its_cursor,
    a_test_of_many_rows_goes_on_by_its_cursor,
    a_replay_takes_what_the_filter_lets_through,
);

/// Every kind of value that a key can have, in a few events, some of a company that is gone and some of none.
async fn varied(world: &mut World) -> Vec<Event> {
    let gone = CompanyId::from_bytes([5; 16]);
    let other = CompanyId::from_bytes([6; 16]);
    let globex = Change::InsertCompany(company(other, "Globex", world.now));
    world.store.change(globex, &ACTOR, world.now).await.unwrap();
    let own = Some(world.company);
    let rows = [
        (own, Severity::Info, Routing::Routed, Match::Full),
        (
            own,
            Severity::High,
            Routing::Unrouted(Reason::NoRule),
            Match::Partial,
        ),
        (
            Some(other),
            Severity::Critical,
            Routing::Routed,
            Match::None,
        ),
        (
            Some(gone),
            Severity::Low,
            Routing::Unrouted(Reason::Silenced),
            Match::Full,
        ),
        (
            None,
            Severity::Medium,
            Routing::Unrouted(Reason::UnassignedCompany),
            Match::None,
        ),
        (
            own,
            Severity::High,
            Routing::Unrouted(Reason::Loop),
            Match::Full,
        ),
    ];
    let mut events = Vec::new();
    for (number, (company, severity, routing, matched)) in rows.into_iter().enumerate() {
        world.pass(MINUTE);
        let mut acceptance = world
            .acceptance(&format!("Host web-{number} ÄRGER 100%_done"))
            .await;
        let event = &mut acceptance.events[0].event;
        (event.company, event.severity, event.routing) = (company, severity, routing);
        event.reading.matched = matched;
        event.reading.decode = [Decode::Ok, Decode::Repaired, Decode::Failed][number % 3];
        event.occurred_at = (number % 2 == 0).then_some(world.now);
        if number == 3 {
            (event.kind, event.category, event.source) = (None, None, None);
            event.reading.alternatives = vec!["problem.high".to_owned()];
        } else if number % 2 == 0 {
            event.kind = Some("problem.new".to_owned());
            event.category = Some("Problems_100%".to_owned());
        }
        let host = Value::Text(format!("web-{number}"));
        event.reading.records = vec![Record::from_iter([("hostname", host)])];
        events.push(event.clone());
        stored(world.store.accept(acceptance).await.unwrap());
    }
    events.reverse();
    events
}

/// The ids of all pages, each of them no longer than two events.
async fn all(world: &World, scope: &Scope, query: &EventQuery) -> Vec<EventId> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(world, scope, query, cursor, 2).await;
        ids.extend(page.items.iter().map(|event| event.id));
        cursor = page.next;
        if cursor.is_none() {
            return ids;
        }
    }
}

async fn page(
    world: &World,
    scope: &Scope,
    query: &EventQuery,
    cursor: Option<String>,
    limit: u16,
) -> EventPage {
    let at = PageAt::new(Some(limit), cursor);
    world.store.events(scope, query, &at).await.unwrap()
}

fn by(filter: &str) -> EventQuery {
    EventQuery {
        filter: Some(filter.parse().unwrap()),
        ..EventQuery::default()
    }
}

/// What the pure function says, over what the scope may see.
fn wanted(events: &[Event], scope: &Scope, filter: &str, now: &Arc<Configuration>) -> Vec<EventId> {
    let filter: Filter = filter.parse().unwrap();
    let fits =
        |event: &&Event| scope.admits(event.company) && filter.matches(&Facts::of(event), now);
    events.iter().filter(fits).map(|event| event.id).collect()
}

async fn a_search_finds_what_its_filter_lets_through(mut world: World) {
    let events = varied(&mut world).await;
    let configuration = world.store.configuration().await.unwrap();
    let mut filters = vec![
        format!("company={}", world.company),
        format!("company!={}", world.company),
        format!("company={}", CompanyId::from_bytes([5; 16])),
        format!("source={}", world.source),
        format!("received_at>={}", events[3].received_at),
        format!(
            "received_at>{} received_at<={}",
            events[4].received_at, events[1].received_at
        ),
        format!("occurred_at<{}", events[1].received_at),
        format!("fingerprint={}", events[2].fingerprint),
    ];
    for key in [
        "company", "source", "event", "category", "severity", "match", "decode", "routing",
    ] {
        for value in [
            "*",
            "globex",
            "PROBLEM.*",
            "problem.high",
            "Problems_100%",
            "*_1*",
            "un*",
            "no_rule",
            "high",
            "full",
            "ok",
        ] {
            filters.extend(["=", "!="].map(|operator| format!("{key}{operator}{value}")));
        }
        filters.extend(["=~", "!~"].map(|operator| format!("{key}{operator}\"[a-o].*\"")));
    }
    filters.extend(
        [
            "severity>low",
            "severity<=medium",
            "severity<info",
            "text=ärger",
            "text=\"web done\"",
            "text!=4",
            "text=nowhere",
            "field.hostname=web-2",
            "field.hostname!~\"web-[123]\"",
            "subject=new* body=*web*",
            "company=unassigned",
            "routing=unrouted company=*",
            "severity>=high company!=globex text=web",
        ]
        .map(str::to_owned),
    );
    let scopes = [
        Scope::All,
        Scope::Companies(vec![world.company]),
        elsewhere(),
    ];
    for indexed in [false, true] {
        for filter in &filters {
            let Ok(query) = filter.parse::<Filter>() else {
                continue; // Severities and routings are known by their names alone.
            };
            let query = EventQuery {
                filter: Some(query),
                ..EventQuery::default()
            };
            for scope in &scopes {
                let found = all(&world, scope, &query).await;
                assert_eq!(
                    found,
                    wanted(&events, scope, filter, &configuration),
                    "{filter} {scope:?} {indexed}"
                );
            }
        }
        world.store.index_search(100).await.unwrap();
    }
}

async fn a_filter_narrows_what_the_query_asks_for(mut world: World) {
    let events = varied(&mut world).await;
    let filter = by("severity>=medium").filter;
    let query = EventQuery {
        company: Some(world.company),
        until: Some(events[0].received_at),
        text: Some("web".to_owned()),
        filter,
        ..EventQuery::default()
    };
    assert_eq!(all(&world, &Scope::All, &query).await, [events[4].id]);
    let query = EventQuery {
        since: Some(events[1].received_at),
        ..by("received_at<2000-01-01T00:00:00Z")
    };
    assert!(all(&world, &Scope::All, &query).await.is_empty());
}

async fn words_are_found_before_and_after_indexing(mut world: World) {
    let wanted = world.accepted("The server Zanzibar-17").await.0;
    world.accepted("The server lisbon-3").await;
    for _ in 0..2 {
        assert_eq!(
            all(&world, &Scope::All, &by("text=\"zanzibar server\"")).await,
            [wanted]
        );
        assert!(
            all(&world, &Scope::All, &by("text=\"zanzibar lisbon\""))
                .await
                .is_empty()
        );
        world.store.index_search(100).await.unwrap();
    }
}

async fn pages_of_a_search_show_each_event_once_in_either_order(mut world: World) {
    let events = varied(&mut world).await;
    let mut ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    for filter in [None, by("body=*").filter] {
        let query = |oldest_first| EventQuery {
            filter: filter.clone(),
            oldest_first,
            ..EventQuery::default()
        };
        assert_eq!(all(&world, &Scope::All, &query(false)).await, ids);
        ids.reverse();
        assert_eq!(all(&world, &Scope::All, &query(true)).await, ids);
        ids.reverse();
    }
}

/// Copies the one event of the store so often, each a millisecond after the one before.
async fn copy(world: &World, times: u32) {
    let columns = "message, source, company, kind, category, severity, decode, matched, routing, fingerprint, occurred_at, \
                   received_at, count, epoch, subject, body, reading, via, deliveries, silence";
    world.copy("event", columns, "true", times).await;
}

async fn a_search_for_what_is_rare_goes_on_by_its_cursor(mut world: World) {
    let oldest = world.accepted("web-1").await.0;
    world.batch("UPDATE event SET kind = 'rare.kind'").await;
    let rare = by("event=rare.*");
    copy(&world, 1).await;
    world
        .batch("UPDATE event SET kind = 'common.kind' WHERE seq > (SELECT min(seq) FROM event)")
        .await;
    // All but the oldest are copies of a common kind.
    world.pass(MINUTE);
    let common = world.accepted("web-2").await.0;
    world.batch("CREATE TABLE aside AS SELECT * FROM event WHERE kind = 'rare.kind'; DELETE FROM event WHERE kind <> 'asset.discovered'").await;
    copy(&world, 100_001).await;
    world
        .batch("INSERT INTO event SELECT * FROM aside; DROP TABLE aside")
        .await;
    let first = page(&world, &Scope::All, &rare, None, 10).await;
    assert!(first.items.is_empty());
    let until = first.scanned_until.expect("it ended before it was full");
    assert!(until >= world.now, "{until}");
    let second = page(&world, &Scope::All, &rare, first.next, 10).await;
    let found: Vec<_> = second.items.iter().map(|event| event.id).collect();
    assert_eq!(
        (found, second.next, second.scanned_until),
        (vec![oldest], None, None)
    );
    // Whoever sees none of it learns nothing of how much there is.
    let nothing = page(&world, &elsewhere(), &rare, None, 10).await;
    assert_eq!(nothing, EventPage::default());
    let plain = page(&world, &Scope::All, &EventQuery::default(), None, 10).await;
    assert_eq!((plain.items.len(), plain.scanned_until), (10, None));
    assert!(!plain.items.iter().any(|event| event.id == common));
}

async fn a_test_of_many_rows_goes_on_by_its_cursor(mut world: World) {
    let oldest = world.accepted("only once").await.0;
    world.pass(MINUTE);
    let copied = world.accepted("many times").await.0;
    world.batch("CREATE TABLE aside AS SELECT * FROM event WHERE body = 'only once'; DELETE FROM event WHERE body = 'only once'").await;
    copy(&world, 10_000).await;
    world
        .batch("INSERT INTO event SELECT * FROM aside; DROP TABLE aside")
        .await;
    let once = by("body=\"only once\"");
    let first = page(&world, &Scope::All, &once, None, 10).await;
    assert!(first.items.is_empty() && first.scanned_until.is_some());
    assert_eq!(all(&world, &Scope::All, &once).await, [oldest]);
    // From the other end it is found at once, and the rest is left for later.
    let oldest_first = EventQuery {
        oldest_first: true,
        ..once
    };
    let first = page(&world, &Scope::All, &oldest_first, None, 10).await;
    assert_eq!((first.items[0].id, first.items.len()), (oldest, 1));
    assert!(first.next.is_some());
    let words = by("text=\"many times\"");
    let found = page(&world, &Scope::All, &words, None, 10).await;
    assert!(found.items.len() == 10 && !found.items.iter().any(|event| event.id == copied));
}

async fn a_replay_takes_what_the_filter_lets_through(mut world: World) {
    let events = varied(&mut world).await;
    let list = async |query: EventQuery| {
        let listed = world
            .store
            .list_unrouted(&Scope::All, &query, 2)
            .await
            .unwrap();
        let ids: Vec<EventId> = listed.items.iter().map(|item| item.event()).collect();
        (ids, listed.truncated)
    };
    let high = list(by("severity>=high field.hostname=web-*")).await;
    assert_eq!(high, (vec![events[4].id, events[0].id], false));
    let (ids, truncated) = list(by("text=web")).await;
    assert_eq!((ids, truncated), (vec![events[4].id, events[2].id], true));
    assert!(list(by("routing=routed")).await.0.is_empty());
    let routed = EventQuery {
        routing: Some("routed".to_owned()),
        ..by("text=web")
    };
    assert!(list(routed).await.0.is_empty());
    let reason = EventQuery {
        routing: Some("silenced".to_owned()),
        ..by("text=web")
    };
    assert_eq!(list(reason).await.0, [events[2].id]);
}
