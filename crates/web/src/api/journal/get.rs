use axum::Json;
use axum::extract::State;
use domain::{EventId, MessageId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::find;
use crate::App;
use crate::api::{Answer, Named};
use crate::hex::hex;
use crate::read::{Id, Viewer};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageView {
    id: String,
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// The door it came by; null for the API.
    source: Option<Named>,
    /// With secrets masked; lines of one name are joined.
    #[schema(value_type = Object)]
    headers: Map<String, Value>,
    /// Of the raw message.
    sha256: String,
    /// Bytes of the raw message.
    size: usize,
    #[schema(value_type = String)]
    decode: &'static str,
    webhook_id: Option<String>,
    /// The same `webhook-id` was seen with another body.
    id_reused: bool,
    events: Vec<String>,
    /// Those of them that another message had brought before: this one was counted on them, within the source's window.
    counted_on: Vec<String>,
}

/// A message: when it came, from where, and what it held.
#[utoipa::path(get, path = "/api/v1/journal/{id}", tag = "journal", params(("id" = String, Path)),
    responses((status = 200, body = MessageView)))]
pub(crate) async fn get(
    app: State<App>,
    Viewer(caller): Viewer,
    Id(id): Id<MessageId>,
) -> Answer<MessageView> {
    let (message, events, _) = find(&app, &caller, id).await?;
    let brought = app.store().events_of(caller.scope(), &events).await?;
    let counted_on = brought.iter().filter(|event| event.message != id);
    let counted_on = counted_on.map(|event| event.id.to_string()).collect();
    Ok(Json(MessageView {
        id: message.id.to_string(),
        received_at: message.received_at,
        source: message
            .source
            .map(|source| Named::source(source, &caller.configuration)),
        headers: joined(message.headers),
        sha256: hex(&message.sha256),
        size: message.raw.len(),
        decode: message.decode.as_str(),
        webhook_id: message.webhook_id,
        id_reused: message.id_reused,
        events: events.iter().map(EventId::to_string).collect(),
        counted_on,
    }))
}

/// Header lines as an object; those of one name in one text (RFC 9110, section 5.3).
pub(crate) fn joined(headers: Vec<(String, String)>) -> Map<String, Value> {
    let mut object = Map::with_capacity(headers.len());
    for (name, value) in headers {
        match object.get_mut(&name) {
            Some(Value::String(there)) => {
                there.push_str(", ");
                there.push_str(&value);
            }
            _ => {
                object.insert(name, Value::String(value));
            }
        }
    }
    object
}
