//! A `WHERE` that grows by what a query asks for; values are always bound, never written into the text.

use domain::access::Scope;
use rusqlite::types::Value;

#[derive(Debug, Default)]
pub(crate) struct Clauses {
    sql: String,
    values: Vec<Value>,
}

impl Clauses {
    /// Adds a condition whose `?` are bound to the values in order.
    pub(crate) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.sql.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    /// Adds a condition with one value, when there is one.
    pub(crate) fn and_some(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(condition, [value.into()]);
        }
    }

    /// Only these ids.
    pub(crate) fn within(&mut self, column: &str, ids: impl IntoIterator<Item = [u8; 16]>) {
        let values: Vec<Value> = ids.into_iter().map(|id| Value::Blob(id.to_vec())).collect();
        let places = vec!["?"; values.len()].join(",");
        self.and(&format!("{column} IN ({places})"), values);
    }

    /// Only what the scope may see.
    pub(crate) fn scope(&mut self, column: &str, scope: &Scope) {
        if let Scope::Companies(companies) = scope {
            self.within(column, companies.iter().map(|company| company.to_bytes()));
        }
    }

    /// The text of the conditions, ` WHERE …` or nothing.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values
    }
}

/// A value of 16 bytes, or none.
pub(crate) fn blob(bytes: Option<[u8; 16]>) -> Option<Value> {
    bytes.map(|bytes| Value::Blob(bytes.to_vec()))
}
