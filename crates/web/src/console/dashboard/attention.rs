//! What needs attention, the worst first: each line says what it is and leads to where it is mended.

use std::collections::HashMap;
use std::time::Duration;

use delivery::{Gate, HoldReason};
use domain::integration::Integration;
use domain::{IntegrationId, Timestamp};
use store::{DeadNow, Slot, WaitingNow, Watched};

use super::link;
use crate::api::Named;
use crate::console::Frame;
use crate::console::chart::{duration, number};
use crate::console::text::{ROW, Shown, visible};
use crate::disk::Room;
use crate::read::Caller;

/// Most lines of one kind; one more says how many others there are.
const LINES: usize = 5;
/// What waits longer than this should have been delivered or given up.
const LONG: Duration = Duration::from_secs(15 * 60);

/// A line of the list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) word: &'static str,
    pub(super) text: String,
    /// Text of an alert.
    pub(super) quote: Option<Shown>,
    pub(super) path: String,
    pub(super) action: &'static str,
}

/// What is known when the list is made.
pub(super) struct Facts<'a> {
    pub(super) caller: &'a Caller,
    pub(super) frame: &'a Frame,
    /// Those that serve the company that is looked at.
    pub(super) integrations: &'a [&'a Integration],
    pub(super) gates: &'a HashMap<IntegrationId, Gate>,
    pub(super) waiting: WaitingNow,
    pub(super) dead: &'a DeadNow,
    pub(super) drift: &'a [Watched],
    /// Of the last 24 hours, which began then.
    pub(super) day: &'a Slot,
    pub(super) day_began: Timestamp,
    pub(super) now: Timestamp,
    /// Of the disk with the state folder; for admins of all companies alone.
    pub(super) room: Option<Room>,
}

impl Facts<'_> {
    pub(super) fn items(&self) -> Vec<Item> {
        let mut items: Vec<_> = self.room.and_then(full).into_iter().collect();
        few(
            &mut items,
            self.failing(),
            "further integrations fail",
            "/settings/integrations",
        );
        let dead = link(self.frame, "/deliveries", &[("status", "dead")]);
        few(
            &mut items,
            self.dead(),
            "further integrations have dead letters",
            &dead,
        );
        items.extend(self.late());
        few(
            &mut items,
            self.changed(),
            "further wordings have changed",
            "/catalogue/drift",
        );
        items.extend(self.unknown());
        items.extend(self.unassigned());
        few(
            &mut items,
            self.incomplete(),
            "further integrations are incomplete",
            "/settings/integrations",
        );
        items
    }

    /// Whether it is set up, and its gate lets nothing through just now.
    pub(super) fn is_failing(&self, integration: &Integration) -> bool {
        let gate = self.gates.get(&integration.id);
        let is_set_up = integration.enabled && integration.authenticated_at.is_some();
        is_set_up
            && gate.is_some_and(|gate| {
                matches!(
                    gate,
                    Gate::Resting { .. } | Gate::Probing { .. } | Gate::Held { .. }
                )
            })
    }

    fn failing(&self) -> Vec<Item> {
        let failing = self.integrations.iter().filter(|one| self.is_failing(one));
        failing
            .map(|integration| {
                let held = self.gates.get(&integration.id).and_then(Gate::held);
                let name = visible(&integration.name);
                Item {
                    class: "bad",
                    glyph: "✕",
                    word: if held.is_some() { "held" } else { "failing" },
                    text: match held {
                        Some(reason) => held_text(&name, reason),
                        None => {
                            format!("{name}: attempts fail; what is due waits and is tried again.")
                        }
                    },
                    quote: None,
                    path: credentials(integration),
                    action: "Look at it",
                }
            })
            .collect()
    }

    fn dead(&self) -> Vec<Item> {
        let by_integration = self.dead.by_integration.iter();
        by_integration
            .map(|(integration, count)| {
                let name = Named::integration(*integration, &self.caller.configuration).shown();
                let least = if self.dead.is_more { "at least " } else { "" };
                let letters = if *count == 1 { "letter" } else { "letters" };
                Item {
                    class: "bad",
                    glyph: "✕",
                    word: "dead",
                    text: format!("{name}: {least}{} dead {letters}.", number(*count)),
                    quote: None,
                    path: link(
                        self.frame,
                        "/deliveries",
                        &[
                            ("status", "dead"),
                            ("integration", &integration.to_string()),
                        ],
                    ),
                    action: "Look and replay",
                }
            })
            .collect()
    }

    fn late(&self) -> Option<Item> {
        let age = self.now.since(self.waiting.oldest?);
        (age >= LONG).then(|| Item {
            class: "wait",
            glyph: "…",
            word: "late",
            text: format!("The oldest delivery waits for {}.", duration(age)),
            quote: None,
            path: link(self.frame, "/deliveries", &[("status", "pending")]),
            action: "See what waits",
        })
    }

    fn changed(&self) -> Vec<Item> {
        let alarms = self.drift.iter();
        alarms
            .map(|watched| Item {
                class: "wait",
                glyph: "◐",
                word: "drift",
                text: "A sender has changed its wording; its alerts are read worse than before:"
                    .to_owned(),
                quote: Some(Shown::line(&watched.subject, ROW)),
                path: "/catalogue/drift".to_owned(),
                action: "See the alarm",
            })
            .collect()
    }

    fn unknown(&self) -> Option<Item> {
        let count = self.day.unknown;
        (count > 0).then(|| Item {
            class: "wait",
            glyph: "○",
            word: "unknown",
            text: format!("{} not recognised in the last 24 hours.", events(count)),
            quote: None,
            path: self.events_of_the_day("match", "none"),
            action: "See them",
        })
    }

    fn unassigned(&self) -> Option<Item> {
        let count = self.day.unassigned;
        (count > 0).then(|| Item {
            class: "held",
            glyph: "○",
            word: "unassigned",
            text: format!("{} of no company in the last 24 hours.", events(count)),
            quote: None,
            path: self.events_of_the_day("routing", "unassigned_company"),
            action: "See them",
        })
    }

    fn incomplete(&self) -> Vec<Item> {
        let open = |one: &&&Integration| one.enabled && one.authenticated_at.is_none();
        let incomplete = self.integrations.iter().filter(open);
        incomplete
            .map(|integration| Item {
                class: "held",
                glyph: "○",
                word: "incomplete",
                text: format!(
                    "{}: {}.",
                    visible(&integration.name),
                    match integration.checked_at {
                        None => "its credentials were never checked",
                        Some(_) => "the last check of its credentials did not succeed",
                    }
                ),
                quote: None,
                path: credentials(integration),
                action: "Go on",
            })
            .collect()
    }

    fn events_of_the_day(&self, name: &str, value: &str) -> String {
        let since = self.day_began.to_string();
        link(self.frame, "/events", &[(name, value), ("since", &since)])
    }
}

/// What is acked has to be written: a server without room takes nothing more.
fn full(room: Room) -> Option<Item> {
    room.is_low().then(|| Item {
        class: "bad",
        glyph: "✕",
        word: "disk",
        text: format!(
            "The disk with the state folder has {} left. When it is full, no alert is taken any more.",
            room.free_words()
        ),
        quote: None,
        path: "/system".to_owned(),
        action: "Look at it",
    })
}

fn events(count: u64) -> String {
    match count {
        1 => "1 event".to_owned(),
        count => format!("{} events", number(count)),
    }
}

fn held_text(name: &str, reason: HoldReason) -> String {
    format!("{name}: {}. {}", reason.explanation(), reason.remedy())
}

fn credentials(integration: &Integration) -> String {
    format!(
        "/settings/integrations/{}/{}/credentials",
        integration.connector, integration.id
    )
}

/// The first few, and a line for the rest.
fn few(items: &mut Vec<Item>, mut all: Vec<Item>, others: &str, path: &str) {
    let beyond = all.len().saturating_sub(LINES);
    all.truncate(LINES);
    let last = all.last().map(|item| (item.class, item.glyph, item.word));
    items.extend(all);
    let Some((class, glyph, word)) = last.filter(|_| beyond > 0) else {
        return;
    };
    items.push(Item {
        class,
        glyph,
        word,
        text: format!("{beyond} {others}."),
        quote: None,
        path: path.to_owned(),
        action: "See all",
    });
}
