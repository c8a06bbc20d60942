use alertwire_catalogue::Kind;
use askama::Template;
use domain::configuration::Configuration;
use domain::event_kind::Adds;
use serde::Deserialize;

use super::kind_path;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page, query};
use crate::read::Query;

/// Codes that are no more and that event sets still name; further ones are not shown.
const RETIRED: usize = 100;

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    text: Option<String>,
    category: Option<String>,
    severity: Option<String>,
    /// `documented` or `proposed`.
    wording: Option<String>,
    /// `built_in`, `added` or `extended`.
    origin: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "catalogue/list.html")]
pub(super) struct CataloguePage {
    frame: Frame,
    asked: Asked,
    state: query::State,
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

/// Where a kind comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    BuiltIn,
    /// It is built in, and further subjects or wordings were taught.
    Extended,
    Added,
}

impl Origin {
    pub(super) fn of(kind: &Kind, configuration: &Configuration) -> Self {
        let is_extended = || {
            configuration
                .event_kinds()
                .any(|entry| entry.adds == Adds::Wordings && entry.code == kind.code)
        };
        match kind.is_built_in() {
            false => Self::Added,
            true if is_extended() => Self::Extended,
            true => Self::BuiltIn,
        }
    }

    /// As the URL has it.
    fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Extended => "extended",
            Self::Added => "added",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Extended => "built-in, extended",
            Self::Added => "added",
        }
    }
}

pub(super) async fn show(visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let configuration = &visitor.caller.configuration;
    let catalogue = configuration.catalogue();
    let kinds = catalogue.categories();
    let names = kinds.iter().map(|(name, _)| visible(name)).collect();
    let categories: Vec<_> = kinds
        .into_iter()
        .map(|(name, kinds)| Category {
            name: visible(name),
            rows: kinds
                .into_iter()
                .filter(|kind| asked.wants(kind, configuration))
                .map(|kind| Row::new(kind, configuration))
                .collect(),
        })
        .filter(|category| !category.rows.is_empty())
        .collect();
    page(&CataloguePage {
        frame: Frame::new(&visitor, Here::Catalogue, "Catalogue", None),
        state: asked.state(),
        names,
        retired: retired(configuration),
        all: catalogue.kinds().len(),
        shown: categories.iter().map(|category| category.rows.len()).sum(),
        left_out: configuration.left_out().len(),
        categories,
        asked,
    })
}

impl Asked {
    fn state(&self) -> query::State {
        let all = [
            ("text", self.text.as_deref()),
            ("category", self.category.as_deref()),
            ("severity", self.severity.as_deref()),
            ("wording", self.wording.as_deref()),
            ("origin", self.origin.as_deref()),
        ];
        query::State::new("/catalogue", &all)
    }

    /// Whether a kind fits all that is asked for; words are looked for in what the row shows, and in the aliases.
    fn wants(&self, kind: &Kind, configuration: &Configuration) -> bool {
        let is = |asked: &Option<String>, value: &str| {
            asked
                .as_deref()
                .is_none_or(|asked| asked.is_empty() || asked == value)
        };
        let has_words = || {
            let said = [&kind.code, &kind.name, &kind.subject];
            let said: Vec<String> = said
                .into_iter()
                .chain(&kind.aliases)
                .map(|text| text.to_lowercase())
                .collect();
            let words = self.text.as_deref().unwrap_or_default().to_lowercase();
            words
                .split_whitespace()
                .all(|word| said.iter().any(|text| text.contains(word)))
        };
        is(&self.category, &visible(&kind.category))
            && is(&self.severity, kind.severity.as_str())
            && is(&self.wording, kind.wording.as_str())
            && is(&self.origin, Origin::of(kind, configuration).as_str())
            && has_words()
    }
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
        let page = |asked: Asked, categories, retired| Self {
            frame: Frame::sample(Here::Catalogue),
            state: asked.state(),
            asked,
            names: vec![hostile.to_owned()],
            categories,
            retired,
            all: 3,
            shown: 3,
            left_out: 1,
        };
        let narrowed = Asked {
            text: Some("\"><script>alert(1)</script>".to_owned()),
            ..Asked::default()
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
            page(Asked::default(), filled, retired),
            page(narrowed, Vec::new(), Vec::new()),
        ]
    }
}
