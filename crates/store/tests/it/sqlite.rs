//! What holds for a SQLite file alone.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use domain::access::{Actor, Scope};
use domain::{EventId, NodeId};
use rusqlite::Connection;
use store::{Change, Database, SealingKey, Settings, Store, StoreError};

use crate::world::{World, stored};

/// Names the file in the child of [`no_acked_acceptance_is_lost_by_a_kill`].
const CHILD: &str = "ALERTWIRE_IT_CHILD";

#[tokio::test]
async fn secrets_are_nowhere_in_the_file() {
    let world = World::sqlite().await;
    let path = world.file().unwrap().clone();
    world.store.clone().close().await;
    let bytes = std::fs::read(path).unwrap();
    for secret in [&b"correct horse"[..], b"signing secret"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn what_another_process_has_changed_is_seen_when_asked_for() {
    let world = World::sqlite().await;
    let known = world.store.configuration().await.unwrap().epoch;
    let other = Store::open(world.settings.clone(), world.now, [8; 32])
        .await
        .unwrap();
    let off = Change::SetEnabled {
        id: world.integration,
        enabled: false,
    };
    other.change(off, &Actor::Local, world.now).await.unwrap();
    assert_eq!(world.store.configuration().await.unwrap().epoch, known);
    let newest = world.store.newest_configuration().await.unwrap();
    assert_eq!(newest.epoch, known + 1);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let world = World::sqlite().await;
    world.store.clone().close().await;
    let conn = Connection::open(world.file().unwrap()).unwrap();
    conn.execute("INSERT INTO migration VALUES (999, 'x', 0)", [])
        .unwrap();
    let error = Store::open(world.settings.clone(), world.now, [7; 32])
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 999, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_altered_raw_message_is_corrupt() {
    let mut world = World::sqlite().await;
    let event = world.accepted("web-1").await.0;
    let message = world
        .store
        .event(&Scope::All, event)
        .await
        .unwrap()
        .unwrap()
        .message;
    let conn = Connection::open(world.file().unwrap()).unwrap();
    conn.execute("UPDATE message SET raw = CAST('altered' AS BLOB)", [])
        .unwrap();
    let error = world.store.message(&Scope::All, message).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Corrupt {
                table: "message",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn one_bad_write_of_a_group_fails_alone() {
    let mut world = World::sqlite().await;
    let taken = world.acceptance("web-0").await;
    stored(world.store.accept(taken.clone()).await.unwrap());
    let mut running = tokio::task::JoinSet::new();
    for number in 0..50 {
        // An id that is there already cannot be stored: a fault no accept has in earnest.
        let acceptance = if number == 25 {
            taken.clone()
        } else {
            world.acceptance(&format!("web-{number}")).await
        };
        let store = world.store.clone();
        running.spawn(async move { store.accept(acceptance).await });
    }
    let outcomes = running.join_all().await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_err()).count(),
        1,
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_closed_store_answers_and_stores_nothing() {
    let mut world = World::sqlite().await;
    let acceptance = world.acceptance("web-1").await;
    world.store.clone().close().await;
    assert!(matches!(
        world.store.accept(acceptance).await.unwrap_err(),
        StoreError::Unavailable(_)
    ));
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_unavailable_and_heals() {
    let mut world = World::sqlite().await;
    let path = world.file().unwrap().clone();
    // A lock held by another connection is the fault that a test can make without a disk of its own.
    let other = Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let acceptance = world.acceptance("web-1").await;
    let id = acceptance.events[0].event.id;
    let error = world.store.accept(acceptance).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(world.store.event(&Scope::All, id).await.unwrap(), None);
    world.accepted("web-2").await;
}

/// Accepts and prints ids as they are acked, until it is killed. Run as a test of its own it does nothing.
#[tokio::test]
async fn child() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the parent test names the file in the environment"
    )]
    let Ok(path) = std::env::var(CHILD) else {
        return;
    };
    let mut world = World::at(Database::Sqlite(path.into())).await;
    for number in 0_u64.. {
        println!("acked {}", world.accepted(&format!("web-{number}")).await.0);
    }
}

#[tokio::test]
async fn no_acked_acceptance_is_lost_by_a_kill() {
    const ROUNDS: usize = 3;
    const ACKED: usize = 200;
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite::child", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let acked: Vec<EventId> = lines
            .filter_map(|line| {
                line.rsplit_once("acked ")
                    .and_then(|(_, id)| id.parse().ok())
            })
            .take(ACKED)
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(acked.len(), ACKED);
        let node = NodeId::from_bytes([1; 16]);
        let settings = Settings::new(
            Database::Sqlite(path),
            node,
            SealingKey::from_bytes([7; 32]),
            [7; 16],
        );
        let now = "2026-11-24T03:00:00Z".parse().unwrap();
        let store = Store::open(settings, now, [7; 32]).await.unwrap();
        for id in acked {
            assert!(
                store.event(&Scope::All, id).await.unwrap().is_some(),
                "{id} was acked and is lost"
            );
        }
        assert!(store.health(now).await.writable.is_ok());
        store.close().await;
    }
}

/// Else a look that passes four thousand deliveries of a flood would read their rows, bodies and all.
#[tokio::test]
async fn a_look_behind_a_flood_reads_the_index_alone() {
    let world = World::sqlite().await;
    let conn = Connection::open(world.file().unwrap()).unwrap();
    let look = "SELECT seq, due_at, company FROM delivery INDEXED BY delivery_due \
         WHERE integration = ?1 AND lane = ?2 AND due_at <= ?3 AND (due_at, company) > (?4, ?5) AND status = 'pending' \
         ORDER BY due_at, company LIMIT ?6";
    let plan: Vec<String> = conn
        .prepare(&format!("EXPLAIN QUERY PLAN {look}"))
        .unwrap()
        .query_map([1, 1, 1, 1, 1, 1], |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(plan.len(), 1, "{plan:?}");
    assert!(plan[0].contains("COVERING INDEX delivery_due"), "{plan:?}");
}
