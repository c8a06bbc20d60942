//! Settling on PostgreSQL: what became of the batches of several owners, in one statement and so in one round trip.

use std::collections::HashSet;

use delivery::Gate;

use super::super::row::{PreparedSettlement, StateRow, held};
use super::super::{PreparedAttempt, Settling};
use crate::StoreError;
use crate::codec::to_json;
use crate::postgres::{Failure, Postgres, all, retried, sound};

/// Leases are locked first and in order, and what is written asks which of them were held: a stale one writes nothing,
/// and nobody can take one before the statement has ended.
/// The status is asked for in a way that no index answers: else the planner may take the small index of what is pending, and
/// walk all of it for each row.
/// What was given up while an attempt was in flight stays dead, unless that attempt brought it there.
/// Attempts are numbered on from the last one; the lease's lock keeps others from taking the same number.
const SETTLE: &str = "WITH mine AS MATERIALIZED (SELECT o.integration FROM owner o \
     JOIN unnest($1::bytea[], $2::bigint[]) AS lease (integration, number) USING (integration, number) \
     WHERE o.node IS NOT NULL ORDER BY o.integration FOR UPDATE OF o), \
     states AS (UPDATE delivery d SET lane = CASE WHEN d.critical THEN 0 WHEN new.attempts > 0 THEN 2 ELSE 1 END, \
     status = CASE WHEN d.status = 'pending' OR new.status = 'delivered' THEN new.status ELSE d.status END, \
     reason = CASE WHEN d.status = 'pending' OR new.status = 'delivered' THEN new.reason ELSE d.reason END, \
     attempts = new.attempts, due_at = new.due_at, not_before = new.not_before, \
     parked_since = new.parked_since, cause = new.cause, \
     group_key = CASE WHEN new.status = 'pending' THEN d.group_key END \
     FROM unnest($3::bytea[], $4::bytea[], $5::text[], $6::integer[], $7::bigint[], $8::bigint[], $9::bigint[], \
     $10::text[], $11::text[]) \
     AS new (integration, id, status, attempts, due_at, not_before, parked_since, reason, cause) \
     WHERE d.id = new.id AND d.integration = new.integration \
     AND (d.status || '' = 'pending' OR d.status || '' = 'dead' AND d.reason IN ('cancelled', 'held_too_long')) \
     AND new.integration IN (SELECT integration FROM mine)), \
     evidence AS (INSERT INTO attempt (delivery, number, id, started_at, duration, outcome, cause, detail, \
     status_code, address, timings, request_headers, response_headers, response_body) \
     SELECT delivery, (SELECT coalesce(max(a.number), 0) FROM attempt a WHERE a.delivery = new.delivery) \
     + row_number() OVER (PARTITION BY delivery ORDER BY place), id, started_at, duration, outcome, cause, detail, \
     status_code, address, timings, request_headers, response_headers, response_body \
     FROM unnest($12::bytea[], $13::bytea[], $14::bytea[], $15::bigint[], $16::bigint[], $17::text[], $18::text[], \
     $19::text[], $20::smallint[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[]) WITH ORDINALITY \
     AS new (integration, delivery, id, started_at, duration, outcome, cause, detail, status_code, address, timings, \
     request_headers, response_headers, response_body, place) \
     WHERE new.integration IN (SELECT integration FROM mine)), \
     gates AS (UPDATE owner o SET gate = new.gate, held = new.held \
     FROM unnest($26::bytea[], $27::text[], $28::boolean[], $29::boolean[]) AS new (integration, gate, held, heard) \
     WHERE o.integration = new.integration AND (new.heard OR o.gate NOT LIKE '{\"opened\"%') \
     AND new.integration IN (SELECT integration FROM mine)) \
     SELECT integration FROM mine";

pub(in super::super) async fn settle_all(
    db: &Postgres,
    batches: &[Settling],
) -> Result<Vec<bool>, StoreError> {
    let written: HashSet<Vec<u8>> = retried!(write(db, batches))?;
    Ok(batches
        .iter()
        .map(|settling| written.contains(&settling.lease.integration.to_bytes()[..]))
        .collect())
}

/// The integrations whose leases were held.
async fn write(db: &Postgres, batches: &[Settling]) -> Result<HashSet<Vec<u8>>, Failure> {
    let owners: Vec<[u8; 16]> = batches
        .iter()
        .map(|settling| settling.lease.integration.to_bytes())
        .collect();
    let leased: Vec<&[u8]> = owners.iter().map(|id| &id[..]).collect();
    let numbers: Vec<i64> = batches
        .iter()
        .map(|settling| settling.lease.number)
        .collect();
    let states = States::of(&leased, batches);
    let attempts = Attempts::of(&leased, batches);
    let gates = Gates::of(&leased, batches);
    let client = db.client().await?;
    let written = all(
        &client,
        SETTLE,
        &[
            &leased,
            &numbers,
            &states.integrations,
            &states.ids,
            &states.statuses,
            &states.attempts,
            &states.due,
            &states.not_before,
            &states.parked_since,
            &states.reasons,
            &states.causes,
            &attempts.integrations,
            &attempts.deliveries,
            &attempts.ids,
            &attempts.started,
            &attempts.durations,
            &attempts.outcomes,
            &attempts.causes,
            &attempts.details,
            &attempts.codes,
            &attempts.addresses,
            &attempts.timings,
            &attempts.requests,
            &attempts.responses,
            &attempts.bodies,
            &gates.integrations,
            &gates.gates,
            &gates.held,
            &gates.heard,
        ],
        |row| row.try_get::<_, Vec<u8>>(0),
    )
    .await?;
    Ok(written.into_iter().collect())
}

/// What the deliveries are now, column by column.
struct States<'a> {
    integrations: Vec<&'a [u8]>,
    ids: Vec<&'a [u8]>,
    statuses: Vec<&'a str>,
    attempts: Vec<i32>,
    due: Vec<i64>,
    not_before: Vec<Option<i64>>,
    parked_since: Vec<Option<i64>>,
    reasons: Vec<Option<&'a str>>,
    causes: Vec<Option<std::borrow::Cow<'a, str>>>,
}

impl<'a> States<'a> {
    fn of(leased: &[&'a [u8]], batches: &'a [Settling]) -> Self {
        let rows: Vec<(&'a [u8], &'a PreparedSettlement)> = leased
            .iter()
            .zip(batches)
            .flat_map(|(integration, settling)| {
                settling.batch.iter().map(move |row| (*integration, row))
            })
            .collect();
        fn each<'a, T>(
            rows: &[(&'a [u8], &'a PreparedSettlement)],
            read: impl Fn(&'a StateRow) -> T,
        ) -> Vec<T> {
            rows.iter().map(|(_, row)| read(&row.state)).collect()
        }
        Self {
            integrations: rows.iter().map(|(integration, _)| *integration).collect(),
            ids: rows.iter().map(|(_, row)| &row.delivery[..]).collect(),
            statuses: each(&rows, |state| state.status.as_str()),
            attempts: each(&rows, |state| state.attempts),
            due: each(&rows, |state| state.due_at),
            not_before: each(&rows, |state| state.not_before),
            parked_since: each(&rows, |state| state.parked_since),
            reasons: each(&rows, |state| state.reason.as_deref()),
            causes: rows
                .iter()
                .map(|(_, row)| row.cause.as_deref().map(sound))
                .collect(),
        }
    }
}

/// The evidence of attempts, column by column.
struct Attempts<'a> {
    integrations: Vec<&'a [u8]>,
    deliveries: Vec<&'a [u8]>,
    ids: Vec<&'a [u8]>,
    started: Vec<i64>,
    durations: Vec<i64>,
    outcomes: Vec<std::borrow::Cow<'a, str>>,
    causes: Vec<Option<std::borrow::Cow<'a, str>>>,
    details: Vec<Option<std::borrow::Cow<'a, str>>>,
    codes: Vec<Option<i16>>,
    addresses: Vec<Option<std::borrow::Cow<'a, str>>>,
    timings: Vec<&'a str>,
    requests: Vec<&'a str>,
    responses: Vec<&'a str>,
    bodies: Vec<std::borrow::Cow<'a, str>>,
}

impl<'a> Attempts<'a> {
    fn of(leased: &[&'a [u8]], batches: &'a [Settling]) -> Self {
        let rows: Vec<(&'a [u8], &'a [u8], &'a PreparedAttempt)> = leased
            .iter()
            .zip(batches)
            .flat_map(|(integration, settling)| {
                settling.batch.iter().filter_map(move |row| {
                    Some((*integration, &row.delivery[..], row.attempt.as_ref()?))
                })
            })
            .collect();
        fn each<'a, T>(
            rows: &[(&'a [u8], &'a [u8], &'a PreparedAttempt)],
            read: impl Fn(&'a PreparedAttempt) -> T,
        ) -> Vec<T> {
            rows.iter().map(|(.., attempt)| read(attempt)).collect()
        }
        Self {
            integrations: rows.iter().map(|(integration, ..)| *integration).collect(),
            deliveries: rows.iter().map(|(_, delivery, _)| *delivery).collect(),
            ids: each(&rows, |attempt| &attempt.id[..]),
            started: each(&rows, |attempt| attempt.started_at),
            durations: each(&rows, |attempt| attempt.duration),
            outcomes: each(&rows, |attempt| sound(&attempt.outcome)),
            causes: each(&rows, |attempt| attempt.cause.as_deref().map(sound)),
            details: each(&rows, |attempt| attempt.detail.as_deref().map(sound)),
            codes: each(&rows, |attempt| attempt.status_code),
            addresses: each(&rows, |attempt| attempt.address.as_deref().map(sound)),
            timings: each(&rows, |attempt| attempt.timings.as_str()),
            requests: each(&rows, |attempt| attempt.request_headers.as_str()),
            responses: each(&rows, |attempt| attempt.response_headers.as_str()),
            bodies: each(&rows, |attempt| sound(&attempt.response_body)),
        }
    }
}

/// The gates that have moved, column by column.
struct Gates<'a> {
    integrations: Vec<&'a [u8]>,
    gates: Vec<String>,
    held: Vec<bool>,
    heard: Vec<bool>,
}

impl<'a> Gates<'a> {
    fn of(leased: &[&'a [u8]], batches: &'a [Settling]) -> Self {
        let rows: Vec<(&'a [u8], &Gate, bool)> = leased
            .iter()
            .zip(batches)
            .filter_map(|(integration, settling)| {
                Some((*integration, settling.gate.as_ref()?, settling.heard))
            })
            .collect();
        Self {
            integrations: rows.iter().map(|(integration, ..)| *integration).collect(),
            gates: rows.iter().map(|(_, gate, _)| to_json(gate)).collect(),
            held: rows.iter().map(|(_, gate, _)| held(gate)).collect(),
            heard: rows.iter().map(|(.., heard)| *heard).collect(),
        }
    }
}
