//! What a list of events is asked for: saved views, and filters as chips that can be taken off.

use crate::api::event::list::EventsQuery;
use crate::console::Frame;
use crate::console::query::{Chip, State, Tab};
use crate::console::text::visible;
use crate::read::Caller;

/// Most sources that the filter proposes; the URL takes any.
const SOURCES: usize = 500;

/// A saved view: a word, and the parameters that make it.
type View = (&'static str, &'static [(&'static str, &'static str)]);

const VIEWS: [View; 6] = [
    ("All", &[]),
    ("Unassigned", &[("routing", "unassigned_company")]),
    ("Unmatched", &[("routing", "unmatched")]),
    ("Unrecognised", &[("match", "none")]),
    ("Quarantine", &[("decode", "failed")]),
    ("Duplicates", &[("repeated", "true")]),
];

/// Values of closed parameters with the words that people read.
pub(super) const ROUTINGS: [(&str, &str); 10] = [
    ("routed", "routed"),
    ("unrouted", "not routed"),
    ("unmatched", "unmatched"),
    ("unassigned_company", "unassigned"),
    ("no_mapping", "no mapping"),
    ("mapping_off", "mapping off"),
    ("no_rule", "no rule"),
    ("silenced", "silenced"),
    ("reread", "read again"),
    ("loop", "a loop"),
];
pub(super) const MATCHES: [(&str, &str); 3] = [
    ("full", "full"),
    ("partial", "partial"),
    ("none", "not recognised"),
];
pub(super) const DECODES: [(&str, &str); 3] = [
    ("ok", "good"),
    ("repaired", "repaired"),
    ("failed", "quarantined"),
];

/// A parameter with its label.
const LABELS: [(&str, &str); 16] = [
    ("text", "Search"),
    ("event", "Event"),
    ("category", "Category"),
    ("severity", "Severity at least"),
    ("routing", "Routing"),
    ("match", "Read"),
    ("decode", "JSON"),
    ("source", "Source"),
    ("since", "From"),
    ("until", "Before"),
    ("journal", "Message"),
    ("fingerprint", "Fingerprint"),
    ("silence", "Silence"),
    ("repeated", "Seen again"),
    ("filter", "Filter"),
    ("company", "Company"),
];

/// What stands behind *More filters*.
const MORE: [&str; 7] = [
    "category", "source", "match", "decode", "until", "repeated", "filter",
];

/// What the fields of the form propose.
#[derive(Debug, Default)]
pub(super) struct Choices {
    pub(super) codes: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) sources: Vec<(String, String)>,
}

/// All that the URL of the list holds but the page.
pub(super) fn state(asked: &EventsQuery, usual: &str) -> State {
    let limit = asked.limit.as_deref().filter(|limit| *limit != usual);
    State::new(
        "/events",
        &[
            ("text", asked.text.as_deref()),
            ("event", asked.event.as_deref()),
            ("category", asked.category.as_deref()),
            ("severity", asked.severity.as_deref()),
            ("routing", asked.routing.as_deref()),
            ("match", asked.matched.as_deref()),
            ("decode", asked.decode.as_deref()),
            ("source", asked.source.as_deref()),
            ("since", asked.since.as_deref()),
            ("until", asked.until.as_deref()),
            ("journal", asked.journal.as_deref()),
            ("fingerprint", asked.fingerprint.as_deref()),
            ("silence", asked.silence.as_deref()),
            ("repeated", asked.repeated.as_deref()),
            ("filter", asked.filter.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", limit),
        ],
    )
}

/// The saved views. What is set beside a view does not leave it; the first is where no other is.
pub(super) fn tabs(state: &State, frame: &Frame) -> Vec<Tab> {
    let holds = |view: &View| {
        let holds = |wanted: &(&str, &str)| state.narrowing().any(|set| set == *wanted);
        !view.1.is_empty() && view.1.iter().all(holds)
    };
    let here = VIEWS.iter().position(holds).unwrap_or(0);
    let tab = |(place, (word, set)): (usize, &View)| Tab {
        path: match set {
            [(name, value), ..] => frame.link_with("/events", name, value),
            [] => frame.link("/events"),
        },
        word,
        is_here: place == here,
    };
    VIEWS.iter().enumerate().map(tab).collect()
}

pub(super) fn chips(state: &State, choices: &Choices) -> Vec<Chip> {
    let chip = |(name, value): (&'static str, &str)| Chip {
        label: label(name),
        value: word(name, value, choices),
        without: state.without(name),
    };
    state.narrowing().map(chip).collect()
}

/// Whether a filter is set that the form does not show at once.
pub(super) fn has_more(state: &State) -> bool {
    state.narrowing().any(|(name, _)| MORE.contains(&name))
}

fn label(name: &'static str) -> &'static str {
    let known = LABELS.iter().find(|(own, _)| *own == name);
    known.map_or(name, |(_, label)| label)
}

fn word(name: &str, value: &str, choices: &Choices) -> String {
    let words: &[(&str, &str)] = match name {
        "routing" => &ROUTINGS,
        "match" => &MATCHES,
        "decode" => &DECODES,
        "repeated" => &[("true", "yes"), ("false", "no matter")],
        _ => &[],
    };
    if let Some((_, word)) = words.iter().find(|(own, _)| *own == value) {
        return (*word).to_owned();
    }
    let source = choices.sources.iter().find(|(id, _)| id == value);
    match source.filter(|_| name == "source") {
        Some((_, name)) => name.clone(),
        None => visible(value),
    }
}

impl Choices {
    pub(super) fn of(caller: &Caller) -> Self {
        let configuration = &caller.configuration;
        let kinds = configuration.catalogue().kinds();
        let mut codes: Vec<_> = kinds.iter().map(|kind| kind.code.clone()).collect();
        let mut categories: Vec<_> = kinds.iter().map(|kind| kind.category.clone()).collect();
        for words in [&mut codes, &mut categories] {
            words.sort_unstable();
            words.dedup();
        }
        let seen = configuration.sources();
        let seen = seen.filter(|source| crate::api::source::seen(source, caller));
        let mut sources: Vec<_> = seen
            .map(|source| (source.id.to_string(), visible(&source.name)))
            .collect();
        sources.sort_unstable_by_key(|(_, name)| name.to_lowercase());
        sources.truncate(SOURCES);
        Self {
            codes,
            categories,
            sources,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Here;

    #[test]
    fn every_filter_has_a_label_and_a_view_stays_while_it_is_narrowed() {
        let some = |text: &str| Some(text.to_owned());
        let asked = EventsQuery {
            routing: some("unmatched"),
            severity: some("high"),
            source: some("1"),
            ..EventsQuery::default()
        };
        let state = state(&asked, "50");
        let choices = Choices {
            sources: vec![("1".to_owned(), "Door".to_owned())],
            ..Choices::default()
        };
        let chips = chips(&state, &choices);
        let shown: Vec<_> = chips
            .iter()
            .map(|chip| (chip.label, chip.value.as_str()))
            .collect();
        let expected = [
            ("Severity at least", "high"),
            ("Routing", "unmatched"),
            ("Source", "Door"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(chips[0].without, "/events?routing=unmatched&source=1");
        let tabs = tabs(&state, &Frame::sample(Here::Events));
        let here: Vec<_> = tabs.iter().filter(|tab| tab.is_here).collect();
        assert_eq!(here.len(), 1);
        assert_eq!(here[0].word, "Unmatched");
        assert!(has_more(&state));
    }
}
