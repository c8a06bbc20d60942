//! What live lists have in common.

use http::{HeaderMap, HeaderValue};

/// Up to where a page knows what has happened, for whoever opens a stream anew: a page cannot set a header for that.
pub(super) const LAST: &str = "last";

/// Says in the header that a browser sends by itself, once it has been told something, what the page knew before.
pub(super) fn known_to_page(last: &str, headers: &mut HeaderMap) {
    if let Ok(last) = HeaderValue::from_str(last)
        && !last.is_empty()
    {
        headers.entry("last-event-id").or_insert(last);
    }
}
