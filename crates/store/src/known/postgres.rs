//! What is known, on PostgreSQL. Of two that tell of the same thing at once, one waits on the key for the other.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Client;

use super::{Print, TOUCH_MICROS, bounded};
use crate::StoreError;
use crate::codec::fixed;
use crate::postgres::{Failure, Postgres, Work, all, one, run};

const WAITING: &str = "SELECT max(seq) - (SELECT seq FROM indexed) FROM event";
/// Events that no import raised: those in the index, then those that it has not reached.
const BY_OTHER_WAYS: &str = "SELECT DISTINCT ON (company, fingerprint) company, fingerprint, id FROM \
     (SELECT e.company, e.fingerprint, e.id, e.seq FROM event_fingerprint f JOIN event e ON e.seq = f.seq \
     WHERE f.fingerprint = ANY($2::bytea[]) \
     UNION ALL SELECT company, fingerprint, id, seq FROM event \
     WHERE seq > (SELECT seq FROM indexed) AND fingerprint = ANY($2::bytea[])) AS told \
     WHERE company = ANY($1::bytea[]) ORDER BY company, fingerprint, seq";
const KNOWN: &str = "SELECT k.company, k.fingerprint, k.event FROM known k \
     JOIN unnest($1::bytea[], $2::bytea[]) AS asked (company, fingerprint) USING (company, fingerprint)";
/// Inserts what is new and locks what is not; answers what it wrote. One that waits here for another sees what that one
/// wrote.
const MEET: &str = "INSERT INTO known SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) \
     ON CONFLICT (company, fingerprint) DO UPDATE SET seen_at = excluded.seen_at \
     WHERE excluded.seen_at - known.seen_at >= $5 RETURNING company, fingerprint, event";
const SET: &str = "UPDATE known k SET event = new.event \
     FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS new (company, fingerprint, event) \
     WHERE k.company = new.company AND k.fingerprint = new.fingerprint";

pub(super) async fn known(
    db: &Postgres,
    prints: &[Print],
) -> Result<Vec<Option<[u8; 16]>>, StoreError> {
    let client = db.client().await?;
    let (companies, fingerprints) = columns(prints.iter());
    let told = all(&client, KNOWN, &[&companies, &fingerprints], row).await?;
    let mut found = by_other_ways(&client, prints.iter()).await?;
    found.extend(read(told)?);
    Ok(prints
        .iter()
        .map(|print| found.get(print).copied())
        .collect())
}

/// What is told of and by which event, with the time.
pub(crate) type News = BTreeMap<Print, ([u8; 16], i64)>;

/// The event that stands for each: its own where nothing told of it before. What is new is remembered.
pub(crate) async fn meet(work: &Work, news: &News) -> Result<HashMap<Print, [u8; 16]>, Failure> {
    if news.is_empty() {
        return Ok(HashMap::new());
    }
    // In the order of their keys, so that nodes wait for each other but never in a circle.
    let (companies, fingerprints) = columns(news.keys());
    let events: Vec<&[u8]> = news.values().map(|(event, _)| &event[..]).collect();
    let times: Vec<i64> = news.values().map(|(_, at)| *at).collect();
    let rows = all(
        work,
        MEET,
        &[&companies, &fingerprints, &events, &times, &TOUCH_MICROS],
        row,
    )
    .await?;
    let mut standing: HashMap<Print, [u8; 16]> = read(rows)?.collect();
    let (companies, fingerprints) =
        columns(news.keys().filter(|print| !standing.contains_key(*print)));
    if !fingerprints.is_empty() {
        let known = all(work, KNOWN, &[&companies, &fingerprints], row).await?;
        standing.extend(read(known)?);
    }
    let new = news
        .iter()
        .filter(|(print, (event, _))| standing.get(print) == Some(event));
    let earlier = by_other_ways(work, new.map(|(print, _)| print)).await?;
    if !earlier.is_empty() {
        let (companies, fingerprints) = columns(earlier.keys());
        let events: Vec<&[u8]> = earlier.values().map(|event| &event[..]).collect();
        run(work, SET, &[&companies, &fingerprints, &events]).await?;
        standing.extend(earlier);
    }
    Ok(standing)
}

/// The first event of each, among those that no import raised.
async fn by_other_ways(
    client: &Client,
    prints: impl Iterator<Item = &Print>,
) -> Result<HashMap<Print, [u8; 16]>, Failure> {
    let (companies, fingerprints) = columns(prints);
    if fingerprints.is_empty() {
        return Ok(HashMap::new());
    }
    let waiting = one(client, WAITING, &[], |row| row.try_get::<_, Option<i64>>(0)).await?;
    bounded(waiting.flatten())?;
    let rows = all(client, BY_OTHER_WAYS, &[&companies, &fingerprints], row).await?;
    Ok(read(rows)?.collect())
}

fn columns<'a>(prints: impl Iterator<Item = &'a Print>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    prints
        .map(|(company, print)| (&company[..], &print[..]))
        .unzip()
}

type Row = (Vec<u8>, Vec<u8>, Vec<u8>);

fn row(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
}

fn read(rows: Vec<Row>) -> Result<impl Iterator<Item = (Print, [u8; 16])>, StoreError> {
    let read = |(company, print, event): Row| -> Result<_, StoreError> {
        let part = |bytes: &[u8]| fixed("known", &event, bytes);
        Ok(((part(&company)?, part(&print)?), part(&event)?))
    };
    let rows: Vec<_> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(rows.into_iter())
}
