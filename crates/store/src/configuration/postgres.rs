//! The configuration on PostgreSQL.

use std::collections::BTreeSet;

use domain::{KeyId, Timestamp};

use super::{Edit, Item, Kind, Loaded, LoadedItem, Op, PreparedChange};
use crate::StoreError;
use crate::audit;
use crate::codec::{fixed, hex, to_json};
use crate::postgres::{
    CHANNEL, Failure, News, Postgres, SEND_NEWS, Work, all, lock_epoch, one, retried, run, sound,
};

const LOAD: &str = "SELECT kind, id, document, sealed FROM item ORDER BY id";
const EPOCH: &str = "SELECT number FROM epoch";
const RAISE_EPOCH: &str = "UPDATE epoch SET number = number + 1 RETURNING number";
const NAMED: &str =
    "SELECT 1 FROM item WHERE kind = $1 AND scope = $2 AND name_key = $3 AND id <> $4";
const EXISTS: &str = "SELECT 1 FROM item WHERE kind = $1 AND id = $2";
const DOCUMENT: &str = "SELECT document FROM item WHERE kind = $1 AND id = $2";
const PUT: &str = "INSERT INTO item (id, kind, scope, name_key, document, sealed) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, name_key = excluded.name_key, \
     document = excluded.document, sealed = coalesce(excluded.sealed, item.sealed)";
const SET_DOCUMENT: &str = "UPDATE item SET document = $2 WHERE id = $1";
const REMOVE: &str = "DELETE FROM item WHERE id = ANY($1::bytea[])";
const REFER: &str = "INSERT INTO reference VALUES ($1, $2, $3)";
const UNREFER: &str = "DELETE FROM reference WHERE item = ANY($1::bytea[])";
const OWNED: &str = "SELECT item FROM reference WHERE target = $1 AND owned";
const USERS: &str = "SELECT i.kind FROM reference r JOIN item i ON i.id = r.item \
     WHERE r.target = ANY($1::bytea[]) AND r.item <> ALL($1::bytea[]) ORDER BY r.item LIMIT 1";
const MAKE_OWNER: &str = "INSERT INTO owner VALUES ($1, $2, FALSE, $3, NULL, 0, 0) \
     ON CONFLICT (integration) DO UPDATE SET enabled = excluded.enabled";
const SET_ENABLED: &str = "UPDATE owner SET enabled = $2 WHERE integration = $1";
const RELEASE_GATE: &str = "UPDATE owner SET held = FALSE, gate = $2 WHERE integration = $1";
const REMOVE_OWNER: &str = "DELETE FROM owner WHERE integration = $1";
const END_PENDING: &str = "UPDATE delivery SET status = 'dead', reason = $2, group_key = NULL \
     WHERE integration = $1 AND status = 'pending'";
const REMOVE_USE: &str = "DELETE FROM key_use WHERE id = $1";
const TOUCH: &str =
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
    let items = all(&work, LOAD, &[], |row| {
        Ok(LoadedItem {
            kind: row.try_get(0)?,
            id: row.try_get(1)?,
            document: row.try_get(2)?,
            sealed: row.try_get(3)?,
        })
    })
    .await?;
    let key_uses = all(&work, USES, &[], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;
    work.commit().await?;
    Ok(Loaded {
        epoch,
        items,
        key_uses,
    })
}

pub(super) async fn key_uses(db: &Postgres) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    Ok(all(&db.client().await?, USES, &[], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?)
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

pub(super) async fn change(db: &Postgres, changes: Vec<PreparedChange>) -> Result<u64, StoreError> {
    retried!(change_once(db, &changes))
}

/// Accepts wait until the changes are over, and what was matched before them is matched again.
async fn change_once(db: &Postgres, changes: &[PreparedChange]) -> Result<u64, Failure> {
    let work = db.begin().await?;
    match write(db, &work, changes).await {
        Ok(epoch) => {
            work.commit().await?;
            Ok(epoch)
        }
        Err(failure) => {
            work.undo().await?;
            Err(failure)
        }
    }
}

async fn write(db: &Postgres, work: &Work, changes: &[PreparedChange]) -> Result<u64, Failure> {
    lock_epoch(work).await?;
    for change in changes {
        apply(work, &change.op).await?;
    }
    let epoch: Option<i64> = one(work, RAISE_EPOCH, &[], |row| row.try_get(0)).await?;
    let epoch = epoch.ok_or_else(|| StoreError::corrupt("epoch", 1, "is gone"))?;
    for change in changes {
        audit::write_postgres(work, &change.audit, epoch).await?;
    }
    let epoch = epoch.cast_unsigned();
    let news = News {
        epoch: Some(epoch),
        ..db.news()
            .work_at(changes.iter().filter_map(|change| change.wakes))
    };
    run(work, SEND_NEWS, &[&CHANNEL, &news.write()]).await?;
    Ok(epoch)
}

async fn apply(work: &Work, op: &Op) -> Result<(), Failure> {
    match op {
        Op::Insert(item) => put(work, item, &item.document).await,
        Op::Update(item) => {
            let stored = document(work, item.kind, item.id).await?;
            put(work, item, &item.in_place_of(&stored)?).await
        }
        Op::Put(items) => {
            for item in items {
                put(work, item, &item.document).await?;
            }
            Ok(())
        }
        Op::Edit { id, edit } => change_integration(work, *id, edit).await,
        Op::Remove { kind, id } => remove(work, *kind, *id).await,
        Op::ReleaseGate { id } => {
            document(work, Kind::Integration, *id).await?;
            let gate = to_json(&delivery::Gate::default());
            run(work, RELEASE_GATE, &[&&id[..], &gate]).await.map(drop)
        }
    }
}

async fn document(work: &Work, kind: Kind, id: [u8; 16]) -> Result<String, Failure> {
    let document = one(work, DOCUMENT, &[&kind.noun(), &&id[..]], |row| {
        row.try_get(0)
    })
    .await?;
    document.ok_or_else(|| {
        StoreError::NotFound {
            what: kind.noun(),
            id: shown(id),
        }
        .into()
    })
}

/// An id as the API prints it.
fn shown(id: [u8; 16]) -> String {
    domain::EventId::from_bytes(id).to_string()
}

async fn put(work: &Work, item: &Item, document: &str) -> Result<(), Failure> {
    let (kind, id, scope, name_key) = (
        item.kind.noun(),
        &item.id[..],
        &item.scope[..],
        sound(&item.name_key),
    );
    if one(work, NAMED, &[&kind, &scope, &name_key, &id], |_| Ok(()))
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
        &[&id, &kind, &scope, &name_key, &document, &item.sealed],
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
            &[&id, &enabled, &to_json(&delivery::Gate::default())],
        )
        .await?;
    }
    Ok(())
}

async fn change_integration(work: &Work, id: [u8; 16], edit: &Edit) -> Result<(), Failure> {
    let stored = document(work, Kind::Integration, id).await?;
    let (document, enabled) = edit.apply(&id, &stored)?;
    run(work, SET_DOCUMENT, &[&&id[..], &document]).await?;
    run(work, SET_ENABLED, &[&&id[..], &enabled])
        .await
        .map(drop)
}

async fn remove(work: &Work, kind: Kind, id: [u8; 16]) -> Result<(), Failure> {
    document(work, kind, id).await?;
    let owned: Vec<Vec<u8>> = all(work, OWNED, &[&&id[..]], |row| row.try_get(0)).await?;
    let mut going = BTreeSet::from([id]);
    for item in owned {
        going.insert(fixed("reference", &item, &item)?);
    }
    let going: Vec<&[u8]> = going.iter().map(|id| &id[..]).collect();
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
        Kind::Integration => {
            run(work, REMOVE_OWNER, &[&&id[..]]).await?;
            run(
                work,
                END_PENDING,
                &[&&id[..], &delivery::DeadReason::Removed.as_str()],
            )
            .await
            .map(drop)
        }
        Kind::Key => run(work, REMOVE_USE, &[&&id[..]]).await.map(drop),
        _ => Ok(()),
    }
}
