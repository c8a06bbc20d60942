//! An acceptance in the columns that both databases store, made by the caller's task so that the writer only binds them.

use domain::event::Event;
use domain::message::Message;
use sha2::{Digest as _, Sha256};

use super::{Acceptance, Accepted, Idempotency, NewDelivery, NewGroup};
use crate::codec::{severity_rank, to_json};
use crate::known::Print;

/// All rows of one acceptance.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) message: PreparedMessage,
    pub(crate) events: Vec<PreparedEvent>,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) only_new: bool,
    pub(crate) epoch: i64,
}

#[derive(Debug)]
pub(crate) struct PreparedMessage {
    pub(crate) id: [u8; 16],
    pub(crate) source: Option<[u8; 16]>,
    pub(crate) received_at: i64,
    pub(crate) headers: String,
    pub(crate) raw: Vec<u8>,
    pub(crate) sha256: [u8; 32],
    pub(crate) webhook_id: Option<String>,
    /// The hash of source and `webhook-id`: short and of one length, whatever a sender calls its messages.
    pub(crate) webhook_key: Option<[u8; 16]>,
    pub(crate) decode: &'static str,
    pub(crate) id_reused: bool,
}

#[derive(Debug)]
pub(crate) struct PreparedEvent {
    pub(crate) id: [u8; 16],
    pub(crate) source: Option<[u8; 16]>,
    pub(crate) company: Option<[u8; 16]>,
    pub(crate) kind: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) severity: i16,
    /// JSON of [`domain::event::Reading`].
    pub(crate) reading: String,
    pub(crate) decode: &'static str,
    pub(crate) matched: &'static str,
    pub(crate) fingerprint: [u8; 16],
    pub(crate) occurred_at: Option<i64>,
    pub(crate) received_at: i64,
    pub(crate) count: i32,
    pub(crate) routing: &'static str,
    pub(crate) silence: Option<[u8; 16]>,
    pub(crate) epoch: i64,
    /// JSON list; none when the alert passed no instance.
    pub(crate) via: Option<String>,
    /// Only where the event has a source.
    pub(crate) dedup_window_micros: Option<i64>,
    pub(crate) deliveries: Vec<PreparedDelivery>,
}

#[derive(Debug)]
pub(crate) struct PreparedDelivery {
    pub(crate) id: [u8; 16],
    pub(crate) integration: [u8; 16],
    pub(crate) rule: [u8; 16],
    pub(crate) company: [u8; 16],
    pub(crate) critical: bool,
    pub(crate) due_at: i64,
    pub(crate) group: Option<NewGroup>,
    pub(crate) alert: Option<PreparedAlert>,
}

#[derive(Debug)]
pub(crate) struct PreparedAlert {
    pub(crate) body: Vec<u8>,
    /// JSON list of pairs.
    pub(crate) headers: String,
    pub(crate) hash: [u8; 32],
}

impl Prepared {
    pub(crate) fn new(acceptance: Acceptance) -> Self {
        Self {
            message: PreparedMessage::new(acceptance.message),
            events: acceptance
                .events
                .into_iter()
                .map(PreparedEvent::new)
                .collect(),
            idempotency: acceptance.idempotency,
            only_new: acceptance.only_new,
            epoch: acceptance.epoch.cast_signed(),
        }
    }
}

impl PreparedMessage {
    fn new(message: Message) -> Self {
        let webhook_key = message.webhook_id.as_ref().map(|id| {
            let source = message.source.map_or([0; 16], domain::SourceId::to_bytes);
            let hash = Sha256::new()
                .chain_update(source)
                .chain_update(id)
                .finalize();
            let mut key = [0; 16];
            key.copy_from_slice(&hash[..16]);
            key
        });
        Self {
            id: message.id.to_bytes(),
            source: message.source.map(domain::SourceId::to_bytes),
            received_at: message.received_at.micros(),
            headers: to_json(&message.headers),
            raw: message.raw,
            sha256: message.sha256,
            webhook_id: message.webhook_id,
            webhook_key,
            decode: message.decode.as_str(),
            id_reused: message.id_reused,
        }
    }
}

impl PreparedEvent {
    /// What it tells of, and whose it is.
    pub(crate) fn print(&self) -> Print {
        (self.company.unwrap_or_default(), self.fingerprint)
    }

    pub(crate) fn new(accepted: Accepted) -> Self {
        let Event {
            id,
            source,
            company,
            kind,
            category,
            subject,
            body,
            severity,
            reading,
            ..
        } = accepted.event;
        let window = accepted.dedup_window.filter(|_| source.is_some());
        Self {
            id: id.to_bytes(),
            source: source.map(domain::SourceId::to_bytes),
            company: company.map(domain::CompanyId::to_bytes),
            kind,
            category,
            subject,
            body,
            severity: severity_rank(severity),
            decode: reading.decode.as_str(),
            matched: reading.matched.as_str(),
            reading: to_json(&reading),
            fingerprint: accepted.event.fingerprint.0,
            occurred_at: accepted.event.occurred_at.map(domain::Timestamp::micros),
            received_at: accepted.event.received_at.micros(),
            count: i32::try_from(accepted.event.count).unwrap_or(i32::MAX),
            routing: accepted.event.routing.as_str(),
            silence: accepted.event.silence.map(domain::SilenceId::to_bytes),
            epoch: accepted.event.epoch.cast_signed(),
            via: if accepted.event.via.is_empty() {
                None
            } else {
                Some(to_json(&accepted.event.via))
            },
            dedup_window_micros: window
                .map(|window| i64::try_from(window.as_micros()).unwrap_or(i64::MAX)),
            deliveries: accepted
                .deliveries
                .into_iter()
                .map(PreparedDelivery::new)
                .collect(),
        }
    }
}

impl PreparedDelivery {
    pub(crate) fn new(delivery: NewDelivery) -> Self {
        Self {
            id: delivery.id.to_bytes(),
            integration: delivery.integration.to_bytes(),
            rule: delivery.rule.to_bytes(),
            company: delivery.company.to_bytes(),
            critical: delivery.critical,
            due_at: delivery.due_at.micros(),
            group: delivery.group,
            alert: delivery.alert.map(|alert| PreparedAlert {
                headers: to_json(&alert.headers),
                body: alert.body,
                hash: alert.hash,
            }),
        }
    }
}

/// Whether an earlier event stands for each of these.
pub(crate) fn is_all_known(events: &[PreparedEvent], standing: &[[u8; 16]]) -> bool {
    events
        .iter()
        .zip(standing)
        .all(|(event, standing)| event.id != *standing)
}
