use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use delivery::replay::JobState;
use domain::JobId;
use domain::access::{Actor, Scope};
use domain::catalogue::Record;
use domain::company::{Company, Quota};
use domain::event_set::NotifyBy;
use domain::finding::{Count, Finding, Scanner, Sort, Tally};
use http::HeaderMap;
use receive::{Raise, Wanted};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{
    Begun, Change, EventQuery, Idempotency, ImportSpec, Job, JobStep, JobWork, NewImport, PageAt,
    Standing, Worked,
};

use crate::house::{House, KIND};

const GRACE: Duration = Duration::from_secs(20);

impl House {
    fn import_spec(&self, dry_run: bool) -> ImportSpec {
        ImportSpec {
            company: self.company,
            scanner: Scanner::Nmap,
            external: false,
            hostname: None,
            ip: None,
            dry_run,
            passed_over: Vec::new(),
            broken: None,
            left_out: Vec::new(),
        }
    }

    async fn import(&self, findings: &[Finding], dry_run: bool) -> JobId {
        let id = self.dice.roll(|rng| JobId::new(self.now(), rng));
        self.store.keep_findings(id, 0, findings).await.unwrap();
        let import = NewImport {
            id,
            spec: self.import_spec(dry_run),
            scope: Scope::Companies(vec![self.company]),
            rate: NonZeroU32::new(10_000).unwrap(),
            size: findings.len() as u64,
            failed: Tally::default(),
            once: None,
        };
        let begun = self.store.begin_import(import, &Actor::Local, self.now());
        assert_eq!(begun.await.unwrap(), Begun::Now);
        id
    }

    /// Raises the first batch of an import as its worker does, which is killed before it counts what became of it.
    async fn raise_batch(&self, id: JobId, findings: &[Finding]) {
        let events = findings.iter().map(|one| one.event("Acme Corporation"));
        let raw = Bytes::from(Value::Array(events.collect()).to_string());
        let raise = |finding: &Finding| Raise {
            kind: finding.kind.clone(),
            company: self.company,
            records: vec![finding.record.clone()],
            severity: None,
            occurred_at: None,
        };
        let idempotency = Idempotency {
            scope: "import".to_owned(),
            key: format!("{id}/0/{}", findings.len()),
            body_hash: Sha256::digest(&raw).into(),
        };
        let raises = findings.iter().map(raise).collect();
        self.receiver
            .raise(
                raw,
                &HeaderMap::new(),
                raises,
                Some(idempotency),
                Wanted::New,
            )
            .await
            .unwrap();
    }

    /// Waits for its end. Batches keep a pace, so time goes on.
    async fn through(&self, id: JobId) -> Job {
        loop {
            let job = self.job(id).await;
            if job.state.has_ended() {
                return job;
            }
            self.clock.advance(Duration::from_millis(20));
            self.look_again().await;
        }
    }

    async fn hosts(&self) -> usize {
        let at = PageAt::new(Some(PageAt::MOST), None);
        let query = EventQuery::default();
        let page = self.store.events(&Scope::All, &query, &at).await;
        page.unwrap().items.len()
    }
}

fn hosts(count: usize) -> Vec<Finding> {
    let host = |number: usize| Finding {
        sort: Sort::Host,
        kind: KIND.to_owned(),
        record: Record::from_iter([("ip", format!("10.0.{}.{}", number / 250, number % 250))]),
        occurred_at: None,
    };
    (0..count).map(host).collect()
}

fn count(new: u64, seen: u64, failed: u64) -> Count {
    Count { new, seen, failed }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_becomes_an_event_and_is_delivered_once() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let dispatcher = house.dispatch();
    let dry = house.import(&hosts(450), true).await;
    let job = house.through(dry).await;
    assert_eq!(job.tally.unwrap().hosts, count(450, 0, 0));
    assert_eq!(house.hosts().await, 0, "a dry run raises nothing");
    let first = house.import(&hosts(450), false).await;
    let job = house.through(first).await;
    assert_eq!(
        (job.state, job.tally.unwrap().hosts),
        (JobState::Done, count(450, 0, 0))
    );
    assert_eq!(house.hosts().await, 450);
    let again = house.import(&hosts(451), false).await;
    let job = house.through(again).await;
    assert_eq!(job.tally.unwrap().hosts, count(1, 450, 0));
    assert_eq!((job.progress.done, job.progress.skipped), (1, 450));
    assert_eq!(house.hosts().await, 451);
    house
        .until(house.integration, Standing::Delivered, 451)
        .await;
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_killed_between_raising_and_counting_counts_right() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let id = house.import(&hosts(300), false).await;
    house.raise_batch(id, &hosts(200)).await;
    assert_eq!(house.hosts().await, 200);
    let dispatcher = house.dispatch();
    let job = house.through(id).await;
    assert_eq!(
        job.tally.unwrap().hosts,
        count(300, 0, 0),
        "as if it had not been killed"
    );
    assert_eq!(house.hosts().await, 300, "nothing twice");
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_goes_on_where_another_node_left_it() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let id = house.import(&hosts(300), false).await;
    // Another node counted the first batch and went away.
    let taken = house.store.take_jobs(GRACE, house.now()).await.unwrap();
    let mut tally = Tally::default();
    *tally.at(Sort::Host) = count(0, 200, 0);
    let step = JobStep {
        lease: taken[0].0,
        scope: Scope::All,
        work: JobWork::Import { tally },
    };
    let worked = house.store.work_job(step, house.now()).await.unwrap();
    assert_eq!(worked, Worked::Moved { ended: false });
    let dispatcher = house.dispatch();
    let job = house.through(id).await;
    assert_eq!(job.tally.unwrap().hosts, count(100, 200, 0));
    assert_eq!(house.hosts().await, 100);
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_that_nothing_can_say_fails_and_the_others_go() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let mut findings = hosts(3);
    findings[1].kind = "gone.kind".to_owned();
    findings[1].sort = Sort::Port;
    let id = house.import(&findings, false).await;
    let dispatcher = house.dispatch();
    let tally = house.through(id).await.tally.unwrap();
    assert_eq!((tally.hosts, tally.ports), (count(2, 0, 0), count(0, 0, 1)));
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_waits_for_the_quota_of_its_company() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let configuration = house.store.newest_configuration().await.unwrap();
    let company = configuration.company(house.company).unwrap();
    let quota = Quota {
        events_per_second: NonZeroU32::new(200).unwrap(),
    };
    let company = Company {
        quota: Some(quota),
        ..Company::clone(company)
    };
    house.change(Change::UpdateCompany(company)).await;
    let id = house.import(&hosts(600), false).await;
    let begun = house.now();
    let dispatcher = house.dispatch();
    let job = house.through(id).await;
    assert_eq!(job.tally.unwrap().hosts, count(600, 0, 0));
    let took = house.now().since(begun);
    assert!(
        took >= Duration::from_secs(2),
        "{took:?} by the clock that is moved by hand"
    );
    dispatcher.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_of_nothing_and_one_of_nobody_end() {
    let house = House::new(json!({}), NotifyBy::Event).await;
    let nothing = house.import(&[], false).await;
    let dispatcher = house.dispatch();
    assert_eq!(house.through(nothing).await.state, JobState::Done);
    dispatcher.stop(GRACE).await;
    let nobody = house.import(&hosts(1), false).await;
    house.change(Change::RemoveCompany(house.company)).await;
    let dispatcher = house.dispatch();
    let job = house.through(nobody).await;
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.error.as_deref(), Some("the company was removed"));
    dispatcher.stop(GRACE).await;
}
