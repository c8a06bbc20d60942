//! A field that differs, as the answers about the configuration show it.

use domain::diff::diff;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What is shown in the place of a secret that another one takes the place of.
const CHANGED: &str = "changed";

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// Where the field stands in the thing (RFC 6901).
    pointer: String,
    /// Null: it was not set. Of a secret `"set"`.
    #[schema(value_type = Object, nullable)]
    old: Value,
    /// Null: it is not set any more. Of a secret `"set"`, `"changed"` or `"removed"`.
    #[schema(value_type = Object, nullable)]
    new: Value,
}

impl FieldChange {
    /// A secret whose value changes; neither is shown.
    pub(super) fn of_secret(pointer: String) -> Self {
        Self {
            pointer,
            old: "set".into(),
            new: CHANGED.into(),
        }
    }
}

impl From<domain::diff::FieldChange> for FieldChange {
    fn from(change: domain::diff::FieldChange) -> Self {
        Self {
            pointer: change.pointer,
            old: change.old,
            new: change.new,
        }
    }
}

/// The fields in which two forms differ.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<FieldChange> {
    diff(old, new).into_iter().map(FieldChange::from).collect()
}
