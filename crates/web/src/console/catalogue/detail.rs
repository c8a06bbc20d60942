use std::sync::Arc;

use alertwire_catalogue::{FieldInfo, Kind, Limits, Wordings};
use askama::Template;
use axum::extract::{Path, State};
use domain::configuration::Configuration;
use domain::event_kind::Adds;
use store::{EventQuery, PageAt};

use super::{KindLink, marks, path_with};
use crate::App;
use crate::api::catalog::Origin;
use crate::console::text::{Shown, visible};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;

/// Event sets that are named one by one.
const SETS: usize = 50;
/// Samples that the page shows; a kind of the user's may bring along many.
const SAMPLES: usize = 20;

#[derive(Debug, Template)]
#[template(path = "catalogue/detail.html")]
pub(super) struct KindPage {
    frame: Frame,
    code: String,
    name: String,
    category: String,
    subject: String,
    aliases: Vec<Wording>,
    severity: &'static str,
    wording: &'static str,
    origin: Origin,
    class: String,
    action: String,
    /// Names of the fields that tell two records apart, and what they are for.
    keys: Vec<(&'static str, String)>,
    alternatives: Vec<KindLink>,
    fields: Vec<FieldInfo>,
    body: String,
    /// Wordings that are read and never written.
    variants: Vec<Wording>,
    samples: Vec<Sample>,
    more_samples: usize,
    sets: Vec<String>,
    more_sets: usize,
    /// The user's own entries about it: id, and in words what they add.
    entries: Vec<(String, &'static str)>,
    has_wordings: bool,
    events: String,
    silence: String,
    extend: String,
}

/// A subject or a template, and whether the user's entry added it.
#[derive(Debug)]
struct Wording {
    text: String,
    is_own: bool,
}

/// An alert of the kind as it goes over the wire.
#[derive(Debug)]
struct Sample {
    body: Shown,
    fields: Vec<(String, String)>,
    more_records: usize,
    tester: String,
}

/// A code that old events bear, or event sets name, and that stands in the catalogue no longer.
#[derive(Debug, Template)]
#[template(path = "catalogue/retired.html")]
pub(super) struct RetiredPage {
    frame: Frame,
    code: String,
    sets: Vec<String>,
    more_sets: usize,
    has_events: bool,
    events: String,
}

pub(super) async fn show(app: State<App>, visitor: Visitor, Path(code): Path<String>) -> Page {
    let configuration = &visitor.caller.configuration;
    let frame = Frame::new(&visitor, Here::Catalogue, "Event kind", None);
    if let Some(kind) = configuration.catalogue().kind(&code) {
        return page(&KindPage::new(frame, kind, configuration));
    }
    let query = EventQuery {
        kind: Some(code.clone()),
        ..EventQuery::default()
    };
    let at = PageAt::new(Some(1), None);
    let found = app
        .store()
        .events(visitor.caller.scope(), &query, &at)
        .await?;
    let (sets, more_sets) = sets(&code, configuration);
    let has_events = !found.items.is_empty();
    if sets.is_empty() && !has_events {
        return Err(Problem::not_found("event kind"));
    }
    page(&RetiredPage {
        frame,
        events: path_with("/events", &[("event", &code)]),
        code: visible(&code),
        sets,
        more_sets,
        has_events,
    })
}

/// The event sets that hold a kind, by name, and how many more there are.
fn sets(code: &str, configuration: &Configuration) -> (Vec<String>, usize) {
    let holds = |set: &&Arc<domain::event_set::EventSet>| {
        set.events
            .binary_search_by(|own| own.as_str().cmp(code))
            .is_ok()
    };
    let mut names: Vec<_> = configuration
        .event_sets()
        .filter(holds)
        .map(|set| visible(&set.name))
        .collect();
    names.sort_unstable_by_key(|name| name.to_lowercase());
    let more = names.len().saturating_sub(SETS);
    names.truncate(SETS);
    (names, more)
}

impl KindPage {
    fn new(frame: Frame, kind: &Kind, configuration: &Configuration) -> Self {
        let (sets, more_sets) = sets(&kind.code, configuration);
        let [aliases, variants] = taught(kind, configuration);
        let entries: Vec<_> = configuration
            .event_kinds()
            .filter(|entry| entry.code == kind.code)
            .collect();
        let samples = kind.examples.iter().enumerate().take(SAMPLES);
        let filter = format!("event={}", kind.code);
        Self {
            frame,
            name: visible(&kind.name),
            category: visible(&kind.category),
            subject: visible(&kind.subject),
            aliases,
            severity: kind.severity.as_str(),
            wording: kind.wording.as_str(),
            origin: Origin::of(kind, configuration),
            class: visible(&kind.class),
            action: visible(&kind.action),
            keys: keys(kind),
            alternatives: kind
                .alternatives
                .iter()
                .filter_map(|code| configuration.catalogue().kind(code))
                .map(KindLink::new)
                .collect(),
            fields: kind.fields(),
            body: visible_lines(&kind.body),
            variants,
            samples: samples
                .map(|(number, example)| Sample::new(kind, number, example, configuration))
                .collect(),
            more_samples: kind.examples.len().saturating_sub(SAMPLES),
            sets,
            more_sets,
            has_wordings: entries.iter().any(|entry| entry.adds == Adds::Wordings),
            entries: entries
                .iter()
                .map(|entry| {
                    let word = match entry.adds {
                        Adds::Kind => "This kind is one of your own.",
                        Adds::Wordings => "You added subjects or wordings.",
                    };
                    (entry.id.to_string(), word)
                })
                .collect(),
            events: path_with("/events", &[("event", &kind.code)]),
            silence: path_with("/silences/new", &[("filter", &filter)]),
            extend: path_with("/catalogue/entries/new", &[("extends", &kind.code)]),
            code: kind.code.clone(),
        }
    }
}

/// Aliases and further wordings.
fn taught(kind: &Kind, configuration: &Configuration) -> [Vec<Wording>; 2] {
    let entry = configuration
        .event_kinds()
        .find(|entry| entry.adds == Adds::Wordings && entry.code == kind.code);
    let added = entry.and_then(|entry| Wordings::read(&entry.name(), &entry.file).ok());
    let wordings = |texts: &[String], own: fn(&Wordings) -> &Vec<String>| {
        let wording = |text: &String| Wording {
            text: visible_lines(text),
            is_own: added
                .as_ref()
                .is_some_and(|added| own(added).contains(text)),
        };
        texts.iter().map(wording).collect()
    };
    [
        wordings(&kind.aliases, |added| &added.aliases),
        wordings(&kind.variants, |added| &added.variants),
    ]
}

fn keys(kind: &Kind) -> Vec<(&'static str, String)> {
    let all = [
        ("Asset", &kind.key),
        ("Tells apart", &kind.identity),
        ("Product", &kind.product),
    ];
    let named = all.into_iter().filter(|(_, names)| !names.is_empty());
    named
        .map(|(word, names)| (word, visible(&names.join(", "))))
        .collect()
}

/// A template of several lines, with its line breaks.
fn visible_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(visible).collect();
    lines.join("\n")
}

impl Sample {
    fn new(
        kind: &Kind,
        number: usize,
        example: &alertwire_catalogue::Example,
        configuration: &Configuration,
    ) -> Self {
        let catalogue = configuration.catalogue();
        let alert = catalogue.read_alert(&kind.subject, &example.body, &Limits::default());
        let first = example
            .records
            .first()
            .into_iter()
            .flat_map(|record| record.iter());
        Self {
            body: Shown::marked(&example.body, marks(&alert)),
            fields: first
                .map(|(name, value)| (visible(name), visible(&value.to_string())))
                .collect(),
            more_records: example.records.len().saturating_sub(1),
            tester: path_with(
                "/catalogue/tester",
                &[("kind", &kind.code), ("sample", &number.to_string())],
            ),
        }
    }
}

impl KindPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let text = || visible(hostile);
        let wording = |is_own| Wording {
            text: text(),
            is_own,
        };
        let page = |is_filled: bool| Self {
            frame: Frame::sample(Here::Catalogue),
            code: "backup.failed".to_owned(),
            name: text(),
            category: text(),
            subject: text(),
            aliases: if is_filled {
                vec![wording(true), wording(false)]
            } else {
                Vec::new()
            },
            severity: "low",
            wording: if is_filled { "documented" } else { "proposed" },
            origin: if is_filled {
                Origin::Added
            } else {
                Origin::BuiltIn
            },
            class: text(),
            action: text(),
            keys: vec![("Asset", text())],
            alternatives: if is_filled {
                vec![KindLink::sample()]
            } else {
                Vec::new()
            },
            fields: vec![FieldInfo {
                name: "a".to_owned(),
                type_name: "enum(<script>|b)".to_owned(),
                optional: is_filled,
                free: false,
            }],
            body: text(),
            variants: vec![wording(is_filled)],
            samples: vec![Sample {
                body: Shown::marked(hostile, Vec::new()),
                fields: vec![(text(), text())],
                more_records: 1,
                tester: "/catalogue/tester?kind=a.b&sample=0".to_owned(),
            }],
            more_samples: usize::from(is_filled),
            sets: if is_filled { vec![text()] } else { Vec::new() },
            more_sets: usize::from(is_filled),
            entries: if is_filled {
                vec![("1".to_owned(), "This kind is one of your own.")]
            } else {
                Vec::new()
            },
            has_wordings: is_filled,
            events: "/events?event=backup.failed".to_owned(),
            silence: "/silences/new?filter=1".to_owned(),
            extend: "/catalogue/entries/new?extends=backup.failed".to_owned(),
        };
        vec![page(true), page(false)]
    }
}

impl RetiredPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |has_events: bool| Self {
            frame: Frame::sample(Here::Catalogue),
            code: "<script>".to_owned(),
            sets: if has_events {
                Vec::new()
            } else {
                vec!["<i>Globex".to_owned()]
            },
            more_sets: usize::from(!has_events),
            has_events,
            events: "/events?event=a.b".to_owned(),
        };
        vec![page(true), page(false)]
    }
}
