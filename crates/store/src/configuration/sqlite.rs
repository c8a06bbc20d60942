//! The configuration on SQLite.

use domain::{KeyId, Timestamp};
use rusqlite::Connection;

use super::{Edit, Item, Kind, Loaded, LoadedItem, Op, PreparedChange, Reference};
use crate::StoreError;
use crate::audit;
use crate::codec::{hex, to_json};
use crate::sqlite::{Care, Sqlite, all, one, run};

const LOAD: &str = "SELECT kind, id, document, sealed FROM item ORDER BY id";
const EPOCH: &str = "SELECT number FROM epoch";
const RAISE_EPOCH: &str = "UPDATE epoch SET number = number + 1 RETURNING number";
const NAMED: &str =
    "SELECT 1 FROM item WHERE kind = ?1 AND scope = ?2 AND name_key = ?3 AND id <> ?4";
const EXISTS: &str = "SELECT 1 FROM item WHERE kind = ?1 AND id = ?2";
const DOCUMENT: &str = "SELECT document FROM item WHERE kind = ?1 AND id = ?2";
const PUT: &str = "INSERT INTO item (id, kind, scope, name_key, document, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
     ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, name_key = excluded.name_key, \
     document = excluded.document, sealed = coalesce(excluded.sealed, sealed)";
const SET_DOCUMENT: &str = "UPDATE item SET document = ?2 WHERE id = ?1";
const REMOVE: &str = "DELETE FROM item WHERE id = ?1";
const REFER: &str = "INSERT INTO reference VALUES (?1, ?2, ?3)";
const UNREFER: &str = "DELETE FROM reference WHERE item = ?1";
const OWNED: &str = "SELECT item FROM reference WHERE target = ?1 AND owned";
const USERS: &str =
    "SELECT r.item, i.kind FROM reference r JOIN item i ON i.id = r.item WHERE r.target = ?1";
const MAKE_OWNER: &str = "INSERT INTO owner VALUES (?1, ?2, 0, ?3, NULL, 0, 0) \
     ON CONFLICT (integration) DO UPDATE SET enabled = excluded.enabled";
const SET_ENABLED: &str = "UPDATE owner SET enabled = ?2 WHERE integration = ?1";
const RELEASE_GATE: &str = "UPDATE owner SET held = 0, gate = ?2 WHERE integration = ?1";
const REMOVE_OWNER: &str = "DELETE FROM owner WHERE integration = ?1";
const END_PENDING: &str = "UPDATE delivery SET status = 'dead', reason = ?2, group_key = NULL \
     WHERE integration = ?1 AND status = 'pending'";
const REMOVE_USE: &str = "DELETE FROM key_use WHERE id = ?1";
const TOUCH: &str =
    "INSERT INTO key_use VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET at = excluded.at";

pub(super) async fn epoch(db: &Sqlite) -> Result<u64, StoreError> {
    let epoch: Option<i64> = db
        .read(|conn| one(conn, EPOCH, [], |row| row.get(0)))
        .await?;
    Ok(epoch.unwrap_or(0).cast_unsigned())
}

pub(super) async fn load(db: &Sqlite) -> Result<Loaded, StoreError> {
    db.read(|conn| {
        let epoch = one(conn, "SELECT number FROM epoch", [], |row| row.get(0))?.unwrap_or(0);
        let items = all(conn, LOAD, [], |row| {
            Ok(LoadedItem {
                kind: row.get(0)?,
                id: row.get(1)?,
                document: row.get(2)?,
                sealed: row.get(3)?,
            })
        })?;
        Ok(Loaded {
            epoch,
            items,
            key_uses: uses(conn)?,
        })
    })
    .await
}

pub(super) async fn key_uses(db: &Sqlite) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    db.read(uses).await
}

fn uses(conn: &Connection) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    all(conn, "SELECT id, at FROM key_use", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

pub(super) async fn touch_key(db: &Sqlite, key: KeyId, now: Timestamp) -> Result<(), StoreError> {
    db.write(Care::Guarded, move |conn| {
        run(conn, TOUCH, (key.to_bytes(), now.micros())).map(drop)
    })
    .await
}

/// The sealed column of an item that is there.
pub(super) async fn sealed(
    db: &Sqlite,
    kind: Kind,
    id: [u8; 16],
) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    db.read(move |conn| {
        one(
            conn,
            "SELECT sealed FROM item WHERE kind = ?1 AND id = ?2",
            (kind.noun(), id),
            |row| row.get(0),
        )
    })
    .await
}

pub(super) async fn change(db: &Sqlite, changes: Vec<PreparedChange>) -> Result<u64, StoreError> {
    db.write(Care::Guarded, move |conn| {
        for change in &changes {
            apply(conn, &change.op)?;
        }
        let epoch: Option<i64> = one(conn, RAISE_EPOCH, [], |row| row.get(0))?;
        let epoch = epoch.ok_or_else(|| StoreError::corrupt("epoch", 1, "is gone"))?;
        for change in &changes {
            audit::write_sqlite(conn, &change.audit, epoch)?;
        }
        Ok(epoch.cast_unsigned())
    })
    .await
}

fn apply(conn: &Connection, op: &Op) -> Result<(), StoreError> {
    match op {
        Op::Insert(item) => put(conn, item, &item.document),
        Op::Update(item) => {
            let stored = document(conn, item.kind, item.id)?;
            put(conn, item, &item.in_place_of(&stored)?)
        }
        Op::Put(items) => items
            .iter()
            .try_for_each(|item| put(conn, item, &item.document)),
        Op::Edit { id, edit } => change_integration(conn, *id, edit),
        Op::Remove { kind, id } => remove(conn, *kind, *id),
        Op::ReleaseGate { id } => {
            document(conn, Kind::Integration, *id)?;
            run(
                conn,
                RELEASE_GATE,
                (id, to_json(&delivery::Gate::default())),
            )
            .map(drop)
        }
    }
}

fn document(conn: &Connection, kind: Kind, id: [u8; 16]) -> Result<String, StoreError> {
    one(conn, DOCUMENT, (kind.noun(), id), |row| row.get(0))?.ok_or_else(|| not_found(kind, id))
}

fn not_found(kind: Kind, id: [u8; 16]) -> StoreError {
    StoreError::NotFound {
        what: kind.noun(),
        id: shown(id),
    }
}

/// An id as the API prints it.
fn shown(id: [u8; 16]) -> String {
    domain::EventId::from_bytes(id).to_string()
}

fn put(conn: &Connection, item: &Item, document: &str) -> Result<(), StoreError> {
    let kind = item.kind.noun();
    if one(
        conn,
        NAMED,
        (kind, item.scope, &item.name_key, item.id),
        |_| Ok(()),
    )?
    .is_some()
    {
        return Err(StoreError::NameTaken {
            what: kind,
            name: item.name.clone(),
        });
    }
    run(
        conn,
        PUT,
        (
            item.id,
            kind,
            item.scope,
            &item.name_key,
            document,
            &item.sealed,
        ),
    )?;
    run(conn, UNREFER, [item.id])?;
    for Reference {
        kind,
        target,
        owned,
    } in &item.references
    {
        if one(conn, EXISTS, (kind.noun(), target), |_| Ok(()))?.is_none() {
            return Err(StoreError::NoSuch {
                what: kind.noun(),
                id: shown(*target),
            });
        }
        run(conn, REFER, (target, item.id, owned))?;
    }
    if let Some(enabled) = item.enabled {
        run(
            conn,
            MAKE_OWNER,
            (item.id, enabled, to_json(&delivery::Gate::default())),
        )?;
    }
    Ok(())
}

fn change_integration(conn: &Connection, id: [u8; 16], edit: &Edit) -> Result<(), StoreError> {
    let stored = document(conn, Kind::Integration, id)?;
    let (document, enabled) = edit.apply(&id, &stored)?;
    run(conn, SET_DOCUMENT, (id, document))?;
    run(conn, SET_ENABLED, (id, enabled)).map(drop)
}

fn remove(conn: &Connection, kind: Kind, id: [u8; 16]) -> Result<(), StoreError> {
    document(conn, kind, id)?;
    let mut going: Vec<[u8; 16]> = all(conn, OWNED, [id], |row| row.get(0))?;
    going.push(id);
    for target in &going {
        for (user, user_kind) in all(conn, USERS, [target], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, String>(1)?))
        })? {
            if !going.contains(&user) {
                let by = Kind::of_noun(&user_kind).ok_or_else(|| {
                    StoreError::corrupt("item", hex(&user), format_args!("kind `{user_kind}`"))
                })?;
                return Err(StoreError::InUse {
                    what: kind.noun(),
                    id: shown(id),
                    by: by.noun(),
                });
            }
        }
    }
    for id in going {
        run(conn, REMOVE, [id])?;
        run(conn, UNREFER, [id])?;
    }
    match kind {
        Kind::Integration => {
            run(conn, REMOVE_OWNER, [id])?;
            run(
                conn,
                END_PENDING,
                (id, delivery::DeadReason::Removed.as_str()),
            )
            .map(drop)
        }
        Kind::Key => run(conn, REMOVE_USE, [id]).map(drop),
        _ => Ok(()),
    }
}
