//! What a replay would do, before it begins.

use domain::configuration::Configuration;
use store::Breakdown;

use super::asked::Asked;
use crate::api::Named;
use crate::api::replay::create::PreviewView;
use crate::console::event::grouped;
use crate::console::text::visible;

/// From how many on a name has to be typed.
const MANY: u64 = 100;

/// Figures and words of a replay that has not begun.
#[derive(Debug)]
pub(super) struct Preview {
    pub(super) count: String,
    pub(super) is_one: bool,
    /// What would be done, with how many and what that means.
    pub(super) effects: Vec<(&'static str, String, &'static str)>,
    pub(super) shares: Vec<Share>,
    /// More integrations and causes than are told, or more deliveries than are counted for them.
    pub(super) is_partial: bool,
    /// More fits than one replay takes.
    pub(super) truncated: bool,
    pub(super) acts: bool,
    /// Where they go, in words.
    pub(super) target: String,
    /// What has to be typed, where many are sent.
    pub(super) word: Option<String>,
}

/// Deliveries of one integration that failed by the same.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) integration: String,
    pub(super) cause: Option<String>,
    pub(super) count: String,
}

impl Preview {
    pub(super) fn new(
        asked: &Asked,
        would: &PreviewView,
        told: &Breakdown,
        configuration: &Configuration,
    ) -> Self {
        let share = |share: &store::Share| Share {
            integration: Named::integration(share.integration, configuration).shown(),
            cause: share.cause.as_deref().map(visible),
            count: grouped(share.count),
        };
        let only = only(asked, told, configuration);
        let acts = would.retry + would.new;
        Self {
            count: grouped(would.count),
            is_one: would.count == 1,
            effects: effects(asked, would),
            shares: told.shares.iter().map(share).collect(),
            is_partial: told.truncated,
            truncated: would.truncated,
            acts: acts > 0 && !would.truncated,
            target: match &only {
                Some(name) => visible(name),
                None if asked.unrouted => "where today's rules send them".to_owned(),
                None => "their integrations".to_owned(),
            },
            word: (acts > MANY).then(|| only.unwrap_or_else(|| acts.to_string())),
        }
    }

    /// Whether what has to be typed was typed.
    pub(super) fn is_confirmed(&self, typed: &str) -> bool {
        let word = self.word.as_deref();
        word.is_none_or(|word| word.trim() == typed.trim())
    }
}

/// The name of the only integration that gets anything.
fn only(asked: &Asked, told: &Breakdown, configuration: &Configuration) -> Option<String> {
    let to = asked.to.parse().ok();
    let first = told.shares.first().map(|share| share.integration);
    let same = |share: &store::Share| Some(share.integration) == first;
    let is_one = !told.truncated && told.shares.iter().all(same);
    let id = to.or(first.filter(|_| is_one))?;
    let integration = configuration.integration(id)?;
    Some(integration.name.clone())
}

fn effects(asked: &Asked, would: &PreviewView) -> Vec<(&'static str, String, &'static str)> {
    let new = match (asked.unrouted, asked.to.is_empty()) {
        (true, _) => "events go where today's rules send them",
        (false, true) => {
            "were delivered: the receiver gets the same alert once more, under a new id"
        }
        (false, false) => "alerts go to this integration, under a new id",
    };
    let effects = [
        (
            "Again",
            would.retry,
            "are due now under their own id; the schedule begins anew",
        ),
        ("New", would.new, new),
        (
            "Passed over",
            would.skip,
            "wait for further events, are there already, or go nowhere",
        ),
    ];
    let effects = effects.into_iter().filter(|(_, count, _)| *count > 0);
    effects
        .map(|(word, count, meaning)| (word, grouped(count), meaning))
        .collect()
}

#[cfg(test)]
impl Preview {
    pub(super) fn sample(hostile: &str, is_many: bool) -> Self {
        Self {
            count: "1,200".to_owned(),
            is_one: false,
            effects: vec![("Again", "1,200".to_owned(), "are due now")],
            shares: vec![Share {
                integration: visible(hostile),
                cause: Some(visible(hostile)),
                count: "1,200".to_owned(),
            }],
            is_partial: is_many,
            truncated: !is_many,
            acts: is_many,
            target: visible(hostile),
            word: is_many.then(|| hostile.to_owned()),
        }
    }
}
