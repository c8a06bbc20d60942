//! The webhook intake: what happens to a message between its last byte and its 202.

use bytes::Bytes;
use delivery::Planner;
use domain::alert::{FIELDS_HEADER, VIA_HEADER, read_via};
use domain::event::Event;
use domain::message::{Decode, Message};
use domain::reader::Reader;
use domain::{EventId, MessageId};
use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use store::{Acceptance, Receipt, StoreError};

use crate::limits::{HEADER_VALUE_BYTES, HEADERS, MATCH_ROUNDS, WEBHOOK_ID_BYTES};
use crate::planning::accepted;
use crate::{Admitted, Pace, Receiver, Refusal};

/// The receipt of a stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub id: MessageId,
    /// Of the raw message as received.
    pub sha256: [u8; 32],
    pub events: Vec<EventId>,
    /// The same message had been stored before; this is its first receipt again.
    pub duplicate: bool,
    /// What is left of the source's limit, where it has one.
    pub pace: Option<Pace>,
}

impl Receiver {
    /// Reads, matches and stores a message. Nothing authenticated is refused for what it says, but for the quota of its
    /// company where one is set.
    pub async fn take(
        &self,
        admitted: Admitted,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Acknowledgement, Refusal> {
        self.judge(&admitted, headers, &body)?;
        let pace = match admitted.signed {
            true => self.count(&admitted.source)?,
            false => admitted.pace,
        };
        let inner = &self.inner;
        let mut rng = inner.dice.fork();
        let (now, stamp) = (inner.clock.now(), inner.clock.stamp());
        let mut message = Message {
            id: MessageId::new(stamp, &mut rng),
            source: Some(admitted.source.id),
            received_at: stamp,
            headers: masked(
                headers,
                admitted
                    .source
                    .authentication
                    .header
                    .as_ref()
                    .map(|header| header.key.as_str()),
            ),
            sha256: Sha256::digest(&body).into(),
            raw: Vec::from(body),
            webhook_id: webhook_id(headers),
            decode: Decode::Failed,
            id_reused: false,
        };
        let via = headers
            .get(VIA_HEADER)
            .and_then(|value| value.to_str().ok())
            .map(read_via)
            .unwrap_or_default();
        let fields = headers
            .get(FIELDS_HEADER)
            .and_then(|value| value.to_str().ok());
        for round in 0..MATCH_ROUNDS {
            let configuration = inner.store.configuration().await?;
            let reader = Reader {
                configuration: &configuration,
                source: Some(
                    configuration
                        .source(admitted.source.id)
                        .unwrap_or(&admitted.source),
                ),
                limits: &inner.settings.reading,
                via: via.clone(),
                fields,
            };
            let events = reader.read(&mut message, &mut rng);
            if round == 0 {
                tell_unread(&events);
                let companies = events.iter().filter_map(|event| event.company);
                let taken = inner.quotas.take(companies, &configuration, now);
                taken.map_err(|wait| Refusal::OverQuota { wait })?;
            }
            let planner = Planner {
                configuration: &configuration,
                now,
                stamp,
            };
            let window = admitted.source.dedup_window;
            let events = events
                .into_iter()
                .map(|event| accepted(&planner, event, fields, window, &mut rng))
                .collect();
            let acceptance = Acceptance {
                message: message.clone(),
                events,
                idempotency: None,
                only_new: false,
                epoch: configuration.epoch,
            };
            match inner.store.accept(acceptance).await? {
                Receipt::Stored {
                    message: id,
                    events,
                } => {
                    count(message.decode);
                    return Ok(Acknowledgement {
                        id,
                        sha256: message.sha256,
                        events,
                        duplicate: false,
                        pace,
                    });
                }
                Receipt::Duplicate {
                    message: id,
                    sha256,
                    events,
                } => {
                    metrics::counter!("alertwire_ingest_duplicates_total").increment(1);
                    return Ok(Acknowledgement {
                        id,
                        sha256,
                        events,
                        duplicate: true,
                        pace,
                    });
                }
                // After a move it is matched again; the others are answers to what is not asked for here.
                Receipt::Moved { .. } | Receipt::KeyReused | Receipt::Known { .. } => {}
            }
        }
        Err(Refusal::Unavailable(StoreError::Overloaded))
    }
}

/// Reading that panicked or ran out of its budget is a fault of ours: the message is kept and can be read again.
fn tell_unread(events: &[Event]) {
    if let Some(event) = events.iter().find(|event| event.reading.read_failed) {
        tracing::error!(message.id = %event.message, "message {} could not be read; it is kept unread", event.message);
    }
}

fn count(decode: Decode) {
    metrics::counter!("alertwire_parse_total", "result" => decode.as_str()).increment(1);
}

fn webhook_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("webhook-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= WEBHOOK_ID_BYTES).then(|| id.to_owned())
}

/// The headers as the journal keeps them: bounded, and without anything that opens a door.
pub(crate) fn masked(headers: &HeaderMap, secret_key: Option<&str>) -> Vec<(String, String)> {
    const SECRET: [header::HeaderName; 3] = [
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::COOKIE,
    ];
    let keep = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        let secret = SECRET.contains(name)
            || secret_key == Some(name.as_str())
            || ["key", "token", "secret", "password"]
                .iter()
                .any(|word| name.as_str().contains(word));
        let text = if secret {
            "[hidden]".to_owned()
        } else {
            let bytes = value.as_bytes();
            String::from_utf8_lossy(&bytes[..bytes.len().min(HEADER_VALUE_BYTES)]).into_owned()
        };
        (name.as_str().to_owned(), text)
    };
    headers.iter().take(HEADERS).map(keep).collect()
}
