//! What a search asks of SQLite.

use domain::filter::{Among, Narrowing};
use domain::{SilenceId, Timestamp};
use rusqlite::types::Value;

use super::super::walk::{Search, Stride};
use super::super::{EventQuery, above, like, unmatched};
use crate::codec::severity_rank;
use crate::retention::lowest_id;
use crate::sqlite::{Clauses, blob};

/// Events that the indexes behind the ack path do not hold yet.
const FINGERPRINT: &str = "(seq IN (SELECT seq FROM event_fingerprint WHERE fingerprint = ?) \
     OR (seq > (SELECT seq FROM indexed) AND fingerprint = ?))";
/// What the index does not hold yet is tested for its words.
const TEXT: &str = "(seq IN (SELECT rowid FROM event_text WHERE event_text MATCH ?) \
     OR seq > (SELECT seq FROM indexed))";
/// `LIKE` looks at case as filters do: not at that of ASCII letters.
const KIND: &str = "(kind LIKE ? ESCAPE '\\' OR instr(reading, '\"alternatives\"') > 0)";

/// From where a walk goes on to where it ends.
pub(super) fn between(clauses: &mut Clauses, search: &Search, stride: Stride) {
    let (beyond, up_to) = match search.query.oldest_first {
        true => ("id > ?", "id <= ?"),
        false => ("id < ?", "id >= ?"),
    };
    clauses.and_some(beyond, blob(stride.after));
    clauses.and_some(up_to, blob(stride.last));
}

/// What an index in the order of ids can tell by itself: it bounds what is gone over.
pub(super) fn outline(clauses: &mut Clauses, query: &EventQuery) {
    clauses.and_some(
        "company = ?",
        blob(query.company.map(domain::CompanyId::to_bytes)),
    );
    // Ids tell the time too, and they have the index.
    clauses.and_some("id >= ?", blob(query.since.map(lowest_id)));
    clauses.and_some("id < ?", blob(query.until.map(above)));
}

pub(super) fn narrow(clauses: &mut Clauses, query: &EventQuery) {
    outline(clauses, query);
    clauses.and_some("kind = ?", query.kind.clone());
    clauses.and_some("category = ?", query.category.clone());
    clauses.and_some(
        "source = ?",
        blob(query.source.map(domain::SourceId::to_bytes)),
    );
    clauses.and_some("severity >= ?", query.severity_least.map(severity_rank));
    let word = query.routing.as_deref();
    if word.is_some_and(|word| word != "routed") {
        // In these words, for the index of what is unrouted is known by them. An equality beside it without the `+` would be
        // put into its place.
        clauses.and("routing <> 'routed'", []);
    }
    match word {
        None | Some("unrouted") => {}
        Some("unmatched") => one_of(clauses, "+routing", unmatched().map(text)),
        Some(word) => clauses.and("+routing = ?", [text(word)]),
    }
    // Written out, for an index of one of these words serves no bound value.
    if let Some(matched) = query.matched {
        clauses.and(&format!("matched = '{}'", matched.as_str()), []);
    }
    if let Some(decode) = query.decode {
        clauses.and(&format!("decode = '{}'", decode.as_str()), []);
    }
    clauses.and_some("received_at >= ?", query.since.map(Timestamp::micros));
    clauses.and_some("received_at < ?", query.until.map(Timestamp::micros));
    clauses.and_some("silence = ?", blob(query.silence.map(SilenceId::to_bytes)));
    if query.repeated {
        clauses.and("count > 1", []);
    }
    if let Some(fingerprint) = query.fingerprint {
        let value = Value::Blob(fingerprint.0.to_vec());
        clauses.and(FINGERPRINT, [value.clone(), value]);
    }
}

/// What a filter says, but for what stands in the query already.
pub(super) fn narrow_by(clauses: &mut Clauses, narrowing: &Narrowing) {
    for pattern in &narrowing.kinds {
        clauses.and(KIND, [Value::Text(like(pattern))]);
    }
    for pattern in &narrowing.categories {
        clauses.and("category LIKE ? ESCAPE '\\'", [Value::Text(like(pattern))]);
    }
    if let Some(severities) = &narrowing.severities {
        let ranks = severities.iter().map(|one| severity_rank(*one).into());
        one_of(clauses, "severity", ranks);
    }
    if let Some(matched) = &narrowing.matched {
        one_of(
            clauses,
            "matched",
            matched.iter().map(|one| text(one.as_str())),
        );
    }
    if let Some(decodes) = &narrowing.decodes {
        one_of(
            clauses,
            "decode",
            decodes.iter().map(|one| text(one.as_str())),
        );
    }
    if let Some(routings) = &narrowing.routings {
        one_of(
            clauses,
            "+routing",
            routings.iter().map(|one| text(one.as_str())),
        );
    }
    for companies in &narrowing.companies {
        among(clauses, "company", companies, domain::CompanyId::to_bytes);
    }
    for sources in &narrowing.sources {
        among(clauses, "source", sources, domain::SourceId::to_bytes);
    }
    let occurred = narrowing.occurred;
    clauses.and_some("occurred_at >= ?", occurred.from.map(Timestamp::micros));
    clauses.and_some("occurred_at < ?", occurred.until.map(Timestamp::micros));
    if !narrowing.words.is_empty() {
        clauses.and(TEXT, [Value::Text(phrase(&narrowing.words))]);
    }
}

/// Each word is quoted and holds letters and digits alone, so nothing in it is an operator.
pub(super) fn phrase(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(" ")
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

fn one_of(clauses: &mut Clauses, column: &str, values: impl Iterator<Item = Value>) {
    let values: Vec<Value> = values.collect();
    let places = vec!["?"; values.len()].join(",");
    clauses.and(&format!("{column} IN ({places})"), values);
}

fn among<T: Copy>(
    clauses: &mut Clauses,
    column: &str,
    among: &Among<T>,
    bytes: impl Fn(T) -> [u8; 16],
) {
    let ids = among.ids.iter().map(|id| Value::Blob(bytes(*id).to_vec()));
    let places = vec!["?"; among.ids.len()].join(",");
    let condition = match (among.others, among.nothing) {
        (false, false) => format!("{column} IN ({places})"),
        (false, true) => format!("({column} IN ({places}) OR {column} IS NULL)"),
        (true, false) => format!("({column} NOT IN ({places}) OR {column} IS NULL)"),
        (true, true) => format!("({column} IS NOT NULL AND {column} NOT IN ({places}))"),
    };
    clauses.and(&condition, ids);
}
