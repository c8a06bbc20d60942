//! What one source may bring, as forms give it and views show it.

use std::num::NonZeroU32;

use domain::source::{SourceLimits, SourceRate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::api::fields::Fields;

/// Most messages in a second, and at once.
const RATE: u32 = 1_000_000;

/// What is not named is bounded by the server's own limits alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsForm {
    /// Longest body in bytes, at most the server's `limits.intake_body`; a longer one is answered 413.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_bytes: Option<u32>,
    /// Arrays and objects inside one another, 1 to 32; a deeper message is kept in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    json_depth: Option<u32>,
    /// Messages in a second in the long run; what comes faster is answered 429 with `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages_per_second: Option<u32>,
    /// How many messages may come at once; a second's worth when nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
}

impl LimitsForm {
    pub(super) fn parse(&self, fields: &mut Fields, app: &App) -> SourceLimits {
        let deepest = alertwire_catalogue::Limits::default().json_depth;
        SourceLimits {
            body_bytes: within(fields, "body_bytes", self.body_bytes, bound(app)),
            json_depth: within(fields, "json_depth", self.json_depth, whole(deepest)),
            rate: self.rate(fields),
        }
    }

    fn rate(&self, fields: &mut Fields) -> Option<SourceRate> {
        let per_second = within(
            fields,
            "messages_per_second",
            self.messages_per_second,
            RATE,
        );
        let burst = within(fields, "burst", self.burst, RATE);
        if self.burst.is_some() && self.messages_per_second.is_none() {
            fields.error("/limits/burst", "needs `messages_per_second`");
        }
        let per_second = per_second.and_then(NonZeroU32::new)?;
        let burst = burst.and_then(NonZeroU32::new).unwrap_or(per_second);
        Some(SourceRate { per_second, burst })
    }

    /// None for a source without a limit of its own.
    pub(super) fn of(limits: &SourceLimits) -> Option<Self> {
        let rate = limits.rate;
        let form = Self {
            body_bytes: limits.body_bytes,
            json_depth: limits.json_depth,
            messages_per_second: rate.map(|rate| rate.per_second.get()),
            burst: rate.map(|rate| rate.burst.get()),
        };
        (form != Self::default()).then_some(form)
    }
}

fn bound(app: &App) -> u32 {
    whole(app.settings().intake_bytes)
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn within(fields: &mut Fields, name: &str, given: Option<u32>, most: u32) -> Option<u32> {
    if given.is_some_and(|number| number == 0 || number > most) {
        let detail = format!("is a whole number from 1 to {most}");
        fields.error(format!("/limits/{name}"), detail);
    }
    given
}
