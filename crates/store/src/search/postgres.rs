//! The search index on PostgreSQL: words and fingerprints, both filled in the order of storing.

use std::collections::BTreeSet;

use super::Indexed;
use crate::StoreError;
use crate::postgres::{Failure, Postgres, Work, all, finished, one, retried, run};

/// Most different words of an event that can be searched for.
const WORDS: usize = 2_000;
/// A longer word cannot be stored in the index.
const WORD_BYTES: usize = 1_000;

const IS_WAITING: &str = "SELECT 1 FROM event WHERE seq > (SELECT seq FROM indexed) LIMIT 1";
/// Holds other nodes off until the end of the transaction.
const CURSOR: &str = "SELECT seq FROM indexed FOR UPDATE";
const NEXT: &str = "SELECT seq, subject, body, fingerprint FROM event WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
const ADD_TEXT: &str =
    "INSERT INTO event_text VALUES ($1, array_to_tsvector($2::text[])) ON CONFLICT DO NOTHING";
const ADD_FINGERPRINTS: &str = "INSERT INTO event_fingerprint SELECT * FROM unnest($1::bytea[], $2::bigint[]) \
     ON CONFLICT DO NOTHING";
const INDEXED: &str = "UPDATE indexed SET seq = $1";

/// Holds the filling of the index off until the end of the transaction; tells up to which event it goes.
const LOCK: &str = "SELECT seq FROM indexed FOR SHARE";
const TEXT: &str = "UPDATE event_text SET words = array_to_tsvector($2::text[]) WHERE seq = $1";
const UNFINGERPRINT: &str = "DELETE FROM event_fingerprint WHERE fingerprint = $1 AND seq = $2";
const FINGERPRINT: &str = "INSERT INTO event_fingerprint VALUES ($1, $2)";

pub(crate) async fn lock_index(work: &Work) -> Result<i64, Failure> {
    let indexed: Option<i64> = one(work, LOCK, &[], |row| row.try_get(0)).await?;
    Ok(indexed.unwrap_or(0))
}

/// Lets the index follow an event that says something else now, one that the index holds.
pub(crate) async fn reindex(work: &Work, before: &Indexed, after: &Indexed) -> Result<(), Failure> {
    let seq = &before.seq;
    if (&before.subject, &before.body) != (&after.subject, &after.body) {
        let words = all_words(&after.subject, &after.body);
        run(work, TEXT, &[seq, &words]).await?;
    }
    if before.fingerprint != after.fingerprint {
        run(work, UNFINGERPRINT, &[&before.fingerprint, seq]).await?;
        run(work, FINGERPRINT, &[&after.fingerprint, seq]).await?;
    }
    Ok(())
}

struct Waiting {
    seq: i64,
    words: Vec<String>,
    fingerprint: Vec<u8>,
}

pub(super) async fn index_search(db: &Postgres, limit: usize) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let finished = {
        let client = db.client().await?;
        // A glance keeps an idle store from writing.
        if one(&client, IS_WAITING, &[], |_| Ok(())).await?.is_none() {
            return Ok(0);
        }
        finished(&client).await?
    };
    retried!(index_once(db, finished, limit))
}

async fn index_once(db: &Postgres, finished: i64, limit: i64) -> Result<usize, Failure> {
    let work = db.begin().await?;
    let outcome = index(&work, finished, limit).await;
    work.end(outcome).await
}

async fn index(work: &Work, finished: i64, limit: i64) -> Result<usize, Failure> {
    let cursor: i64 = one(work, CURSOR, &[], |row| row.try_get(0))
        .await?
        .unwrap_or(0);
    let waiting = all(work, NEXT, &[&cursor, &finished, &limit], |row| {
        Ok(Waiting {
            seq: row.try_get(0)?,
            words: all_words(row.try_get(1)?, row.try_get(2)?),
            fingerprint: row.try_get(3)?,
        })
    })
    .await?;
    let Some(last) = waiting.last() else {
        return Ok(0);
    };
    let add = work.prepare_cached(ADD_TEXT).await?;
    for event in &waiting {
        work.execute(&add, &[&event.seq, &event.words]).await?;
    }
    let fingerprints: Vec<&[u8]> = waiting.iter().map(|event| &event.fingerprint[..]).collect();
    let numbers: Vec<i64> = waiting.iter().map(|event| event.seq).collect();
    run(work, ADD_FINGERPRINTS, &[&fingerprints, &numbers]).await?;
    run(work, INDEXED, &[&last.seq]).await?;
    Ok(waiting.len())
}

/// The words of an event, split as [`domain::filter::words`] splits a search.
fn all_words(subject: &str, body: &str) -> Vec<String> {
    let mut words = BTreeSet::new();
    for word in [subject, body]
        .into_iter()
        .flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()))
    {
        if words.len() >= WORDS {
            break;
        }
        if !word.is_empty() && word.len() <= WORD_BYTES {
            words.insert(word.to_lowercase());
        }
    }
    words.into_iter().collect()
}
