//! `alertwire send CODE field=value … --company NAME`.

use http::{HeaderName, HeaderValue, Method};
use serde_json::json;

use super::{Session, fields, text};
use crate::arguments::SendArguments;
use crate::exit::{Code, Ending, Failure};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) async fn run(arguments: SendArguments, session: &mut Session<'_>) -> Ending {
    let api = session.api(&arguments.server)?;
    // Codes are not checked here: the server may know kinds that this machine does not.
    let mut event = json!({
        "event": arguments.event.code,
        "company": arguments.company,
        "records": fields::records(&arguments.event)?,
    });
    for (name, value) in [
        ("severity", arguments.severity),
        ("occurred_at", arguments.occurred_at),
    ] {
        if let Some(value) = value {
            event[name] = value.into();
        }
    }
    let key = arguments
        .idempotency_key
        .map(|key| HeaderValue::try_from(key).map(|key| (IDEMPOTENCY_KEY, key)));
    let key = key.transpose().map_err(|_| {
        Failure::usage("the idempotency key holds characters that no HTTP header can carry")
    })?;
    let answer = api
        .exchange(Method::POST, "api/v1/events", Some(&event), key.as_slice())
        .await?
        .good()?;
    if session.out.json {
        session.out.value(&answer)?;
        return Ok(Code::Ok);
    }
    for item in answer["items"].as_array().into_iter().flatten() {
        session.out.line(text(item, "/id"))?;
    }
    Ok(Code::Ok)
}
