//! `Retry-After` (RFC 9110, section 10.2.3): seconds or a date. It may only lengthen a wait.

use std::time::Duration;

use domain::Timestamp;

/// No receiver can put a delivery off for longer.
pub const CAP: Duration = Duration::from_secs(24 * 3_600);

/// Longer values are junk.
const LONGEST: usize = 64;

/// The wait that a receiver asks for. Junk, the past and zero ask for nothing.
#[must_use]
pub fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() || value.len() > LONGEST {
        return None;
    }
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds is still a number: a very long wait.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        date(value)?.since(now)
    };
    (!wait.is_zero()).then(|| wait.min(CAP))
}

/// An HTTP date, in the two obsolete forms too: a recipient has to take all three.
fn date(value: &str) -> Option<Timestamp> {
    const OBSOLETE: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let zoned = jiff::fmt::rfc2822::parse(value)
        .map(|date| date.timestamp())
        .ok();
    let date = zoned.or_else(|| {
        OBSOLETE.iter().find_map(|form| {
            let civil = jiff::civil::DateTime::strptime(form, value).ok()?;
            jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
        })
    })?;
    Some(Timestamp::from_micros(date.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_the_rest_asks_for_nothing() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let seconds = |text: &str| parse(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 120 "), Some(120));
        assert_eq!(seconds("Tue, 24 Nov 2026 10:02:00 GMT"), Some(120));
        assert_eq!(seconds("315360000"), Some(86_400), "ten years");
        assert_eq!(seconds("99999999999999999999999"), Some(86_400));
        assert_eq!(
            seconds("Thu, 24 Nov 2036 10:00:00 GMT"),
            None,
            "a weekday that does not fit is junk"
        );
        assert_eq!(
            seconds("Mon, 24 Nov 2036 10:00:00 GMT"),
            Some(86_400),
            "ten years"
        );
        assert_eq!(
            seconds("Tuesday, 24-Nov-26 10:02:00 GMT"),
            Some(120),
            "RFC 850"
        );
        assert_eq!(seconds("Tue Nov 24 10:02:00 2026"), Some(120), "asctime");
        assert_eq!(
            seconds("Tue Dec  1 10:00:00 2026"),
            Some(86_400),
            "asctime pads the day"
        );
        assert_eq!(parse(&"9".repeat(65), now), None, "no number is that long");
        for junk in [
            "",
            "0",
            "-5",
            "soon",
            "1.5",
            "12 s",
            "Tue, 24 Nov 2026 09:00:00 GMT",
            "\u{0}",
            "١٢",
        ] {
            assert_eq!(parse(junk, now), None, "{junk:?}");
        }
    }
}
