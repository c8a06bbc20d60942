//! Going back on SQLite.

use std::collections::{HashMap, HashSet};

use domain::IntegrationId;
use rusqlite::Connection;

use super::plan::{Found, Plan};
use super::{MOST, Order, Rollback, check_epoch, check_size};
use crate::StoreError;
use crate::configuration::Kind;
use crate::configuration::revision::{OLDEST_SQLITE, Stored, StoredRow};
use crate::configuration::sqlite::{
    EPOCH, OWNED, REMOVE, UNREFER, USERS, conclude, make_owner, put_row, refer, remove_owner,
    stored,
};
use crate::sqlite::{Care, Sqlite, all, one, run};

const THEN: &str = "SELECT kind, item, scope, name_key, document, sealed FROM revision INDEXED BY revision_ended \
     WHERE until > ?1 AND epoch <= ?1 LIMIT ?2";
const NOW: &str = "SELECT kind, item, scope, name_key, document, sealed FROM revision \
     WHERE epoch > ?1 AND until IS NULL LIMIT ?2";
const KEYS: &str =
    "SELECT kind, id, scope, name_key, document, sealed FROM item WHERE kind IN ('key', 'user')";
const LAST: &str = "SELECT document FROM revision WHERE item = ?1 ORDER BY epoch DESC LIMIT 1";
const PENDING: &str = "SELECT count(*) FROM delivery WHERE integration = ?1 AND status = 'pending'";

pub(super) async fn preview(db: &Sqlite, order: Order) -> Result<Rollback, StoreError> {
    db.read(move |conn| {
        let plan = Plan::new(&look(conn, order.to)?, &order.seal)?;
        let epoch = plan.epoch;
        Ok(plan.answer(epoch, &order.seal, &order.known))
    })
    .await
}

pub(super) async fn roll_back(
    db: &Sqlite,
    order: Order,
) -> Result<(Rollback, Vec<IntegrationId>), StoreError> {
    db.write(Care::Guarded, move |conn| {
        let plan = Plan::new(&look(conn, order.to)?, &order.seal)?;
        let (mut epoch, wakes) = (plan.epoch, plan.wakes());
        if !plan.touched.is_empty() {
            restore(conn, &plan)?;
            let lines = order.lines(&plan);
            epoch = conclude(conn, plan.touched.clone(), &lines, order.at)?;
        }
        Ok((plan.answer(epoch, &order.seal, &order.known), wakes))
    })
    .await
}

fn look(conn: &Connection, to: u64) -> Result<Found, StoreError> {
    let epoch = one(conn, EPOCH, [], |row| row.get(0))?.unwrap_or(0);
    let oldest = one(conn, OLDEST_SQLITE, [], |row| row.get(0))?.flatten();
    let to = check_epoch(to, oldest, epoch)?;
    let mut found = Found {
        epoch,
        then: differing(conn, THEN, to)?,
        now: differing(conn, NOW, to)?,
        keys: read(all(conn, KEYS, [], stored)?)?,
        ..Found::default()
    };
    let along = along(conn, &found)?;
    found.now.extend(along);
    let mut last = HashMap::new();
    for lost in found.lost() {
        if lost.kind == Kind::Integration {
            last.extend(one(conn, LAST, [lost.id], |row| {
                Ok((lost.id, row.get(0)?))
            })?);
        }
    }
    let mut pending = HashMap::new();
    for made in found.made() {
        if made.kind == Kind::Integration {
            pending.extend(one(conn, PENDING, [made.id], |row| {
                Ok((made.id, row.get(0)?))
            })?);
        }
    }
    let needed = needed(conn, &found.made(), &found.touched())?;
    (found.last, found.pending, found.needed) = (last, pending, needed);
    Ok(found)
}

/// What is owned by something that goes and was not touched itself, such as a silence of a company: it goes along, as when
/// a person removes its owner.
fn along(conn: &Connection, found: &Found) -> Result<Vec<Stored>, StoreError> {
    let mut touched = found.touched();
    let mut along = Vec::new();
    for made in found.made() {
        let owned = read(all(conn, OWNED, [made.id], stored)?)?;
        along.extend(owned.into_iter().filter(|item| touched.insert(item.id)));
    }
    Ok(along)
}

fn differing(conn: &Connection, sql: &str, to: i64) -> Result<Vec<Stored>, StoreError> {
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let rows = all(conn, sql, (to, most), stored)?;
    check_size(rows.len())?;
    gone_back_on(rows)
}

fn read(rows: Vec<StoredRow>) -> Result<Vec<Stored>, StoreError> {
    rows.into_iter().map(Stored::try_from).collect()
}

fn gone_back_on(rows: Vec<StoredRow>) -> Result<Vec<Stored>, StoreError> {
    let mut items = read(rows)?;
    items.retain(|item| item.kind.is_gone_back_on());
    Ok(items)
}

/// One of those that were made since, which something untouched needs. The state that is gone back to was whole, so
/// only a damaged database has any.
fn needed(
    conn: &Connection,
    made: &[&Stored],
    touched: &HashSet<[u8; 16]>,
) -> Result<Option<([u8; 16], String)>, StoreError> {
    for target in made {
        let users = all(conn, USERS, [target.id], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, String>(1)?))
        })?;
        let user = users.into_iter().find(|(item, _)| !touched.contains(item));
        if let Some((_, kind)) = user {
            return Ok(Some((target.id, kind)));
        }
    }
    Ok(None)
}

/// All that differs goes first, so that no name is in the way of another.
fn restore(conn: &Connection, plan: &Plan) -> Result<(), StoreError> {
    for id in plan.touched.iter().filter_map(|step| step.id()) {
        run(conn, REMOVE, [id])?;
        run(conn, UNREFER, [id])?;
    }
    for put in plan.puts()? {
        put_row(conn, put.item)?;
        refer(conn, put.item.id, &put.references)?;
        if let Some(enabled) = put.enabled {
            make_owner(conn, put.item.id, enabled)?;
        }
    }
    plan.removed_integrations()
        .try_for_each(|id| remove_owner(conn, id))
}
