//! The configuration on PostgreSQL.

use std::collections::HashMap;

use deadpool_postgres::Client;
use delivery::Gate;
use domain::{KeyId, Timestamp};
use tokio_postgres::Row;

use super::revision::{self, Outcome, Stored, StoredRow, Touched};
use super::{Edit, Item, Kind, Loaded, LoadedItem, Op, PreparedChanges};
use crate::StoreError;
use crate::audit::{self, NewAudit};
use crate::codec::{hex, of_json, to_json};
use crate::postgres::{
    CHANNEL, Failure, News, Postgres, SEND_NEWS, Work, all, lock_epoch, one, retried, run, sound,
};
use crate::session;

const LOAD: &str = "SELECT kind, id, document, sealed FROM item ORDER BY id";
pub(super) const EPOCH: &str = "SELECT number FROM epoch";
const RAISE_EPOCH: &str = "UPDATE epoch SET number = number + 1 RETURNING number";
const NAMED: &str =
    "SELECT 1 FROM item WHERE kind = $1 AND scope = $2 AND name_key = $3 AND id <> $4";
const EXISTS: &str = "SELECT 1 FROM item WHERE kind = $1 AND id = $2";
const STORED: &str = "SELECT kind, id, scope, name_key, document, sealed FROM item \
     WHERE kind = $1 AND id = ANY($2::bytea[])";
const PUT: &str = "INSERT INTO item (id, kind, scope, name_key, document, sealed) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, name_key = excluded.name_key, \
     document = excluded.document, sealed = coalesce(excluded.sealed, item.sealed)";
const SET_DOCUMENT: &str = "UPDATE item SET document = $2 WHERE id = $1";
pub(super) const REMOVE: &str = "DELETE FROM item WHERE id = ANY($1::bytea[])";
const REFER: &str = "INSERT INTO reference VALUES ($1, $2, $3)";
pub(super) const UNREFER: &str = "DELETE FROM reference WHERE item = ANY($1::bytea[])";
const OWNED: &str = "SELECT i.kind, i.id, i.scope, i.name_key, i.document, i.sealed \
     FROM reference r JOIN item i ON i.id = r.item WHERE r.target = $1 AND r.owned";
const USERS: &str = "SELECT i.kind FROM reference r JOIN item i ON i.id = r.item \
     WHERE r.target = ANY($1::bytea[]) AND r.item <> ALL($1::bytea[]) ORDER BY r.item LIMIT 1";
const MAKE_OWNER: &str = "INSERT INTO owner VALUES ($1, $2, FALSE, $3, NULL, 0, 0) \
     ON CONFLICT (integration) DO UPDATE SET enabled = excluded.enabled";
/// Changes a row only when the switch was the other way.
const SET_ENABLED: &str = "UPDATE owner SET enabled = $2 WHERE integration = $1 AND enabled <> $2";
/// Its owner may be about to save it.
const GATE: &str = "SELECT gate FROM owner WHERE integration = $1 FOR UPDATE";
const SAVE_GATE: &str = "UPDATE owner SET gate = $2, held = $3 WHERE integration = $1";
const REMOVE_OWNER: &str = "DELETE FROM owner WHERE integration = $1";
const END_PENDING: &str = "UPDATE delivery SET status = 'dead', reason = $2, group_key = NULL \
     WHERE integration = $1 AND status = 'pending'";
const REMOVE_USE: &str = "DELETE FROM key_use WHERE id = $1";
pub(crate) const TOUCH: &str =
    "INSERT INTO key_use VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
const USES: &str = "SELECT id, at FROM key_use";

pub(super) async fn epoch(db: &Postgres) -> Result<u64, StoreError> {
    let epoch: Option<i64> = one(&db.client().await?, EPOCH, &[], |row| row.try_get(0)).await?;
    Ok(epoch.unwrap_or(0).cast_unsigned())
}

pub(super) async fn load(db: &Postgres) -> Result<Loaded, StoreError> {
    let work = db.snapshot().await?;
    let epoch = one(&work, EPOCH, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let items = all(&work, LOAD, &[], loaded).await?;
    let key_uses = uses(&work).await?;
    work.commit().await?;
    Ok(Loaded {
        epoch,
        items,
        key_uses,
    })
}

pub(super) fn loaded(row: &Row) -> Result<LoadedItem, tokio_postgres::Error> {
    Ok(LoadedItem {
        kind: row.try_get(0)?,
        id: row.try_get(1)?,
        document: row.try_get(2)?,
        sealed: row.try_get(3)?,
    })
}

pub(super) fn stored(row: &Row) -> Result<StoredRow, tokio_postgres::Error> {
    Ok(StoredRow {
        kind: row.try_get(0)?,
        id: row.try_get(1)?,
        scope: row.try_get(2)?,
        name_key: row.try_get(3)?,
        document: row.try_get(4)?,
        sealed: row.try_get(5)?,
    })
}

pub(super) async fn key_uses(db: &Postgres) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    Ok(uses(&db.client().await?).await?)
}

pub(super) async fn uses(client: &Client) -> Result<Vec<(Vec<u8>, i64)>, Failure> {
    all(client, USES, &[], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await
}

pub(super) async fn touch_key(db: &Postgres, key: KeyId, now: Timestamp) -> Result<(), StoreError> {
    run(
        &db.client().await?,
        TOUCH,
        &[&&key.to_bytes()[..], &now.micros()],
    )
    .await?;
    Ok(())
}

/// The sealed column of an item that is there.
pub(super) async fn sealed(
    db: &Postgres,
    kind: Kind,
    id: [u8; 16],
) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    const SEALED: &str = "SELECT sealed FROM item WHERE kind = $1 AND id = $2";
    Ok(one(
        &db.client().await?,
        SEALED,
        &[&kind.noun(), &&id[..]],
        |row| row.try_get(0),
    )
    .await?)
}

pub(super) async fn change(db: &Postgres, changes: PreparedChanges) -> Result<u64, StoreError> {
    retried!(change_once(db, &changes))
}

/// Accepts wait until the changes are over, and what was matched before them is matched again.
async fn change_once(db: &Postgres, changes: &PreparedChanges) -> Result<u64, Failure> {
    let work = db.begin().await?;
    let outcome = write(db, &work, changes).await;
    work.end(outcome).await
}

async fn write(db: &Postgres, work: &Work, changes: &PreparedChanges) -> Result<u64, Failure> {
    lock_epoch(work).await?;
    let (mut touched, mut lines) = (Vec::new(), Vec::new());
    for change in &changes.list {
        let step = apply(work, &change.op, change.deed.at).await?;
        lines.extend(change.deed.lines(&step, &changes.seal));
        touched.extend(step);
    }
    let wakes = changes.list.iter().filter_map(|change| change.wakes);
    let news = db.news().work_at(wakes);
    let epoch = conclude(work, touched, &lines, changes.at, news).await?;
    Ok(changes.made(epoch)?)
}

/// Raises the epoch, leaves the revisions and the audit lines of what was done, and tells the other nodes.
pub(super) async fn conclude(
    work: &Work,
    touched: Vec<Touched>,
    lines: &[NewAudit],
    at: Timestamp,
    news: News,
) -> Result<i64, Failure> {
    let epoch: Option<i64> = one(work, RAISE_EPOCH, &[], |row| row.try_get(0)).await?;
    let epoch = epoch.ok_or_else(|| StoreError::corrupt("epoch", 1, "is gone"))?;
    revision::write_postgres(work, &Outcome::of(touched), epoch, at).await?;
    audit::write_all_postgres(work, lines, epoch).await?;
    let news = News {
        epoch: Some(epoch.cast_unsigned()),
        ..news
    };
    run(work, SEND_NEWS, &[&CHANNEL, &news.write()]).await?;
    Ok(epoch)
}

async fn apply(work: &Work, op: &Op, at: Timestamp) -> Result<Vec<Touched>, Failure> {
    match op {
        Op::Insert(item) => {
            let before = find(work, item.kind, &[item.id]).await?.remove(&item.id);
            Ok(vec![put(work, item, &item.document, before).await?])
        }
        Op::Update(item) => {
            let before = expect(work, item.kind, item.id).await?;
            let document = item.in_place_of(&before.document)?;
            Ok(vec![put(work, item, &document, Some(before)).await?])
        }
        Op::Put(items) => put_all(work, items).await,
        Op::Edit { id, edit } => Ok(vec![change_integration(work, *id, edit, at).await?]),
        Op::Remove { kind, id } => remove(work, *kind, *id).await,
        Op::ReleaseGate { id } => {
            let found = expect(work, Kind::Integration, *id).await?;
            open_gate(work, id, |gate| gate.release(at)).await?;
            Ok(vec![Touched {
                before: Some(found.clone()),
                after: Some(found),
            }])
        }
    }
}

/// Those of these items that are there.
async fn find(
    work: &Work,
    kind: Kind,
    ids: &[[u8; 16]],
) -> Result<HashMap<[u8; 16], Stored>, Failure> {
    let ids: Vec<&[u8]> = ids.iter().map(|id| &id[..]).collect();
    let rows = all(work, STORED, &[&kind.noun(), &ids], stored).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let item = Stored::try_from(row)?;
        found.insert(item.id, item);
    }
    Ok(found)
}

async fn expect(work: &Work, kind: Kind, id: [u8; 16]) -> Result<Stored, Failure> {
    let found = find(work, kind, &[id]).await?.remove(&id);
    found.ok_or_else(|| {
        StoreError::NotFound {
            what: kind.noun(),
            id: shown(id),
        }
        .into()
    })
}

/// An id as the API prints it.
pub(super) fn shown(id: [u8; 16]) -> String {
    domain::EventId::from_bytes(id).to_string()
}

/// Items of one kind; the same one twice becomes what the second says.
async fn put_all(work: &Work, items: &[Item]) -> Result<Vec<Touched>, Failure> {
    let Some(first) = items.first() else {
        return Ok(Vec::new());
    };
    let ids: Vec<_> = items.iter().map(|item| item.id).collect();
    let mut found = find(work, first.kind, &ids).await?;
    let mut touched = Vec::with_capacity(items.len());
    for item in items {
        let before = found.remove(&item.id);
        let step = put(work, item, &item.document, before).await?;
        found.extend(step.after.clone().map(|after| (item.id, after)));
        touched.push(step);
    }
    Ok(touched)
}

async fn put(
    work: &Work,
    item: &Item,
    document: &str,
    before: Option<Stored>,
) -> Result<Touched, Failure> {
    let mut after = item.stored(document, before.as_ref());
    after.name_key = sound(&item.name_key).into_owned();
    let (kind, id, scope) = (item.kind.noun(), &item.id[..], &item.scope[..]);
    if one(work, NAMED, &[&kind, &scope, &after.name_key, &id], |_| {
        Ok(())
    })
    .await?
    .is_some()
    {
        return Err(StoreError::NameTaken {
            what: kind,
            name: item.name.clone(),
        }
        .into());
    }
    run(
        work,
        PUT,
        &[
            &id,
            &kind,
            &scope,
            &after.name_key,
            &after.document,
            &after.sealed,
        ],
    )
    .await?;
    run(work, UNREFER, &[&vec![id]]).await?;
    for reference in &item.references {
        let target = &reference.target[..];
        if one(work, EXISTS, &[&reference.kind.noun(), &target], |_| Ok(()))
            .await?
            .is_none()
        {
            return Err(StoreError::NoSuch {
                what: reference.kind.noun(),
                id: shown(reference.target),
            }
            .into());
        }
        run(work, REFER, &[&target, &id, &reference.owned]).await?;
    }
    if let Some(enabled) = item.enabled {
        run(
            work,
            MAKE_OWNER,
            &[&id, &enabled, &to_json(&Gate::default())],
        )
        .await?;
    }
    if item.kind == Kind::User {
        session::end_all_postgres(work, item.id).await?;
    }
    Ok(Touched {
        before,
        after: Some(after),
    })
}

async fn change_integration(
    work: &Work,
    id: [u8; 16],
    edit: &Edit,
    at: Timestamp,
) -> Result<Touched, Failure> {
    let before = expect(work, Kind::Integration, id).await?;
    let (document, enabled) = edit.apply(&id, &before.document)?;
    run(work, SET_DOCUMENT, &[&&id[..], &document]).await?;
    let turned = run(work, SET_ENABLED, &[&&id[..], &enabled]).await? > 0;
    if turned && enabled {
        open_gate(work, &id, |gate| gate.switched_on(at)).await?;
    }
    let after = Stored {
        document,
        ..before.clone()
    };
    Ok(Touched {
        before: Some(before),
        after: Some(after),
    })
}

async fn open_gate(
    work: &Work,
    id: &[u8; 16],
    open: impl FnOnce(&mut Gate),
) -> Result<(), Failure> {
    let stored: Option<String> = one(work, GATE, &[&&id[..]], |row| row.try_get(0)).await?;
    let Some(stored) = stored else { return Ok(()) };
    let mut gate: Gate = of_json("owner", id, &stored)?;
    open(&mut gate);
    let held = gate.held().is_some();
    run(work, SAVE_GATE, &[&&id[..], &to_json(&gate), &held])
        .await
        .map(drop)
}

async fn remove(work: &Work, kind: Kind, id: [u8; 16]) -> Result<Vec<Touched>, Failure> {
    let removed = expect(work, kind, id).await?;
    let mut items = all(work, OWNED, &[&&id[..]], stored)
        .await?
        .into_iter()
        .map(Stored::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    // The item itself comes last: in the audit log, newest first, it stands above what went along.
    items.push(removed);
    let going: Vec<&[u8]> = items.iter().map(|item| &item.id[..]).collect();
    if let Some(user) = one(work, USERS, &[&going], |row| row.try_get::<_, String>(0)).await? {
        let by = Kind::of_noun(&user).ok_or_else(|| {
            StoreError::corrupt("item", hex(&id), format_args!("is used by a `{user}`"))
        })?;
        return Err(StoreError::InUse {
            what: kind.noun(),
            id: shown(id),
            by: by.noun(),
        }
        .into());
    }
    run(work, REMOVE, &[&going]).await?;
    run(work, UNREFER, &[&going]).await?;
    match kind {
        Kind::Integration => remove_owner(work, id).await?,
        Kind::Key => {
            run(work, REMOVE_USE, &[&&id[..]]).await?;
        }
        Kind::User => {
            run(work, REMOVE_USE, &[&&id[..]]).await?;
            session::end_all_postgres(work, id).await?;
        }
        _ => {}
    }
    let gone = |item| Touched {
        before: Some(item),
        after: None,
    };
    Ok(items.into_iter().map(gone).collect())
}

/// An integration that goes is worked by nobody, and what waited for it ends as dead.
pub(super) async fn remove_owner(work: &Work, id: [u8; 16]) -> Result<(), Failure> {
    run(work, REMOVE_OWNER, &[&&id[..]]).await?;
    let reason = delivery::DeadReason::Removed.as_str();
    run(work, END_PENDING, &[&&id[..], &reason]).await.map(drop)
}
