//! Drift: the share of alerts that are read in full falls, because a sender changed its wording.
//!
//! A sum of evidence (CUSUM): each alert that is not read in full speaks for a fall, each that is speaks against it, as much
//! as the subject's own past makes it surprising. So a steady low share raises nothing, nor does a single odd alert, and a
//! wording that changed is told within 20 alerts.

use serde::{Deserialize, Serialize};

/// Alerts before a subject's own share is known well enough to speak of a fall.
const LEAST_KNOWN: f64 = 20.0;
/// The past counts for as many alerts as this; older ones fade.
const MOST_KNOWN: f64 = 500.0;
/// A subject of which less is read in full has no share to fall from.
const LEAST_SHARE: f64 = 0.5;
/// No past is so good that a single alert could speak for a fall.
const BEST_SHARE: f64 = 0.9;
/// What a fall looks like, as a share of the past.
const FALLEN: f64 = 0.25;
/// The evidence that raises an alarm: a chance of one in some thousands when nothing has changed.
const ALARM: f64 = 9.0;
/// The newest alerts, by which the share of now is told.
const RECENT: u32 = 20;
/// When so many of the newest are read as well as before, the alarm closes.
const RECOVERED: u32 = 10;
/// As well as before: so much of the former share.
const RECOVERED_SHARE: f64 = 0.8;

/// What is known of the alerts of one subject, from one alert to the next.
///
/// ```
/// use alertwire_catalogue::{Drift, Turn};
/// let mut drift = Drift::default();
/// (0..100).for_each(|_| assert_eq!(drift.see(true), Turn::Nothing));
/// let alarm = (1..=20).find(|_| drift.see(false) == Turn::Alarm);
/// assert!(alarm.is_some());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Alerts of the past, and those of them that were read in full.
    known: f64,
    full: f64,
    /// Alerts that may be the front of a fall: they are of the past only when the evidence is gone.
    #[serde(default)]
    waiting: (f64, f64),
    #[serde(default)]
    evidence: f64,
    /// One bit for each of the newest, the last one lowest; and how many there are.
    #[serde(default)]
    recent: u32,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    open: bool,
}

/// What one more alert has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Nothing,
    /// The share has fallen.
    Alarm,
    /// It is back where it was.
    Recovery,
}

impl Drift {
    /// Takes note of one alert: whether it was read in full.
    pub fn see(&mut self, full: bool) -> Turn {
        self.recent = (self.recent << 1 | u32::from(full)) & ((1 << RECENT) - 1);
        self.count = (self.count + 1).min(RECENT);
        if self.open {
            return self.look_for_recovery();
        }
        if self.known < LEAST_KNOWN || self.before() < LEAST_SHARE {
            self.learn(1.0, f64::from(u8::from(full)));
            return Turn::Nothing;
        }
        let before = self.before().min(BEST_SHARE);
        let fallen = before * FALLEN;
        let speaks = if full {
            (fallen / before).ln()
        } else {
            ((1.0 - fallen) / (1.0 - before)).ln()
        };
        self.evidence = (self.evidence + speaks).max(0.0);
        self.waiting.0 += 1.0;
        self.waiting.1 += f64::from(u8::from(full));
        if self.evidence >= ALARM {
            self.open = true;
            self.waiting = (0.0, 0.0);
            return Turn::Alarm;
        }
        if self.evidence == 0.0 {
            let (count, full) = std::mem::take(&mut self.waiting);
            self.learn(count, full);
        }
        Turn::Nothing
    }

    /// Whether an alarm is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The share of alerts that were read in full, before the fall if there is one.
    pub fn before(&self) -> f64 {
        if self.known > 0.0 {
            self.full / self.known
        } else {
            0.0
        }
    }

    /// The share among the newest alerts.
    pub fn now(&self) -> f64 {
        share(self.recent, self.count)
    }

    fn look_for_recovery(&mut self) -> Turn {
        let newest = self.recent & ((1 << RECOVERED) - 1);
        let back =
            self.count >= RECOVERED && share(newest, RECOVERED) >= self.before() * RECOVERED_SHARE;
        if !back {
            return Turn::Nothing;
        }
        self.open = false;
        self.evidence = 0.0;
        Turn::Recovery
    }

    fn learn(&mut self, count: f64, full: f64) {
        self.known += count;
        self.full += full;
        if self.known > MOST_KNOWN {
            self.known /= 2.0;
            self.full /= 2.0;
        }
    }
}

fn share(bits: u32, count: u32) -> f64 {
    if count == 0 {
        0.0
    } else {
        f64::from(bits.count_ones()) / f64::from(count)
    }
}

/// What is new at the end of bodies that used to be read in full: what all the remainders have in common, else the words
/// that all bodies end with.
///
/// ```
/// use alertwire_catalogue::new_tail;
/// let remainders = [" (seen by probe-1)", " (seen by probe-7)"];
/// assert_eq!(new_tail(&remainders, &["A (seen by probe-1)", "B (seen by probe-7)"]), "(seen by {seen:text})");
/// assert_eq!(new_tail(&["", ""], &["Fan 1 gave up", "Fan 2 gave up"]), "gave up");
/// ```
pub fn new_tail(remainders: &[&str], bodies: &[&str]) -> String {
    let told: Vec<&str> = remainders
        .iter()
        .map(|remainder| remainder.trim())
        .filter(|remainder| !remainder.is_empty())
        .collect();
    if !told.is_empty()
        && told.len() * 2 >= bodies.len()
        && let Some(proposal) = crate::learn(&told).proposals.into_iter().next()
    {
        return proposal.template.replace("\\(", "(").replace("\\)", ")");
    }
    let mut endings = bodies.iter().map(|body| body.split_whitespace().rev());
    let mut common: Vec<&str> = endings.next().into_iter().flatten().take(20).collect();
    for ending in endings {
        let same = common
            .iter()
            .zip(ending)
            .take_while(|(one, two)| **one == *two)
            .count();
        common.truncate(same);
    }
    common.reverse();
    common.join(" ")
}
