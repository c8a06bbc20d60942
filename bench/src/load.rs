//! The load generator: a closed loop over kept-alive connections, bounded in count and in time.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::figures::percentile;
use crate::wire::Wire;

pub const CONNECTIONS: usize = 64;
/// How long after its end a run may still wait for answers.
const GRACE: Duration = Duration::from_secs(20);

/// Writes the request with a number into a buffer.
type Write = dyn Fn(u64, &mut Vec<u8>) + Send + Sync;

/// What to send where, and when to stop.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub connections: usize,
    pub write: Arc<Write>,
    /// The first number; they go up from here.
    pub first: u64,
    /// Most requests.
    pub count: u64,
    /// Longest time.
    pub most: Duration,
}

impl fmt::Debug for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load")
            .field("address", &self.address)
            .field("count", &self.count)
            .field("most", &self.most)
            .finish()
    }
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Run {
    /// Numbers that were answered with 2xx: these the server has promised.
    pub acked: Vec<u64>,
    /// Answers that were no 2xx, by status; 0 stands for a connection that broke.
    pub others: BTreeMap<u16, u64>,
    /// Microseconds from the request to its answer, sorted.
    pub micros: Vec<u32>,
    pub took: Duration,
}

impl Run {
    pub fn rate(&self) -> f64 {
        self.acked.len() as f64 / self.took.as_secs_f64()
    }

    pub fn p(&self, share: f64) -> f64 {
        f64::from(percentile(&self.micros, share))
    }

    pub fn refused(&self) -> u64 {
        self.others.values().sum()
    }

    fn add(&mut self, part: Self) {
        self.acked.extend(part.acked);
        self.micros.extend(part.micros);
        for (status, count) in part.others {
            *self.others.entry(status).or_default() += count;
        }
    }
}

/// Microseconds since 1970: the clock that the sink shares with us.
pub fn wall() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Runs the load to its end.
pub async fn run(load: &Load) -> Result<Run> {
    let next = Arc::new(AtomicU64::new(0));
    let mut wires = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        wires.push(Wire::connect(load.address).await?);
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for wire in wires {
        tasks.spawn(one(load.clone(), wire, Arc::clone(&next), start));
    }
    let mut whole = Run::default();
    let all = async {
        while let Some(part) = tasks.join_next().await {
            whole.add(part?);
        }
        anyhow::Ok(())
    };
    // Whoever does not answer within the grace loses the whole run: better no figure than a wrong one.
    tokio::time::timeout(load.most + GRACE, all)
        .await
        .map_err(|_| anyhow::anyhow!("the server stopped answering"))??;
    whole.took = start.elapsed();
    whole.micros.sort_unstable();
    Ok(whole)
}

/// One connection's share; it ends when the connection breaks.
async fn one(load: Load, mut wire: Wire, next: Arc<AtomicU64>, start: Instant) -> Run {
    let mut run = Run::default();
    let mut request = Vec::with_capacity(1_024);
    let mut before = start;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= load.count || before.duration_since(start) >= load.most {
            return run;
        }
        let number = load.first + number;
        (load.write)(number, &mut request);
        before = Instant::now();
        let status = wire
            .exchange(&request)
            .await
            .map_or(0, |(status, _)| status);
        let after = Instant::now();
        if (200..300).contains(&status) {
            run.acked.push(number);
            run.micros
                .push(u32::try_from(after.duration_since(before).as_micros()).unwrap_or(u32::MAX));
        } else {
            *run.others.entry(status).or_default() += 1;
        }
        if status == 0 {
            return run;
        }
        before = after;
    }
}
