//! Replays: what they take, what becomes of it, and who may steer them.

use std::num::NonZeroU32;

use delivery::replay::{Asked, JobState, Meant, Progress, UNFINISHED};
use domain::access::Scope;
use domain::event::{Reason, Routing};
use domain::{CompanyId, DeliveryId, EventId, IntegrationId, JobId, MessageId, NodeId};
use serde_json::json;
use store::{
    Again, Change, DeliveryQuery, EventQuery, Job, JobKind, JobLease, JobSpec, JobStep, JobWork,
    Listed, NewDelivery, NewJob, PageAt, Release, RetentionClass, Standing, Steered, Target,
    Worked,
};

use crate::world::{ACTOR, MINUTE, World, company, elsewhere, secrets, stored};

on_both!(
    what_is_dead_is_due_again_and_what_was_delivered_gets_a_new_id,
    what_ended_differently_meanwhile_is_passed_over,
    a_list_is_cut_at_its_bound,
    another_integration_gets_each_event_at_most_once,
    another_integration_gets_only_its_companies,
    an_unrouted_event_is_let_go_once_and_joins_an_open_group,
    nothing_is_let_go_when_the_configuration_has_moved,
    a_step_under_an_old_lease_or_of_a_paused_job_changes_nothing,
    a_job_goes_on_at_another_node_where_it_was_left,
    orders_are_audited_and_an_ended_job_takes_none,
    jobs_are_seen_by_those_who_see_what_their_makers_saw,
    only_so_many_jobs_are_unfinished_at_once,
    a_job_that_cannot_go_on_says_why,
    ended_jobs_are_forgotten,
    what_is_replayed_lets_a_new_alert_go_first,
    unrouted_events_are_found_by_whatever_names_them,
);

fn rate() -> NonZeroU32 {
    NonZeroU32::new(50).unwrap()
}

impl World {
    async fn listed(&self, query: &DeliveryQuery, to: Option<&Target>) -> Listed {
        self.store
            .list_for_replay(&Scope::All, query, to, 1_000)
            .await
            .unwrap()
    }

    async fn try_begin(&mut self, listed: Listed, scope: Scope) -> Option<JobId> {
        let job = NewJob {
            id: JobId::new(self.now, &mut self.rng),
            spec: JobSpec::Deliveries {
                filter: json!({"status": "dead"}),
                to: None,
            },
            scope,
            rate: rate(),
            listed,
        };
        let id = job.id;
        let begun = self.store.begin_job(job, &ACTOR, self.now).await.unwrap();
        begun.then_some(id)
    }

    async fn begun(&mut self, listed: Listed) -> JobLease {
        let id = self.try_begin(listed, Scope::All).await.unwrap();
        self.taken(id).await
    }

    async fn taken(&self, id: JobId) -> JobLease {
        let taken = self.store.take_jobs(MINUTE, self.now).await.unwrap();
        let taken = taken.into_iter().find(|(lease, _)| lease.job == id);
        taken.expect("it is free or this node's own").0
    }

    async fn turns(&mut self, lease: &JobLease, most: usize) -> Vec<Again> {
        let job = self.job(lease.job).await;
        let items = self
            .store
            .job_items(lease.job, job.cursor, most)
            .await
            .unwrap();
        let turn = |item| Again {
            item,
            due_at: self.now,
            fresh: DeliveryId::new(self.now, &mut self.rng),
        };
        items.into_iter().map(turn).collect()
    }

    async fn step(&self, lease: &JobLease, work: JobWork) -> Worked {
        let step = JobStep {
            lease: *lease,
            scope: Scope::All,
            work,
        };
        self.store.work_job(step, self.now).await.unwrap()
    }

    async fn job(&self, id: JobId) -> Job {
        self.store.job(&Scope::All, id).await.unwrap().unwrap()
    }

    async fn standing(&self, id: DeliveryId) -> Standing {
        let row = self.store.delivery(&Scope::All, id).await.unwrap();
        row.unwrap().standing
    }

    /// Another integration, and as which target it is sent to.
    async fn another(&mut self, companies: &[CompanyId]) -> Target {
        let id = IntegrationId::new(self.now, &mut self.rng);
        let integration = self.an_integration(id, "Archive");
        self.change(Change::InsertIntegration {
            integration,
            secrets: secrets("password", "open sesame"),
        })
        .await;
        Target {
            integration: id,
            companies: companies.to_vec(),
        }
    }

    /// Stores an event that goes nowhere.
    async fn unrouted(&mut self, body: &str) -> EventId {
        let mut acceptance = self.acceptance(body).await;
        acceptance.events[0].deliveries.clear();
        acceptance.events[0].event.routing = Routing::Unrouted(Reason::NoMapping);
        stored(self.store.accept(acceptance).await.unwrap())
    }

    async fn list_unrouted(&self) -> Listed {
        let query = EventQuery::default();
        self.store
            .list_unrouted(&Scope::All, &query, 1_000)
            .await
            .unwrap()
    }

    /// The delivery that a new event of this text would get.
    async fn planned(&mut self, body: &str) -> NewDelivery {
        self.acceptance(body)
            .await
            .events
            .remove(0)
            .deliveries
            .remove(0)
    }

    async fn audited(&self, id: JobId) -> Vec<String> {
        let page = self
            .store
            .audit(&Default::default(), &PageAt::default())
            .await
            .unwrap();
        let lines = page
            .items
            .into_iter()
            .filter(|row| row.id == id.to_string());
        let mut lines: Vec<String> = lines.map(|row| row.action).collect();
        lines.reverse();
        lines
    }
}

async fn what_is_dead_is_due_again_and_what_was_delivered_gets_a_new_id(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    world.pass(MINUTE);
    let (event, delivered) = world.accepted("web-2").await;
    world.deliver(delivered).await;
    world.pass(MINUTE);
    let listed = world.listed(&DeliveryQuery::default(), None).await;
    let kinds: Vec<_> = listed.items.iter().map(|item| item.meant).collect();
    assert_eq!(kinds, [Meant::Retry, Meant::New], "the oldest first");
    let lease = world.begun(listed).await;
    let turns = world.turns(&lease, 10).await;
    let fresh = turns[1].fresh;
    let worked = world.step(&lease, JobWork::Again(turns)).await;
    assert_eq!(worked, Worked::Moved { ended: true });
    assert_eq!(world.standing(dead).await, Standing::Pending);
    assert_eq!(world.standing(delivered).await, Standing::Delivered);
    let copy = world.store.delivery(&Scope::All, fresh).await.unwrap();
    let copy = copy.unwrap();
    assert_eq!(copy.replay_of, Some(delivered));
    assert_eq!((copy.events, copy.due_at), (vec![event], world.now));
    let job = world.job(lease.job).await;
    assert_eq!(
        (job.state, job.progress.done, job.ended_at),
        (JobState::Done, 2, Some(world.now))
    );
    assert_eq!(world.audited(lease.job).await, ["start", "end"]);
}

async fn what_ended_differently_meanwhile_is_passed_over(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    let query = DeliveryQuery {
        standing: Some(Standing::Dead),
        ..DeliveryQuery::default()
    };
    let lease = {
        let listed = world.listed(&query, None).await;
        world.begun(listed).await
    };
    let later = world.accepted("web-2").await.1;
    world.bury(later).await;
    world
        .store
        .retry(&Scope::All, dead, world.now, &ACTOR)
        .await
        .unwrap();
    world.deliver(dead).await;
    let turns = world.turns(&lease, 10).await;
    assert_eq!(turns.len(), 1, "what died later was not listed");
    world.step(&lease, JobWork::Again(turns)).await;
    assert_eq!(world.standing(dead).await, Standing::Delivered);
    assert_eq!(world.standing(later).await, Standing::Dead);
    let progress = Progress {
        total: 1,
        skipped: 1,
        ..Progress::default()
    };
    assert_eq!(world.job(lease.job).await.progress, progress);
}

async fn a_list_is_cut_at_its_bound(mut world: World) {
    for number in 0..5 {
        world.accepted(&format!("web-{number}")).await;
        world.unrouted(&format!("db-{number}")).await;
    }
    for (most, truncated) in [(4, true), (5, false)] {
        let query = DeliveryQuery::default();
        let listed = world
            .store
            .list_for_replay(&Scope::All, &query, None, most)
            .await
            .unwrap();
        assert_eq!(
            (listed.total(), listed.truncated),
            (u64::from(most), truncated)
        );
        let query = EventQuery::default();
        let listed = world
            .store
            .list_unrouted(&Scope::All, &query, most)
            .await
            .unwrap();
        assert_eq!(
            (listed.total(), listed.truncated),
            (u64::from(most), truncated)
        );
    }
    let query = DeliveryQuery::default();
    let foreign = world
        .store
        .list_for_replay(&elsewhere(), &query, None, 9)
        .await
        .unwrap();
    assert_eq!(foreign, Listed::default());
}

async fn another_integration_gets_each_event_at_most_once(mut world: World) {
    let (event, delivery) = world.accepted("web-1").await;
    let to = world.another(&[]).await;
    let listed = world.listed(&DeliveryQuery::default(), Some(&to)).await;
    assert_eq!(listed.count(Meant::New), 1);
    let again = listed.clone();
    for (listed, done) in [(listed, 1), (again, 0)] {
        let lease = world.begun(listed).await;
        let epoch = world.store.configuration().await.unwrap().epoch;
        let items = world.turns(&lease, 10).await;
        let work = JobWork::Elsewhere {
            to: to.clone(),
            items,
            epoch,
        };
        assert_eq!(
            world.step(&lease, work).await,
            Worked::Moved { ended: true }
        );
        assert_eq!(world.job(lease.job).await.progress.done, done);
    }
    let carried = world
        .store
        .deliveries_of_event(&Scope::All, event)
        .await
        .unwrap();
    let there: Vec<_> = carried
        .iter()
        .filter(|carried| carried.integration == to.integration)
        .collect();
    assert_eq!(there.len(), 1);
    let copy = there[0].delivery;
    let row = world.store.delivery(&Scope::All, copy).await.unwrap();
    assert_eq!(row.unwrap().replay_of, Some(delivery));
    let bytes = |id| world.store.alert(&Scope::All, id);
    assert_eq!(bytes(copy).await.unwrap(), bytes(delivery).await.unwrap());
    let listed = world.listed(&DeliveryQuery::default(), Some(&to)).await;
    assert_eq!(
        (listed.items.len(), listed.skipped),
        (0, 2),
        "both have been there"
    );
}

async fn another_integration_gets_only_its_companies(mut world: World) {
    world.accepted("web-1").await;
    let foreign = world.another(&[CompanyId::from_bytes([9; 16])]).await;
    let listed = world
        .listed(&DeliveryQuery::default(), Some(&foreign))
        .await;
    assert_eq!((listed.items.len(), listed.skipped), (0, 1));
    // Its companies were changed between the listing and the turn.
    let open = Target {
        companies: Vec::new(),
        ..foreign.clone()
    };
    let listed = world.listed(&DeliveryQuery::default(), Some(&open)).await;
    let lease = world.begun(listed).await;
    let epoch = world.store.configuration().await.unwrap().epoch;
    let items = world.turns(&lease, 10).await;
    let work = JobWork::Elsewhere {
        to: foreign,
        items,
        epoch,
    };
    world.step(&lease, work).await;
    assert_eq!(world.job(lease.job).await.progress.skipped, 1);
}

async fn an_unrouted_event_is_let_go_once_and_joins_an_open_group(mut world: World) {
    let first = world.unrouted("web-1").await;
    world.pass(MINUTE);
    let second = world.unrouted("web-2").await;
    world.accepted("web-3").await;
    let (listed, again) = (world.list_unrouted().await, world.list_unrouted().await);
    let found: Vec<_> = listed.items.iter().map(|item| item.event()).collect();
    assert_eq!(found, [first, second]);
    let epoch = world.store.configuration().await.unwrap().epoch;
    let joinable = world.joinable("web-1", "key", 1, 100).await;
    let delivery = joinable
        .events
        .into_iter()
        .next()
        .unwrap()
        .deliveries
        .remove(0);
    for (listed, done) in [(listed, 2), (again, 0)] {
        let lease = world.begun(listed).await;
        let release = |event| Release {
            event,
            deliveries: vec![NewDelivery {
                id: DeliveryId::new(world.now, &mut world.rng),
                ..delivery.clone()
            }],
        };
        let work = JobWork::Route {
            releases: [first, second].map(release).into(),
            stay: 0,
            epoch,
        };
        assert_eq!(
            world.step(&lease, work).await,
            Worked::Moved { ended: true }
        );
        let progress = world.job(lease.job).await.progress;
        assert_eq!((progress.done, progress.left()), (done, 0));
    }
    let carried = |id| world.store.deliveries_of_event(&Scope::All, id);
    let (one, other) = (
        carried(first).await.unwrap(),
        carried(second).await.unwrap(),
    );
    assert_eq!((one.len(), &one), (1, &other), "both ride in one delivery");
    let event = world
        .store
        .event(&Scope::All, first)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((event.routing, event.epoch), (Routing::Routed, epoch));
    assert_eq!(world.list_unrouted().await.total(), 0);
}

async fn nothing_is_let_go_when_the_configuration_has_moved(mut world: World) {
    let event = world.unrouted("web-1").await;
    let listed = world.list_unrouted().await;
    let lease = world.begun(listed).await;
    let epoch = world.store.configuration().await.unwrap().epoch;
    let delivery = world.planned("web-1").await;
    let id = CompanyId::new(world.now, &mut world.rng);
    let moved = world
        .change(Change::InsertCompany(company(id, "Fabrikam", world.now)))
        .await;
    let work = JobWork::Route {
        releases: vec![Release {
            event,
            deliveries: vec![delivery],
        }],
        stay: 0,
        epoch,
    };
    assert_eq!(
        world.step(&lease, work).await,
        Worked::EpochMoved { epoch: moved }
    );
    assert_eq!(world.list_unrouted().await.total(), 1);
    assert_eq!(world.job(lease.job).await.cursor, 0);
}

async fn a_step_under_an_old_lease_or_of_a_paused_job_changes_nothing(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    let listed = world.listed(&DeliveryQuery::default(), None).await;
    let old = world.begun(listed).await;
    let lease = world.taken(old.job).await;
    assert!(
        lease.number > old.number,
        "each taking has a number of its own"
    );
    let turns = world.turns(&lease, 10).await;
    let work = JobWork::Again(turns);
    assert_eq!(world.step(&old, work.clone()).await, Worked::Stale);
    let steer = |asked| {
        world
            .store
            .steer_job(&Scope::All, lease.job, asked, &ACTOR, world.now)
    };
    steer(Asked::Pause).await.unwrap();
    assert_eq!(world.step(&lease, work.clone()).await, Worked::Stale);
    assert!(
        world
            .store
            .take_jobs(MINUTE, world.now)
            .await
            .unwrap()
            .is_empty()
    );
    steer(Asked::Resume).await.unwrap();
    assert_eq!(world.step(&lease, work.clone()).await, Worked::Stale);
    assert_eq!(world.standing(dead).await, Standing::Dead);
    let lease = world.taken(lease.job).await;
    assert_eq!(
        world.step(&lease, work).await,
        Worked::Moved { ended: true }
    );
    assert_eq!(world.standing(dead).await, Standing::Pending);
}

async fn a_job_goes_on_at_another_node_where_it_was_left(mut world: World) {
    for number in 0..3 {
        let dead = world.accepted(&format!("web-{number}")).await.1;
        world.bury(dead).await;
    }
    let listed = world.listed(&DeliveryQuery::default(), None).await;
    let lease = world.begun(listed).await;
    let turns = world.turns(&lease, 2).await;
    let worked = world.step(&lease, JobWork::Again(turns)).await;
    assert_eq!(worked, Worked::Moved { ended: false });
    let other = NodeId::new(world.now, &mut world.rng);
    world.restart(Some(other)).await;
    assert!(
        world
            .store
            .take_jobs(MINUTE, world.now)
            .await
            .unwrap()
            .is_empty(),
        "the first node has it still"
    );
    world.store.release_jobs(&[lease]).await.unwrap();
    let lease = world.taken(lease.job).await;
    let turns = world.turns(&lease, 10).await;
    assert_eq!(turns.len(), 1);
    let worked = world.step(&lease, JobWork::Again(turns)).await;
    assert_eq!(worked, Worked::Moved { ended: true });
    assert_eq!(world.job(lease.job).await.progress.done, 3);
}

async fn orders_are_audited_and_an_ended_job_takes_none(mut world: World) {
    world.accepted("web-1").await;
    let listed = world.listed(&DeliveryQuery::default(), None).await;
    let id = world.try_begin(listed, Scope::All).await.unwrap();
    let steer = |asked| {
        world
            .store
            .steer_job(&Scope::All, id, asked, &ACTOR, world.now)
    };
    for asked in [Asked::Pause, Asked::Pause, Asked::Resume, Asked::Cancel] {
        assert!(matches!(steer(asked).await.unwrap(), Steered::Now(_)));
    }
    assert_eq!(
        steer(Asked::Resume).await.unwrap(),
        Steered::Ended(JobState::Cancelled)
    );
    assert_eq!(
        world.audited(id).await,
        ["start", "pause", "resume", "cancel"],
        "asking twice is one order"
    );
    assert!(world.store.job_items(id, 0, 10).await.unwrap().is_empty());
    let unknown = JobId::new(world.now, &mut world.rng);
    let answer = world
        .store
        .steer_job(&Scope::All, unknown, Asked::Pause, &ACTOR, world.now)
        .await;
    assert_eq!(answer.unwrap(), Steered::NotFound);
}

async fn jobs_are_seen_by_those_who_see_what_their_makers_saw(mut world: World) {
    let (own, other) = (world.company, CompanyId::from_bytes([9; 16]));
    let of = |companies: &[CompanyId]| Scope::Companies(companies.to_vec());
    let everyone = world
        .try_begin(Listed::default(), Scope::All)
        .await
        .unwrap();
    let narrow = world
        .try_begin(Listed::default(), of(&[own]))
        .await
        .unwrap();
    let wide = world
        .try_begin(Listed::default(), of(&[own, other]))
        .await
        .unwrap();
    let cases = [
        (Scope::All, vec![everyone, narrow, wide]),
        (of(&[own]), vec![narrow]),
        (of(&[own, other]), vec![narrow, wide]),
        (elsewhere(), vec![]),
    ];
    for (scope, seen) in cases {
        let page = world
            .store
            .jobs(&scope, JobKind::Replay, &PageAt::default())
            .await
            .unwrap();
        let mut ids: Vec<_> = page.items.into_iter().map(|job| job.id).collect();
        ids.sort_unstable();
        let mut wanted = seen.clone();
        wanted.sort_unstable();
        assert_eq!(ids, wanted, "{scope:?}");
        for id in [everyone, narrow, wide] {
            let found = world.store.job(&scope, id).await.unwrap();
            assert_eq!(found.is_some(), seen.contains(&id));
            let asked = world
                .store
                .steer_job(&scope, id, Asked::Pause, &ACTOR, world.now)
                .await
                .unwrap();
            assert_eq!(asked == Steered::NotFound, !seen.contains(&id));
        }
    }
    assert_eq!(world.job(narrow).await.scope, of(&[own]));
}

async fn only_so_many_jobs_are_unfinished_at_once(mut world: World) {
    let mut begun = Vec::new();
    for _ in 0..UNFINISHED {
        begun.extend(world.try_begin(Listed::default(), Scope::All).await);
    }
    assert_eq!(begun.len(), UNFINISHED as usize);
    assert_eq!(world.try_begin(Listed::default(), Scope::All).await, None);
    world
        .store
        .steer_job(&Scope::All, begun[0], Asked::Cancel, &ACTOR, world.now)
        .await
        .unwrap();
    assert!(
        world
            .try_begin(Listed::default(), Scope::All)
            .await
            .is_some()
    );
}

async fn a_job_that_cannot_go_on_says_why(mut world: World) {
    let lease = world.begun(Listed::default()).await;
    let stale = JobLease { number: 0, ..lease };
    assert!(
        !world
            .store
            .fail_job(&stale, "gone", world.now)
            .await
            .unwrap()
    );
    assert!(
        world
            .store
            .fail_job(&lease, "gone", world.now)
            .await
            .unwrap()
    );
    let job = world.job(lease.job).await;
    assert_eq!(
        (job.state, job.error.as_deref()),
        (JobState::Failed, Some("gone"))
    );
    assert_eq!(world.audited(lease.job).await, ["start", "end"]);
}

async fn ended_jobs_are_forgotten(mut world: World) {
    let own = Scope::Companies(vec![world.company]);
    let ended = world.try_begin(Listed::default(), own).await.unwrap();
    let running = world
        .try_begin(Listed::default(), Scope::All)
        .await
        .unwrap();
    world
        .store
        .steer_job(&Scope::All, ended, Asked::Cancel, &ACTOR, world.now)
        .await
        .unwrap();
    world.pass(MINUTE);
    let pruned = world
        .store
        .prune(RetentionClass::Jobs, world.now, 100, world.now)
        .await
        .unwrap();
    assert_eq!(pruned, 1);
    assert_eq!(world.store.job(&Scope::All, ended).await.unwrap(), None);
    assert_eq!(world.job(running).await.state, JobState::Running);
}

async fn what_is_replayed_lets_a_new_alert_go_first(mut world: World) {
    let dead = world.accepted("web-1").await.1;
    world.bury(dead).await;
    let delivered = world.accepted("web-2").await.1;
    world.deliver(delivered).await;
    let listed = world.listed(&DeliveryQuery::default(), None).await;
    let lease = world.begun(listed).await;
    let turns = world.turns(&lease, 10).await;
    world.step(&lease, JobWork::Again(turns)).await;
    world.pass(MINUTE);
    let new = world.accepted("web-3").await.1;
    let due = world
        .store
        .due(world.integration, world.now, 1, &Default::default())
        .await
        .unwrap();
    let ids: Vec<_> = due.items.iter().map(|due| due.id).collect();
    assert_eq!(ids, [new], "though the others have been due for longer");
}

async fn unrouted_events_are_found_by_whatever_names_them(mut world: World) {
    let id = world.unrouted("web-1 zanzibar").await;
    world.unrouted("web-2").await;
    world.store.index_search(100).await.unwrap();
    let event = world.store.event(&Scope::All, id).await.unwrap().unwrap();
    let all = EventQuery::default;
    let text = |text: &str| EventQuery {
        text: Some(text.to_owned()),
        ..all()
    };
    let message = |message| EventQuery {
        message: Some(message),
        ..all()
    };
    let queries = [
        (text("zanzibar"), 1),
        (text("nowhere"), 0),
        (text("---"), 0),
        (message(event.message), 1),
        (message(MessageId::from_bytes([9; 16])), 0),
        (
            EventQuery {
                fingerprint: Some(event.fingerprint),
                ..all()
            },
            1,
        ),
        (
            EventQuery {
                routing: Some("no_rule".to_owned()),
                ..all()
            },
            0,
        ),
        (
            EventQuery {
                routing: Some("no_mapping".to_owned()),
                company: Some(world.company),
                ..all()
            },
            2,
        ),
    ];
    for (query, count) in queries {
        let listed = world
            .store
            .list_unrouted(&Scope::All, &query, 1_000)
            .await
            .unwrap();
        assert_eq!(listed.total(), count, "{query:?}");
    }
}
