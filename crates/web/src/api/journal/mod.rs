//! The journal: messages as they came.

pub(crate) mod get;
pub(crate) mod raw;
pub(crate) mod receipts;
pub(crate) mod verify;

use domain::message::Message;
use domain::{EventId, MessageId};

use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

/// A message that the caller may see, with those of its events that the caller may see. One message can hold alerts of
/// several companies; its bytes are only for who may see all of them.
pub(crate) async fn find(
    app: &App,
    caller: &Caller,
    id: MessageId,
) -> Result<(Message, Vec<EventId>, bool), Problem> {
    let found = app.store().message(caller.scope(), id).await?;
    let (message, events) = found.ok_or_else(|| Problem::not_found("message"))?;
    if caller.sees_all() {
        return Ok((message, events, true));
    }
    let all = events.len();
    let mut seen = Vec::with_capacity(all);
    for event in events {
        if app.store().event(caller.scope(), event).await?.is_some() {
            seen.push(event);
        }
    }
    let whole = seen.len() == all;
    Ok((message, seen, whole))
}
