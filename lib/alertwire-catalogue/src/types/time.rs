//! Dates and times: read in the forms that senders write, kept as RFC 3339 in UTC.

use jiff::civil;
use jiff::tz::Offset;

use super::{Meaning, ends_word};
use crate::value::Value;

fn number(text: &[u8], at: usize, length: usize) -> Option<i16> {
    text.get(at..at + length)?
        .iter()
        .try_fold(0_i16, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i16::from(byte - b'0'))
        })
}

fn read_date(text: &[u8], at: usize) -> Option<civil::Date> {
    let year = number(text, at, 4).filter(|year| *year > 0)?;
    if text.get(at + 4) != Some(&b'-') || text.get(at + 7) != Some(&b'-') {
        return None;
    }
    let (month, day) = (number(text, at + 5, 2)?, number(text, at + 8, 2)?);
    civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

pub(super) fn scan_date(text: &[u8], at: usize) -> Option<usize> {
    read_date(text, at)?;
    ends_word(text, at + 10).then_some(at + 10)
}

/// The zone as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Unsaid,
    /// Seconds east of Greenwich.
    East(i32),
}

#[derive(Debug)]
struct Moment {
    date: civil::Date,
    hour: i8,
    minute: i8,
    second: i8,
    /// The digits behind the point, as a range of the text.
    fraction: (usize, usize),
    zone: Zone,
    end: usize,
}

/// `2024-01-15 10:30:00 UTC`, `2024-01-15T10:30:00.25+01:00`, without seconds, without zone.
fn read_moment(text: &[u8], at: usize) -> Option<Moment> {
    let date = read_date(text, at)?;
    if !matches!(text.get(at + 10), Some(b' ' | b'T' | b't')) || text.get(at + 13) != Some(&b':') {
        return None;
    }
    let hour = number(text, at + 11, 2).filter(|hour| *hour < 24)?;
    let minute = number(text, at + 14, 2).filter(|minute| *minute < 60)?;
    let (mut second, mut end) = (0, at + 16);
    let mut fraction = (0, 0);
    if text.get(end) == Some(&b':') {
        // A leap second is kept as the last second of its minute.
        second = number(text, end + 1, 2)
            .filter(|second| *second <= 60)?
            .min(59);
        end += 3;
        if matches!(text.get(end), Some(b'.' | b','))
            && text.get(end + 1).is_some_and(u8::is_ascii_digit)
        {
            let length = text[end + 1..]
                .iter()
                .take(10)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if length > 9 {
                return None;
            }
            fraction = (end + 1, end + 1 + length);
            end += 1 + length;
        }
    }
    let (zone, end) = read_zone(text, end)?;
    let small = |number: i16| i8::try_from(number).ok();
    Some(Moment {
        date,
        hour: small(hour)?,
        minute: small(minute)?,
        second: small(second)?,
        fraction,
        zone,
        end,
    })
}

fn read_zone(text: &[u8], at: usize) -> Option<(Zone, usize)> {
    let gap = usize::from(text.get(at) == Some(&b' '));
    let start = at + gap;
    for (name, length) in [(&b"UTC"[..], 3), (b"GMT", 3), (b"Z", 1)] {
        let fits = text
            .get(start..start + length)
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        if fits && ends_word(text, start + length) && !(name == b"Z" && gap == 1) {
            return Some((Zone::East(0), start + length));
        }
    }
    if let Some(sign) = text.get(start).filter(|byte| matches!(byte, b'+' | b'-'))
        && let Some((seconds, end)) = read_offset(text, start + 1)
    {
        return Some((
            Zone::East(if *sign == b'-' { -seconds } else { seconds }),
            end,
        ));
    }
    ends_word(text, at).then_some((Zone::Unsaid, at))
}

/// `01:00`, `0100` or `01`.
fn read_offset(text: &[u8], at: usize) -> Option<(i32, usize)> {
    let hours = number(text, at, 2).filter(|hours| *hours <= 23)?;
    let colon = usize::from(text.get(at + 2) == Some(&b':'));
    let (minutes, end) = match number(text, at + 2 + colon, 2) {
        Some(minutes) if minutes < 60 => (minutes, at + 4 + colon),
        Some(_) => return None,
        None => (0, at + 2),
    };
    ends_word(text, end).then_some((i32::from(hours) * 3600 + i32::from(minutes) * 60, end))
}

pub(super) fn scan_timestamp(text: &[u8], at: usize) -> Option<usize> {
    let moment = read_moment(text, at)?;
    // An offset can carry the ends of the calendar out of its range.
    (matches!(moment.zone, Zone::Unsaid | Zone::East(0)) || in_utc(text, &moment).is_some())
        .then_some(moment.end)
}

fn in_utc(text: &[u8], moment: &Moment) -> Option<civil::DateTime> {
    let nanoseconds = (moment.fraction.0..moment.fraction.0 + 9)
        .take(if moment.fraction.1 == 0 { 0 } else { 9 })
        .fold(0, |sum, index| {
            let digit = if index < moment.fraction.1 {
                i32::from(text[index] - b'0')
            } else {
                0
            };
            sum * 10 + digit
        });
    let civil = civil::DateTime::from_parts(
        moment.date,
        civil::Time::new(moment.hour, moment.minute, moment.second, nanoseconds).ok()?,
    );
    let east = match moment.zone {
        Zone::Unsaid => 0,
        Zone::East(seconds) => seconds,
    };
    let stamp = Offset::from_seconds(east).ok()?.to_timestamp(civil).ok()?;
    let utc = Offset::UTC.to_datetime(stamp);
    (1..=9999).contains(&utc.year()).then_some(utc)
}

pub(super) fn timestamp_meaning(text: &str) -> Meaning {
    let bytes = text.as_bytes();
    let Some(moment) = read_moment(bytes, 0) else {
        return Meaning::default();
    };
    let assumed_utc = moment.zone == Zone::Unsaid;
    let value = match moment.zone {
        Zone::Unsaid | Zone::East(0) => Some(print_utc(text, &moment)),
        Zone::East(_) => in_utc(bytes, &moment).map(|utc| format!("{utc}Z")),
    };
    Meaning {
        value: value.map(Value::Text),
        protocol: None,
        assumed_utc,
    }
}

/// The digits of the text are those of the canonical form; only the marks between them change.
fn print_utc(text: &str, moment: &Moment) -> String {
    let mut canonical = String::with_capacity(30);
    canonical.push_str(&text[..10]);
    canonical.push('T');
    canonical.push_str(&text[11..16]);
    canonical.push(':');
    canonical.push(char::from(b'0' + moment.second.unsigned_abs() / 10));
    canonical.push(char::from(b'0' + moment.second.unsigned_abs() % 10));
    let fraction = text[moment.fraction.0..moment.fraction.1].trim_end_matches('0');
    if !fraction.is_empty() {
        canonical.push('.');
        canonical.push_str(fraction);
    }
    canonical.push('Z');
    canonical
}

/// As the documented body writes it: `2024-01-15 10:30:00 UTC`.
pub(super) fn print(canonical: &str) -> String {
    canonical.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}
