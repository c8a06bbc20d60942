//! One try of a delivery, kept as evidence.

use domain::{AttemptId, DeliveryId, Timestamp};
use serde_json::Value;

use crate::StoreError;
use crate::codec::{fixed, of_json, to_json};

const TABLE: &str = "attempt";

/// One request that was made (or refused before it was made) for a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub id: AttemptId,
    pub delivery: DeliveryId,
    /// 1 for the first, ascending over retries by hand too. The store counts: what a settlement says here is not looked at.
    pub number: u32,
    pub started_at: Timestamp,
    pub duration_micros: u64,
    /// `delivered`, `failed` or `held`.
    pub outcome: String,
    /// Class of the failure.
    pub cause: Option<String>,
    pub detail: Option<String>,
    pub status_code: Option<u16>,
    pub address: Option<String>,
    pub timings: Value,
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: String,
}

/// The columns of [`AttemptRow`], in its order.
pub(crate) const ATTEMPT_COLUMNS: &str = "delivery, number, id, started_at, duration, outcome, cause, detail, status_code, address, \
     timings, request_headers, response_headers, response_body";

/// An attempt in its columns, made by the caller's task.
#[derive(Debug)]
pub(crate) struct PreparedAttempt {
    pub(crate) id: [u8; 16],
    pub(crate) started_at: i64,
    pub(crate) duration: i64,
    pub(crate) outcome: String,
    pub(crate) cause: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) status_code: Option<i16>,
    pub(crate) address: Option<String>,
    pub(crate) timings: String,
    pub(crate) request_headers: String,
    pub(crate) response_headers: String,
    pub(crate) response_body: String,
}

impl PreparedAttempt {
    pub(crate) fn new(attempt: Attempt) -> Self {
        Self {
            id: attempt.id.to_bytes(),
            started_at: attempt.started_at.micros(),
            duration: i64::try_from(attempt.duration_micros).unwrap_or(i64::MAX),
            outcome: attempt.outcome,
            cause: attempt.cause,
            detail: attempt.detail,
            status_code: attempt
                .status_code
                .and_then(|code| i16::try_from(code).ok()),
            address: attempt.address,
            timings: to_json(&attempt.timings),
            request_headers: to_json(&attempt.request_headers),
            response_headers: to_json(&attempt.response_headers),
            response_body: attempt.response_body,
        }
    }
}

/// An attempt's row as both databases give it.
#[derive(Debug)]
pub(crate) struct AttemptRow {
    pub(crate) delivery: Vec<u8>,
    pub(crate) number: i32,
    pub(crate) id: Vec<u8>,
    pub(crate) started_at: i64,
    pub(crate) duration: i64,
    pub(crate) outcome: String,
    pub(crate) cause: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) status_code: Option<i16>,
    pub(crate) address: Option<String>,
    pub(crate) timings: String,
    pub(crate) request_headers: String,
    pub(crate) response_headers: String,
    pub(crate) response_body: String,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        let id = &row.id;
        Ok(Self {
            id: AttemptId::from_bytes(fixed(TABLE, id, id)?),
            delivery: DeliveryId::from_bytes(fixed(TABLE, id, &row.delivery)?),
            number: row.number.unsigned_abs(),
            started_at: Timestamp::from_micros(row.started_at),
            duration_micros: row.duration.unsigned_abs(),
            outcome: row.outcome,
            cause: row.cause,
            detail: row.detail,
            status_code: row.status_code.map(i16::unsigned_abs),
            address: row.address,
            timings: of_json(TABLE, id, &row.timings)?,
            request_headers: of_json(TABLE, id, &row.request_headers)?,
            response_headers: of_json(TABLE, id, &row.response_headers)?,
            response_body: row.response_body,
        })
    }
}
