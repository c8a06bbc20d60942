//! The answer of `alertwire parse` and of `POST /api/v1/parse`.

use serde_json::{Map, Value as Json, json};

use crate::catalogue::Catalogue;
use crate::limits::Limits;
use crate::reading::{AlertReading, Reading};

/// What a payload says, as JSON: an object, or for an array of alerts an array of them.
///
/// ```
/// use alertwire_catalogue::{Catalogue, Limits, answer};
/// let catalogue = Catalogue::builtin();
/// let reading = catalogue.read(br#"{"subject": "Asset Ports", "body": "Open Port 53/udp Discovered for Asset 10.0.0.5"}"#, &Limits::default());
/// let answer = answer(&catalogue, &reading, false);
/// assert_eq!(answer["event"], "system.port_open_probe");
/// assert_eq!(answer["records"][0]["protocol"], "udp");
/// ```
pub fn answer(_catalogue: &Catalogue, reading: &Reading<'_>, spans: bool) -> Json {
    let mut answers: Vec<Json> = reading
        .alerts
        .iter()
        .map(|alert| alert_answer(reading, alert, spans))
        .collect();
    match answers.pop() {
        Some(only) if !reading.is_array => only,
        last => {
            answers.extend(last);
            Json::Array(answers)
        }
    }
}

/// The answer for one alert of a payload.
pub fn alert_answer(reading: &Reading<'_>, alert: &AlertReading<'_>, spans: bool) -> Json {
    let mut answer = Map::new();
    answer.insert("subject".into(), json!(alert.subject));
    answer.insert("body".into(), json!(alert.body));
    answer.insert("decode".into(), json!(reading.decode.as_str()));
    let repairs = reading
        .repairs
        .iter()
        .map(|repair| json!({"offset": repair.offset, "rule": repair.rule.as_str()}));
    answer.insert("repairs".into(), repairs.collect());
    answer.insert("event".into(), json!(alert.kind.map(|kind| &kind.code)));
    if let Some(suggested) = alert.suggested {
        answer.insert("suggested_event".into(), json!(suggested.code));
    }
    answer.insert(
        "category".into(),
        json!(alert.kind.map(|kind| &kind.category)),
    );
    answer.insert("severity".into(), json!(alert.effective_severity()));
    answer.insert("match".into(), json!(alert.matched.as_str()));
    answer.insert("records".into(), json!(alert.records));
    answer.insert(
        "alternatives".into(),
        alert
            .alternatives
            .iter()
            .map(|kind| json!(kind.code))
            .collect(),
    );
    let ambiguous = alert.ambiguous.iter().map(
        |found| json!({"record": found.record, "field": found.field, "readings": found.readings}),
    );
    answer.insert("ambiguous".into(), ambiguous.collect());
    answer.insert("entities".into(), json!(alert.entities(&Limits::default())));
    answer.insert("remainder".into(), json!(alert.remainder()));
    if alert.exhausted {
        answer.insert("read_failed".into(), json!(true));
    }
    if spans {
        answer.insert("spans".into(), Json::Array(span_rows(alert)));
    }
    Json::Object(answer)
}

/// For each record the byte span of each of its fields in the body.
fn span_rows(alert: &AlertReading<'_>) -> Vec<Json> {
    let mut rows: Vec<Map<String, Json>> = alert.records.iter().map(|_| Map::new()).collect();
    for span in &alert.spans {
        let mut place = Map::new();
        place.insert("start".into(), json!(span.start));
        place.insert("end".into(), json!(span.end));
        if span.assumed_utc {
            place.insert("assumed_zone".into(), json!("UTC"));
        }
        if let Some(row) = rows.get_mut(span.record) {
            row.insert(span.field.to_string(), Json::Object(place));
        }
    }
    rows.into_iter().map(Json::Object).collect()
}
