//! Events that come as fields, by the API: each is rendered, matched and stored like one that came as prose.

use std::time::Duration;

use bytes::Bytes;
use delivery::Planner;
use domain::catalogue::{Record, RenderError, Rendered, Value};
use domain::configuration::Configuration;
use domain::event::{Event, Reading, Reason, Routing};
use domain::message::{Decode, Message};
use domain::{CompanyId, EventId, MessageId, Severity, Timestamp};
use http::HeaderMap;
use rand::Rng;
use sha2::{Digest as _, Sha256};
use store::{Acceptance, Idempotency, Receipt, StoreError};

use crate::Receiver;
use crate::limits::MATCH_ROUNDS;
use crate::planning::accepted;
use crate::read::{fingerprint, occurred_at};
use crate::webhook::masked;

/// An event to be raised.
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    pub kind: String,
    pub company: CompanyId,
    pub records: Vec<Record>,
    pub severity: Option<Severity>,
    pub occurred_at: Option<Timestamp>,
}

/// What was stored, in the order of the raises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    pub message: MessageId,
    pub events: Vec<EventId>,
    /// The same request had been stored before, under the same idempotency key.
    pub repeated: bool,
}

/// Why nothing of a request was stored.
#[derive(Debug, thiserror::Error)]
pub enum RaiseError {
    #[error("event {index}: {error}")]
    Bad { index: usize, error: RenderError },
    #[error("events of a company come faster than its quota; send them again later")]
    OverQuota { wait: Duration },
    #[error("this idempotency key was used for another body; take a new key")]
    KeyReused,
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

impl Receiver {
    /// Stores all of the raises in one transaction, or nothing.
    pub async fn raise(
        &self,
        raw: Bytes,
        headers: &HeaderMap,
        raises: Vec<Raise>,
        idempotency: Option<Idempotency>,
    ) -> Result<Raised, RaiseError> {
        let inner = &self.inner;
        let mut rng = inner.dice.fork();
        let (now, stamp) = (inner.clock.now(), inner.clock.stamp());
        let message = Message {
            id: MessageId::new(stamp, &mut rng),
            source: None,
            received_at: stamp,
            headers: masked(headers, None),
            sha256: Sha256::digest(&raw).into(),
            raw: Vec::from(raw),
            webhook_id: None,
            decode: Decode::Ok,
            id_reused: false,
        };
        for round in 0..MATCH_ROUNDS {
            let configuration = inner.store.configuration().await?;
            let rendered = render_all(&raises, &configuration)?;
            if round == 0 {
                let companies = raises.iter().map(|raise| raise.company);
                let taken = inner.quotas.take(companies, &configuration, now);
                taken.map_err(|wait| RaiseError::OverQuota { wait })?;
            }
            let planner = Planner {
                configuration: &configuration,
                now,
                stamp,
            };
            let events = raises
                .iter()
                .zip(&rendered)
                .map(|(raise, rendered)| {
                    let event = event(raise, rendered, &message, &configuration, &mut rng);
                    let fields = rendered.fields_header.as_deref();
                    accepted(&planner, event, fields, None, &mut rng)
                })
                .collect();
            let acceptance = Acceptance {
                message: message.clone(),
                events,
                idempotency: idempotency.clone(),
                epoch: configuration.epoch,
            };
            match inner.store.accept(acceptance).await? {
                Receipt::Stored { message, events } => {
                    return Ok(Raised {
                        message,
                        events,
                        repeated: false,
                    });
                }
                Receipt::Duplicate {
                    message, events, ..
                } => {
                    return Ok(Raised {
                        message,
                        events,
                        repeated: true,
                    });
                }
                Receipt::KeyReused => return Err(RaiseError::KeyReused),
                Receipt::Moved { .. } => {}
            }
        }
        Err(RaiseError::Unavailable(StoreError::Overloaded))
    }
}

fn render_all(
    raises: &[Raise],
    configuration: &Configuration,
) -> Result<Vec<Rendered>, RaiseError> {
    let render = |(index, raise): (usize, &Raise)| {
        render(raise, configuration).map_err(|error| RaiseError::Bad { index, error })
    };
    raises.iter().enumerate().map(render).collect()
}

/// Renders; where the wording cannot do without the company's name, the event's own company gives it.
fn render(raise: &Raise, configuration: &Configuration) -> Result<Rendered, RenderError> {
    let catalogue = configuration.catalogue();
    match catalogue.render(&raise.kind, &raise.records) {
        Err(RenderError::MissingField { field, code }) if field == "company" => {
            let Some(company) = configuration.company(raise.company) else {
                return Err(RenderError::MissingField { field, code });
            };
            let named = raise
                .records
                .iter()
                .map(|record| with_company(record, &company.name))
                .collect::<Vec<_>>();
            catalogue.render(&raise.kind, &named)
        }
        rendered => rendered,
    }
}

fn event(
    raise: &Raise,
    rendered: &Rendered,
    message: &Message,
    configuration: &Configuration,
    rng: &mut impl Rng,
) -> Event {
    let kind = configuration.catalogue().kind(&raise.kind);
    let reading = Reading::of_records(rendered.records.clone());
    let said = || {
        reading
            .certain_values("severity")
            .filter_map(|value| value.to_string().parse().ok())
            .max()
    };
    let severity = raise
        .severity
        .or_else(said)
        .or(kind.map(|kind| kind.severity))
        .unwrap_or(Severity::Info);
    let company = Some(raise.company);
    Event {
        id: EventId::new(message.received_at, rng),
        message: message.id,
        source: None,
        company,
        kind: kind.map(|kind| kind.code.clone()),
        category: kind.map(|kind| kind.category.clone()),
        subject: rendered.subject.clone(),
        body: rendered.body.clone(),
        severity,
        fingerprint: fingerprint(company, kind, &reading, &rendered.subject, &rendered.body),
        occurred_at: raise.occurred_at.or_else(|| occurred_at(&reading)),
        reading,
        received_at: message.received_at,
        count: 1,
        routing: Routing::Unrouted(Reason::UnassignedCompany),
        silence: None,
        epoch: configuration.epoch,
        via: Vec::new(),
    }
}

fn with_company(record: &Record, name: &str) -> Record {
    let mut record = record.clone();
    if record.get("company").is_none() {
        record.insert("company", Value::Text(name.to_owned()));
    }
    record
}
