//! Lists as files: what a list of the API shows, page after page, as JSON lines or as a sheet.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::configuration::Configuration;
use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt as _, TryFutureExt as _};
use http::Uri;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::file::{self, Label, MOST, Parts};
use super::{Answer, csv};
use crate::App;
use crate::problem::Problem;
use crate::read::{Caller, Listing, Pages, Params};

/// Items of one read.
const PAGE: u16 = 500;
/// Parameters of the file alone.
const OWN: [&str; 3] = ["format", "limit", "cursor"];

/// A list as a file.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// What its items are called together; the file is called after them.
    pub(crate) of: &'static str,
    pub(crate) columns: &'static [Column],
    /// The list has pages; of another one answer is all.
    pub(crate) is_paged: bool,
}

/// A column of a sheet: what it is called, and what of an item stands in it.
#[derive(Debug)]
pub(crate) enum Column {
    /// The key of the same name.
    Key(&'static str),
    /// What stands at a JSON pointer.
    At(&'static str, &'static str),
    /// The key of the same name holds ids of companies, and none of them means all.
    Companies(&'static str),
    /// The key of the same name says who did something.
    Actor(&'static str),
}

/// Some items of a list, and what comes after them.
#[derive(Debug)]
pub(crate) struct Lot {
    pub(super) items: Vec<Value>,
    pub(super) next: Option<String>,
    /// There are further ones, which no cursor leads to.
    pub(super) is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jsonl,
    Csv,
}

impl Sheet {
    /// Answers with all that `list` gives for this query, or with as much of it as was asked for.
    pub(crate) async fn write<Q, L, F>(
        &'static self,
        State(app): State<App>,
        caller: Caller,
        uri: &Uri,
        list: impl Fn(State<App>, Caller, Q) -> F + Send + 'static,
    ) -> Result<Response, Problem>
    where
        Q: DeserializeOwned,
        L: Into<Lot> + Send + 'static,
        F: Future<Output = Answer<L>> + Send + 'static,
    {
        let asked = Pages::read(uri, &OWN);
        let (format, limit) = self.asked(&asked)?;
        let permit = file::permit(&app)?;
        let label = format.label(self.of, limit);
        let head = match format {
            Format::Jsonl => Vec::new(),
            Format::Csv => csv::row(&self.head(), false),
        };
        let cursor = asked.own("cursor").to_owned();
        let configuration = Arc::clone(&caller.configuration);
        let page = {
            let app = app.clone();
            move |limit: u16, cursor: &str| -> BoxFuture<'static, _> {
                let limit = limit.to_string();
                let at = [("limit", limit.as_str()), ("cursor", cursor)];
                match asked.page(if self.is_paged { &at } else { &[] }) {
                    Ok(query) => {
                        let found = list(State(app.clone()), caller.clone(), query);
                        found.map_ok(|Json(lot)| lot.into()).boxed()
                    }
                    Err(problem) => future::ready(Err(problem)).boxed(),
                }
            }
        };
        let export = Export {
            app,
            configuration,
            sheet: self,
            format,
            page: Box::new(page),
            limit,
            written: 0,
            cursor,
            is_over: false,
            _permit: permit,
        };
        file::stream(label, head, export).await
    }

    fn asked(&self, asked: &Pages) -> Result<(Format, u64), Problem> {
        let mut params = Params::default();
        let format = params.with("format", Some(asked.own("format")), |word| match word {
            "jsonl" => Ok(Format::Jsonl),
            "csv" => Ok(Format::Csv),
            _ => Err("is `jsonl` or `csv`".to_owned()),
        });
        let limit = params.with("limit", Some(asked.own("limit")), |text| {
            match text.parse::<u64>() {
                Ok(number @ 1..=MOST) => Ok(number),
                _ => Err(format!("is a whole number from 1 to {MOST}")),
            }
        });
        if !self.is_paged && !asked.own("cursor").is_empty() {
            params.error("cursor", "has no place here: the list has no pages");
        }
        params.finish()?;
        Ok((format.unwrap_or(Format::Jsonl), limit.unwrap_or(MOST)))
    }

    fn head(&self) -> Vec<String> {
        let names = self.columns.iter().map(|column| match column {
            Column::Key(name)
            | Column::At(name, _)
            | Column::Companies(name)
            | Column::Actor(name) => *name,
        });
        names.map(str::to_owned).collect()
    }

    fn line(&self, item: &Value, format: Format, names: &Configuration) -> Vec<u8> {
        match format {
            Format::Jsonl => format!("{item}\n").into_bytes(),
            Format::Csv => {
                let cells = self.columns.iter().map(|column| column.cell(item, names));
                csv::row(&cells.collect::<Vec<_>>(), false)
            }
        }
    }

    /// A file in JSON always ends with this line, so that one which broke off is known; one in CSV only where there is more.
    fn tail(&self, format: Format, written: u64, left: &Lot) -> Vec<u8> {
        let next = left.next.as_deref();
        let is_complete = next.is_none() && !left.is_cut;
        match format {
            Format::Jsonl => {
                let mut end = Map::new();
                end.insert(self.of.to_owned(), json!(written));
                end.insert("complete".to_owned(), json!(is_complete));
                end.insert("next".to_owned(), json!(next));
                format!("{}\n", json!({ "end": end })).into_bytes()
            }
            Format::Csv if is_complete => Vec::new(),
            Format::Csv => {
                let of = self.of.replace('_', " ");
                let rest = next.map_or_else(
                    || "it is cut there".to_owned(),
                    |next| format!("cursor={next} goes on"),
                );
                csv::row(
                    &[format!("more: this file ends after {written} {of}; {rest}")],
                    false,
                )
            }
        }
    }
}

impl Format {
    fn label(self, of: &str, limit: u64) -> Label {
        let (media_type, ending) = match self {
            Self::Jsonl => ("application/x-ndjson", "jsonl"),
            Self::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        };
        Label {
            media_type,
            name: format!("{}.{ending}", of.replace('_', "-")),
            limit,
        }
    }
}

impl Column {
    fn cell(&self, item: &Value, names: &Configuration) -> String {
        match self {
            Self::Key(name) => cell(&item[*name]),
            Self::At(_, pointer) => item.pointer(pointer).map_or_else(String::new, cell),
            Self::Companies(name) => match item[*name].as_array() {
                Some(ids) if !ids.is_empty() => joined(ids.iter().map(|id| company(id, names))),
                _ => "all".to_owned(),
            },
            Self::Actor(name) => match &item[*name] {
                Value::Object(who) if who.contains_key("key") => {
                    format!("API key {}", cell(&who["key"]))
                }
                Value::Object(who) if who.contains_key("user") => cell(&who["user"]),
                other => cell(other),
            },
        }
    }
}

/// What a cell says of a value: of a thing its name, of several all of them.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(several) => joined(several.iter().map(cell)),
        Value::Object(thing) if thing.contains_key("id") && thing.contains_key("name") => {
            let name = Some(&thing["name"]).filter(|name| !name.is_null());
            cell(name.unwrap_or(&thing["id"]))
        }
        other => other.to_string(),
    }
}

fn company(id: &Value, names: &Configuration) -> String {
    let text = id.as_str().unwrap_or_default();
    let found = text.parse().ok().and_then(|id| names.company(id));
    found.map_or_else(|| text.to_owned(), |company| company.name.clone())
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join("; ")
}

impl<V: Serialize> From<Listing<V>> for Lot {
    fn from(listing: Listing<V>) -> Self {
        Self {
            items: listing.items.iter().map(|item| json!(item)).collect(),
            next: listing.next,
            is_cut: false,
        }
    }
}

/// Reads so many items after a cursor, which is empty at the beginning.
type Read = dyn Fn(u16, &str) -> BoxFuture<'static, Result<Lot, Problem>> + Send;

struct Export {
    app: App,
    configuration: Arc<Configuration>,
    sheet: &'static Sheet,
    format: Format,
    page: Box<Read>,
    limit: u64,
    written: u64,
    cursor: String,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Parts for Export {
    fn of(&self) -> &'static str {
        self.sheet.of
    }

    async fn part(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        while !self.is_over {
            if self.app.closing().is_cancelled() {
                return Err(Problem::try_later("the server is closing"));
            }
            let part = self.read().await?;
            // A page that found nothing is nothing to send.
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }
}

impl Export {
    async fn read(&mut self) -> Result<Vec<u8>, Problem> {
        let left = self.limit - self.written;
        let page = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
        let mut lot = (self.page)(page, &self.cursor).await?;
        if let Ok(left) = usize::try_from(left) {
            lot.is_cut |= lot.items.len() > left;
            lot.items.truncate(left);
        }
        self.written += lot.items.len() as u64;
        let mut part = Vec::new();
        for item in &lot.items {
            part.extend(self.sheet.line(item, self.format, &self.configuration));
        }
        self.is_over = lot.next.is_none() || self.written >= self.limit;
        if self.is_over {
            part.extend(self.sheet.tail(self.format, self.written, &lot));
        }
        self.cursor = lot.next.unwrap_or_default();
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::cell;

    #[test]
    fn a_cell_says_a_thing_by_its_name() {
        for (value, text) in [
            (json!(null), ""),
            (json!("=1"), "=1"),
            (json!(12), "12"),
            (json!(true), "true"),
            (json!({"id": "1", "name": "Acme"}), "Acme"),
            (json!({"id": "1", "name": null}), "1"),
            (json!(["a", {"id": "1", "name": "b"}]), "a; b"),
            (json!({"name": "a"}), "{\"name\":\"a\"}"),
            (json!([]), ""),
        ] {
            assert_eq!(cell(&value), text);
        }
    }
}
