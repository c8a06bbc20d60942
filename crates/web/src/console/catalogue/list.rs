use alertwire_catalogue::Kind;
use askama::Template;
use domain::configuration::Configuration;
use http::Uri;

use super::kind_path;
use crate::api::catalog::{CatalogQuery, Origin};
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::ListQuery;

/// Codes that are no more and that event sets still name; further ones are not shown.
const RETIRED: usize = 100;
/// Parameters of the page alone. The company is that of the pages beside it: event kinds are nobody's.
const OWN: [&str; 2] = ["company", "told"];

#[derive(Debug, Template)]
#[template(path = "catalogue/list.html")]
pub(super) struct CataloguePage {
    frame: Frame,
    asked: CatalogQuery,
    state: query::State,
    files: query::Files,
    names: Vec<String>,
    categories: Vec<Category>,
    retired: Vec<(String, String)>,
    /// Kinds that there are, and those of them that are shown.
    all: usize,
    shown: usize,
    /// Entries of the user's that are not part of the catalogue.
    left_out: usize,
}

#[derive(Debug)]
struct Category {
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    path: String,
    name: String,
    code: String,
    subject: String,
    aliases: usize,
    severity: &'static str,
    wording: &'static str,
    origin: Origin,
}

pub(super) async fn show(visitor: Visitor, uri: Uri) -> Page {
    let read = ListQuery::<CatalogQuery>::read(&uri, &OWN)?;
    let company = Some(read.own("company"));
    let asked = &read.list;
    let configuration = &visitor.caller.configuration;
    let catalogue = configuration.catalogue();
    let names = catalogue.categories();
    let names = names.iter().map(|(name, _)| visible(name)).collect();
    let category = |(name, kinds): (&str, Vec<&Kind>)| Category {
        name: visible(name),
        rows: kinds
            .into_iter()
            .map(|kind| Row::new(kind, configuration))
            .collect(),
    };
    let fitting = asked.categories(configuration);
    let categories: Vec<_> = fitting.into_iter().map(category).collect();
    page(&CataloguePage {
        frame: Frame::new(&visitor, Here::Catalogue, "Catalogue", company),
        files: state(asked).files("/api/v1/catalog/export"),
        state: state(asked),
        names,
        retired: retired(configuration),
        all: catalogue.kinds().len(),
        shown: categories.iter().map(|category| category.rows.len()).sum(),
        left_out: configuration.left_out().len(),
        categories,
        asked: read.list.clone(),
    })
}

fn state(asked: &CatalogQuery) -> query::State {
    let all = [
        ("text", asked.text.as_deref()),
        ("category", asked.category.as_deref()),
        ("severity", asked.severity.as_deref()),
        ("wording", asked.wording.as_deref()),
        ("origin", asked.origin.as_deref()),
    ];
    query::State::new("/catalogue", &all)
}

/// Codes that event sets name and the catalogue does not have any more, each with the sets.
fn retired(configuration: &Configuration) -> Vec<(String, String)> {
    let mut retired: std::collections::BTreeMap<&str, Vec<String>> =
        std::collections::BTreeMap::new();
    for set in configuration.event_sets() {
        for code in &set.events {
            if configuration.catalogue().kind(code).is_none() {
                retired.entry(code).or_default().push(visible(&set.name));
            }
        }
    }
    let retired = retired.into_iter().take(RETIRED);
    retired
        .map(|(code, sets)| (visible(code), sets.join(", ")))
        .collect()
}

impl Row {
    fn new(kind: &Kind, configuration: &Configuration) -> Self {
        Self {
            path: kind_path(&kind.code),
            name: visible(&kind.name),
            code: visible(&kind.code),
            subject: visible(&kind.subject),
            aliases: kind.aliases.len(),
            severity: kind.severity.as_str(),
            wording: kind.wording.as_str(),
            origin: Origin::of(kind, configuration),
        }
    }
}

impl CataloguePage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>";
        let row = |origin| Row {
            path: kind_path("backup.failed"),
            name: hostile.to_owned(),
            code: "backup.failed".to_owned(),
            subject: hostile.to_owned(),
            aliases: 2,
            severity: "high",
            wording: "proposed",
            origin,
        };
        let page = |asked: CatalogQuery, categories, retired| Self {
            frame: Frame::sample(Here::Catalogue),
            files: state(&asked).files("/api/v1/catalog/export"),
            state: state(&asked),
            asked,
            names: vec![hostile.to_owned()],
            categories,
            retired,
            all: 3,
            shown: 3,
            left_out: 1,
        };
        let narrowed = CatalogQuery {
            text: Some("\"><script>alert(1)</script>".to_owned()),
            ..CatalogQuery::default()
        };
        let filled = vec![Category {
            name: hostile.to_owned(),
            rows: vec![
                row(Origin::BuiltIn),
                row(Origin::Extended),
                row(Origin::Added),
            ],
        }];
        let retired = vec![("old.kind".to_owned(), hostile.to_owned())];
        vec![
            page(CatalogQuery::default(), filled, retired),
            page(narrowed, Vec::new(), Vec::new()),
        ]
    }
}
