//! What an owner asks beside what is due in order: who waits behind a flood, how much has piled up, what a clock left behind.

use deadpool_postgres::Client;
use domain::{CompanyId, DeliveryId, IntegrationId, Timestamp};

use super::super::ahead::{Look, Place, Taken, Taking};
use super::super::{Backlog, Due, Others};
use super::work::due_row;
use crate::codec::fixed;
use crate::postgres::{Failure, Postgres, all, one};
use crate::{Store, StoreError};

const LANES: [i16; 3] = [0, 1, 2];
/// Those of companies that are not crowded, up to one more than is taken of each; of the crowded ones and of the place where
/// the look ended one row each, without an id.
const SEEN: &str = "WITH seen AS MATERIALIZED (SELECT id, company, due_at FROM delivery \
     WHERE integration = $1 AND lane = $2 AND due_at <= $3 AND (due_at, company) > ($4, $5) AND status = 'pending' \
     ORDER BY due_at, company LIMIT $6), \
     others AS (SELECT id, company, due_at, row_number() OVER (PARTITION BY company ORDER BY due_at, id) AS turn FROM seen \
     WHERE company <> ALL($7::bytea[]) AND id <> ALL($8::bytea[])) \
     SELECT id, company, due_at, 0::bigint FROM others WHERE turn <= $9::bigint + 1 \
     UNION ALL (SELECT NULL, company, min(due_at), 0 FROM seen WHERE company = ANY($7::bytea[]) GROUP BY company) \
     UNION ALL (SELECT NULL, company, due_at, (SELECT count(*) FROM seen) FROM seen \
     ORDER BY due_at DESC, company DESC LIMIT 1)";
const THESE: &str = "SELECT id, company, critical, event, replay_of, created_at, body, headers, hash, \
     status, attempts, due_at, not_before, parked_since, reason FROM delivery \
     WHERE id = ANY($1::bytea[]) AND status = 'pending' ORDER BY due_at, company, id";
const COUNT: &str = "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE integration = $1 AND status = 'pending' LIMIT $2) p";
const OLDEST: &str = "SELECT min(d.due_at) FROM unnest(ARRAY[0, 1]::smallint[]) AS l (lane) \
     CROSS JOIN LATERAL (SELECT due_at FROM delivery WHERE integration = $1 AND lane = l.lane \
     AND status = 'pending' ORDER BY due_at LIMIT 1) d";
/// Ids begin with the time of their making.
const MADE_LATER: &str = "SELECT id FROM delivery WHERE integration = $1 AND id > $2 AND status = 'pending' AND due_at > $3 \
     ORDER BY id LIMIT $4";

pub(in super::super) async fn due_of_others(
    db: &Postgres,
    look: Look<'_>,
) -> Result<Others, StoreError> {
    let client = db.client().await?;
    let mut taking = Taking::new(&look);
    for lane in 0..LANES.len() {
        look_at(&client, &look, lane, &mut taking).await?;
    }
    Ok(taking.others)
}

/// One row that a look has come to.
struct Seen {
    id: Option<Vec<u8>>,
    company: Vec<u8>,
    due_at: i64,
    count: i64,
}

async fn look_at(
    client: &Client,
    look: &Look<'_>,
    lane: usize,
    taking: &mut Taking,
) -> Result<(), Failure> {
    let mut seen = seen(client, look, lane).await?;
    // The last row is the place where the look ended; without it there was nothing to see.
    let Some(end) = seen.pop_if(|row| row.count > 0) else {
        taking.end(lane, None, true);
        return Ok(());
    };
    seen.sort_unstable_by(|a, b| (a.due_at, &a.company, &a.id).cmp(&(b.due_at, &b.company, &b.id)));
    let most = i64::try_from(Store::LOOK_AHEAD).unwrap_or(i64::MAX);
    let mut ended = (Some(place(end.due_at, &end.company)?), end.count < most);
    let (mut last, mut taken) = (None, Vec::new());
    for row in seen {
        let company = CompanyId::from_bytes(fixed("delivery", &row.company, &row.company)?);
        match (row.id, taking.judge(company, taken.len())) {
            (None, _) | (_, Taken::Passed) => taking.pass(company),
            (Some(_), Taken::Full) => {
                taking.pass(company);
                ended = (last, false);
                break;
            }
            (Some(id), Taken::Yes) => {
                taking.count(company);
                taken.push(id);
            }
        }
        last = Some(place(row.due_at, &row.company)?);
    }
    if !taken.is_empty() {
        for row in all(client, THESE, &[&taken], due_row).await? {
            taking.others.items.push(Due::try_from(row)?);
        }
    }
    taking.end(lane, ended.0, ended.1);
    Ok(())
}

async fn seen(client: &Client, look: &Look<'_>, lane: usize) -> Result<Vec<Seen>, Failure> {
    let (after, company) = look.ahead.0[lane].unwrap_or((i64::MIN, [0; 16]));
    let integration = look.integration.to_bytes();
    let most = i64::try_from(Store::LOOK_AHEAD).unwrap_or(i64::MAX);
    let each = i64::try_from(look.each).unwrap_or(i64::MAX - 1);
    let skip: Vec<Vec<u8>> = look.skip.iter().map(|id| id.to_bytes().to_vec()).collect();
    let crowded: Vec<Vec<u8>> = look
        .crowded
        .iter()
        .map(|id| id.to_bytes().to_vec())
        .collect();
    all(
        client,
        SEEN,
        &[
            &&integration[..],
            &LANES[lane],
            &look.now.micros(),
            &after,
            &&company[..],
            &most,
            &crowded,
            &skip,
            &each,
        ],
        |row| {
            Ok(Seen {
                id: row.try_get(0)?,
                company: row.try_get(1)?,
                due_at: row.try_get(2)?,
                count: row.try_get(3)?,
            })
        },
    )
    .await
}

fn place(due_at: i64, company: &[u8]) -> Result<Place, StoreError> {
    Ok((due_at, fixed("delivery", company, company)?))
}

pub(in super::super) async fn backlog(
    db: &Postgres,
    integration: IntegrationId,
) -> Result<Backlog, StoreError> {
    let id = integration.to_bytes().to_vec();
    let most = i64::try_from(Store::MOST_BACKLOG).unwrap_or(i64::MAX);
    let client = db.client().await?;
    let counting = async {
        one(&client, COUNT, &[&id, &most], |row| {
            row.try_get::<_, i64>(0)
        })
        .await
    };
    let looking = async {
        one(&client, OLDEST, &[&id], |row| {
            row.try_get::<_, Option<i64>>(0)
        })
        .await
    };
    let (count, oldest) = tokio::try_join!(counting, looking)?;
    Ok(Backlog {
        count: usize::try_from(count.unwrap_or(0)).unwrap_or(0),
        oldest: oldest.flatten().map(Timestamp::from_micros),
    })
}

pub(in super::super) async fn made_later(
    db: &Postgres,
    integration: IntegrationId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DeliveryId>, StoreError> {
    let (id, last) = (integration.to_bytes(), DeliveryId::last_of(now).to_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = all(
        &db.client().await?,
        MADE_LATER,
        &[&&id[..], &&last[..], &now.micros(), &limit],
        |row| row.try_get::<_, Vec<u8>>(0),
    )
    .await?;
    rows.into_iter()
        .map(|id| Ok(DeliveryId::from_bytes(fixed("delivery", &id, &id)?)))
        .collect()
}
