//! The API's description, generated from the handlers: OpenAPI 3.1, with the alert that goes out under `webhooks`.

use axum::Json;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::api::{
    audit, catalog, company, configuration, dead_letter, delivery, event, event_kind, event_set,
    import, integration, job, journal, key, lesson, mapping, parse, render, replay, reread, rule,
    silence, source, user, what_if, whitelisting,
};
use crate::health;
use crate::problem::ProblemView;
use crate::read::Viewer;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Alertwire",
        description = "Carries security alerts from the event to the people and systems that must act on it.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        company::create::create,
        company::list::list,
        company::export::export,
        company::get::get,
        company::update::update,
        company::remove::remove,
        integration::create::create,
        integration::list::list,
        integration::export::export,
        integration::get::get,
        integration::update::update,
        integration::remove::remove,
        integration::check::check,
        integration::finish::finish,
        integration::release::release,
        integration::rotate_secret::rotate_secret,
        integration::end_overlap::end_overlap,
        event_set::create::create,
        event_set::list::list,
        event_set::export::export,
        event_set::get::get,
        event_set::update::update,
        event_set::remove::remove,
        rule::create::create,
        rule::list::list,
        rule::overview::overview,
        rule::export::export,
        rule::get::get,
        rule::update::update,
        rule::remove::remove,
        mapping::put::put,
        mapping::put_many::put_many,
        mapping::list::list,
        mapping::export::export,
        silence::create::create,
        silence::list::list,
        silence::export::export,
        silence::get::get,
        silence::update::update,
        silence::end::end,
        silence::remove::remove,
        mapping::get::get,
        mapping::remove::remove,
        event::create::create,
        event::list::list,
        event::get::get,
        event::trace::trace,
        event::readings::readings,
        event::stream::stream,
        event::export::export,
        journal::get::get,
        journal::raw::raw,
        journal::verify::verify,
        journal::receipts::receipts,
        source::create::create,
        source::list::list,
        source::export::export,
        source::get::get,
        source::update::update,
        source::remove::remove,
        source::rotate::rotate,
        source::sender_settings::sender_settings,
        delivery::list::list,
        delivery::stream::stream,
        delivery::export::export,
        delivery::get::get,
        delivery::cancel::cancel,
        delivery::cancel::cancel_many,
        delivery::retry::retry,
        dead_letter::list,
        import::create::create,
        import::list::list,
        import::get::get,
        import::pause::pause,
        import::resume::resume,
        import::cancel::cancel,
        job::export::export,
        replay::create::create,
        replay::list::list,
        replay::get::get,
        replay::pause::pause,
        replay::resume::resume,
        replay::cancel::cancel,
        reread::create::create,
        reread::list::list,
        reread::get::get,
        reread::pause::pause,
        reread::resume::resume,
        reread::cancel::cancel,
        catalog::get,
        catalog::export::export,
        event_kind::create::create,
        event_kind::list::list,
        event_kind::export::export,
        event_kind::get::get,
        event_kind::update::update,
        event_kind::remove::remove,
        lesson::unknown::get,
        lesson::unknown::export::export,
        lesson::propose::create,
        lesson::learn::create,
        lesson::drift::list,
        lesson::drift::export::export,
        parse::create,
        render::create,
        what_if::create,
        whitelisting::get,
        get,
        key::create::create,
        key::list::list,
        key::export::export,
        key::remove::remove,
        user::create::create,
        user::list::list,
        user::export::export,
        user::get::get,
        user::update::update,
        user::remove::remove,
        user::password::password,
        audit::list,
        audit::export::export,
        configuration::get::get,
        configuration::put::put,
        configuration::rollback::rollback,
        health::live::live,
        health::ready::ready,
        health::metrics::metrics,
    ),
    components(schemas(ProblemView))
)]
struct Document;

/// Paths that take no key.
const OPEN: [&str; 4] = [
    "/livez",
    "/readyz",
    "/intake/{source}",
    "/intake/{source}/token",
];

/// The description of the API.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "catalogue", responses((status = 200, body = Object)))]
pub(crate) async fn get(_: Viewer) -> Json<Value> {
    Json(document())
}

/// The whole document.
#[must_use]
pub fn document() -> Value {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["components"]["securitySchemes"] = json!({
        "key": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-alertwire",
            "description": "Of somebody who is signed in; what changes something has to come from a page of this server."},
    });
    document["paths"]["/intake/{source}"] = intake();
    document["paths"]["/intake/{source}/token"] = token();
    document["webhooks"] = json!({"alert": alert()});
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for operation in item
            .as_object_mut()
            .into_iter()
            .flatten()
            .map(|(_, operation)| operation)
        {
            operation["responses"]["default"] = problem();
            if !OPEN.contains(&path.as_str()) {
                operation["security"] = json!([{"key": []}, {"session": []}]);
            }
        }
    }
    document
}

fn problem() -> Value {
    json!({
        "description": "A problem (RFC 9457): 401 no or bad key, 403 role, 404 not there, 409 wrong state, 413 too large, 415 type, \
                        422 bad field, 429 and 503 with Retry-After.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    })
}

fn source_parameter() -> Value {
    json!([{"name": "source", "in": "path", "required": true, "schema": {"type": "string"}}])
}

fn envelope() -> Value {
    json!({
        "type": "object",
        "required": ["subject", "body"],
        "properties": {"subject": {"type": "string"}, "body": {"type": "string"}},
    })
}

fn intake() -> Value {
    json!({"post": {
        "tags": ["intake"],
        "summary": "The webhook of a source. It authenticates as the source was set up, not by an API key.",
        "parameters": source_parameter(),
        "requestBody": {"content": {"application/json": {"schema": envelope()}}},
        "responses": {"202": {"description": "Stored.", "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["id", "sha256", "events"],
            "properties": {
                "id": {"type": "string"},
                "sha256": {"type": "string"},
                "events": {"type": "array", "items": {"type": "string"}},
            },
        }}}}, "413": {"description": "Longer than the limit, or gzip that unpacks to more than 20 times its length."}, "415": {"description": "Another content-encoding than gzip or identity."}, "429": {"description": "The limit of the source (then with RateLimit headers) or the quota of the company is used up, or the queue is full: nothing is stored; come again after Retry-After."}},
    }})
}

fn token() -> Value {
    json!({"post": {
        "tags": ["intake"],
        "summary": "The authentication URL of a source: JSON, form, HTTP Basic or client credentials in, bearer token out.",
        "parameters": source_parameter(),
        "requestBody": {"content": {"application/json": {"schema": {
            "type": "object",
            "properties": {"username": {"type": "string"}, "password": {"type": "string"}},
        }}}},
        "responses": {"200": {"description": "A token.", "content": {"application/json": {"schema": {
            "type": "object",
            "required": ["access_token", "token_type", "expires_in"],
            "properties": {
                "access_token": {"type": "string"},
                "token_type": {"type": "string"},
                "expires_in": {"type": "integer"},
            },
        }}}}},
    }})
}

/// What a webhook integration sends.
fn alert() -> Value {
    let header = |name: &str, required: bool, description: &str| json!({"name": name, "in": "header", "required": required, "description": description, "schema": {"type": "string"}});
    json!({"post": {
        "summary": "An alert, as a webhook integration sends it. The body is exactly this, byte for byte the same in every attempt.",
        "parameters": [
            header("webhook-id", true, "The same in all attempts; names the delivery."),
            header("webhook-timestamp", true, "Unix seconds of the attempt."),
            header("webhook-signature", false, "Standard Webhooks 1.0.0, when a signing secret is set."),
            header("traceparent", true, "W3C Trace Context."),
            header("alertwire-event", false, "Code of the kind; `test` of a test alert."),
            header("alertwire-severity", false, "`info`, `low`, `medium`, `high` or `critical`."),
            header("alertwire-company", false, "Name of the company, percent-encoded."),
            header("alertwire-occurred-at", false, "RFC 3339."),
            header("alertwire-via", true, "Instances that the alert has passed."),
            header("alertwire-fields", false, "The fields, when the prose cannot carry them exactly."),
            header("alertwire-replay-of", false, "The `webhook-id` of the delivery that this repeats, when a person asked for it again."),
        ],
        "requestBody": {"required": true, "content": {"application/json": {"schema": envelope()}}},
        "responses": {
            "2XX": {"description": "Received; anything else is tried again on the schedule."},
            "410": {"description": "Gone: the integration is switched off."},
        },
    }})
}
