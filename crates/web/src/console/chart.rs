//! Charts that are drawn on the server: from numbers to SVG, without script. Pure.
//!
//! The drawing alone is SVG and is stretched to the room that there is; words stand around it as text, so that they can be
//! read on any screen. Nothing is told by colour alone: kinds differ by pattern, each slot has a title, and every chart
//! has its numbers in a table.

use std::time::Duration;

use askama::Template;

/// The drawing is so high, and each slot so wide, in units of its own.
const HEIGHT: u64 = 1_000;
const SLOT: u64 = 10;
/// The room between two bars.
const GAP: u64 = 2;
/// What is more than nothing is drawn at least so high.
const LEAST: u64 = 14;

/// Deliveries by what came of them, one bar a span of time.
#[derive(Debug, Clone, Template)]
#[template(path = "chart/stacked.html")]
pub(super) struct Stacked {
    id: &'static str,
    title: &'static str,
    width: u64,
    scale: [String; 3],
    marks: [String; 3],
    bars: Vec<Bar>,
}

/// What came of the attempts of a span of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcomes {
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) dead: u64,
}

#[derive(Debug, Clone)]
struct Bar {
    name: String,
    /// Delivered, failed, dead, with thousands apart.
    counts: [String; 3],
    x: u64,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    class: &'static str,
    y: u64,
    height: u64,
}

/// How long deliveries took: the median and the slowest of twenty.
#[derive(Debug, Clone, Template)]
#[template(path = "chart/lines.html")]
pub(super) struct Lines {
    id: &'static str,
    title: &'static str,
    width: u64,
    scale: [String; 3],
    marks: [String; 3],
    slots: Vec<LineSlot>,
    median: String,
    slow: String,
}

#[derive(Debug, Clone)]
struct LineSlot {
    name: String,
    x: u64,
    median: String,
    slow: String,
}

/// Things by how many there were of them, the most first.
#[derive(Debug, Clone, Template)]
#[template(path = "chart/ranked.html")]
pub(super) struct Ranked {
    id: &'static str,
    title: &'static str,
    /// What a thing is called in the head of the table.
    thing: &'static str,
    rows: Vec<RankedRow>,
}

#[derive(Debug, Clone)]
pub(super) struct RankedRow {
    pub(super) name: String,
    pub(super) path: Option<String>,
    pub(super) count: u64,
}

impl Stacked {
    /// Each slot has its name; the first and the last name stand below.
    pub(super) fn new(id: &'static str, title: &'static str, slots: &[(String, Outcomes)]) -> Self {
        let most = slots.iter().map(|(_, outcomes)| outcomes.all()).max();
        let top = round_count(most.unwrap_or(0));
        Self {
            id,
            title,
            width: width(slots.len()),
            scale: [number(top), number(top / 2), "0".to_owned()],
            marks: marks(slots.iter().map(|(name, _)| name)),
            bars: (0..)
                .zip(slots)
                .map(|(index, (name, outcomes))| Bar::new(index, name, *outcomes, top))
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.bars.iter().all(|bar| bar.parts.is_empty())
    }
}

impl Outcomes {
    fn all(self) -> u64 {
        self.delivered
            .saturating_add(self.failed)
            .saturating_add(self.dead)
    }
}

impl Bar {
    fn new(index: u64, name: &str, outcomes: Outcomes, top: u64) -> Self {
        let kinds = [
            ("delivered", outcomes.delivered),
            ("failed", outcomes.failed),
            ("dead", outcomes.dead),
        ];
        let mut floor = HEIGHT;
        let mut parts = Vec::new();
        for (class, count) in kinds {
            if count == 0 {
                continue;
            }
            let height = height(count, top).max(LEAST).min(floor);
            floor -= height;
            parts.push(Part {
                class,
                y: floor,
                height,
            });
        }
        Self {
            name: name.to_owned(),
            counts: kinds.map(|(_, count)| number(count)),
            x: index * SLOT,
            parts,
        }
    }
}

impl Lines {
    /// Each slot has its name, its median and its 95th percentile, where anything was delivered in it.
    pub(super) fn new(
        id: &'static str,
        title: &'static str,
        slots: &[(String, Option<(Duration, Duration)>)],
    ) -> Self {
        let slowest = slots
            .iter()
            .filter_map(|(_, lags)| lags.map(|(_, slow)| slow));
        let top = round_duration(slowest.max().unwrap_or_default());
        let of = |pick: fn((Duration, Duration)) -> Duration| {
            let values = slots.iter().map(move |(_, lags)| lags.map(pick));
            steps(values, top)
        };
        let said = |lag: Option<Duration>| lag.map_or_else(|| "–".to_owned(), duration);
        Self {
            id,
            title,
            width: width(slots.len()),
            scale: [duration(top), duration(top / 2), "0".to_owned()],
            marks: marks(slots.iter().map(|(name, _)| name)),
            median: of(|(median, _)| median),
            slow: of(|(_, slow)| slow),
            slots: (0..)
                .zip(slots)
                .map(|(index, (name, lags))| LineSlot {
                    name: name.clone(),
                    x: index * SLOT,
                    median: said(lags.map(|(median, _)| median)),
                    slow: said(lags.map(|(_, slow)| slow)),
                })
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.median.is_empty()
    }
}

impl RankedRow {
    fn count(&self) -> String {
        number(self.count)
    }
}

impl Ranked {
    /// The rows in their order; each bar is as long as its share of the longest.
    pub(super) fn new(
        id: &'static str,
        title: &'static str,
        thing: &'static str,
        rows: Vec<RankedRow>,
    ) -> Self {
        Self {
            id,
            title,
            thing,
            rows,
        }
    }

    fn length(&self, row: &RankedRow) -> u64 {
        let most = self.rows.iter().map(|row| row.count).max().unwrap_or(0);
        height(row.count, most.max(1)).max(LEAST / 2)
    }
}

/// Of the whole height, as much as `count` is of `top`.
fn height(count: u64, top: u64) -> u64 {
    let height = u128::from(count) * u128::from(HEIGHT) / u128::from(top.max(1));
    u64::try_from(height).unwrap_or(HEIGHT).min(HEIGHT)
}

fn width(slots: usize) -> u64 {
    u64::try_from(slots).unwrap_or(0).max(1) * SLOT
}

/// What stands below: the first, the middle and the last.
fn marks<'a>(names: impl ExactSizeIterator<Item = &'a String> + Clone) -> [String; 3] {
    let count = names.len();
    [0, count / 2, count.saturating_sub(1)]
        .map(|index| names.clone().nth(index).cloned().unwrap_or_default())
}

/// A line that keeps its height through each slot and breaks where there is nothing.
fn steps(values: impl Iterator<Item = Option<Duration>>, top: Duration) -> String {
    use std::fmt::Write as _;
    let micros = |lag: Duration| u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
    let mut path = String::new();
    let mut is_drawing = false;
    for (index, value) in (0_u64..).zip(values) {
        let Some(value) = value else {
            is_drawing = false;
            continue;
        };
        let y = HEIGHT - height(micros(value), micros(top));
        let (from, to) = (index * SLOT, (index + 1) * SLOT);
        // Writing to a string cannot fail.
        let _ = match is_drawing {
            true => write!(path, "V{y}H{to}"),
            false => write!(path, "M{from} {y}H{to}"),
        };
        is_drawing = true;
    }
    path
}

/// A round number that is no smaller, and whose half is whole.
fn round_count(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [2, 4, 6, 8, 10] {
            let round = unit.saturating_mul(step);
            if round >= most {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// A round duration that is no shorter.
fn round_duration(longest: Duration) -> Duration {
    const ROUND: [u64; 28] = [
        10,
        20,
        40,
        60,
        100,
        200,
        400,
        600,
        1_000,
        2_000,
        4_000,
        6_000,
        10_000,
        20_000,
        40_000,
        60_000,
        120_000,
        240_000,
        600_000,
        1_200_000,
        2_400_000,
        3_600_000,
        7_200_000,
        14_400_000,
        21_600_000,
        43_200_000,
        86_400_000,
        172_800_000,
    ];
    let mut round = ROUND.into_iter().map(Duration::from_millis);
    round.find(|round| *round >= longest).unwrap_or(longest)
}

/// A whole number with its thousands apart.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in its largest unit, with one digit more where there is but one.
pub(super) fn duration(span: Duration) -> String {
    const UNITS: [(u64, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let unit = UNITS.into_iter().find(|(each, _)| millis >= *each);
    let Some((each, unit)) = unit else {
        return "0 ms".to_owned();
    };
    let (whole, tenth) = (millis / each, millis % each * 10 / each);
    match (whole, tenth) {
        (0..10, 1..) => format!("{whole}.{tenth} {unit}"),
        _ => format!("{} {unit}", number(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_short() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
        let durations = [0, 7, 250, 1_500, 12_345, 60_000, 5_400_000, 259_200_000];
        assert_eq!(
            durations.map(|millis| duration(Duration::from_millis(millis))),
            [
                "0 ms", "7 ms", "250 ms", "1.5 s", "12 s", "1 min", "1.5 h", "3 d"
            ]
        );
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        assert_eq!(
            [0, 2, 3, 5, 41, 101].map(round_count),
            [2, 2, 4, 6, 60, 200]
        );
        assert_eq!(round_count(u64::MAX), u64::MAX);
        let millis = |millis| Duration::from_millis(millis);
        assert_eq!(round_duration(millis(0)), millis(10));
        assert_eq!(round_duration(millis(601)), millis(1_000));
        assert_eq!(round_duration(Duration::MAX), Duration::MAX);
    }

    #[test]
    fn bars_stand_on_each_other_and_never_leave_the_drawing() {
        let all = Outcomes {
            delivered: 100_000,
            failed: 1,
            dead: 0,
        };
        let chart = Stacked::new(
            "c",
            "C",
            &[("a".into(), Outcomes::default()), ("b".into(), all)],
        );
        assert!(chart.bars[0].parts.is_empty() && !chart.is_empty());
        let [delivered, failed] = &chart.bars[1].parts[..] else {
            panic!("{chart:?}");
        };
        assert_eq!(failed.y + failed.height, delivered.y);
        assert_eq!(delivered.y + delivered.height, HEIGHT);
        assert_eq!(chart.scale, ["200,000", "100,000", "0"]);
        assert!(Stacked::new("c", "C", &[]).is_empty());
    }

    #[test]
    fn a_line_breaks_where_nothing_was_delivered() {
        let lag = |millis| Some(Duration::from_millis(millis));
        let path = steps(
            [lag(500), lag(1_000), None, lag(0)].into_iter(),
            Duration::from_secs(1),
        );
        assert_eq!(path, "M0 500H10V0H20M30 1000H40");
    }
}
