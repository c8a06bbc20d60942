//! What templates print in a way of their own.

use domain::Timestamp;

/// A point in time to the second, in UTC, as tables show it: `2026-01-31 12:00:00`.
#[askama::filter_fn]
pub(crate) fn stamp(at: &Timestamp, _: &dyn askama::Values) -> askama::Result<String> {
    let text = at.to_string();
    let text = text.get(..19).unwrap_or(&text);
    Ok(text.replace('T', " "))
}
