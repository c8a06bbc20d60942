//! Events that come as fields, by the API: each is rendered, matched and stored like one that came as prose.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use delivery::Planner;
use domain::access::Scope;
use domain::catalogue::{Record, RenderError, Rendered, Value};
use domain::configuration::Configuration;
use domain::event::{Event, Fingerprint, Reading, Reason, Repeats, Routing};
use domain::message::{Decode, Message};
use domain::reader::{fingerprint, occurred_at};
use domain::{CompanyId, EventId, MessageId, Severity, Timestamp};
use http::HeaderMap;
use rand::Rng;
use sha2::{Digest as _, Sha256};
use store::{Acceptance, Accepted, EventQuery, Idempotency, PageAt, Receipt, StoreError};

use crate::Receiver;
use crate::limits::MATCH_ROUNDS;
use crate::planning::accepted;
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

/// Which of the events are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// Those that tell of what their company is not known to have.
    New,
}

/// What was stored, in the order of the raises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// None when all of it was known, so nothing was stored.
    pub message: Option<MessageId>,
    pub events: Vec<EventId>,
    /// For each event whether it told of the same before this request, which stored nothing for it. Empty where all were
    /// wanted.
    pub known: Vec<bool>,
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
        wanted: Wanted,
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
            let events: Vec<Accepted> = raises
                .iter()
                .zip(&rendered)
                .map(|(raise, rendered)| {
                    let event = event(raise, rendered, &message, &configuration, &mut rng);
                    let fields = rendered.fields_header.as_deref();
                    accepted(&planner, event, fields, None, &mut rng)
                })
                .collect();
            let own = match wanted {
                Wanted::All => Vec::new(),
                Wanted::New => events.iter().map(|accepted| accepted.event.id).collect(),
            };
            let acceptance = Acceptance {
                message: message.clone(),
                events,
                idempotency: idempotency.clone(),
                only_new: wanted == Wanted::New,
                epoch: configuration.epoch,
            };
            let receipt = inner.store.accept(acceptance).await?;
            if let Some(raised) = self.raised(receipt, wanted, &own).await? {
                return Ok(raised);
            }
        }
        Err(RaiseError::Unavailable(StoreError::Overloaded))
    }

    /// The answer; none when the configuration has moved. `own` are the ids that the events had when they were handed over.
    async fn raised(
        &self,
        receipt: Receipt,
        wanted: Wanted,
        own: &[EventId],
    ) -> Result<Option<Raised>, RaiseError> {
        let (message, events, repeated) = match receipt {
            Receipt::Stored { message, events } => (Some(message), events, false),
            Receipt::Duplicate {
                message, events, ..
            } => (Some(message), events, true),
            Receipt::Known { events } => (None, events, false),
            Receipt::KeyReused => return Err(RaiseError::KeyReused),
            Receipt::Moved { .. } => return Ok(None),
        };
        let known = match (wanted, message) {
            (Wanted::All, _) => Vec::new(),
            (Wanted::New, Some(message)) if repeated => {
                known_of(&events, &self.events_of(message).await?)
            }
            (Wanted::New, _) => known_of(&events, own),
        };
        Ok(Some(Raised {
            message,
            events,
            known,
            repeated,
        }))
    }

    /// What raising only what is new would find known: for each raise the event that told of it before.
    pub async fn known(&self, raises: &[Raise]) -> Result<Vec<Option<EventId>>, RaiseError> {
        let configuration = self.inner.store.configuration().await?;
        let rendered = render_all(raises, &configuration)?;
        let prints = raises
            .iter()
            .zip(&rendered)
            .map(|(raise, rendered)| (raise.company, print(raise, rendered, &configuration)))
            .collect();
        Ok(self.inner.store.known(prints).await?)
    }

    /// The events that came with a message. A request that asks for what is new fits into one page.
    async fn events_of(&self, message: MessageId) -> Result<Vec<EventId>, StoreError> {
        let query = EventQuery {
            message: Some(message),
            ..EventQuery::default()
        };
        let at = PageAt::new(Some(PageAt::MOST), None);
        // The answer of the same key's first request says no more than that one did.
        let page = self.inner.store.events(&Scope::All, &query, &at).await?;
        // A message names earlier events too, where they stand for its own.
        let own = page
            .items
            .into_iter()
            .filter(|event| event.message == message);
        Ok(own.map(|event| event.id).collect())
    }
}

/// Which of these events are none of the request's own.
fn known_of(events: &[EventId], own: &[EventId]) -> Vec<bool> {
    let own: HashSet<&EventId> = own.iter().collect();
    events.iter().map(|event| !own.contains(event)).collect()
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

/// The fingerprint of the event that this would become.
fn print(raise: &Raise, rendered: &Rendered, configuration: &Configuration) -> Fingerprint {
    let kind = configuration.catalogue().kind(&raise.kind);
    let reading = Reading::of_records(rendered.records.clone());
    let (subject, body) = (&rendered.subject, &rendered.body);
    fingerprint(Some(raise.company), kind, &reading, subject, body)
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
        repeats: Repeats::default(),
    }
}

fn with_company(record: &Record, name: &str) -> Record {
    let mut record = record.clone();
    if record.get("company").is_none() {
        record.insert("company", Value::Text(name.to_owned()));
    }
    record
}
