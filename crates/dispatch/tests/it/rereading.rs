use std::time::Duration;

use delivery::replay::JobState;
use domain::access::{Actor, Scope};
use domain::event::{Event, Fingerprint, Match, Reading, Reason, Repeats, Routing};
use domain::event_set::NotifyBy;
use domain::message::{Decode, Message};
use domain::source::{Authentication, Source, SourceLimits};
use domain::{EventId, MessageId, Severity, SourceId};
use serde_json::json;
use store::{Acceptance, Accepted, Change, JobSpec, PageAt, Receipt, Standing};

use crate::house::{House, KIND};

const GRACE: Duration = Duration::from_secs(20);
const ASSET: &str =
    r#"{"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100"}"#;

impl House {
    async fn source(&self) -> SourceId {
        let now = self.now();
        let source = Source {
            id: self.dice.roll(|rng| SourceId::new(now, rng)),
            name: "Scanner".to_owned(),
            companies: Vec::new(),
            company: Some(self.company),
            company_rules: Vec::new(),
            authentication: Authentication::default(),
            dedup_window: None,
            limits: SourceLimits::default(),
            created_at: now,
        };
        let id = source.id;
        self.change(Change::InsertSource(source)).await;
        id
    }

    /// A message as an older catalogue took it: not understood, and of no company.
    async fn unread(&self, source: SourceId, raw: &str) -> EventId {
        let (now, epoch) = (self.now(), self.store.configuration().await.unwrap().epoch);
        let message = Message {
            id: self.dice.roll(|rng| MessageId::new(now, rng)),
            source: Some(source),
            received_at: now,
            headers: Vec::new(),
            raw: raw.as_bytes().to_vec(),
            sha256: sha256(raw),
            webhook_id: None,
            decode: Decode::Failed,
            id_reused: false,
        };
        let event = Event {
            id: self.dice.roll(|rng| EventId::new(now, rng)),
            message: message.id,
            source: Some(source),
            company: None,
            kind: None,
            category: None,
            subject: String::new(),
            body: raw.to_owned(),
            severity: Severity::Info,
            reading: Reading::nothing(Decode::Failed),
            fingerprint: Fingerprint([1; 16]),
            occurred_at: None,
            received_at: now,
            count: 1,
            routing: Routing::Unrouted(Reason::UnassignedCompany),
            silence: None,
            epoch,
            via: Vec::new(),
            repeats: Repeats::default(),
        };
        let acceptance = Acceptance {
            message,
            events: vec![Accepted {
                event,
                deliveries: Vec::new(),
                dedup_window: None,
            }],
            idempotency: None,
            only_new: false,
            epoch,
        };
        match self.store.accept(acceptance).await.unwrap() {
            Receipt::Stored { events, .. } => events[0],
            other => panic!("nothing was stored: {other:?}"),
        }
    }

    async fn reread(&self, route: bool, per_second: u32) -> domain::JobId {
        let listed = self
            .store
            .list_events(&Scope::All, &Default::default(), 1_000)
            .await
            .unwrap();
        let query = json!({});
        self.begin(JobSpec::Reread { query, route }, listed, per_second)
            .await
    }

    async fn event(&self, id: EventId) -> Event {
        let event = self.store.event(&Scope::All, id).await.unwrap();
        event.unwrap()
    }

    async fn readings(&self, id: EventId) -> usize {
        let at = PageAt::default();
        let page = self.store.readings(&Scope::All, id, &at);
        page.await.unwrap().unwrap().items.len()
    }
}

fn sha256(raw: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(raw).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_understood_at_last_is_sent_only_when_asked_for() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let source = house.source().await;
    let id = house.unread(source, ASSET).await;
    let dispatcher = house.dispatch();
    let job = house.reread(false, 1_000).await;
    let job = house
        .until_job(job, |job| job.state == JobState::Done)
        .await;
    assert_eq!((job.progress.done, job.progress.skipped), (1, 0));
    let event = house.event(id).await;
    assert_eq!(event.kind.as_deref(), Some(KIND));
    assert_eq!(event.reading.matched, Match::Full);
    assert_eq!(event.company, Some(house.company));
    assert_eq!(
        event.routing,
        Routing::Unrouted(Reason::UnassignedCompany),
        "it says why it went nowhere when it came in"
    );
    assert_eq!(house.readings(id).await, 2);
    assert!(house.deliveries().await.is_empty());
    // It is understood already, so it is not understood at last: the replay of what went nowhere sends it.
    let again = house.reread(true, 1_000).await;
    let again = house
        .until_job(again, |job| job.state == JobState::Done)
        .await;
    assert_eq!((again.progress.done, again.progress.skipped), (0, 1));
    assert!(house.deliveries().await.is_empty());
    let late = house.unread(source, ASSET).await;
    house.reread(true, 1_000).await;
    house.until_all(Standing::Delivered).await;
    assert_eq!(house.event(late).await.routing, Routing::Routed);
    assert_eq!(house.event(id).await.routing, event.routing);
    assert_eq!(house.target.received().len(), 1);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantined_message_may_hold_more_alerts_than_it_had_events() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let source = house.source().await;
    let other = ASSET.replace("100", "101");
    let id = house.unread(source, &format!("[{ASSET}, {other}]")).await;
    let dispatcher = house.dispatch();
    house.reread(true, 1_000).await;
    while house.target.received().len() < 2 {
        house.look_again().await;
    }
    house.until_all(Standing::Delivered).await;
    let message = house.event(id).await.message;
    let (message, events) = house
        .store
        .message(&Scope::All, message)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((events.len(), message.decode), (2, Decode::Ok));
    for event in events {
        assert_eq!(house.event(event).await.routing, Routing::Routed);
    }
    assert_eq!(house.target.received().len(), 2);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_re_reading_rests_and_goes_on_after_a_restart_without_reading_anything_twice() {
    use delivery::replay::Asked;
    let house = House::new(json!({}), NotifyBy::Event).await;
    let source = house.source().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(house.unread(source, ASSET).await);
    }
    let dispatcher = house.dispatch();
    let job = house.reread(false, 2).await;
    house.until_job(job, |job| job.progress.done == 2).await;
    let steer = |asked| {
        house
            .store
            .steer_job(&Scope::All, job, asked, &Actor::Local, house.now())
    };
    steer(Asked::Pause).await.unwrap();
    dispatcher.stop(GRACE).await;
    assert_eq!(house.job(job).await.progress.done, 2);
    let dispatcher = house.dispatch();
    steer(Asked::Resume).await.unwrap();
    house.clock.advance(Duration::from_secs(2));
    house
        .until_job(job, |job| job.state == JobState::Done)
        .await;
    for id in ids {
        assert_eq!(house.readings(id).await, 2);
    }
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_as_fields_is_left_alone() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    house.raise(&["192.168.1.1"]).await;
    let dispatcher = house.dispatch();
    let job = house.reread(true, 1_000).await;
    let job = house
        .until_job(job, |job| job.state == JobState::Done)
        .await;
    assert_eq!((job.progress.done, job.progress.skipped), (0, 1));
    dispatcher.stop(GRACE).await;
}
