//! Who was here before: idempotency keys and `webhook-id`s. A twin in another transaction is waited for.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use domain::{EventId, MessageId};

use super::super::{Prepared, Receipt};
use super::{Batch, State};
use crate::codec::{fixed, split_ids};
use crate::postgres::{Failure, Work, all, run, sound};

/// Waits for whoever is inserting the same key, then does nothing when that one has committed.
const INSERT_IDEMPOTENCY: &str = "INSERT INTO idempotency \
     SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[]) \
     ON CONFLICT DO NOTHING RETURNING scope, key";
const IDEMPOTENCY: &str = "SELECT i.scope, i.key, i.body_hash, i.message FROM idempotency i \
     JOIN unnest($1::text[], $2::text[]) AS asked (scope, key) USING (scope, key)";
const SET_IDEMPOTENCY: &str = "UPDATE idempotency i SET message = new.message, body_hash = new.body_hash \
     FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) AS new (scope, key, body_hash, message) \
     WHERE i.scope = new.scope AND i.key = new.key";
const INSERT_WEBHOOK_IDS: &str = "INSERT INTO webhook_id SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) \
     ON CONFLICT DO NOTHING RETURNING key, sha256";
const WEBHOOK_IDS: &str =
    "SELECT key, sha256, message FROM webhook_id WHERE key = ANY($1::bytea[])";
const SET_WEBHOOK_IDS: &str = "UPDATE webhook_id w SET message = new.message \
     FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS new (key, sha256, message) \
     WHERE w.key = new.key AND w.sha256 = new.sha256";
const STORED: &str = "SELECT id, sha256, events FROM message WHERE id = ANY($1::bytea[])";

/// The answers of messages that are stored already.
struct Stored(HashMap<[u8; 16], Receipt>);

impl Stored {
    async fn read(work: &Work, ids: impl IntoIterator<Item = [u8; 16]>) -> Result<Self, Failure> {
        let ids: Vec<Vec<u8>> = ids.into_iter().map(Vec::from).collect();
        if ids.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let rows = all(work, STORED, &[&ids], |row| {
            Ok((
                row.try_get::<_, Vec<u8>>(0)?,
                row.try_get::<_, Vec<u8>>(1)?,
                row.try_get::<_, Vec<u8>>(2)?,
            ))
        })
        .await?;
        let mut stored = HashMap::with_capacity(rows.len());
        for (id, sha256, events) in rows {
            let message = fixed("message", &id, &id)?;
            let events = split_ids("message", &id, &events)?
                .into_iter()
                .map(EventId::from_bytes)
                .collect();
            let sha256 = fixed("message", &id, &sha256)?;
            stored.insert(
                message,
                Receipt::Duplicate {
                    message: MessageId::from_bytes(message),
                    sha256,
                    events,
                },
            );
        }
        Ok(Self(stored))
    }

    /// None when retention has taken the message before its key.
    fn answer(&self, message: &[u8; 16]) -> Option<Receipt> {
        self.0.get(message).cloned()
    }
}

type Scoped<'a> = (&'a str, &'a str);

fn scoped(prepared: &Prepared) -> Option<Scoped<'_>> {
    prepared
        .idempotency
        .as_ref()
        .map(|idempotency| (idempotency.scope.as_str(), idempotency.key.as_str()))
}

/// Answers what an idempotency key has answered before, and what was matched under another epoch.
pub(super) async fn idempotency(
    work: &Work,
    batch: &mut Batch<'_>,
    epoch: i64,
) -> Result<(), Failure> {
    let asked: BTreeMap<Scoped<'_>, ()> = batch
        .jobs
        .iter()
        .filter_map(|job| scoped(job))
        .map(|key| (key, ()))
        .collect();
    let found = if asked.is_empty() {
        HashMap::new()
    } else {
        insert_and_read(work, batch, epoch, &asked).await?
    };
    let stored = Stored::read(work, found.values().map(|(_, message)| *message)).await?;
    let mut first: HashMap<Scoped<'_>, usize> = HashMap::new();
    for (place, job) in batch.jobs.iter().enumerate() {
        batch.states[place] = state_of(job, epoch, &found, &stored, &mut first, place, batch.jobs);
    }
    Ok(())
}

type Found = HashMap<(String, String), ([u8; 32], [u8; 16])>;

fn state_of<'a>(
    job: &'a Prepared,
    epoch: i64,
    found: &Found,
    stored: &Stored,
    first: &mut HashMap<Scoped<'a>, usize>,
    place: usize,
    jobs: &[&Prepared],
) -> State {
    let moved = || {
        State::Answered(Receipt::Moved {
            epoch: epoch.cast_unsigned(),
        })
    };
    let is_current = job.epoch == epoch;
    let Some(idempotency) = &job.idempotency else {
        return if is_current { State::New } else { moved() };
    };
    let key = (idempotency.scope.as_str(), idempotency.key.as_str());
    let earlier = found.get(&(sound(key.0).into_owned(), sound(key.1).into_owned()));
    if let Some((body_hash, message)) = earlier {
        if *body_hash != idempotency.body_hash {
            return State::Answered(Receipt::KeyReused);
        }
        if let Some(receipt) = stored.answer(message) {
            return State::Answered(receipt);
        }
    }
    if !is_current {
        return moved();
    }
    let twin = *first.entry(key).or_insert(place);
    let hash_of = |place: usize| {
        jobs[place]
            .idempotency
            .as_ref()
            .map(|idempotency| idempotency.body_hash)
    };
    match twin == place {
        true => State::New,
        false if hash_of(twin) == Some(idempotency.body_hash) => State::TwinOf(twin),
        false => State::Answered(Receipt::KeyReused),
    }
}

/// Inserts the keys of those that may be stored, in order; answers what was there before for all keys.
async fn insert_and_read(
    work: &Work,
    batch: &Batch<'_>,
    epoch: i64,
    asked: &BTreeMap<Scoped<'_>, ()>,
) -> Result<Found, Failure> {
    let mut first: BTreeMap<Scoped<'_>, &Prepared> = BTreeMap::new();
    for job in batch.jobs.iter().filter(|job| job.epoch == epoch) {
        if let Some(key) = scoped(job) {
            first.entry(key).or_insert(job);
        }
    }
    let inserted = insert(work, &first).await?;
    let (scopes, keys): (Vec<_>, Vec<_>) = asked
        .keys()
        .map(|(scope, key)| (sound(scope), sound(key)))
        .unzip();
    let rows = all(work, IDEMPOTENCY, &[&scopes, &keys], |row| {
        Ok((
            (row.try_get(0)?, row.try_get(1)?),
            row.try_get::<_, Vec<u8>>(2)?,
            row.try_get::<_, Vec<u8>>(3)?,
        ))
    })
    .await?;
    let mut found = HashMap::new();
    for (key, body_hash, message) in rows {
        if !inserted.contains(&key) {
            found.insert(
                key,
                (
                    fixed("idempotency", &message, &body_hash)?,
                    fixed("idempotency", &message, &message)?,
                ),
            );
        }
    }
    Ok(found)
}

async fn insert(
    work: &Work,
    first: &BTreeMap<Scoped<'_>, &Prepared>,
) -> Result<HashSet<(String, String)>, Failure> {
    if first.is_empty() {
        return Ok(HashSet::new());
    }
    let (scopes, keys): (Vec<_>, Vec<_>) = first
        .keys()
        .map(|(scope, key)| (sound(scope), sound(key)))
        .unzip();
    let hash = |job: &&&'_ Prepared| {
        job.idempotency
            .as_ref()
            .map(|idempotency| idempotency.body_hash.to_vec())
    };
    let hashes: Vec<_> = first.values().map(|job| hash(&job)).collect();
    let messages: Vec<&[u8]> = first.values().map(|job| &job.message.id[..]).collect();
    let times: Vec<i64> = first.values().map(|job| job.message.received_at).collect();
    let rows = all(
        work,
        INSERT_IDEMPOTENCY,
        &[&scopes, &keys, &hashes, &messages, &times],
        |row| Ok((row.try_get(0)?, row.try_get(1)?)),
    )
    .await?;
    Ok(rows.into_iter().collect())
}

type Seen = ([u8; 16], [u8; 32]);

/// Answers messages whose `webhook-id` and body were seen before, and marks those with another body.
pub(super) async fn webhook_ids(work: &Work, batch: &mut Batch<'_>) -> Result<(), Failure> {
    let mut first: BTreeMap<Seen, usize> = BTreeMap::new();
    let mut twins = Vec::new();
    for (place, job) in batch.new_ones() {
        let Some(key) = job.message.webhook_key else {
            continue;
        };
        match first.entry((key, job.message.sha256)) {
            Entry::Vacant(vacant) => {
                vacant.insert(place);
            }
            Entry::Occupied(occupied) => twins.push((place, *occupied.get())),
        }
    }
    if first.is_empty() {
        return Ok(());
    }
    for (place, twin) in twins {
        batch.states[place] = State::TwinOf(twin);
    }
    let (inserted, rows) = insert_and_read_webhook_ids(work, batch, &first).await?;
    let earlier: HashMap<Seen, [u8; 16]> = rows
        .iter()
        .filter(|(seen, _)| !inserted.contains(seen))
        .copied()
        .collect();
    let asked = first.keys().filter_map(|seen| earlier.get(seen).copied());
    let stored = Stored::read(work, asked).await?;
    let mut renewed = Vec::new();
    for (seen, place) in &first {
        match earlier.get(seen) {
            Some(message) => match stored.answer(message) {
                Some(receipt) => batch.states[*place] = State::Answered(receipt),
                None => renewed.push((*seen, *place)),
            },
            None => batch.id_reused[*place] = is_reused(seen, *place, &first, &earlier),
        }
    }
    renew(work, batch, &renewed).await
}

/// Another body under the same id: stored before, or standing earlier in the batch.
fn is_reused(
    seen: &Seen,
    place: usize,
    first: &BTreeMap<Seen, usize>,
    earlier: &HashMap<Seen, [u8; 16]>,
) -> bool {
    let same_id = first.range((seen.0, [0; 32])..=(seen.0, [u8::MAX; 32]));
    earlier.keys().any(|(key, _)| *key == seen.0)
        || same_id.into_iter().any(|(_, other)| *other < place)
}

type Rows = (HashSet<Seen>, Vec<(Seen, [u8; 16])>);

async fn insert_and_read_webhook_ids(
    work: &Work,
    batch: &Batch<'_>,
    first: &BTreeMap<Seen, usize>,
) -> Result<Rows, Failure> {
    let keys: Vec<&[u8]> = first.keys().map(|(key, _)| &key[..]).collect();
    let hashes: Vec<&[u8]> = first.keys().map(|(_, hash)| &hash[..]).collect();
    let messages: Vec<&[u8]> = first
        .values()
        .map(|place| &batch.jobs[*place].message.id[..])
        .collect();
    let (insert, select) = (
        work.prepare_cached(INSERT_WEBHOOK_IDS).await?,
        work.prepare_cached(WEBHOOK_IDS).await?,
    );
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&keys, &hashes, &messages];
    let asked: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&keys];
    let (inserted, found) =
        tokio::try_join!(biased; work.query(&insert, &parameters), work.query(&select, &asked))?;
    let seen = |row: &tokio_postgres::Row| -> Result<Seen, Failure> {
        let (key, hash): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        Ok((
            fixed("webhook_id", key, key)?,
            fixed("webhook_id", key, hash)?,
        ))
    };
    let inserted = inserted.iter().map(seen).collect::<Result<_, _>>()?;
    let found = found
        .iter()
        .map(|row| {
            let message: &[u8] = row.try_get(2)?;
            Ok((seen(row)?, fixed("webhook_id", message, message)?))
        })
        .collect::<Result<_, Failure>>()?;
    Ok((inserted, found))
}

/// Keys whose message retention has taken stand for the new message from now on.
async fn renew(work: &Work, batch: &Batch<'_>, renewed: &[(Seen, usize)]) -> Result<(), Failure> {
    if renewed.is_empty() {
        return Ok(());
    }
    let keys: Vec<&[u8]> = renewed.iter().map(|((key, _), _)| &key[..]).collect();
    let hashes: Vec<&[u8]> = renewed.iter().map(|((_, hash), _)| &hash[..]).collect();
    let messages: Vec<&[u8]> = renewed
        .iter()
        .map(|(_, place)| &batch.jobs[*place].message.id[..])
        .collect();
    run(work, SET_WEBHOOK_IDS, &[&keys, &hashes, &messages])
        .await
        .map(drop)
}

/// An idempotency key names the message that answers it: not its own when that turned out to be known by its
/// `webhook-id`, and its own again when retention has taken the one it named.
pub(super) async fn settle_idempotency(work: &Work, batch: &Batch<'_>) -> Result<(), Failure> {
    let mut rows = BTreeMap::new();
    for (place, job) in batch.jobs.iter().enumerate() {
        let Some(idempotency) = &job.idempotency else {
            continue;
        };
        let message = match &batch.states[place] {
            State::New => job.message.id,
            State::TwinOf(first) => answering(batch, *first),
            State::Answered(Receipt::Duplicate { message, .. }) => message.to_bytes(),
            State::Answered(_) => continue,
        };
        let key = (sound(&idempotency.scope), sound(&idempotency.key));
        rows.entry(key).or_insert((idempotency.body_hash, message));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let (scopes, keys): (Vec<_>, Vec<_>) = rows.keys().map(|(scope, key)| (scope, key)).unzip();
    let hashes: Vec<&[u8]> = rows.values().map(|(hash, _)| &hash[..]).collect();
    let messages: Vec<&[u8]> = rows.values().map(|(_, message)| &message[..]).collect();
    run(work, SET_IDEMPOTENCY, &[&scopes, &keys, &hashes, &messages])
        .await
        .map(drop)
}

/// The message that answers a twin's first one.
fn answering(batch: &Batch<'_>, first: usize) -> [u8; 16] {
    match &batch.states[first] {
        State::Answered(Receipt::Duplicate { message, .. }) => message.to_bytes(),
        _ => batch.jobs[first].message.id,
    }
}
