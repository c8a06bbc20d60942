//! A `WHERE` that grows by what a query asks for; values are always bound, never written into the text.

use domain::access::Scope;
use tokio_postgres::types::ToSql;

use super::sound;

/// A value to be bound.
type Value = Box<dyn ToSql + Sync + Send>;

#[derive(Debug, Default)]
pub(crate) struct Clauses {
    sql: String,
    values: Vec<Value>,
}

impl Clauses {
    /// Adds a condition whose `?` all stand for the one value.
    pub(crate) fn and(&mut self, condition: &str, value: impl ToSql + Sync + Send + 'static) {
        let place = self.place(value);
        self.and_plain(&condition.replace('?', &place));
    }

    /// Binds a value that stands outside the conditions; answers its place.
    pub(crate) fn place(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    /// Adds a condition without a value.
    pub(crate) fn and_plain(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.sql.push_str(condition);
    }

    /// Adds a condition with a value, when there is one.
    pub(crate) fn and_some(
        &mut self,
        condition: &str,
        value: Option<impl ToSql + Sync + Send + 'static>,
    ) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// Adds a condition with a text, when there is one.
    pub(crate) fn and_text(&mut self, condition: &str, text: Option<&str>) {
        self.and_some(condition, text.map(|text| sound(text).into_owned()));
    }

    /// Only these ids.
    pub(crate) fn within(&mut self, column: &str, ids: impl IntoIterator<Item = [u8; 16]>) {
        let ids: Vec<Vec<u8>> = ids.into_iter().map(Vec::from).collect();
        self.and(&format!("{column} = ANY(?)"), ids);
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

    pub(crate) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect()
    }
}
