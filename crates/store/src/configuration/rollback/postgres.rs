//! Going back on PostgreSQL.

use std::collections::HashMap;

use domain::IntegrationId;

use super::plan::{Found, Plan, Put};
use super::{MOST, Order, Rollback, check_epoch, check_size};
use crate::StoreError;
use crate::codec::to_json;
use crate::configuration::postgres::{
    EPOCH, REMOVE, UNREFER, conclude, remove_owner, shown, stored,
};
use crate::configuration::revision::{OLDEST_POSTGRES, Stored, StoredRow};
use crate::configuration::{Kind, Reference};
use crate::postgres::{Failure, Postgres, Work, all, lock_epoch, one, retried, run};

/// Most rows of one statement.
const ROWS: usize = 5_000;

const THEN: &str = "SELECT kind, item, scope, name_key, document, sealed FROM revision \
     WHERE until > $1 AND epoch <= $1 LIMIT $2";
const NOW: &str = "SELECT kind, item, scope, name_key, document, sealed FROM revision \
     WHERE epoch > $1 AND until IS NULL LIMIT $2";
const KEYS: &str =
    "SELECT kind, id, scope, name_key, document, sealed FROM item WHERE kind IN ('key', 'user')";
const LAST: &str = "SELECT DISTINCT ON (item) item, document FROM revision \
     WHERE item = ANY($1::bytea[]) ORDER BY item, epoch DESC";
const PENDING: &str = "SELECT integration, count(*) FROM delivery \
     WHERE integration = ANY($1::bytea[]) AND status = 'pending' GROUP BY integration";
const OWNED: &str = "SELECT i.kind, i.id, i.scope, i.name_key, i.document, i.sealed \
     FROM reference r JOIN item i ON i.id = r.item WHERE r.target = ANY($1::bytea[]) AND r.owned";
const NEEDED: &str = "SELECT r.target, i.kind FROM reference r JOIN item i ON i.id = r.item \
     WHERE r.target = ANY($1::bytea[]) \
     AND NOT EXISTS (SELECT 1 FROM unnest($2::bytea[]) AS touched (id) WHERE touched.id = r.item) LIMIT 1";
const PUT: &str = "INSERT INTO item (id, kind, scope, name_key, document, sealed) \
     SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::bytea[])";
const REFER: &str =
    "INSERT INTO reference SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::boolean[])";
const MISSING: &str = "SELECT wanted.kind, wanted.id FROM unnest($1::text[], $2::bytea[]) AS wanted (kind, id) \
     WHERE NOT EXISTS (SELECT 1 FROM item WHERE item.id = wanted.id AND item.kind = wanted.kind) LIMIT 1";
const MAKE_OWNERS: &str = "INSERT INTO owner SELECT id, enabled, FALSE, $3, NULL, 0, 0 \
     FROM unnest($1::bytea[], $2::boolean[]) AS made (id, enabled) \
     ON CONFLICT (integration) DO UPDATE SET enabled = excluded.enabled";

pub(super) async fn preview(db: &Postgres, order: Order) -> Result<Rollback, StoreError> {
    let work = db.snapshot().await?;
    let found = look(&work, order.to).await?;
    work.commit().await?;
    let plan = Plan::new(&found, &order.seal)?;
    let epoch = plan.epoch;
    Ok(plan.answer(epoch, &order.seal, &order.known))
}

pub(super) async fn roll_back(
    db: &Postgres,
    order: Order,
) -> Result<(Rollback, Vec<IntegrationId>), StoreError> {
    retried!(roll_back_once(db, &order))
}

async fn roll_back_once(
    db: &Postgres,
    order: &Order,
) -> Result<(Rollback, Vec<IntegrationId>), Failure> {
    let work = db.begin().await?;
    let outcome = write(db, &work, order).await;
    work.end(outcome).await
}

async fn write(
    db: &Postgres,
    work: &Work,
    order: &Order,
) -> Result<(Rollback, Vec<IntegrationId>), Failure> {
    lock_epoch(work).await?;
    let plan = Plan::new(&look(work, order.to).await?, &order.seal)?;
    let (mut epoch, wakes) = (plan.epoch, plan.wakes());
    if !plan.touched.is_empty() {
        restore(work, &plan).await?;
        let lines = order.lines(&plan);
        let news = db.news().work_at(wakes.iter().copied());
        epoch = conclude(work, plan.touched.clone(), &lines, order.at, news).await?;
    }
    Ok((plan.answer(epoch, &order.seal, &order.known), wakes))
}

async fn look(work: &Work, to: u64) -> Result<Found, Failure> {
    let epoch = one(work, EPOCH, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let oldest = one(work, OLDEST_POSTGRES, &[], |row| row.try_get(0))
        .await?
        .flatten();
    let to = check_epoch(to, oldest, epoch)?;
    let mut found = Found {
        epoch,
        then: differing(work, THEN, to).await?,
        now: differing(work, NOW, to).await?,
        keys: read(all(work, KEYS, &[], stored).await?)?,
        ..Found::default()
    };
    let along = along(work, &found).await?;
    found.now.extend(along);
    let lost = ids(found.lost(), Kind::Integration);
    let last = all(work, LAST, &[&lost], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get(1)?))
    })
    .await?;
    found.last = keyed(last)?;
    let made = ids(found.made(), Kind::Integration);
    let pending = all(work, PENDING, &[&made], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get(1)?))
    })
    .await?;
    found.pending = keyed(pending)?;
    found.needed = needed(work, &found).await?;
    Ok(found)
}

/// What is owned by something that goes and was not touched itself, such as a silence of a company: it goes along, as when
/// a person removes its owner.
async fn along(work: &Work, found: &Found) -> Result<Vec<Stored>, Failure> {
    let made: Vec<Vec<u8>> = found.made().iter().map(|item| item.id.to_vec()).collect();
    let mut touched = found.touched();
    let mut along = read(all(work, OWNED, &[&made], stored).await?)?;
    along.retain(|item| touched.insert(item.id));
    Ok(along)
}

async fn differing(work: &Work, sql: &str, to: i64) -> Result<Vec<Stored>, Failure> {
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let rows = all(work, sql, &[&to, &most], stored).await?;
    check_size(rows.len())?;
    Ok(gone_back_on(rows)?)
}

fn read(rows: Vec<StoredRow>) -> Result<Vec<Stored>, StoreError> {
    rows.into_iter().map(Stored::try_from).collect()
}

fn gone_back_on(rows: Vec<StoredRow>) -> Result<Vec<Stored>, StoreError> {
    let mut items = read(rows)?;
    items.retain(|item| item.kind.is_gone_back_on());
    Ok(items)
}

fn ids(items: Vec<&Stored>, kind: Kind) -> Vec<Vec<u8>> {
    let of_kind = items.into_iter().filter(|item| item.kind == kind);
    of_kind.map(|item| item.id.to_vec()).collect()
}

fn keyed<T>(rows: Vec<(Vec<u8>, T)>) -> Result<HashMap<[u8; 16], T>, StoreError> {
    rows.into_iter()
        .map(|(id, value)| Ok((crate::codec::fixed("revision", &id, &id)?, value)))
        .collect()
}

/// One of those that were made since, which something untouched needs. The state that is gone back to was whole, so
/// only a damaged database has any.
async fn needed(work: &Work, found: &Found) -> Result<Option<([u8; 16], String)>, Failure> {
    let made: Vec<Vec<u8>> = found.made().iter().map(|item| item.id.to_vec()).collect();
    let touched: Vec<Vec<u8>> = found.touched().iter().map(|id| id.to_vec()).collect();
    let row = one(work, NEEDED, &[&made, &touched], |row| {
        Ok((row.try_get::<_, Vec<u8>>(0)?, row.try_get(1)?))
    })
    .await?;
    let read =
        |(id, kind): (Vec<u8>, String)| Ok((crate::codec::fixed("reference", &id, &id)?, kind));
    row.map(read).transpose()
}

/// All that differs goes first, so that no name is in the way of another.
async fn restore(work: &Work, plan: &Plan) -> Result<(), Failure> {
    let touched: Vec<[u8; 16]> = plan.touched.iter().filter_map(|step| step.id()).collect();
    for ids in touched.chunks(ROWS) {
        let ids: Vec<&[u8]> = ids.iter().map(|id| &id[..]).collect();
        run(work, REMOVE, &[&ids]).await?;
        run(work, UNREFER, &[&ids]).await?;
    }
    let puts = plan.puts()?;
    for puts in puts.chunks(ROWS) {
        put(work, puts).await?;
    }
    for puts in puts.chunks(ROWS) {
        refer(work, puts).await?;
        make_owners(work, puts).await?;
    }
    for id in plan.removed_integrations() {
        remove_owner(work, id).await?;
    }
    Ok(())
}

async fn put(work: &Work, puts: &[Put<'_>]) -> Result<(), Failure> {
    let column = |read: fn(&Stored) -> &[u8]| -> Vec<&[u8]> {
        puts.iter().map(|put| read(put.item)).collect()
    };
    let texts = |read: fn(&Stored) -> &str| -> Vec<&str> {
        puts.iter().map(|put| read(put.item)).collect()
    };
    let sealed: Vec<Option<&[u8]>> = puts.iter().map(|put| put.item.sealed.as_deref()).collect();
    run(
        work,
        PUT,
        &[
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

async fn refer(work: &Work, puts: &[Put<'_>]) -> Result<(), Failure> {
    let rows: Vec<(&[u8; 16], &Reference)> = puts
        .iter()
        .flat_map(|put| {
            let item = &put.item.id;
            put.references
                .iter()
                .map(move |reference| (item, reference))
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        let kinds: Vec<&str> = rows.iter().map(|(_, to)| to.kind.noun()).collect();
        let targets: Vec<&[u8]> = rows.iter().map(|(_, to)| &to.target[..]).collect();
        let items: Vec<&[u8]> = rows.iter().map(|(item, _)| &item[..]).collect();
        let owned: Vec<bool> = rows.iter().map(|(_, to)| to.owned).collect();
        let missing = one(work, MISSING, &[&kinds, &targets], |row| {
            Ok((row.try_get::<_, String>(0)?, row.try_get::<_, Vec<u8>>(1)?))
        })
        .await?;
        if let Some((kind, id)) = missing {
            return Err(StoreError::NoSuch {
                what: Kind::of_noun(&kind).map_or("thing", Kind::noun),
                id: shown(crate::codec::fixed("reference", &id, &id)?),
            }
            .into());
        }
        run(work, REFER, &[&targets, &items, &owned]).await?;
    }
    Ok(())
}

async fn make_owners(work: &Work, puts: &[Put<'_>]) -> Result<(), Failure> {
    let owners = puts
        .iter()
        .filter_map(|put| Some((&put.item.id[..], put.enabled?)));
    let (ids, enabled): (Vec<&[u8]>, Vec<bool>) = owners.unzip();
    let gate = to_json(&delivery::Gate::default());
    run(work, MAKE_OWNERS, &[&ids, &enabled, &gate])
        .await
        .map(drop)
}
