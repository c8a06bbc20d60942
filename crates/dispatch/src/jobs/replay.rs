//! Works replays and re-readings: takes the jobs that are free, asks [`delivery::replay`] what is next of each, and writes it, one
//! transaction a step. Steps of several jobs take turns; a step that failed is made again, for it moved nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use delivery::replay::{Replay, Step};
use domain::configuration::Configuration;
use domain::event::Event;
use domain::{DeliveryId, JobId, Timestamp};
use store::{
    Again, Item, Job, JobLease, JobSpec, JobStep, JobWork, Release, StoreError, Target, Worked,
};
use tokio::sync::watch;

use super::release::released;
use super::reread::Reading;
use crate::Shared;

/// After an error of the store nothing is asked of it for this long.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
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
            Err(error) => return tracing::warn!("replays wait for the store: {error}"),
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
                    tracing::warn!(job.id = %id, "replay {id} waits for the store: {error}");
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
            tracing::warn!("the leases of replays end by themselves: {error}");
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
            let step = JobStep {
                lease: self.lease,
                scope: self.job.scope.clone(),
                work,
            };
            match shared.store.work_job(step, now).await? {
                Worked::EpochMoved { .. } | Worked::Overtaken => {}
                Worked::Stale => return Ok(false),
                Worked::Moved { ended } => {
                    self.replay.worked(taken as u64);
                    if ended {
                        let (what, id) = (self.job.spec.kind().as_str(), self.job.id);
                        tracing::info!(job.id = %id, "{what} {id} is through");
                    }
                    return Ok(!ended);
                }
            }
        }
        Err(StoreError::Overloaded)
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
