//! The rows of a batch, in one multi-row statement for each table, all sent at once and ended by the commit.

use futures_util::future::{BoxFuture, FutureExt as _, try_join_all};
use tokio_postgres::types::ToSql;

use super::Batch;
use super::events::{Plan, PlannedDelivery, PlannedEvent};
use crate::codec::join_ids;
use crate::delivery::lane;
use crate::postgres::{CHANNEL, Failure, News, SEND_NEWS, Work, sound};

const MESSAGES: &str = "INSERT INTO message \
     (id, source, received_at, headers, sha256, webhook_id, webhook_key, decode, id_reused, events, raw) \
     SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bytea[], $6::text[], $7::bytea[], \
     $8::text[], $9::boolean[], $10::bytea[], $11::bytea[])";
const EVENTS: &str = "INSERT INTO event (id, message, source, company, kind, category, severity, decode, matched, \
     routing, fingerprint, occurred_at, received_at, count, epoch, subject, body, reading, via, deliveries, \
     silence) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::smallint[], \
     $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bigint[], $13::bigint[], $14::integer[], $15::bigint[], \
     $16::text[], $17::text[], $18::text[], $19::text[], $20::bytea[], $21::bytea[])";
const CLOSE_GROUPS: &str = "UPDATE delivery SET group_key = NULL WHERE id = ANY($1::bytea[])";
const GROW_GROUPS: &str = "UPDATE delivery d SET records = new.records, bytes = new.bytes \
     FROM unnest($1::bytea[], $2::integer[], $3::integer[]) AS new (id, records, bytes) WHERE d.id = new.id";
const DELIVERIES: &str = "INSERT INTO delivery (id, integration, lane, status, attempts, due_at, critical, rule, \
     company, event, created_at, group_key, records, bytes, hash, headers, body) \
     SELECT id, integration, lane, 'pending', 0, due_at, critical, rule, company, event, created_at, group_key, \
     records, bytes, hash, headers, body \
     FROM unnest($1::bytea[], $2::bytea[], $3::smallint[], $4::bigint[], $5::boolean[], $6::bytea[], $7::bytea[], \
     $8::bytea[], $9::bigint[], $10::text[], $11::integer[], $12::integer[], $13::bytea[], $14::text[], $15::bytea[]) \
     AS new (id, integration, lane, due_at, critical, rule, company, event, created_at, group_key, records, bytes, \
     hash, headers, body)";
const JOIN_EVENTS: &str =
    "INSERT INTO delivery_event SELECT * FROM unnest($1::bytea[], $2::bytea[])";
const COUNT_AGAIN: &str = "UPDATE event e SET count = count + new.more, last_seen_at = new.seen_at, last_message = new.message \
     FROM unnest($1::bytea[], $2::integer[], $3::bigint[], $4::bytea[]) AS new (id, more, seen_at, message) \
     WHERE e.id = new.id";
const REOPEN: &str = "UPDATE event e SET reopened = new.earlier \
     FROM unnest($1::bytea[], $2::bytea[]) AS new (id, earlier) WHERE e.id = new.id";
const RENEW_FINGERPRINTS: &str = "UPDATE fingerprint f SET event = new.event, seen_at = new.seen_at \
     FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) AS new (source, fingerprint, event, seen_at) \
     WHERE f.source = new.source AND f.fingerprint = new.fingerprint";

/// A bound value that the statement it is for outlives.
type Bound<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// A statement with its values.
type Step<'a> = (&'static str, Vec<Bound<'a>>);

/// Writes everything and commits. Nothing is awaited in between, so this is one round trip.
pub(super) async fn write(
    work: &Work,
    batch: &Batch<'_>,
    plan: &Plan<'_>,
    news: Option<News>,
) -> Result<(), Failure> {
    let mut steps = steps(batch, plan);
    steps.extend(
        news.map(|news| -> Step<'_> {
            (SEND_NEWS, vec![Box::new(CHANNEL), Box::new(news.write())])
        }),
    );
    let mut statements = Vec::with_capacity(steps.len());
    for (sql, _) in &steps {
        statements.push(work.prepare_cached(sql).await?);
    }
    let values: Vec<Vec<&(dyn ToSql + Sync)>> = steps
        .iter()
        .map(|(_, values)| {
            values
                .iter()
                .map(|value| &**value as &(dyn ToSql + Sync))
                .collect()
        })
        .collect();
    let mut sent: Vec<BoxFuture<'_, Result<(), tokio_postgres::Error>>> =
        Vec::with_capacity(steps.len() + 1);
    for (statement, values) in statements.iter().zip(&values) {
        sent.push(
            work.execute(statement, values)
                .map(|outcome| outcome.map(drop))
                .boxed(),
        );
    }
    sent.push(work.batch_execute("COMMIT").boxed());
    // Each is sent when it is first polled, which happens in this order; the commit of a transaction that failed
    // before it is a rollback.
    try_join_all(sent).await?;
    Ok(())
}

/// In an order in which no unique key is taken twice: groups close before others open under their keys.
fn steps<'a>(batch: &'a Batch<'a>, plan: &'a Plan<'a>) -> Vec<Step<'a>> {
    let mut steps = vec![];
    let mut add = |sql, values: Vec<Bound<'a>>, some: bool| {
        if some {
            steps.push((sql, values));
        }
    };
    let messages = messages(batch, plan);
    add(MESSAGES, messages.1, messages.0);
    add(EVENTS, events(&plan.events), !plan.events.is_empty());
    let closed: Vec<&[u8]> = plan.closed.iter().map(|id| &id[..]).collect();
    add(
        CLOSE_GROUPS,
        vec![Box::new(closed)],
        !plan.closed.is_empty(),
    );
    add(GROW_GROUPS, grown(plan), !plan.grown.is_empty());
    add(
        DELIVERIES,
        deliveries(&plan.deliveries),
        !plan.deliveries.is_empty(),
    );
    add(JOIN_EVENTS, joined(plan), !plan.joined.is_empty());
    add(COUNT_AGAIN, counted(plan), !plan.counted.is_empty());
    add(REOPEN, reopened(plan), !plan.reopened.is_empty());
    add(RENEW_FINGERPRINTS, renewed(plan), !plan.renewed.is_empty());
    steps
}

fn column<'a, S, T>(rows: &'a [S], read: impl Fn(&'a S) -> T) -> Bound<'a>
where
    T: ToSql + Sync + Send + 'a,
{
    Box::new(rows.iter().map(read).collect::<Vec<T>>())
}

fn optional(bytes: Option<&[u8; 16]>) -> Option<&[u8]> {
    bytes.map(|bytes| &bytes[..])
}

fn messages<'a>(batch: &'a Batch<'a>, plan: &'a Plan<'a>) -> (bool, Vec<Bound<'a>>) {
    let rows: Vec<_> = batch
        .new_ones()
        .map(|(place, job)| (place, &job.message))
        .collect();
    let each = |read: &dyn Fn(usize) -> Vec<u8>| {
        rows.iter()
            .map(|(place, _)| read(*place))
            .collect::<Vec<_>>()
    };
    let events = each(&|place| join_ids(plan.ids_of(place).iter().copied()));
    let reused: Vec<bool> = rows
        .iter()
        .map(|(place, message)| batch.id_reused[*place] || message.id_reused)
        .collect();
    let messages: Vec<&'a super::super::PreparedMessage> =
        rows.iter().map(|(_, message)| *message).collect();
    let values: Vec<Bound<'a>> = vec![
        Box::new(
            messages
                .iter()
                .map(|message| &message.id[..])
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| optional(message.source.as_ref()))
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| message.received_at)
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| message.headers.as_str())
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| &message.sha256[..])
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| message.webhook_id.as_deref().map(sound))
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| optional(message.webhook_key.as_ref()))
                .collect::<Vec<_>>(),
        ),
        Box::new(
            messages
                .iter()
                .map(|message| message.decode)
                .collect::<Vec<_>>(),
        ),
        Box::new(reused),
        Box::new(events),
        Box::new(
            messages
                .iter()
                .map(|message| message.raw.as_slice())
                .collect::<Vec<_>>(),
        ),
    ];
    (!rows.is_empty(), values)
}

fn events<'a>(rows: &'a [PlannedEvent<'a>]) -> Vec<Bound<'a>> {
    vec![
        column(rows, |row| &row.event.id[..]),
        column(rows, |row| &row.message[..]),
        column(rows, |row| optional(row.event.source.as_ref())),
        column(rows, |row| optional(row.event.company.as_ref())),
        column(rows, |row| row.event.kind.as_deref().map(sound)),
        column(rows, |row| row.event.category.as_deref().map(sound)),
        column(rows, |row| row.event.severity),
        column(rows, |row| row.event.decode),
        column(rows, |row| row.event.matched),
        column(rows, |row| row.event.routing),
        column(rows, |row| &row.event.fingerprint[..]),
        column(rows, |row| row.event.occurred_at),
        column(rows, |row| row.event.received_at),
        column(rows, |row| row.event.count),
        column(rows, |row| row.event.epoch),
        column(rows, |row| sound(&row.event.subject)),
        column(rows, |row| sound(&row.event.body)),
        column(rows, |row| row.event.reading.as_str()),
        column(rows, |row| row.event.via.as_deref()),
        column(rows, |row| row.deliveries.as_slice()),
        column(rows, |row| optional(row.event.silence.as_ref())),
    ]
}

fn deliveries<'a>(rows: &'a [PlannedDelivery<'a>]) -> Vec<Bound<'a>> {
    // In the order of the unique key of open groups, so that nodes that open the same ones wait in one order.
    let mut sorted: Vec<&'a PlannedDelivery<'a>> = rows.iter().collect();
    sorted.sort_by_key(|row| row.group_key);
    let each = Sorted(sorted);
    vec![
        each.column(|row| &row.delivery.id[..]),
        each.column(|row| &row.delivery.integration[..]),
        each.column(|row| lane(row.delivery.critical, 0)),
        each.column(|row| row.delivery.due_at),
        each.column(|row| row.delivery.critical),
        each.column(|row| &row.delivery.rule[..]),
        each.column(|row| &row.delivery.company[..]),
        each.column(|row| &row.event[..]),
        each.column(|row| row.created_at),
        each.column(|row| row.group_key.map(sound)),
        each.column(|row| row.records),
        each.column(|row| row.bytes),
        each.column(|row| row.delivery.alert.as_ref().map(|alert| &alert.hash[..])),
        each.column(|row| {
            row.delivery
                .alert
                .as_ref()
                .map(|alert| alert.headers.as_str())
        }),
        each.column(|row| {
            row.delivery
                .alert
                .as_ref()
                .map(|alert| alert.body.as_slice())
        }),
    ]
}

struct Sorted<'a>(Vec<&'a PlannedDelivery<'a>>);

impl<'a> Sorted<'a> {
    fn column<T: ToSql + Sync + Send + 'a>(
        &self,
        read: impl Fn(&'a PlannedDelivery<'a>) -> T,
    ) -> Bound<'a> {
        Box::new(self.0.iter().map(|row| read(row)).collect::<Vec<T>>())
    }
}

fn grown<'a>(plan: &'a Plan<'a>) -> Vec<Bound<'a>> {
    vec![
        Box::new(plan.grown.keys().map(|id| &id[..]).collect::<Vec<_>>()),
        Box::new(
            plan.grown
                .values()
                .map(|(records, _)| *records)
                .collect::<Vec<_>>(),
        ),
        Box::new(
            plan.grown
                .values()
                .map(|(_, bytes)| *bytes)
                .collect::<Vec<_>>(),
        ),
    ]
}

fn joined<'a>(plan: &'a Plan<'a>) -> Vec<Bound<'a>> {
    vec![
        column(&plan.joined, |(delivery, _)| &delivery[..]),
        column(&plan.joined, |(_, event)| &event[..]),
    ]
}

fn counted<'a>(plan: &'a Plan<'a>) -> Vec<Bound<'a>> {
    vec![
        Box::new(plan.counted.keys().map(|id| &id[..]).collect::<Vec<_>>()),
        Box::new(
            plan.counted
                .values()
                .map(|counted| counted.more)
                .collect::<Vec<_>>(),
        ),
        Box::new(
            plan.counted
                .values()
                .map(|counted| counted.seen_at)
                .collect::<Vec<_>>(),
        ),
        Box::new(
            plan.counted
                .values()
                .map(|counted| &counted.message[..])
                .collect::<Vec<_>>(),
        ),
    ]
}

fn reopened<'a>(plan: &'a Plan<'a>) -> Vec<Bound<'a>> {
    vec![
        Box::new(plan.reopened.keys().map(|id| &id[..]).collect::<Vec<_>>()),
        Box::new(plan.reopened.values().map(|id| &id[..]).collect::<Vec<_>>()),
    ]
}

fn renewed<'a>(plan: &'a Plan<'a>) -> Vec<Bound<'a>> {
    vec![
        Box::new(
            plan.renewed
                .keys()
                .map(|(source, _)| &source[..])
                .collect::<Vec<_>>(),
        ),
        Box::new(
            plan.renewed
                .keys()
                .map(|(_, print)| &print[..])
                .collect::<Vec<_>>(),
        ),
        Box::new(
            plan.renewed
                .values()
                .map(|(event, _)| &event[..])
                .collect::<Vec<_>>(),
        ),
        Box::new(
            plan.renewed
                .values()
                .map(|(_, seen_at)| *seen_at)
                .collect::<Vec<_>>(),
        ),
    ]
}
