//! Imports: findings that wait beside their job.

use std::num::NonZeroU32;

use delivery::replay::{Asked, JobState};
use domain::access::Scope;
use domain::catalogue::Record;
use domain::finding::{Count, Finding, Scanner, Sort, Tally};
use domain::{CompanyId, JobId};
use store::{
    Begun, ImportSpec, Job, JobKind, JobLease, JobSpec, JobStep, JobWork, NewImport, Once, PageAt,
    RetentionClass, Steered, Worked,
};

use crate::world::{ACTOR, MINUTE, World};

on_both!(
    findings_wait_in_batches_and_are_counted_by_their_sort,
    a_request_that_is_repeated_begins_one_import,
    an_import_is_seen_by_whoever_sees_its_company,
    what_an_import_has_left_goes_with_its_cancelling,
    what_never_began_goes_with_the_jobs_of_its_time,
    as_many_jobs_as_may_be_leave_no_findings_behind,
);

impl World {
    async fn keep(&mut self, count: usize) -> JobId {
        let id = JobId::new(self.now, &mut self.rng);
        self.store
            .keep_findings(id, 0, &findings(0, count))
            .await
            .unwrap();
        id
    }

    async fn import(&self, id: JobId, size: u64, once: Option<Once>) -> Begun {
        let mut failed = Tally::default();
        failed.at(Sort::Port).failed = 1;
        let import = NewImport {
            id,
            spec: spec(self.company),
            scope: Scope::Companies(vec![self.company]),
            rate: NonZeroU32::new(2_000).unwrap(),
            size,
            failed,
            once,
        };
        let begun = self.store.begin_import(import, &ACTOR, self.now).await;
        begun.unwrap()
    }

    async fn leased(&self, id: JobId) -> JobLease {
        let taken = self.store.take_jobs(MINUTE, self.now).await.unwrap();
        let found = taken.into_iter().find(|(lease, _)| lease.job == id);
        found.unwrap().0
    }

    async fn counted(&self, lease: JobLease, new: u64, seen: u64) -> Worked {
        let mut tally = Tally::default();
        *tally.at(Sort::Host) = Count {
            new,
            seen,
            failed: 0,
        };
        let step = JobStep {
            lease,
            scope: Scope::All,
            work: JobWork::Import { tally },
        };
        self.store.work_job(step, self.now).await.unwrap()
    }

    async fn import_job(&self, id: JobId) -> Job {
        self.store.job(&Scope::All, id).await.unwrap().unwrap()
    }

    async fn waiting(&self, id: JobId, from: u64) -> usize {
        self.store.findings(id, from).await.unwrap().len()
    }
}

fn spec(company: CompanyId) -> ImportSpec {
    ImportSpec {
        company,
        scanner: Scanner::Nmap,
        external: false,
        hostname: None,
        ip: None,
        dry_run: false,
        passed_over: vec![("secrets".to_owned(), 2)],
        broken: Some("it ends before the scan does".to_owned()),
        left_out: Vec::new(),
    }
}

fn findings(from: usize, count: usize) -> Vec<Finding> {
    let finding = |number: usize| Finding {
        sort: Sort::Host,
        kind: "system.asset_added".to_owned(),
        record: Record::from_iter([("ip", format!("10.0.{}.{}", number / 256, number % 256))]),
        occurred_at: None,
    };
    (from..from + count).map(finding).collect()
}

fn once(held: u8) -> Option<Once> {
    Some(Once {
        key: "somebody a-key".to_owned(),
        digest: [held; 32],
    })
}

async fn findings_wait_in_batches_and_are_counted_by_their_sort(mut world: World) {
    let id = world.keep(400).await;
    let rest = findings(400, 50);
    world.store.keep_findings(id, 400, &rest).await.unwrap();
    assert_eq!(world.import(id, 450, None).await, Begun::Now);
    for (from, count) in [(0, 200), (200, 200), (400, 50), (600, 0)] {
        assert_eq!(world.waiting(id, from).await, count, "{from}");
    }
    assert_eq!(world.store.findings(id, 400).await.unwrap(), rest);
    let lease = world.leased(id).await;
    let moved = world.counted(lease, 150, 50).await;
    assert_eq!(moved, Worked::Moved { ended: false });
    let moved = world.counted(lease, 0, 200).await;
    assert_eq!(moved, Worked::Moved { ended: false });
    let job = world.import_job(id).await;
    let tally = job.tally.unwrap();
    assert_eq!((tally.hosts.new, tally.hosts.seen), (150, 250));
    assert_eq!(tally.ports.failed, 1, "what was left out is counted too");
    assert_eq!((job.cursor, job.size, job.progress.total), (400, 450, 451));
    assert_eq!((job.progress.done, job.progress.skipped), (150, 250));
    assert_eq!((job.progress.failed, job.progress.left()), (1, 50));
    assert_eq!(job.spec, JobSpec::Import(Box::new(spec(world.company))));
    let moved = world.counted(lease, 50, 0).await;
    assert_eq!(moved, Worked::Moved { ended: true });
    assert_eq!(world.import_job(id).await.state, JobState::Done);
    assert_eq!(world.waiting(id, 0).await, 0, "they went with its end");
    assert_eq!(world.counted(lease, 1, 0).await, Worked::Stale);
}

async fn a_request_that_is_repeated_begins_one_import(mut world: World) {
    let first = world.keep(3).await;
    assert_eq!(world.import(first, 3, once(1)).await, Begun::Now);
    let again = world.keep(3).await;
    let repeated = world.import(again, 3, once(1)).await;
    assert_eq!(repeated, Begun::Before(first));
    let other = world.keep(4).await;
    assert_eq!(world.import(other, 4, once(2)).await, Begun::KeyReused);
    for refused in [again, other] {
        assert_eq!(world.waiting(refused, 0).await, 0);
        let found = world.store.job(&Scope::All, refused).await.unwrap();
        assert!(found.is_none());
    }
    assert_eq!(world.waiting(first, 0).await, 3);
}

async fn an_import_is_seen_by_whoever_sees_its_company(mut world: World) {
    let id = world.keep(1).await;
    world.import(id, 1, None).await;
    let stranger = CompanyId::new(world.now, &mut world.rng);
    let scopes = [
        (Scope::All, 1),
        (Scope::Companies(vec![world.company]), 1),
        (Scope::Companies(vec![stranger]), 0),
    ];
    for (scope, count) in scopes {
        for (kind, count) in [
            (JobKind::Import, count),
            (JobKind::Reread, 0),
            (JobKind::Replay, 0),
        ] {
            let page = world.store.jobs(&scope, kind, &PageAt::default()).await;
            assert_eq!(page.unwrap().items.len(), count, "{scope:?} {kind:?}");
        }
        let found = world.store.job(&scope, id).await.unwrap();
        assert_eq!(found.is_some(), count == 1);
    }
}

async fn what_an_import_has_left_goes_with_its_cancelling(mut world: World) {
    let id = world.keep(2).await;
    world.import(id, 2, None).await;
    let steered = world
        .store
        .steer_job(&Scope::All, id, Asked::Cancel, &ACTOR, world.now)
        .await
        .unwrap();
    assert!(matches!(steered, Steered::Now(_)), "{steered:?}");
    assert_eq!(world.waiting(id, 0).await, 0);
}

async fn what_never_began_goes_with_the_jobs_of_its_time(mut world: World) {
    let (never, begun) = (world.keep(2).await, world.keep(2).await);
    world.import(begun, 2, None).await;
    world.now = world.now.after(10 * MINUTE);
    let fresh = world.keep(2).await;
    let before = world.now.before(MINUTE);
    world
        .store
        .prune(RetentionClass::Jobs, before, 100, world.now)
        .await
        .unwrap();
    for (id, count) in [(never, 0), (begun, 2), (fresh, 2)] {
        assert_eq!(world.waiting(id, 0).await, count);
    }
    world.store.drop_findings(fresh).await.unwrap();
    assert_eq!(world.waiting(fresh, 0).await, 0);
}

async fn as_many_jobs_as_may_be_leave_no_findings_behind(mut world: World) {
    for _ in 0..delivery::replay::UNFINISHED {
        let id = world.keep(1).await;
        assert_eq!(world.import(id, 1, None).await, Begun::Now);
    }
    let id = world.keep(1).await;
    assert_eq!(world.import(id, 1, None).await, Begun::Full);
    assert_eq!(world.waiting(id, 0).await, 0);
}
