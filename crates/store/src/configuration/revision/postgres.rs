//! Revisions on PostgreSQL.

use domain::Timestamp;

use super::{LoadedDelta, Outcome, Stored, is_covered, oldest_kept};
use crate::StoreError;
use crate::configuration::postgres::{loaded, uses};
use crate::configuration::{Kind, Loaded};
use crate::postgres::{Failure, Postgres, Work, all, lock_epoch, one, run};

/// Most rows of one statement.
const ROWS: usize = 5_000;

const END: &str = "UPDATE revision SET until = $2 WHERE item = ANY($1::bytea[]) AND until IS NULL";
const BEGIN: &str = "INSERT INTO revision (item, epoch, until, kind, scope, name_key, document, sealed) \
     SELECT item, $1, NULL, kind, scope, name_key, document, sealed \
     FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::bytea[]) \
     AS made (item, kind, scope, name_key, document, sealed)";
const EPOCH_AT: &str = "INSERT INTO epoch_at VALUES ($1, $2)";
pub(crate) const OLDEST: &str = "SELECT min(number) FROM epoch_at";
const NEWEST: &str = "SELECT number FROM epoch";
const PUT: &str =
    "SELECT kind, item, document, sealed FROM revision WHERE epoch > $1 AND until IS NULL";
const REMOVED: &str = "SELECT kind, item, document, NULL::bytea FROM revision \
     WHERE until > $1 AND NOT EXISTS (SELECT 1 FROM item WHERE id = revision.item)";
const FIRST_KEPT: &str = "SELECT number FROM epoch_at WHERE at >= $1 ORDER BY number LIMIT 1";
const FORGET_EPOCHS: &str = "DELETE FROM epoch_at WHERE number = ANY(ARRAY( \
     SELECT number FROM epoch_at WHERE number < $1 ORDER BY number LIMIT $2))";
const FORGET: &str = "DELETE FROM revision WHERE ctid = ANY(ARRAY( \
     SELECT ctid FROM revision WHERE until <= $1 ORDER BY until LIMIT $2 FOR UPDATE)) RETURNING item, epoch";

/// Writes what a change left, inside its transaction.
pub(crate) async fn write(
    work: &Work,
    outcome: &Outcome,
    epoch: i64,
    at: Timestamp,
) -> Result<(), Failure> {
    run(work, EPOCH_AT, &[&epoch, &at.micros()]).await?;
    for items in outcome.ended.chunks(ROWS) {
        let items: Vec<&[u8]> = items.iter().map(|id| &id[..]).collect();
        run(work, END, &[&items, &epoch]).await?;
    }
    for items in outcome.begun.chunks(ROWS) {
        begin(work, items, epoch).await?;
    }
    Ok(())
}

async fn begin(work: &Work, items: &[Stored], epoch: i64) -> Result<(), Failure> {
    let column = |read: fn(&Stored) -> &[u8]| items.iter().map(read).collect::<Vec<_>>();
    let texts = |read: fn(&Stored) -> &str| items.iter().map(read).collect::<Vec<_>>();
    let sealed: Vec<Option<&[u8]>> = items.iter().map(|item| item.sealed.as_deref()).collect();
    run(
        work,
        BEGIN,
        &[
            &epoch,
            &column(|item| &item.id),
            &texts(|item| item.kind.noun()),
            &column(|item| &item.scope),
            &texts(|item| &item.name_key),
            &texts(|item| &item.document),
            &sealed,
        ],
    )
    .await
    .map(drop)
}

/// What has happened since an epoch; none when revisions do not reach back to it.
pub(crate) async fn since(db: &Postgres, known: u64) -> Result<Option<LoadedDelta>, StoreError> {
    let known = known.cast_signed();
    let work = db.snapshot().await?;
    let epoch = one(&work, NEWEST, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let oldest = one(&work, OLDEST, &[], |row| row.try_get(0))
        .await?
        .flatten();
    if !is_covered(known, oldest, epoch) {
        work.commit().await?;
        return Ok(None);
    }
    let items = all(&work, PUT, &[&known], loaded).await?;
    let removed = all(&work, REMOVED, &[&known], loaded).await?;
    let key_uses = if items.iter().any(|item| item.kind == Kind::Key.noun()) {
        uses(&work).await?
    } else {
        Vec::new()
    };
    work.commit().await?;
    let put = Loaded {
        epoch,
        items,
        key_uses,
    };
    Ok(Some(LoadedDelta { put, removed }))
}

/// Forgets epochs that began before a time, and what ended before the oldest one that stays; at most `limit` rows.
/// What it forgot is named by epoch, or by item and epoch. It holds the epoch, for whoever goes back reads in several
/// statements what must not go meanwhile.
pub(crate) async fn prune(
    work: &Work,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Vec<u8>>, Failure> {
    lock_epoch(work).await?;
    let newest = one(work, NEWEST, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let first = one(work, FIRST_KEPT, &[&before.micros()], |row| row.try_get(0)).await?;
    let kept = oldest_kept(first, newest);
    // Epochs go first: what is still listed can always be gone back to.
    let epochs = run(work, FORGET_EPOCHS, &[&kept, &limit]).await?;
    let oldest: Option<i64> = one(work, OLDEST, &[], |row| row.try_get(0))
        .await?
        .flatten();
    let oldest = oldest.unwrap_or(kept);
    let left = limit - i64::try_from(epochs).unwrap_or(limit);
    let mut gone = vec![oldest.to_be_bytes().to_vec(); usize::try_from(epochs).unwrap_or(0)];
    gone.extend(
        all(work, FORGET, &[&oldest, &left], |row| {
            let (item, epoch): (Vec<u8>, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok([item, epoch.to_be_bytes().to_vec()].concat())
        })
        .await?,
    );
    Ok(gone)
}
