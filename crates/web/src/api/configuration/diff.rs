//! What differs between two forms of a thing, field by field.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::read::json::push;

/// What is shown in the place of a secret that another one takes the place of.
const CHANGED: &str = "changed";

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// RFC 6901, inside the thing's entry of the document.
    pointer: String,
    /// Null: it was not set. Of a secret `"set"`.
    #[schema(value_type = Object)]
    old: Value,
    /// Null: it is not set any more. Of a secret `"changed"`.
    #[schema(value_type = Object)]
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

/// The fields in which two forms differ: objects are looked into, lists are taken whole.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(String::new(), old, new, &mut found);
    found
}

/// Depth is bounded by that of the forms.
fn compare(pointer: String, old: &Value, new: &Value, found: &mut Vec<FieldChange>) {
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        if old != new {
            found.push(FieldChange {
                pointer,
                old: old.clone(),
                new: new.clone(),
            });
        }
        return;
    };
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let mut pointer = pointer.clone();
        push(&mut pointer, key);
        let side = |object: &serde_json::Map<String, Value>| {
            object.get(key).cloned().unwrap_or(Value::Null)
        };
        compare(pointer, &side(before), &side(after), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_named_by_its_pointer() {
        let old = json!({"name": "A", "list": [1, 2], "inner": {"a": 1, "b/c": 2}, "gone": true});
        let new = json!({"name": "A", "list": [1], "inner": {"a": 1, "b/c": 3}, "come": {"x": 1}});
        let found = differences(&old, &new);
        let shown: Vec<_> = found
            .iter()
            .map(|change| (change.pointer.as_str(), &change.old, &change.new))
            .collect();
        assert_eq!(
            shown,
            [
                ("/list", &json!([1, 2]), &json!([1])),
                ("/inner/b~1c", &json!(2), &json!(3)),
                ("/gone", &json!(true), &json!(null)),
                ("/come", &json!(null), &json!({"x": 1})),
            ]
        );
        assert!(differences(&old, &old).is_empty());
    }
}
