//! What of a record tells it from others: the material of fingerprints and groups. No times, no counts, no free remarks.

use crate::kind::Kind;
use crate::value::Record;

/// Stands between the parts of a key; no canonical value holds it.
const BETWEEN: char = '\u{1f}';

impl Kind {
    /// The asset that the record speaks of.
    ///
    /// ```
    /// use alertwire_catalogue::{Catalogue, Record};
    /// let catalogue = Catalogue::builtin();
    /// let record: Record = [("ip", "10.0.0.5"), ("hostname", "DB-1.example.com")].into_iter().collect();
    /// let kind = catalogue.kind("system.asset_added").unwrap();
    /// assert_eq!(kind.asset_key(&record).as_deref(), Some("hostname=db-1.example.com"));
    /// ```
    pub fn asset_key(&self, record: &Record) -> Option<String> {
        first_present(&self.key, record)
    }

    /// The product that the record speaks of.
    pub fn product_key(&self, record: &Record) -> Option<String> {
        first_present(&self.product, record)
    }

    /// All that identifies the record within its kind and company; `None` when it holds nothing that could.
    pub fn record_key(&self, record: &Record) -> Option<String> {
        let identity = self.identity.iter().filter_map(|name| part(name, record));
        let parts: Vec<String> = self.asset_key(record).into_iter().chain(identity).collect();
        (!parts.is_empty()).then(|| parts.join(BETWEEN.encode_utf8(&mut [0; 4])))
    }
}

fn first_present(names: &[String], record: &Record) -> Option<String> {
    names.iter().find_map(|name| part(name, record))
}

/// Names of hosts, users and products are the same in any case.
fn part(name: &str, record: &Record) -> Option<String> {
    record
        .get(name)
        .map(|value| format!("{name}={}", value.to_text().to_lowercase()))
}
