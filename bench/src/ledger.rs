//! What was promised against what arrived: the acked numbers judged by the sink's list.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::child::Child;

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The counting sink: a child process with as many targets as asked for.
#[derive(Debug)]
pub struct Sink {
    child: Child,
    pub ports: Vec<u16>,
}

/// What the sink saw of one number.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Microseconds since 1970 of the first one.
    pub first: i64,
    pub times: u64,
    /// Different `webhook-id`s that brought it.
    pub ids: u64,
}

/// The verdict on a run.
#[derive(Debug, Default, Clone, Copy)]
pub struct Verdict {
    pub acked: u64,
    /// Acked and never arrived.
    pub lost: u64,
    /// Arrivals beyond the first with the same `webhook-id`.
    pub repeated: u64,
    /// Arrivals of one alert under a further `webhook-id`: a receiver cannot tell these.
    pub doubled: u64,
}

impl Sink {
    /// `ports` targets, and `hung` more of them, the last, that answer nothing but test alerts; with `ca` they speak TLS
    /// under a root of trust that is written there.
    pub fn start(ports: usize, hung: usize, ca: Option<&str>) -> Result<Self> {
        let (ports, hung) = (ports.to_string(), hung.to_string());
        let (child, ready) = Child::start(&["sink", &ports, &hung, ca.unwrap_or("-")])?;
        let ports = ready
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .context("the sink's ports")?;
        Ok(Self { child, ports })
    }

    /// Whether those that never answer do so from now on; with `false` also what they left unanswered is answered.
    pub fn hang(&mut self, hangs: bool) -> Result<()> {
        self.child.say(if hangs { "hang" } else { "answer" })?;
        self.child.line().map(drop)
    }

    /// Different numbers that arrived so far.
    pub fn count(&mut self) -> Result<u64> {
        self.child.say("count")?;
        Ok(self.child.line()?.parse()?)
    }

    /// Waits until `wanted` numbers arrived or the time is over; says which count was reached.
    pub async fn wait(&mut self, wanted: u64, most: Duration) -> Result<u64> {
        let start = Instant::now();
        loop {
            let count = self.count()?;
            if count >= wanted || start.elapsed() > most {
                return Ok(count);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Everything that arrived, by number.
    pub fn arrivals(&mut self) -> Result<HashMap<u64, Arrival>> {
        self.child.say("report")?;
        let mut arrivals = HashMap::new();
        loop {
            let line = self.child.line()?;
            if line == "end" {
                return Ok(arrivals);
            }
            let fields = line
                .split(' ')
                .map(str::parse)
                .collect::<Result<Vec<i64>, _>>()?;
            let [number, first, times, ids] = fields[..] else {
                anyhow::bail!("the sink says {line}")
            };
            let arrival = Arrival {
                first,
                times: u64::try_from(times)?,
                ids: u64::try_from(ids)?,
            };
            arrivals.insert(u64::try_from(number)?, arrival);
        }
    }
}

impl Verdict {
    pub fn new(acked: &[u64], arrivals: &HashMap<u64, Arrival>) -> Self {
        let lost = acked
            .iter()
            .filter(|number| !arrivals.contains_key(number))
            .count() as u64;
        let repeated = arrivals
            .values()
            .map(|arrival| arrival.times - arrival.ids)
            .sum();
        let doubled = arrivals.values().map(|arrival| arrival.ids - 1).sum();
        Self {
            acked: acked.len() as u64,
            lost,
            repeated,
            doubled,
        }
    }

    pub fn add(&mut self, other: Self) {
        self.acked += other.acked;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.doubled += other.doubled;
    }

    /// `0 / 0 of 61,204`: lost and duplicate, of the acked.
    pub fn words(&self) -> String {
        format!(
            "{} / {} of {}",
            self.lost,
            self.repeated + self.doubled,
            crate::figures::whole(self.acked as f64)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lost_and_the_doubled_are_told_apart() {
        let arrival = |times, ids| Arrival {
            first: 0,
            times,
            ids,
        };
        let arrivals = HashMap::from([(1, arrival(1, 1)), (2, arrival(3, 2)), (9, arrival(1, 1))]);
        let verdict = Verdict::new(&[1, 2, 3], &arrivals);
        assert_eq!((verdict.lost, verdict.repeated, verdict.doubled), (1, 1, 1));
    }
}
