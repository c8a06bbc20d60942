//! The configuration on SQLite.

use delivery::Gate;
use domain::{KeyId, Timestamp};
use rusqlite::{Connection, Row};

use super::revision::{self, Outcome, Stored, StoredRow, Touched};
use super::{Edit, Item, Kind, Loaded, LoadedItem, Op, PreparedChanges, Reference};
use crate::StoreError;
use crate::audit::{self, NewAudit};
use crate::codec::{hex, of_json, to_json};
use crate::session;
use crate::sqlite::{Care, Sqlite, all, one, run};

const LOAD: &str = "SELECT kind, id, document, sealed FROM item ORDER BY id";
pub(super) const EPOCH: &str = "SELECT number FROM epoch";
const RAISE_EPOCH: &str = "UPDATE epoch SET number = number + 1 RETURNING number";
const NAMED: &str =
    "SELECT 1 FROM item WHERE kind = ?1 AND scope = ?2 AND name_key = ?3 AND id <> ?4";
const EXISTS: &str = "SELECT 1 FROM item WHERE kind = ?1 AND id = ?2";
const STORED: &str =
    "SELECT kind, id, scope, name_key, document, sealed FROM item WHERE kind = ?1 AND id = ?2";
const PUT: &str = "INSERT INTO item (id, kind, scope, name_key, document, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
     ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, name_key = excluded.name_key, \
     document = excluded.document, sealed = coalesce(excluded.sealed, sealed)";
const SET_DOCUMENT: &str = "UPDATE item SET document = ?2 WHERE id = ?1";
pub(super) const REMOVE: &str = "DELETE FROM item WHERE id = ?1";
const REFER: &str = "INSERT INTO reference VALUES (?1, ?2, ?3)";
pub(super) const UNREFER: &str = "DELETE FROM reference WHERE item = ?1";
pub(super) const OWNED: &str = "SELECT i.kind, i.id, i.scope, i.name_key, i.document, i.sealed \
     FROM reference r JOIN item i ON i.id = r.item WHERE r.target = ?1 AND r.owned";
pub(super) const USERS: &str =
    "SELECT r.item, i.kind FROM reference r JOIN item i ON i.id = r.item WHERE r.target = ?1";
const MAKE_OWNER: &str = "INSERT INTO owner VALUES (?1, ?2, 0, ?3, NULL, 0, 0) \
     ON CONFLICT (integration) DO UPDATE SET enabled = excluded.enabled";
/// Changes a row only when the switch was the other way.
const SET_ENABLED: &str = "UPDATE owner SET enabled = ?2 WHERE integration = ?1 AND enabled <> ?2";
const GATE: &str = "SELECT gate FROM owner WHERE integration = ?1";
const SAVE_GATE: &str = "UPDATE owner SET gate = ?2, held = ?3 WHERE integration = ?1";
const REMOVE_OWNER: &str = "DELETE FROM owner WHERE integration = ?1";
const END_PENDING: &str = "UPDATE delivery SET status = 'dead', reason = ?2, group_key = NULL \
     WHERE integration = ?1 AND status = 'pending'";
const REMOVE_USE: &str = "DELETE FROM key_use WHERE id = ?1";
pub(crate) const TOUCH: &str =
    "INSERT INTO key_use VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET at = excluded.at";

pub(super) async fn epoch(db: &Sqlite) -> Result<u64, StoreError> {
    let epoch: Option<i64> = db
        .read(|conn| one(conn, EPOCH, [], |row| row.get(0)))
        .await?;
    Ok(epoch.unwrap_or(0).cast_unsigned())
}

pub(super) async fn load(db: &Sqlite) -> Result<Loaded, StoreError> {
    db.read(|conn| {
        let epoch = one(conn, EPOCH, [], |row| row.get(0))?.unwrap_or(0);
        Ok(Loaded {
            epoch,
            items: all(conn, LOAD, [], loaded)?,
            key_uses: uses(conn)?,
        })
    })
    .await
}

pub(super) fn loaded(row: &Row<'_>) -> rusqlite::Result<LoadedItem> {
    Ok(LoadedItem {
        kind: row.get(0)?,
        id: row.get(1)?,
        document: row.get(2)?,
        sealed: row.get(3)?,
    })
}

pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    Ok(StoredRow {
        kind: row.get(0)?,
        id: row.get(1)?,
        scope: row.get(2)?,
        name_key: row.get(3)?,
        document: row.get(4)?,
        sealed: row.get(5)?,
    })
}

pub(super) async fn key_uses(db: &Sqlite) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
    db.read(uses).await
}

pub(super) fn uses(conn: &Connection) -> Result<Vec<(Vec<u8>, i64)>, StoreError> {
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

pub(super) async fn change(db: &Sqlite, changes: PreparedChanges) -> Result<u64, StoreError> {
    db.write(Care::Guarded, move |conn| {
        let (mut touched, mut lines) = (Vec::new(), Vec::new());
        for change in &changes.list {
            let step = apply(conn, &change.op, change.deed.at)?;
            lines.extend(change.deed.lines(&step, &changes.seal));
            touched.extend(step);
        }
        changes.made(conclude(conn, touched, &lines, changes.at)?)
    })
    .await
}

/// Raises the epoch, and leaves the revisions and the audit lines of what was done.
pub(super) fn conclude(
    conn: &Connection,
    touched: Vec<Touched>,
    lines: &[NewAudit],
    at: Timestamp,
) -> Result<i64, StoreError> {
    let epoch: Option<i64> = one(conn, RAISE_EPOCH, [], |row| row.get(0))?;
    let epoch = epoch.ok_or_else(|| StoreError::corrupt("epoch", 1, "is gone"))?;
    revision::write_sqlite(conn, &Outcome::of(touched), epoch, at)?;
    for line in lines {
        audit::write_sqlite(conn, line, epoch)?;
    }
    Ok(epoch)
}

fn apply(conn: &Connection, op: &Op, at: Timestamp) -> Result<Vec<Touched>, StoreError> {
    match op {
        Op::Insert(item) => {
            let before = find(conn, item.kind, item.id)?;
            Ok(vec![put(conn, item, &item.document, before)?])
        }
        Op::Update(item) => {
            let before = expect(conn, item.kind, item.id)?;
            let document = item.in_place_of(&before.document)?;
            Ok(vec![put(conn, item, &document, Some(before))?])
        }
        Op::Put(items) => items
            .iter()
            .map(|item| {
                let before = find(conn, item.kind, item.id)?;
                put(conn, item, &item.document, before)
            })
            .collect(),
        Op::Edit { id, edit } => Ok(vec![change_integration(conn, *id, edit, at)?]),
        Op::Remove { kind, id } => remove(conn, *kind, *id),
        Op::ReleaseGate { id } => {
            let found = expect(conn, Kind::Integration, *id)?;
            open_gate(conn, id, |gate| gate.release(at))?;
            Ok(vec![Touched {
                before: Some(found.clone()),
                after: Some(found),
            }])
        }
    }
}

fn find(conn: &Connection, kind: Kind, id: [u8; 16]) -> Result<Option<Stored>, StoreError> {
    let row = one(conn, STORED, (kind.noun(), id), stored)?;
    row.map(Stored::try_from).transpose()
}

fn expect(conn: &Connection, kind: Kind, id: [u8; 16]) -> Result<Stored, StoreError> {
    find(conn, kind, id)?.ok_or_else(|| StoreError::NotFound {
        what: kind.noun(),
        id: shown(id),
    })
}

/// An id as the API prints it.
fn shown(id: [u8; 16]) -> String {
    domain::EventId::from_bytes(id).to_string()
}

fn put(
    conn: &Connection,
    item: &Item,
    document: &str,
    before: Option<Stored>,
) -> Result<Touched, StoreError> {
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
    let after = item.stored(document, before.as_ref());
    put_row(conn, &after)?;
    run(conn, UNREFER, [item.id])?;
    refer(conn, item.id, &item.references)?;
    if let Some(enabled) = item.enabled {
        make_owner(conn, item.id, enabled)?;
    }
    if item.kind == Kind::User {
        session::end_all_sqlite(conn, item.id)?;
    }
    Ok(Touched {
        before,
        after: Some(after),
    })
}

pub(super) fn put_row(conn: &Connection, item: &Stored) -> Result<(), StoreError> {
    run(
        conn,
        PUT,
        (
            item.id,
            item.kind.noun(),
            item.scope,
            &item.name_key,
            &item.document,
            &item.sealed,
        ),
    )
    .map(drop)
}

/// Notes what an item needs; all of it must be there.
pub(super) fn refer(
    conn: &Connection,
    item: [u8; 16],
    references: &[Reference],
) -> Result<(), StoreError> {
    for Reference {
        kind,
        target,
        owned,
    } in references
    {
        if one(conn, EXISTS, (kind.noun(), target), |_| Ok(()))?.is_none() {
            return Err(StoreError::NoSuch {
                what: kind.noun(),
                id: shown(*target),
            });
        }
        run(conn, REFER, (target, item, owned))?;
    }
    Ok(())
}

pub(super) fn make_owner(
    conn: &Connection,
    integration: [u8; 16],
    enabled: bool,
) -> Result<(), StoreError> {
    let gate = to_json(&Gate::default());
    run(conn, MAKE_OWNER, (integration, enabled, gate)).map(drop)
}

fn change_integration(
    conn: &Connection,
    id: [u8; 16],
    edit: &Edit,
    at: Timestamp,
) -> Result<Touched, StoreError> {
    let before = expect(conn, Kind::Integration, id)?;
    let (document, enabled) = edit.apply(&id, &before.document)?;
    run(conn, SET_DOCUMENT, (id, &document))?;
    let turned = run(conn, SET_ENABLED, (id, enabled))? > 0;
    if turned && enabled {
        open_gate(conn, &id, |gate| gate.switched_on(at))?;
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

fn open_gate(
    conn: &Connection,
    id: &[u8; 16],
    open: impl FnOnce(&mut Gate),
) -> Result<(), StoreError> {
    let stored: Option<String> = one(conn, GATE, [id], |row| row.get(0))?;
    let Some(stored) = stored else { return Ok(()) };
    let mut gate: Gate = of_json("owner", id, &stored)?;
    open(&mut gate);
    run(conn, SAVE_GATE, (id, to_json(&gate), gate.held().is_some())).map(drop)
}

fn remove(conn: &Connection, kind: Kind, id: [u8; 16]) -> Result<Vec<Touched>, StoreError> {
    let removed = expect(conn, kind, id)?;
    let mut going = all(conn, OWNED, [id], stored)?
        .into_iter()
        .map(Stored::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    // The item itself comes last: in the audit log, newest first, it stands above what went along.
    going.push(removed);
    let ids: Vec<[u8; 16]> = going.iter().map(|item| item.id).collect();
    expect_unused(conn, kind, id, &ids)?;
    for id in ids {
        run(conn, REMOVE, [id])?;
        run(conn, UNREFER, [id])?;
    }
    match kind {
        Kind::Integration => remove_owner(conn, id)?,
        Kind::Key => {
            run(conn, REMOVE_USE, [id])?;
        }
        Kind::User => {
            run(conn, REMOVE_USE, [id])?;
            session::end_all_sqlite(conn, id)?;
        }
        _ => {}
    }
    Ok(going
        .into_iter()
        .map(|item| Touched {
            before: Some(item),
            after: None,
        })
        .collect())
}

/// Nothing that stays may need what goes.
fn expect_unused(
    conn: &Connection,
    kind: Kind,
    id: [u8; 16],
    going: &[[u8; 16]],
) -> Result<(), StoreError> {
    for target in going {
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
    Ok(())
}

/// An integration that goes is worked by nobody, and what waited for it ends as dead.
pub(super) fn remove_owner(conn: &Connection, id: [u8; 16]) -> Result<(), StoreError> {
    run(conn, REMOVE_OWNER, [id])?;
    run(
        conn,
        END_PENDING,
        (id, delivery::DeadReason::Removed.as_str()),
    )
    .map(drop)
}
