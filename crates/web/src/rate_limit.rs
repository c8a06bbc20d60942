//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers): what a sender with a limit may still bring.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use receive::Pace;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The bucket as the draft has it: so many within the time in which an empty one fills.
pub(crate) fn announce(headers: &mut HeaderMap, pace: &Pace) {
    let (quota, per_second) = (pace.limit.burst.get(), pace.limit.per_second.get());
    let window = quota.div_ceil(per_second);
    let policy = format!("\"source\";q={quota};w={window}");
    let limit = format!("\"source\";r={};t={}", pace.left, seconds(pace.full_in));
    for (name, text) in [(POLICY, policy), (LIMIT, limit)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// Whole seconds, rounded up.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
