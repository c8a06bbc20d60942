//! Deliveries: what was sent where, with every attempt.

mod asked;
mod attempt;
mod cancel;
mod compare;
mod curl;
mod detail;
mod list;
mod live;
mod retry;

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use delivery::DeadReason;
use domain::Timestamp;
use serde::Serialize;
use store::Standing;

use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/deliveries", get(list::show))
        .route("/deliveries/cancel", get(cancel::show).post(cancel::post))
        .route("/deliveries/live", get(live::follow))
        .route("/deliveries/{id}", get(detail::show))
        .route("/deliveries/{id}/retry", post(retry::retry))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use super::page::rendered;
    let list = rendered(list::DeliveriesPage::samples());
    let detail = rendered(detail::DeliveryPage::samples());
    let cancel = rendered(cancel::CancelPage::samples());
    [list, detail, cancel].concat()
}

/// A standing as pages show it: never by colour alone.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) word: &'static str,
}

impl Badge {
    /// Of a delivery that may have been cancelled: dead, but nothing went wrong.
    pub(super) fn of(standing: Standing, reason: Option<&str>) -> Self {
        match reason == Some(DeadReason::Cancelled.as_str()) {
            true => Self {
                class: "held",
                glyph: "–",
                word: "cancelled",
            },
            false => standing.into(),
        }
    }
}

impl From<Standing> for Badge {
    fn from(standing: Standing) -> Self {
        let (class, glyph) = match standing {
            Standing::Pending => ("wait", "…"),
            Standing::Delivered => ("good", "✓"),
            Standing::Parked => ("held", "‖"),
            Standing::Dead => ("bad", "✕"),
        };
        Self {
            class,
            glyph,
            word: standing.as_str(),
        }
    }
}

/// When something will be, as people say it: `in 27 min`.
pub(super) fn ahead(at: Timestamp, now: Timestamp) -> String {
    if at <= now {
        return "now".to_owned();
    }
    format!("in {}", span(at.since(now)))
}

/// A stretch of time in its largest unit: `5 s`, `27 min`, `3 h`, `2 days`.
fn span(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(172_800, "days"), (5_400, "h"), (90, "min"), (0, "s")];
    const SECONDS: [u64; 4] = [86_400, 3_600, 60, 1];
    let seconds = time.as_secs().max(1);
    let place = UNITS.iter().position(|(least, _)| seconds >= *least);
    let place = place.unwrap_or(UNITS.len() - 1);
    let count = (seconds + SECONDS[place] / 2) / SECONDS[place];
    format!("{count} {}", UNITS[place].1)
}

/// A time that something took: `12 ms`, `1.5 s`.
fn took(micros: u64) -> String {
    match micros {
        0..1_000 => "< 1 ms".to_owned(),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", micros as f64 / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_say_them() {
        let now = Timestamp::from_micros(1_764_122_400_000_000);
        for (seconds, words) in [
            (0, "now"),
            (5, "in 5 s"),
            (89, "in 89 s"),
            (27 * 60, "in 27 min"),
            (5 * 3_600, "in 5 h"),
            (3 * 86_400, "in 3 days"),
        ] {
            let at = now.after(Duration::from_secs(seconds));
            assert_eq!(ahead(at, now), words);
        }
        for (micros, words) in [(10, "< 1 ms"), (12_345, "12 ms"), (1_520_000, "1.5 s")] {
            assert_eq!(took(micros), words);
        }
    }
}
