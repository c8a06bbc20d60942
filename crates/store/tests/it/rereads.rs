//! Reading stored messages again.

use std::num::NonZeroU32;

use domain::access::Scope;
use domain::event::{Event, Fingerprint, Match, Reading, Reason, Routing};
use domain::message::Decode;
use domain::{DeliveryId, EventId, JobId, MessageId};
use serde_json::json;
use store::{
    Accepted, EventQuery, JobKind, JobLease, JobSpec, JobStep, JobWork, NewJob, NewReading,
    NewReadings, PageAt, RetentionClass, Worked,
};

use crate::world::{ACTOR, MINUTE, World, elsewhere, stored};

on_both!(
    a_new_reading_is_added_and_the_former_ones_are_kept,
    the_search_index_follows_whether_it_holds_the_event_or_not,
    what_is_understood_at_last_can_be_let_go_in_the_same_step,
    further_events_of_a_message_join_it_and_the_live_stream,
    nothing_is_written_when_the_event_has_changed_meanwhile,
    readings_go_with_their_event,
    messages_are_found_for_the_events_that_the_scope_admits,
    re_readings_and_replays_are_listed_apart,
    what_was_not_understood_is_listed,
);

impl World {
    /// Stores an event that was not understood and went nowhere.
    async fn unread(&mut self, body: &str) -> Event {
        let mut acceptance = self.acceptance(body).await;
        acceptance.message.decode = Decode::Failed;
        let accepted = &mut acceptance.events[0];
        accepted.deliveries.clear();
        accepted.event.kind = None;
        accepted.event.category = None;
        accepted.event.reading = Reading::nothing(Decode::Failed);
        accepted.event.routing = Routing::Unrouted(Reason::NoRule);
        let id = stored(self.store.accept(acceptance).await.unwrap());
        self.seen(id).await
    }

    async fn seen(&self, id: EventId) -> Event {
        let event = self.store.event(&Scope::All, id).await.unwrap();
        event.unwrap()
    }

    async fn reread_job(&mut self) -> JobLease {
        let listed = self
            .store
            .list_events(&Scope::All, &EventQuery::default(), 1_000)
            .await
            .unwrap();
        let job = NewJob {
            id: JobId::new(self.now, &mut self.rng),
            spec: JobSpec::Reread {
                query: json!({"match": "none"}),
                route: false,
            },
            scope: Scope::All,
            rate: NonZeroU32::new(50).unwrap(),
            listed,
        };
        let id = job.id;
        assert!(self.store.begin_job(job, &ACTOR, self.now).await.unwrap());
        let taken = self.store.take_jobs(MINUTE, self.now).await.unwrap();
        let found = taken.into_iter().find(|(lease, _)| lease.job == id);
        found.unwrap().0
    }

    async fn reread(&mut self, messages: Vec<NewReadings>) -> Worked {
        let lease = self.reread_job().await;
        let step = JobStep {
            lease,
            scope: Scope::All,
            work: JobWork::Reread {
                messages,
                passed: 0,
                failed: 0,
                epoch: self.store.configuration().await.unwrap().epoch,
            },
        };
        self.store.work_job(step, self.now).await.unwrap()
    }

    async fn events_in(&self, message: MessageId) -> Vec<EventId> {
        let found = self.store.message(&Scope::All, message).await.unwrap();
        found.unwrap().1
    }

    async fn new_readings(&self, before: &Event, after: Event) -> NewReadings {
        NewReadings {
            message: before.message,
            decode: after.reading.decode,
            listed: self.events_in(before.message).await,
            revised: vec![NewReading {
                before: before.clone(),
                after,
                deliveries: None,
            }],
            further: Vec::new(),
        }
    }

    async fn found(&self, query: EventQuery) -> Vec<EventId> {
        let page = self
            .store
            .events(&Scope::All, &query, &PageAt::default())
            .await
            .unwrap();
        page.items.iter().map(|event| event.id).collect()
    }
}

/// The event as it is understood: another kind, other words, another fingerprint.
fn understood(before: &Event, body: &str) -> Event {
    Event {
        kind: Some("asset.discovered".to_owned()),
        category: Some("assets".to_owned()),
        subject: "Understood".to_owned(),
        body: body.to_owned(),
        fingerprint: Fingerprint([5; 16]),
        reading: Reading {
            matched: Match::Full,
            ..Reading::nothing(Decode::Repaired)
        },
        ..before.clone()
    }
}

async fn a_new_reading_is_added_and_the_former_ones_are_kept(mut world: World) {
    let before = world.unread("web-1").await;
    let read = |world: &World| {
        let (store, id) = (world.store.clone(), before.id);
        async move {
            let page = store.readings(&Scope::All, id, &PageAt::default()).await;
            page.unwrap().unwrap().items
        }
    };
    let first = read(&world).await;
    assert_eq!(first.len(), 1, "what was read once has one reading");
    world.pass(MINUTE);
    for (number, body) in [(2, "one"), (3, "two")] {
        let is = world.seen(before.id).await;
        let new = world.new_readings(&is, understood(&is, body)).await;
        assert_eq!(world.reread(vec![new]).await, Worked::Moved { ended: true });
        let after = world.seen(before.id).await;
        assert_eq!(after, understood(&is, body), "nothing else has changed");
        let readings = read(&world).await;
        assert_eq!(readings.len(), number);
        assert_eq!(
            (
                readings[0].body.as_str(),
                readings[0].at,
                readings[0].number
            ),
            (body, world.now, number as u64)
        );
        assert_eq!(readings.last(), first.first());
    }
    let hidden = world
        .store
        .readings(&elsewhere(), before.id, &PageAt::default())
        .await;
    assert_eq!(hidden.unwrap(), None);
    let (message, _) = world
        .store
        .message(&Scope::All, before.message)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(message.decode, Decode::Repaired);
}

async fn the_search_index_follows_whether_it_holds_the_event_or_not(mut world: World) {
    let text = |word: &str| EventQuery {
        text: Some(word.to_owned()),
        ..EventQuery::default()
    };
    let print = |print: Fingerprint| EventQuery {
        fingerprint: Some(print),
        ..EventQuery::default()
    };
    for is_indexed in [true, false] {
        let before = world.unread("zanzibar").await;
        if is_indexed {
            world.store.index_search(100).await.unwrap();
        }
        let after = Event {
            fingerprint: Fingerprint([u8::from(is_indexed); 16]),
            ..understood(&before, &format!("madagascar {is_indexed}"))
        };
        let new = world.new_readings(&before, after.clone()).await;
        world.reread(vec![new]).await;
        world.store.index_search(100).await.unwrap();
        assert!(world.found(text("zanzibar")).await.is_empty());
        assert!(world.found(print(before.fingerprint)).await.is_empty());
        let words = format!("madagascar {is_indexed}");
        assert_eq!(world.found(text(&words)).await, [before.id]);
        assert_eq!(world.found(print(after.fingerprint)).await, [before.id]);
        let kind = EventQuery {
            kind: after.kind.clone(),
            fingerprint: Some(after.fingerprint),
            ..EventQuery::default()
        };
        assert_eq!(world.found(kind).await, [before.id]);
    }
}

async fn what_is_understood_at_last_can_be_let_go_in_the_same_step(mut world: World) {
    let before = world.unread("web-1").await;
    let mut acceptance = world.acceptance("web-1").await;
    let mut delivery = acceptance.events[0].deliveries.remove(0);
    delivery.id = DeliveryId::new(world.now, &mut world.rng);
    let mut new = world
        .new_readings(&before, understood(&before, "web-1"))
        .await;
    new.revised[0].deliveries = Some(vec![delivery.clone()]);
    world.reread(vec![new]).await;
    assert_eq!(world.seen(before.id).await.routing, Routing::Routed);
    let carried = world
        .store
        .deliveries_of_event(&Scope::All, before.id)
        .await
        .unwrap();
    assert_eq!(carried[0].delivery, delivery.id);
}

async fn further_events_of_a_message_join_it_and_the_live_stream(mut world: World) {
    let before = world.unread("web-1").await;
    let newest = world
        .store
        .events_after(&Scope::All, None, 1)
        .await
        .unwrap();
    let mut new = world
        .new_readings(&before, understood(&before, "one"))
        .await;
    let further = Event {
        id: EventId::new(before.received_at, &mut world.rng),
        routing: Routing::Unrouted(Reason::Reread),
        ..understood(&before, "two")
    };
    new.further.push(Accepted {
        event: further.clone(),
        deliveries: Vec::new(),
        dedup_window: None,
    });
    let again = new.clone();
    world.reread(vec![new]).await;
    assert_eq!(
        world.events_in(before.message).await,
        [before.id, further.id]
    );
    assert_eq!(world.seen(further.id).await, further);
    let streamed = world
        .store
        .events_after(&Scope::All, Some(newest[0].id), 10)
        .await
        .unwrap();
    assert_eq!(streamed.len(), 1);
    assert_eq!(
        world.reread(vec![again]).await,
        Worked::Overtaken,
        "what was found once is not found twice"
    );
}

async fn nothing_is_written_when_the_event_has_changed_meanwhile(mut world: World) {
    let before = world.unread("web-1").await;
    let new = world
        .new_readings(&before, understood(&before, "one"))
        .await;
    world.reread(vec![new.clone()]).await;
    assert_eq!(world.reread(vec![new]).await, Worked::Overtaken);
    let page = world
        .store
        .readings(&Scope::All, before.id, &PageAt::default())
        .await
        .unwrap();
    assert_eq!(page.unwrap().items.len(), 2);
}

async fn readings_go_with_their_event(mut world: World) {
    let before = world.unread("web-1").await;
    let new = world
        .new_readings(&before, understood(&before, "one"))
        .await;
    world.reread(vec![new]).await;
    world.pass(2 * MINUTE);
    let pruned = world
        .store
        .prune(RetentionClass::Messages, world.now, 10, world.now)
        .await
        .unwrap();
    assert_eq!(pruned, 1);
    let left = world
        .texts("SELECT CAST(number AS TEXT) FROM event_reading")
        .await;
    assert_eq!(left, Vec::<String>::new());
}

async fn messages_are_found_for_the_events_that_the_scope_admits(mut world: World) {
    let event = world.unread("web-1").await;
    let other = EventId::new(world.now, &mut world.rng);
    let ids = [event.id, other];
    let found = world
        .store
        .to_read_again(&Scope::All, &ids, 1_000)
        .await
        .unwrap();
    assert_eq!((found.stored.len(), found.taken, found.gone), (1, 2, 1));
    assert_eq!(found.stored[0].listed, [event.id]);
    assert_eq!(found.stored[0].events, std::slice::from_ref(&event));
    let hidden = world
        .store
        .to_read_again(&elsewhere(), &ids, 1_000)
        .await
        .unwrap();
    assert_eq!((hidden.stored.len(), hidden.gone), (0, 2));
    let named = world.store.list_named_events(&Scope::All, &ids).await;
    assert_eq!(named.unwrap(), None);
    world.batch("UPDATE message SET sha256 = id").await;
    let found = world
        .store
        .to_read_again(&Scope::All, &[event.id], 1_000)
        .await
        .unwrap();
    assert_eq!((found.corrupt, found.stored.len()), (1, 0));
}

async fn re_readings_and_replays_are_listed_apart(mut world: World) {
    world.unread("web-1").await;
    let lease = world.reread_job().await;
    for (kind, count) in [(JobKind::Reread, 1), (JobKind::Replay, 0)] {
        let page = world
            .store
            .jobs(&Scope::All, kind, &PageAt::default())
            .await
            .unwrap();
        assert_eq!(page.items.len(), count);
    }
    let items = world.store.job_items(lease.job, 0, 10).await.unwrap();
    assert_eq!(items[0].meant, delivery::replay::Meant::Read);
}

async fn what_was_not_understood_is_listed(mut world: World) {
    let unread = world.unread("web-1").await.id;
    let mut acceptance = world.acceptance("web-2").await;
    acceptance.events[0].event.reading.matched = Match::Full;
    world.store.accept(acceptance).await.unwrap();
    let failed = EventQuery {
        decode: Some(Decode::Failed),
        ..EventQuery::default()
    };
    let none = EventQuery {
        matched: Some(Match::None),
        company: Some(world.company),
        ..EventQuery::default()
    };
    for query in [failed, none] {
        assert_eq!(world.found(query).await, [unread]);
    }
}
