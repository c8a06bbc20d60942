//! Documents in the formats of others, for whoever prints them.

use domain::projection::Document;

use crate::output::{harmless_fields, harmless_json};

/// A document as one line that is harmless for a terminal.
pub(super) fn printed(document: &Document) -> String {
    let line = document.to_string();
    match document {
        Document::Object(_) => harmless_json(&line).into_owned(),
        Document::Line(_) => harmless_fields(&line),
    }
}
