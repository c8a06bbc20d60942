//! Works replays, re-readings and imports: takes the jobs that are free, asks [`delivery::replay`] what is next of each, and writes it, one
//! transaction a step. Steps of several jobs take turns; a step that failed is made again, for it moved nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use delivery::replay::{Replay, Step};
use domain::configuration::Configuration;
use domain::event::Event;
use domain::{DeliveryId, JobId, Timestamp};
use store::{
    Again, ImportSpec, Item, Job, JobLease, JobSpec, JobStep, JobWork, Release, StoreError, Target,
    Worked,
};
use tokio::sync::watch;

use super::import::{self, Outcome};
use super::release::released;
use super::reread::Reading;
use crate::Shared;

/// After an error of the store nothing is asked of it for this long.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// Longest wait for a company's quota before it is asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often a step is decided anew because the configuration moved, before the job waits for a quieter moment.
const MATCH_ROUNDS: usize = 5;

/// A job that this node works.
struct Held {
    lease: JobLease,
    job: Job,
    replay: Replay,
    /// Nothing to do before then.
    wait_until: Timestamp,
}

pub(crate) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut worker = Worker {
        shared: Arc::clone(&shared),
        held: HashMap::new(),
    };
    let mut look = tokio::time::interval(shared.settings.lease / 3);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let pause = worker.pause();
        tokio::select! {
            biased;
            _ = stop.changed() => break,
            // Others' jobs whose lease ran out are found, and our own leases are renewed.
            _ = look.tick() => worker.take().await,
            () = shared.store.jobs_rung() => worker.take().await,
            () = tokio::time::sleep(pause), if !worker.held.is_empty() => worker.work().await,
        }
    }
    worker.give_back().await;
}

struct Worker {
    shared: Arc<Shared>,
    held: HashMap<JobId, Held>,
}

impl Worker {
    /// How long no job has anything to do. Time may be moved by hand, so no wait is longer than a sweep.
    fn pause(&self) -> Duration {
        let now = self.shared.clock.now();
        let next = self.held.values().map(|held| held.wait_until).min();
        next.map_or(self.shared.settings.sweep, |next| next.since(now))
            .min(self.shared.settings.sweep)
    }

    async fn take(&mut self) {
        let now = self.shared.clock.now();
        let taken = self
            .shared
            .store
            .take_jobs(self.shared.settings.lease, now)
            .await;
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => return tracing::warn!("jobs wait for the store: {error}"),
        };
        let mut known = std::mem::take(&mut self.held);
        for (lease, job) in taken {
            let held = match known.remove(&lease.job) {
                // Its pace goes on; a cursor that somebody else moved meanwhile makes a new beginning.
                Some(held) if held.replay.cursor() == job.cursor => Held { lease, job, ..held },
                _ => Held {
                    lease,
                    replay: Replay::new(job.cursor, job.size, job.rate, now),
                    job,
                    wait_until: now,
                },
            };
            self.held.insert(lease.job, held);
        }
    }

    /// A step of each job whose turn it is.
    async fn work(&mut self) {
        let now = self.shared.clock.now();
        let mut over = Vec::new();
        for (id, held) in &mut self.held {
            if held.wait_until > now {
                continue;
            }
            match held.step(&self.shared, now).await {
                Ok(true) => {}
                Ok(false) => over.push(*id),
                Err(error) => {
                    tracing::warn!(job.id = %id, "job {id} waits for the store: {error}");
                    held.wait_until = now.after(AFTER_TROUBLE);
                }
            }
        }
        for id in over {
            self.held.remove(&id);
        }
    }

    async fn give_back(&self) {
        let leases: Vec<JobLease> = self.held.values().map(|held| held.lease).collect();
        if let Err(error) = self.shared.store.release_jobs(&leases).await {
            tracing::warn!("the leases of jobs end by themselves: {error}");
        }
    }
}

impl Held {
    /// Does what is next. False when the job is over for this node.
    async fn step(&mut self, shared: &Shared, now: Timestamp) -> Result<bool, StoreError> {
        let due = match self.replay.next(now) {
            Step::Wait { until } => {
                self.wait_until = until;
                return Ok(true);
            }
            Step::Work { due } => due,
            Step::Finish => Vec::new(),
        };
        if let JobSpec::Import(spec) = &self.job.spec {
            let spec = spec.clone();
            return self.import(shared, &spec, !due.is_empty(), now).await;
        }
        let items = match due.len() {
            0 => Vec::new(),
            most => {
                let from = self.replay.cursor();
                shared.store.job_items(self.job.id, from, most).await?
            }
        };
        if items.len() < due.len() {
            return self.fail(shared, "its list of items is incomplete").await;
        }
        for _ in 0..MATCH_ROUNDS {
            let Some((work, taken)) = self.decide(shared, &items, &due, now).await? else {
                let error = "the integration that it sends to was removed";
                return self.fail(shared, error).await;
            };
            if let Some(goes_on) = self.write(shared, work, taken, now).await? {
                return Ok(goes_on);
            }
        }
        Err(StoreError::Overloaded)
    }

    /// Writes a step of so many items. Whether the job goes on at this node; none when the step has to be decided anew.
    async fn write(
        &mut self,
        shared: &Shared,
        work: JobWork,
        taken: usize,
        now: Timestamp,
    ) -> Result<Option<bool>, StoreError> {
        let step = JobStep {
            lease: self.lease,
            scope: self.job.scope.clone(),
            work,
        };
        match shared.store.work_job(step, now).await? {
            Worked::EpochMoved { .. } | Worked::Overtaken => Ok(None),
            Worked::Stale => Ok(Some(false)),
            Worked::Moved { ended } => {
                self.replay.worked(taken as u64);
                if ended {
                    let (what, id) = (self.job.spec.kind().as_str(), self.job.id);
                    tracing::info!(job.id = %id, "{what} {id} is through");
                }
                Ok(Some(!ended))
            }
        }
    }

    /// Raises the next batch of findings, whatever the pace says how many: a batch is the same one each time it is tried.
    async fn import(
        &mut self,
        shared: &Shared,
        spec: &ImportSpec,
        is_left: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let findings = match is_left {
            true => {
                shared
                    .store
                    .findings(self.job.id, self.replay.cursor())
                    .await?
            }
            false => Vec::new(),
        };
        if is_left && findings.is_empty() {
            return self
                .fail(shared, "its list of findings is incomplete")
                .await;
        }
        self.job.cursor = self.replay.cursor();
        match import::raise(shared, &self.job, spec, &findings).await? {
            Outcome::Counted(tally) => {
                let work = JobWork::Import { tally };
                match self.write(shared, work, findings.len(), now).await? {
                    Some(goes_on) => Ok(goes_on),
                    None => Err(StoreError::Overloaded),
                }
            }
            Outcome::OverQuota(wait) => {
                self.wait_until = now.after(wait.min(LONGEST_WAIT));
                Ok(true)
            }
            Outcome::Impossible(error) => self.fail(shared, error).await,
        }
    }

    async fn fail(&self, shared: &Shared, error: &str) -> Result<bool, StoreError> {
        let (what, id) = (self.job.spec.kind().as_str(), self.job.id);
        tracing::warn!(job.id = %id, "{what} {id} cannot go on: {error}");
        let now = shared.clock.now();
        shared.store.fail_job(&self.lease, error, now).await?;
        Ok(false)
    }

    /// What becomes of the next items, and of how many of them; none when there is nowhere to send them any more.
    async fn decide(
        &self,
        shared: &Shared,
        items: &[Item],
        due: &[Timestamp],
        now: Timestamp,
    ) -> Result<Option<(JobWork, usize)>, StoreError> {
        let configuration = shared.store.configuration().await?;
        let work = match &self.job.spec {
            JobSpec::Reread { route, .. } => {
                let reading = Reading {
                    shared,
                    configuration: &configuration,
                    scope: &self.job.scope,
                    route: *route,
                    now,
                };
                return reading.read(items, due).await.map(Some);
            }
            JobSpec::Deliveries { to: None, .. } => JobWork::Again(turns(shared, items, due)),
            JobSpec::Deliveries { to: Some(to), .. } => {
                let Some(integration) = configuration.integration(*to) else {
                    return Ok(None);
                };
                JobWork::Elsewhere {
                    to: Target {
                        integration: *to,
                        companies: integration.companies.clone(),
                    },
                    items: turns(shared, items, due),
                    epoch: configuration.epoch,
                }
            }
            // Imports come by `Held::import`; there are no items of one.
            JobSpec::Import(_) => return Ok(None),
            JobSpec::Unrouted { .. } => self.route(shared, &configuration, items, due, now).await?,
        };
        Ok(Some((work, items.len())))
    }

    /// Matches unrouted events by today's rules; what still goes nowhere stays as it is.
    async fn route(
        &self,
        shared: &Shared,
        configuration: &Configuration,
        items: &[Item],
        due: &[Timestamp],
        now: Timestamp,
    ) -> Result<JobWork, StoreError> {
        let ids: Vec<_> = items.iter().map(Item::event).collect();
        let due: HashMap<_, _> = ids.iter().copied().zip(due.iter().copied()).collect();
        let events = shared.store.events_of(&self.job.scope, &ids).await?;
        let release = |event: &Event| {
            let due_at = due.get(&event.id).copied().unwrap_or(now);
            released(shared, configuration, event, due_at, now)
        };
        let releases: Vec<Release> = events.iter().filter_map(release).collect();
        Ok(JobWork::Route {
            stay: (items.len() - releases.len()) as u64,
            releases,
            epoch: configuration.epoch,
        })
    }
}

fn turns(shared: &Shared, items: &[Item], due: &[Timestamp]) -> Vec<Again> {
    let (stamp, mut rng) = (shared.clock.stamp(), shared.dice.fork());
    let turn = |(item, due_at): (&Item, &Timestamp)| Again {
        item: *item,
        due_at: *due_at,
        fresh: DeliveryId::new(stamp, &mut rng),
    };
    items.iter().zip(due).map(turn).collect()
}
