//! Fields that changed, as rows of a table: what they belong to stands in the first row alone.

use serde_json::Value;

use crate::output::Table;

/// Longest value of a cell, in characters; `--json` has them whole.
const CELL_CHARS: usize = 80;

/// A value as a person reads it; nothing for one that is not there.
pub(super) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= CELL_CHARS {
        return text;
    }
    let start: String = text.chars().take(CELL_CHARS - 1).collect();
    format!("{start}…")
}

/// A row for each field; a single one without any when nothing changed.
pub(super) fn fields_of<const N: usize>(
    table: &mut Table,
    head: &[String; N],
    fields: impl Iterator<Item = [String; 3]>,
) {
    let mut head = head.to_vec();
    let mut fields = fields.peekable();
    if fields.peek().is_none() {
        head.extend([const { String::new() }; 3]);
        return table.row(head);
    }
    for field in fields {
        let row = head.iter().cloned().chain(field);
        table.row(row.collect::<Vec<_>>());
        head.iter_mut().for_each(String::clear);
    }
}
