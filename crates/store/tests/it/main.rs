//! One suite for both databases: each fact is checked on SQLite and on PostgreSQL.
//!
//! SQLite is a file in a temporary folder. PostgreSQL is the server whose `postgres://` URL stands in
//! `ALERTWIRE_TEST_POSTGRES` (its user must be allowed to create databases); without it those tests check nothing.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

extern crate alertwire_store as store;

/// Makes a test of each fact for each database.
macro_rules! on_both {
    ($($fact:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $fact() {
                super::$fact(crate::world::World::sqlite().await).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $fact() {
                if let Some(world) = crate::world::World::postgres().await {
                    super::$fact(world).await;
                }
            })+
        }
    };
}

mod accept;
mod cancelling;
mod configuration;
mod dead_letters;
mod deliveries;
mod drift;
mod event_kinds;
mod events;
mod fairness;
mod figures;
mod following;
mod history;
mod imports;
mod known;
mod leases;
mod life;
mod nodes;
mod parked;
mod proof;
mod replays;
mod rereads;
mod retention;
mod rollback;
mod search;
mod sessions;
mod silences;
mod sqlite;
mod work;
mod world;
