//! The list as a file.

use axum::extract::{Path, State};

use crate::App;
use crate::api::event::export::{EVENTS, list_as};
use crate::api::event::list::EventsQuery;
use crate::console::{Page, Visitor};
use crate::problem::Problem;
use crate::read::Query;

/// Formats that the list offers, each with its name.
pub(super) const FORMATS: [(&str, &str); 6] = [
    ("csv", "CSV"),
    ("jsonl", "JSON lines"),
    ("ecs", "ECS"),
    ("ocsf", "OCSF"),
    ("cef", "CEF"),
    ("leef", "LEEF"),
];

/// Most events of a file, as people write it.
pub(super) fn most() -> String {
    grouped(EVENTS)
}

/// Everything that the list shows, page after page.
pub(super) async fn export(
    app: State<App>,
    visitor: Visitor,
    Path(format): Path<String>,
    Query(asked): Query<EventsQuery>,
) -> Page {
    let (query, _) = asked.parse(&visitor.caller)?;
    let file = list_as(&app, &visitor.caller, &format, query).await?;
    file.ok_or_else(|| Problem::not_found("format"))
}

/// `1,000,000`.
pub(in crate::console) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (EVENTS, "1,000,000"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
