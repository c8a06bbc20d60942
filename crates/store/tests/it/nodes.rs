//! Several nodes on one PostgreSQL database. Without a server these tests check nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use delivery::replay::Asked;
use domain::access::Scope;
use domain::configuration::Configuration;
use domain::{CompanyId, DeliveryId, EventId, IntegrationId, JobId, NodeId, Timestamp};
use rand::SeedableRng as _;
use serde_json::json;
use store::{
    Acceptance, Again, Change, Database, DeliveryQuery, Idempotency, JobKind, JobSpec, JobStep,
    JobWork, NewJob, Notice, PageAt, Receipt, Settings, Store,
};

use crate::world::{ACTOR, MINUTE, Settle, World, company};

/// Ends all connections of the database but the one that asks.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Runs statements in the world's database, past the store.
async fn command(world: &World, sql: &str) {
    let Database::Postgres(url) = &world.settings.database else {
        panic!("not a PostgreSQL world")
    };
    let (client, connection) = tokio_postgres::connect(url.reveal(), tokio_postgres::NoTls)
        .await
        .unwrap();
    let talking = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    talking.await.unwrap().unwrap();
}

/// Lets both nodes accept at once; answers what each was told.
async fn race(
    first: &Store,
    second: &Store,
    acceptances: Vec<(Acceptance, Acceptance)>,
) -> Vec<(Receipt, Receipt)> {
    let mut running = tokio::task::JoinSet::new();
    for (number, (left, right)) in acceptances.into_iter().enumerate() {
        let (first, second) = (first.clone(), second.clone());
        running.spawn(async move {
            let (left, right) = tokio::join!(first.accept(left), second.accept(right));
            (number, left.unwrap(), right.unwrap())
        });
    }
    let mut receipts = running.join_all().await;
    receipts.sort_by_key(|(number, ..)| *number);
    receipts
        .into_iter()
        .map(|(_, left, right)| (left, right))
        .collect()
}

fn answer(receipt: &Receipt) -> (bool, Vec<EventId>) {
    match receipt {
        Receipt::Stored { events, .. } => (true, events.clone()),
        Receipt::Duplicate { events, .. } => (false, events.clone()),
        other => panic!("neither stored nor known: {other:?}"),
    }
}

async fn count(store: &Store) -> usize {
    store
        .events(
            &Scope::All,
            &Default::default(),
            &PageAt::new(Some(1_000), None),
        )
        .await
        .unwrap()
        .items
        .len()
}

#[tokio::test]
async fn a_webhook_id_at_two_nodes_at_once_is_stored_once() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut pairs = Vec::new();
    for number in 0..100 {
        let mut left = world.acceptance(&format!("web-{number}")).await;
        let mut right = world.acceptance(&format!("web-{number}")).await;
        left.message.webhook_id = Some(format!("msg_{}", number * 7 % 100));
        right.message.webhook_id = left.message.webhook_id.clone();
        pairs.push((left, right));
    }
    for (left, right) in race(&world.store, &other, pairs).await {
        let (left, right) = (answer(&left), answer(&right));
        assert_ne!(left.0, right.0, "one stores it, the other knows it");
        assert_eq!(left.1, right.1);
    }
    assert_eq!(count(&other).await, 100);
}

#[tokio::test]
async fn twins_of_an_idempotency_key_at_two_nodes_get_one_answer() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut pairs = Vec::new();
    for number in 0..100 {
        let key = |body_hash| Idempotency {
            scope: "key".to_owned(),
            key: format!("order-{number}"),
            body_hash,
        };
        let mut left = world.acceptance(&format!("web-{number}")).await;
        let mut right = world.acceptance(&format!("web-{number}")).await;
        left.idempotency = Some(key([1; 32]));
        right.idempotency = Some(key([1; 32]));
        pairs.push((left, right));
    }
    for (left, right) in race(&world.store, &other, pairs).await {
        assert_eq!(answer(&left).1, answer(&right).1);
    }
    assert_eq!(count(&other).await, 100);
    let mut late = world.acceptance("another body").await;
    late.idempotency = Some(Idempotency {
        scope: "key".to_owned(),
        key: "order-7".to_owned(),
        body_hash: [2; 32],
    });
    assert_eq!(other.accept(late).await.unwrap(), Receipt::KeyReused);
}

#[tokio::test]
async fn nodes_that_share_keys_and_groups_do_not_deadlock() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut pairs = Vec::new();
    for number in 0..300_u32 {
        let mut left = world
            .joinable(
                &format!("l-{number}"),
                &format!("group-{}", number % 17),
                1,
                10,
            )
            .await;
        let mut right = world
            .joinable(
                &format!("r-{number}"),
                &format!("group-{}", 16 - number % 17),
                1,
                10,
            )
            .await;
        for (acceptance, id) in [(&mut left, number), (&mut right, 299 - number)] {
            acceptance.message.webhook_id = Some(format!("msg_{id}"));
            acceptance.events[0].dedup_window = Some(MINUTE);
        }
        pairs.push((left, right));
    }
    let mut expected = BTreeSet::new();
    for (left, right) in race(&world.store, &other, pairs).await {
        expected.extend(answer(&left).1);
        expected.extend(answer(&right).1);
    }
    assert_eq!(expected.len(), 600, "no event was counted on another");
    assert_eq!(count(&world.store).await, 600);
    let deliveries = world
        .store
        .deliveries(
            &Scope::All,
            &Default::default(),
            &PageAt::new(Some(1_000), None),
        )
        .await
        .unwrap()
        .items;
    let mut carried = BTreeSet::new();
    for delivery in &deliveries {
        assert!(
            delivery.events.len() <= 50,
            "a group has room for 50 records"
        );
        for event in &delivery.events {
            assert!(carried.insert(*event), "an event goes out once");
        }
    }
    assert_eq!(carried, expected);
    assert!(deliveries.len() < 60, "they were joined");
}

#[tokio::test]
async fn events_stored_at_two_nodes_are_followed_without_a_gap() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let first = world.accepted("web").await.0;
    let mut pairs = Vec::new();
    for number in 0..200 {
        pairs.push((
            world.acceptance(&format!("l-{number}")).await,
            world.acceptance(&format!("r-{number}")).await,
        ));
    }
    let (left, right) = (world.store.clone(), other.clone());
    let racing = tokio::spawn(async move { race(&left, &right, pairs).await });
    let (mut after, mut seen) = (first, BTreeSet::new());
    let mut ended = false;
    while !ended {
        // What is asked for after the race has ended sees all of it.
        ended = racing.is_finished();
        for event in other
            .events_after(&Scope::All, Some(after), 1_000)
            .await
            .unwrap()
        {
            after = event.id;
            assert!(seen.insert(event.id));
        }
    }
    assert_eq!(seen.len(), 400);
}

#[tokio::test]
async fn a_lease_is_never_held_by_two() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut wanted = vec![world.integration];
    for number in 0..50 {
        let id = IntegrationId::new(world.now, &mut world.rng);
        let integration = world.an_integration(id, &format!("Tickets {number}"));
        world
            .change(Change::InsertIntegration {
                integration,
                secrets: Default::default(),
            })
            .await;
        wanted.push(id);
    }
    let backwards: Vec<_> = wanted.iter().rev().copied().collect();
    for _ in 0..10 {
        let (left, right) = tokio::join!(
            world.store.take_leases(&wanted, MINUTE, world.now),
            other.take_leases(&backwards, MINUTE, world.now)
        );
        let (left, right) = (left.unwrap(), right.unwrap());
        let held: BTreeSet<_> = left
            .iter()
            .chain(&right)
            .map(|lease| lease.integration)
            .collect();
        assert_eq!(held.len(), wanted.len());
        assert_eq!(
            left.len() + right.len(),
            wanted.len(),
            "each has one holder"
        );
        world.store.release_leases(&left).await.unwrap();
        other.release_leases(&right).await.unwrap();
    }
}

#[tokio::test]
async fn a_lease_ends_by_the_clock_of_the_database_and_its_number_goes_stale() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let (_, delivery) = world.accepted("web").await;
    let old = world
        .store
        .take_leases(&[world.integration], Duration::ZERO, world.now)
        .await
        .unwrap()[0];
    // A node whose clock is a day behind takes it just the same, for the lease has ended on the server.
    let behind = world.now.before(Duration::from_secs(86_400));
    let new = other
        .take_leases(&[world.integration], MINUTE, behind)
        .await
        .unwrap()[0];
    assert!(new.number > old.number);
    assert_eq!(new.until, behind.after(MINUTE));
    // And one whose clock is a day ahead does not.
    let ahead = world.now.after(Duration::from_secs(86_400));
    assert!(
        world
            .store
            .take_leases(&[world.integration], MINUTE, ahead)
            .await
            .unwrap()
            .is_empty()
    );

    let state = delivery::Delivery {
        status: delivery::Status::Delivered,
        ..delivery::Delivery::new(world.now)
    };
    let settlement = world.settlement(delivery, state, None);
    assert!(
        !world
            .store
            .settle(&old, vec![settlement.clone()], None)
            .await
            .unwrap()
    );
    assert!(
        world
            .store
            .renew_leases(&[old], MINUTE, world.now)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        world
            .store
            .attempts(&Scope::All, delivery)
            .await
            .unwrap()
            .is_empty(),
        "a stale number changes nothing"
    );
    assert!(other.settle(&new, vec![settlement], None).await.unwrap());
}

#[tokio::test]
async fn a_node_takes_its_own_lease_back_at_once() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let old = world.lease().await;
    world.restart(None).await;
    assert!(world.lease().await.number > old.number);
}

#[tokio::test]
async fn work_accepted_at_one_node_wakes_the_other() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut notices = other.notices();
    world.accepted("web").await;
    assert!(
        other
            .bell()
            .rung()
            .await
            .integrations
            .contains(&world.integration)
    );
    assert_eq!(notices.recv().await.unwrap(), Notice::Events);
}

#[tokio::test]
async fn what_one_node_cancels_another_hears_of() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut notices = other.notices();
    let (_, id) = world.accepted("web").await;
    let before = other.recalls();
    let ids = [id];
    let told = world.store.cancel(&Scope::All, &ids, world.now, &ACTOR);
    told.await.unwrap();
    // Notices come in the order of their commits.
    world.accepted("later").await;
    for _ in 0..2 {
        assert_eq!(notices.recv().await.unwrap(), Notice::Events);
    }
    assert!(other.recalls() > before);
}

#[tokio::test]
async fn a_change_at_one_node_is_seen_at_the_other() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let matched_before = world.acceptance("web").await;
    assert_eq!(
        other.configuration().await.unwrap().epoch,
        matched_before.epoch
    );
    let mut notices = other.notices();
    let id = CompanyId::new(world.now, &mut world.rng);
    let epoch = world
        .change(Change::InsertCompany(company(id, "Fabrikam", world.now)))
        .await;
    assert_eq!(
        other.accept(matched_before).await.unwrap(),
        Receipt::Moved { epoch }
    );
    assert_eq!(
        other
            .configuration()
            .await
            .unwrap()
            .company(id)
            .unwrap()
            .name,
        "Fabrikam"
    );
    while notices.recv().await.unwrap() != Notice::Configuration(epoch) {}
}

#[tokio::test]
async fn lost_connections_are_made_again_and_missed_news_are_told() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let mut notices = other.notices();
    world.accepted("web-1").await;
    assert_eq!(notices.recv().await.unwrap(), Notice::Events);
    command(&world, CUT).await;
    // The first use of a connection that was cut may fail, and then the pool has dropped it.
    let mut refusals = 0;
    for number in 0.. {
        let acceptance = world.acceptance(&format!("again-{number}")).await;
        match other.accept(acceptance).await {
            Ok(_) => break,
            Err(error) => assert!(
                matches!(error, store::StoreError::Unavailable(_)),
                "{error}"
            ),
        }
        refusals += 1;
        assert!(refusals < 20, "the pool recovers");
    }
    while notices.recv().await.unwrap() != Notice::Missed {}
    assert!(other.bell().rung().await.everything);
}

#[tokio::test]
async fn text_with_nul_is_stored() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let mut acceptance = world.acceptance("web").await;
    acceptance.events[0].event.body = "a\0b".to_owned();
    acceptance.message.webhook_id = Some("id\0".to_owned());
    let id = acceptance.events[0].event.id;
    world.store.accept(acceptance).await.unwrap();
    assert_eq!(
        world
            .store
            .event(&Scope::All, id)
            .await
            .unwrap()
            .unwrap()
            .body,
        "a\u{fffd}b"
    );
}

#[tokio::test]
async fn two_nodes_that_start_at_once_migrate_once() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    command(&world, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let settings = |world: &mut World| Settings {
        node: NodeId::new(world.now, &mut world.rng),
        ..world.settings.clone()
    };
    let (left, right) = (settings(&mut world), settings(&mut world));
    let (left, right) = tokio::join!(
        Store::open(left, world.now, [1; 32]),
        Store::open(right, world.now, [2; 32])
    );
    assert_eq!(left.unwrap().instance(), right.unwrap().instance());
}

/// A replay of all deliveries, begun at the world's node.
async fn begin_replay(world: &mut World) -> JobId {
    let query = DeliveryQuery::default();
    let listed = world
        .store
        .list_for_replay(&Scope::All, &query, None, 1_000)
        .await
        .unwrap();
    let job = NewJob {
        id: JobId::new(world.now, &mut world.rng),
        spec: JobSpec::Deliveries {
            filter: json!({}),
            to: None,
        },
        scope: Scope::All,
        rate: delivery::replay::RATE,
        listed,
    };
    let id = job.id;
    assert!(world.store.begin_job(job, &ACTOR, world.now).await.unwrap());
    id
}

#[tokio::test]
async fn a_job_begun_or_steered_at_one_node_wakes_the_other() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    let id = begin_replay(&mut world).await;
    other.jobs_rung().await;
    for asked in [Asked::Pause, Asked::Resume] {
        world
            .store
            .steer_job(&Scope::All, id, asked, &ACTOR, world.now)
            .await
            .unwrap();
        other.jobs_rung().await;
    }
}

/// Works all jobs it can take, a few items at a time, until there is none left; its leases run out at once.
async fn work_greedily(store: Store, now: Timestamp, seed: u64) {
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    loop {
        let taken = store.take_jobs(Duration::ZERO, now).await.unwrap();
        for (lease, job) in taken {
            let items = store.job_items(lease.job, job.cursor, 3).await.unwrap();
            let turn = |item| Again {
                item,
                due_at: now,
                fresh: DeliveryId::new(now, &mut rng),
            };
            let step = JobStep {
                lease,
                scope: Scope::All,
                work: JobWork::Again(items.into_iter().map(turn).collect()),
            };
            store.work_job(step, now).await.unwrap();
        }
        let jobs = store
            .jobs(&Scope::All, JobKind::Replay, &PageAt::default())
            .await
            .unwrap();
        if jobs.items.iter().all(|job| job.state.has_ended()) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_take_a_job_from_each_other_do_nothing_twice() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let other = world.another_node().await;
    for number in 0..40 {
        let id = world.accepted(&format!("web-{number}")).await.1;
        world.deliver(id).await;
    }
    let id = begin_replay(&mut world).await;
    let both = [
        tokio::spawn(work_greedily(world.store.clone(), world.now, 1)),
        tokio::spawn(work_greedily(other, world.now, 2)),
    ];
    for node in both {
        node.await.unwrap();
    }
    let job = world.store.job(&Scope::All, id).await.unwrap().unwrap();
    assert_eq!((job.progress.done, job.progress.left()), (40, 0));
    let at = PageAt::new(Some(1_000), None);
    let query = DeliveryQuery::default();
    let page = world.store.deliveries(&Scope::All, &query, &at).await;
    let rows = page.unwrap().items;
    let again: Vec<_> = rows.iter().filter_map(|row| row.replay_of).collect();
    let once: BTreeSet<_> = again.iter().collect();
    assert_eq!((again.len(), once.len()), (40, 40));
}

/// Makes companies, and removes every other one of them again.
async fn churn(world: &World, store: &Store, mark: u8) {
    for number in 0..30 {
        let id = CompanyId::from_bytes([mark, number].repeat(8).try_into().unwrap());
        let made = Change::InsertCompany(company(id, &format!("{mark}-{number}"), world.now));
        store.change(made, &ACTOR, world.now).await.unwrap();
        if number % 2 == 0 {
            let removal = Change::RemoveCompany(id);
            store.change(removal, &ACTOR, world.now).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_node_that_follows_two_others_misses_nothing() {
    let Some(mut world) = World::postgres().await else {
        return;
    };
    let (other, third) = (world.another_node().await, world.another_node().await);
    // Both others make 45 changes each.
    let all = third.configuration().await.unwrap().epoch + 90;
    let following = async {
        let mut last = 0;
        while last < all {
            let epoch = third.newest_configuration().await.unwrap().epoch;
            assert!(last <= epoch, "{last} {epoch}");
            last = epoch;
        }
    };
    tokio::join!(
        churn(&world, &world.store, 1),
        churn(&world, &other, 2),
        following
    );
    let followed = third.configuration().await.unwrap();
    let whole = world.another_node().await.configuration().await.unwrap();
    let names = |snapshot: &Configuration| -> BTreeSet<String> {
        snapshot.companies().map(|one| one.name.clone()).collect()
    };
    assert_eq!(
        (followed.epoch, names(&followed)),
        (whole.epoch, names(&whole))
    );
    assert_eq!(names(&whole).len(), 31);
}
