//! What a search asks of PostgreSQL.

use domain::Timestamp;
use domain::filter::{Among, Narrowing};

use super::super::walk::{Search, Stride};
use super::super::{EventQuery, above, like, unmatched};
use crate::codec::severity_rank;
use crate::postgres::{Clauses, sound};
use crate::retention::lowest_id;

/// Events that the indexes behind the ack path do not hold yet.
const FINGERPRINT: &str = "(seq IN (SELECT seq FROM event_fingerprint WHERE fingerprint = ?) \
     OR (seq > (SELECT seq FROM indexed) AND fingerprint = ?))";
/// What the index does not hold yet is tested for its words. Two reads of one index each, for an `OR` has none.
const TEXT: &str = "seq IN (SELECT seq FROM event_text WHERE words @@ ?::text::tsquery \
     UNION ALL SELECT late.seq FROM event late WHERE late.seq > (SELECT seq FROM indexed))";
/// The collation looks at case as filters do: not at that of ASCII letters.
const KIND: &str =
    "(lower(kind COLLATE \"C\") LIKE ? ESCAPE '\\' OR strpos(reading, '\"alternatives\"') > 0)";
const CATEGORY: &str = "lower(category COLLATE \"C\") LIKE ? ESCAPE '\\'";

/// From where a walk goes on to where it ends.
pub(super) fn between(clauses: &mut Clauses, search: &Search, stride: Stride) {
    let (beyond, up_to) = match search.query.oldest_first {
        true => ("id > ?", "id <= ?"),
        false => ("id < ?", "id >= ?"),
    };
    clauses.and_some(beyond, stride.after.map(Vec::from));
    clauses.and_some(up_to, stride.last.map(Vec::from));
}

/// What an index in the order of ids can tell by itself: it bounds what is gone over.
pub(super) fn outline(clauses: &mut Clauses, query: &EventQuery) {
    clauses.and_some(
        "company = ?",
        query.company.map(|id| id.to_bytes().to_vec()),
    );
    // Ids tell the time too, and they have the index.
    clauses.and_some("id >= ?", query.since.map(|at| lowest_id(at).to_vec()));
    clauses.and_some("id < ?", query.until.map(|at| above(at).to_vec()));
}

pub(super) fn narrow(clauses: &mut Clauses, query: &EventQuery) {
    outline(clauses, query);
    clauses.and_text("kind = ?", query.kind.as_deref());
    clauses.and_text("category = ?", query.category.as_deref());
    clauses.and_some("source = ?", query.source.map(|id| id.to_bytes().to_vec()));
    clauses.and_some("severity >= ?", query.severity_least.map(severity_rank));
    match query.routing.as_deref() {
        Some("unrouted") => clauses.and_plain("routing <> 'routed'"),
        Some("unmatched") => {
            clauses.and("routing = ANY(?)", unmatched().collect::<Vec<_>>());
        }
        word => clauses.and_text("routing = ?", word),
    }
    // Written out, for an index of one of these words serves no bound value.
    if let Some(matched) = query.matched {
        clauses.and_plain(&format!("matched = '{}'", matched.as_str()));
    }
    if let Some(decode) = query.decode {
        clauses.and_plain(&format!("decode = '{}'", decode.as_str()));
    }
    clauses.and_some("received_at >= ?", query.since.map(Timestamp::micros));
    clauses.and_some("received_at < ?", query.until.map(Timestamp::micros));
    clauses.and_some(
        "silence = ?",
        query.silence.map(|id| id.to_bytes().to_vec()),
    );
    if query.repeated {
        clauses.and_plain("count > 1");
    }
    clauses.and_some(
        FINGERPRINT,
        query.fingerprint.map(|fingerprint| fingerprint.0.to_vec()),
    );
}

/// What a filter says, but for what stands in the query already.
pub(super) fn narrow_by(clauses: &mut Clauses, narrowing: &Narrowing) {
    for pattern in &narrowing.kinds {
        clauses.and(KIND, sound(&like(pattern)).into_owned());
    }
    for pattern in &narrowing.categories {
        clauses.and(CATEGORY, sound(&like(pattern)).into_owned());
    }
    if let Some(severities) = &narrowing.severities {
        let ranks: Vec<i16> = severities.iter().map(|one| severity_rank(*one)).collect();
        clauses.and("severity = ANY(?)", ranks);
    }
    if let Some(matched) = &narrowing.matched {
        let words: Vec<&'static str> = matched.iter().map(|one| one.as_str()).collect();
        clauses.and("matched = ANY(?)", words);
    }
    if let Some(decodes) = &narrowing.decodes {
        let words: Vec<&'static str> = decodes.iter().map(|one| one.as_str()).collect();
        clauses.and("decode = ANY(?)", words);
    }
    if let Some(routings) = &narrowing.routings {
        let words: Vec<&'static str> = routings.iter().map(|one| one.as_str()).collect();
        clauses.and("routing = ANY(?)", words);
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
        clauses.and(TEXT, phrase(&narrowing.words));
    }
}

/// Each word is quoted and holds letters and digits alone, so nothing in it is an operator.
pub(super) fn phrase(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    words.join(" & ")
}

fn among<T: Copy>(
    clauses: &mut Clauses,
    column: &str,
    among: &Among<T>,
    bytes: impl Fn(T) -> [u8; 16],
) {
    let ids: Vec<Vec<u8>> = among.ids.iter().map(|id| bytes(*id).to_vec()).collect();
    let condition = match (among.others, among.nothing) {
        (false, false) => format!("{column} = ANY(?)"),
        (false, true) => format!("({column} = ANY(?) OR {column} IS NULL)"),
        (true, false) => format!("({column} <> ALL(?) OR {column} IS NULL)"),
        (true, true) => format!("({column} IS NOT NULL AND {column} <> ALL(?))"),
    };
    clauses.and(&condition, ids);
}
