//! The few encodings that both databases share: hex, lists of ids, and JSON in text columns.

use std::fmt::Write as _;

use domain::Severity;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// JSON of a value that is ours: our types have no maps with keys other than text, so writing cannot fail.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our types are always JSON")
}

pub(crate) fn of_json<T: DeserializeOwned>(
    table: &'static str,
    id: &[u8],
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::corrupt(table, hex(id), error))
}

/// Ids one after another, as one column holds them.
pub(crate) fn join_ids(ids: impl IntoIterator<Item = [u8; 16]>) -> Vec<u8> {
    ids.into_iter().flatten().collect()
}

/// The ids of such a column.
pub(crate) fn split_ids(
    table: &'static str,
    id: &[u8],
    bytes: &[u8],
) -> Result<Vec<[u8; 16]>, StoreError> {
    let (ids, rest) = bytes.as_chunks::<16>();
    if rest.is_empty() {
        Ok(ids.to_vec())
    } else {
        Err(StoreError::corrupt(
            table,
            hex(id),
            "a list of ids is cut short",
        ))
    }
}

/// The fixed number of bytes that a column must have.
pub(crate) fn fixed<const N: usize>(
    table: &'static str,
    id: &[u8],
    bytes: &[u8],
) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| {
        StoreError::corrupt(
            table,
            hex(id),
            format_args!("{} bytes where {N} belong", bytes.len()),
        )
    })
}

const SEVERITIES: [Severity; 5] = [
    Severity::Info,
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];

/// Severities are stored as their rank, so that "at least high" is a comparison.
pub(crate) fn severity_rank(severity: Severity) -> i16 {
    let rank = SEVERITIES.iter().position(|each| *each == severity);
    rank.and_then(|rank| i16::try_from(rank).ok())
        .expect("all severities are listed")
}

pub(crate) fn severity_of_rank(
    table: &'static str,
    id: &[u8],
    rank: i16,
) -> Result<Severity, StoreError> {
    let severity = usize::try_from(rank)
        .ok()
        .and_then(|rank| SEVERITIES.get(rank))
        .copied();
    severity.ok_or_else(|| StoreError::corrupt(table, hex(id), format_args!("severity {rank}")))
}
