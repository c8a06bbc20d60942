//! How far back the dashboard looks.

use std::str::FromStr;

use domain::Timestamp;
use store::Span;

/// A time that ends now, in so many slots of one span each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Range {
    #[default]
    Hour,
    Day,
    Week,
    Month,
}

impl Range {
    pub(super) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// As the URL has it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// On its button.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Hour => "1 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
        }
    }

    /// In a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Hour => "in the last hour",
            Self::Day => "in the last 24 hours",
            Self::Week => "in the last 7 days",
            Self::Month => "in the last 30 days",
        }
    }

    pub(super) fn span(self) -> Span {
        match self {
            Self::Hour => Span::Minute,
            Self::Day => Span::Hour,
            Self::Week => Span::QuarterDay,
            Self::Month => Span::Day,
        }
    }

    fn slots(self) -> u32 {
        match self {
            Self::Hour => 60,
            Self::Day => 24,
            Self::Week => 28,
            Self::Month => 30,
        }
    }

    /// When each slot begins, the oldest first; the last one is going on now.
    pub(super) fn begins(self, now: Timestamp) -> Vec<Timestamp> {
        let (span, last) = (self.span(), self.span().begin(now));
        let back = (0..self.slots()).rev();
        back.map(|slots| last.before(span.duration() * slots))
            .collect()
    }

    /// The name of a slot: its begin, as short as it is clear.
    pub(super) fn name(self, begin: Timestamp) -> String {
        let text = begin.to_string();
        let (date, time) = (text.get(5..10), text.get(11..16));
        let (date, time) = (date.unwrap_or_default(), time.unwrap_or_default());
        match self {
            Self::Hour | Self::Day => time.to_owned(),
            Self::Week => format!("{date} {time}"),
            Self::Month => date.to_owned(),
        }
    }

    /// How often it is worth to look again, in seconds.
    pub(super) fn refresh(self) -> u32 {
        match self {
            Self::Hour => 10,
            Self::Day => 60,
            Self::Week | Self::Month => 300,
        }
    }
}

impl FromStr for Range {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|range| range.code() == text);
        found.ok_or("is one of 1h, 24h, 7d and 30d")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_range_ends_with_the_slot_that_is_going_on() {
        let now: Timestamp = "2026-11-27T12:34:56Z".parse().unwrap();
        for (range, first, last, length) in [
            (Range::Hour, "11:35", "12:34", 3_600),
            (Range::Day, "13:00", "12:00", 86_400),
            (Range::Week, "11-20 18:00", "11-27 12:00", 7 * 86_400),
            (Range::Month, "10-29", "11-27", 30 * 86_400),
        ] {
            let begins = range.begins(now);
            assert_eq!(range.name(begins[0]), first);
            let end = *begins.last().unwrap();
            assert_eq!(range.name(end), last);
            let whole = end.since(begins[0]) + range.span().duration();
            assert_eq!(whole, Duration::from_secs(length));
            assert_eq!(range.code().parse(), Ok(range));
        }
        assert!("2h".parse::<Range>().is_err());
    }
}
