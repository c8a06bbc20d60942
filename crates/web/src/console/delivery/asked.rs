//! What a list of deliveries is asked for: saved views, and filters as chips that can be taken off.

use crate::api::delivery::list::DeliveriesQuery;
use crate::console::query::{Chip, State, Tab};
use crate::console::text::visible;

/// A saved view: a word, and the parameters that make it.
type View = (&'static str, &'static [(&'static str, &'static str)]);

/// From how many milliseconds of its last attempt on a delivery is slow: a third of the deadline that an integration has
/// unless its settings say otherwise, so that it is seen before attempts fail.
const SLOW: &str = "5000";

const VIEWS: [View; 8] = [
    ("All", &[]),
    ("Failed", &[("failing", "true")]),
    ("Retrying", &[("status", "pending"), ("failing", "true")]),
    ("Dead", &[("status", "dead")]),
    ("Parked", &[("status", "parked")]),
    ("Pending", &[("status", "pending")]),
    ("Delivered", &[("status", "delivered")]),
    ("Slow", &[("took_millis", SLOW)]),
];

/// A parameter with its label.
const LABELS: [(&str, &str); 16] = [
    ("text", "Subject"),
    ("status", "Status"),
    ("failing", "Last attempt"),
    ("integration", "Integration"),
    ("cause", "Cause"),
    ("fault", "Whose fault"),
    ("reason", "Given up"),
    ("kind", "Event"),
    ("category", "Category"),
    ("code", "Code"),
    ("took_millis", "Took at least"),
    ("event", "Event id"),
    ("id", "Id"),
    ("since", "From"),
    ("until", "Before"),
    ("company", "Company"),
];

/// What stands behind *More filters*.
const MORE: [&str; 9] = [
    "category",
    "code",
    "took_millis",
    "fault",
    "reason",
    "event",
    "id",
    "until",
    "failing",
];
/// Longest value of a chip, in characters.
const VALUE: usize = 80;

/// All that the URL of the list holds but the page.
pub(super) fn state(asked: &DeliveriesQuery, usual: &str) -> State {
    let limit = asked.limit.as_deref().filter(|limit| *limit != usual);
    State::new(
        "/deliveries",
        &[
            ("text", asked.text.as_deref()),
            ("id", asked.id.as_deref()),
            ("status", asked.status.as_deref()),
            ("failing", asked.failing.as_deref()),
            ("integration", asked.integration.as_deref()),
            ("event", asked.event.as_deref()),
            ("kind", asked.kind.as_deref()),
            ("category", asked.category.as_deref()),
            ("cause", asked.cause.as_deref()),
            ("code", asked.code.as_deref()),
            ("took_millis", asked.took_millis.as_deref()),
            ("reason", asked.reason.as_deref()),
            ("fault", asked.fault.as_deref()),
            ("since", asked.since.as_deref()),
            ("until", asked.until.as_deref()),
            ("company", asked.company.as_deref()),
            ("limit", limit),
        ],
    )
}

/// The saved views. What is set beside a view does not leave it; of two that hold, the narrower is where one is.
pub(super) fn tabs(state: &State, company: &str) -> Vec<Tab> {
    let holds = |view: &View| {
        let is_set = |wanted: &(&str, &str)| state.narrowing().any(|set| set == *wanted);
        view.1.iter().all(is_set)
    };
    let held = VIEWS.iter().enumerate().filter(|(_, view)| holds(view));
    let here = held.max_by_key(|(place, view)| (view.1.len(), usize::MAX - place));
    let here = here.map_or(0, |(place, _)| place);
    let tab = |(place, (word, set)): (usize, &View)| {
        let company = ("company", Some(company));
        let set = set.iter().map(|(name, value)| (*name, Some(*value)));
        let all: Vec<_> = set.chain([company]).collect();
        Tab {
            path: State::new("/deliveries", &all).newest(),
            word,
            is_here: place == here,
        }
    };
    VIEWS.iter().enumerate().map(tab).collect()
}

pub(super) fn chips(state: &State, integrations: &[(String, String)]) -> Vec<Chip> {
    let chip = |(name, value): (&'static str, &str)| {
        let known = integrations.iter().find(|(id, _)| id == value);
        let named = known.filter(|_| name == "integration");
        Chip {
            label: label(name),
            value: match (name, named) {
                (_, Some((_, name))) => name.clone(),
                ("failing", None) => "failed".to_owned(),
                ("took_millis", None) => format!("{} ms", visible(value)),
                (_, None) => visible(value).chars().take(VALUE).collect(),
            },
            without: state.without(name),
        }
    };
    state.narrowing().map(chip).collect()
}

/// Whether a filter is set that the form does not show at once.
pub(super) fn has_more(state: &State) -> bool {
    state
        .narrowing()
        .any(|(name, _)| MORE.contains(&name) && name != "failing")
}

fn label(name: &'static str) -> &'static str {
    let known = LABELS.iter().find(|(own, _)| *own == name);
    known.map_or(name, |(_, label)| label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_view_is_where_one_is() {
        let here = |pairs: &[(&'static str, Option<&str>)]| {
            let tabs = tabs(&State::new("/deliveries", pairs), "Acme");
            let here: Vec<_> = tabs.into_iter().filter(|tab| tab.is_here).collect();
            assert_eq!(here.len(), 1);
            here[0].word
        };
        assert_eq!(here(&[]), "All");
        assert_eq!(here(&[("cause", Some("tls"))]), "All");
        let retrying = [("status", Some("pending")), ("failing", Some("true"))];
        assert_eq!(here(&retrying), "Retrying");
        assert_eq!(here(&retrying[1..]), "Failed");
        assert_eq!(here(&retrying[..1]), "Pending");
        assert_eq!(here(&[("took_millis", Some("5000"))]), "Slow");
        assert_eq!(here(&[("took_millis", Some("1"))]), "All");
    }

    #[test]
    fn a_filter_is_a_chip_that_can_be_taken_off() {
        let asked = DeliveriesQuery {
            status: Some("dead".to_owned()),
            integration: Some("1".to_owned()),
            ..DeliveriesQuery::default()
        };
        let state = state(&asked, "50");
        let chips = chips(&state, &[("1".to_owned(), "Desk".to_owned())]);
        assert_eq!((chips[1].label, &*chips[1].value), ("Integration", "Desk"));
        assert_eq!(chips[1].without, "/deliveries?status=dead");
        assert!(!has_more(&state));
        let slow = DeliveriesQuery {
            took_millis: Some(SLOW.to_owned()),
            ..DeliveriesQuery::default()
        };
        let state = super::state(&slow, "50");
        assert_eq!(chips_of(&state), [("Took at least", "5000 ms".to_owned())]);
        assert!(has_more(&state));
    }

    fn chips_of(state: &State) -> Vec<(&'static str, String)> {
        let chips = chips(state, &[]).into_iter();
        chips.map(|chip| (chip.label, chip.value)).collect()
    }
}
