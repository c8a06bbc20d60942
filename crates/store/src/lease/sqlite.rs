//! Leases on SQLite: one node, and yet two processes may be at one file for a moment.

use std::time::Duration;

use domain::{IntegrationId, NodeId, Timestamp};

use super::Lease;
use crate::StoreError;
use crate::sqlite::{Care, Sqlite, all, one, run};

/// The first of each lane by its index, so that a long queue costs no more than a short one.
const WITH_WORK: &str = "SELECT integration, due FROM (SELECT o.integration, min( \
     coalesce((SELECT min(due_at) FROM delivery WHERE integration = o.integration AND lane = 0 AND status = 'pending'), ?1), \
     coalesce((SELECT min(due_at) FROM delivery WHERE integration = o.integration AND lane = 1 AND status = 'pending'), ?1), \
     coalesce((SELECT min(due_at) FROM delivery WHERE integration = o.integration AND lane = 2 AND status = 'pending'), ?1)) \
     AS due FROM owner o) WHERE due < ?1 ORDER BY due LIMIT ?2";
const TAKE: &str = "UPDATE owner SET node = ?2, number = number + 1, until = ?3 \
     WHERE integration = ?1 AND (node IS NULL OR node = ?2 OR until <= ?4) RETURNING number";
const RENEW: &str =
    "UPDATE owner SET until = ?3 WHERE integration = ?1 AND number = ?2 AND node IS NOT NULL";
const RELEASE: &str =
    "UPDATE owner SET node = NULL, until = 0 WHERE integration = ?1 AND number = ?2";
const HELD: &str =
    "SELECT 1 FROM owner WHERE integration = ?1 AND number = ?2 AND node IS NOT NULL";

/// Whether the lease is still the newest: whoever writes for an owner asks this first, in the same transaction.
pub(crate) fn holds(conn: &rusqlite::Connection, lease: &Lease) -> Result<bool, StoreError> {
    Ok(one(
        conn,
        HELD,
        (lease.integration.to_bytes(), lease.number),
        |_| Ok(()),
    )?
    .is_some())
}

pub(super) async fn with_work(
    db: &Sqlite,
    _now: Timestamp,
    limit: usize,
) -> Result<Vec<(IntegrationId, Timestamp)>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.read(move |conn| {
        all(conn, WITH_WORK, (i64::MAX, limit), |row| {
            Ok((
                IntegrationId::from_bytes(row.get(0)?),
                Timestamp::from_micros(row.get(1)?),
            ))
        })
    })
    .await
}

pub(super) async fn take_leases(
    db: &Sqlite,
    node: NodeId,
    wanted: &[IntegrationId],
    ttl: Duration,
    now: Timestamp,
) -> Result<Vec<Lease>, StoreError> {
    let (wanted, until) = (wanted.to_vec(), now.after(ttl));
    db.write(Care::Guarded, move |conn| {
        let mut leases = Vec::with_capacity(wanted.len());
        for integration in &wanted {
            let row = (
                integration.to_bytes(),
                node.to_bytes(),
                until.micros(),
                now.micros(),
            );
            if let Some(number) = one(conn, TAKE, row, |row| row.get(0))? {
                leases.push(Lease {
                    integration: *integration,
                    number,
                    until,
                });
            }
        }
        Ok(leases)
    })
    .await
}

pub(super) async fn renew_leases(
    db: &Sqlite,
    held: &[Lease],
    ttl: Duration,
    now: Timestamp,
) -> Result<Vec<Lease>, StoreError> {
    let (held, until) = (held.to_vec(), now.after(ttl));
    db.write(Care::Guarded, move |conn| {
        let mut leases = Vec::with_capacity(held.len());
        for lease in &held {
            if run(
                conn,
                RENEW,
                (lease.integration.to_bytes(), lease.number, until.micros()),
            )? == 1
            {
                leases.push(Lease { until, ..*lease });
            }
        }
        Ok(leases)
    })
    .await
}

pub(super) async fn release_leases(db: &Sqlite, held: &[Lease]) -> Result<(), StoreError> {
    let held = held.to_vec();
    db.write(Care::Guarded, move |conn| {
        held.iter().try_for_each(|lease| {
            run(conn, RELEASE, (lease.integration.to_bytes(), lease.number)).map(drop)
        })
    })
    .await
}
