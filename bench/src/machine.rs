//! The machine that a figure was taken on, and how busy it was just then.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::figures::millis;

const ROUNDS: usize = 7;
const APPENDS: usize = 200;
const BLOCK: [u8; 4_096] = [7; 4_096];

/// `AMD EPYC …, 2 cores, 3.8 GiB`.
pub fn name() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(kilobytes)
        .unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{model}, {cores} cores, {:.1} GiB, Linux {}",
        memory as f64 / 1024.0 / 1024.0,
        kernel.trim()
    )
}

/// The line that stands above each table.
pub fn now(folder: &Path) -> Result<String> {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let sync = append_and_sync(folder)?;
    Ok(format!(
        "Load average {}; 4 KiB append + fdatasync: {} (p50 of {APPENDS}).",
        load.join(" "),
        millis(sync)
    ))
}

/// The p50 of a 4 KiB append with its fdatasync, in microseconds.
pub fn append_and_sync(folder: &Path) -> Result<f64> {
    let path = folder.join("append");
    let mut file = fs::File::create(&path)?;
    let mut times = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let start = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(path)?;
    Ok(crate::figures::median(times))
}

/// What one run of `work` costs the processor, in nanoseconds: the median of several rounds of `times` runs each. Processor
/// time and not wall time, for others may share the cores; `times` should fill tens of milliseconds, for Linux counts by ticks.
pub fn processor_nanoseconds(times: u32, mut work: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let (start, before) = (Instant::now(), spent());
        (0..times).for_each(|_| work());
        let wall = start.elapsed().as_nanos() as f64;
        before
            .zip(spent())
            .map_or(wall, |(before, after)| after - before)
            / f64::from(times)
    });
    crate::figures::median(rounds.collect())
}

/// Nanoseconds that this thread has run.
fn spent() -> Option<f64> {
    fs::read_to_string("/proc/thread-self/schedstat")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

/// Resident memory of a process in MiB: now, and at its highest.
pub fn memory(process: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let find = |key: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .and_then(kilobytes)
    };
    Some((
        find("VmRSS:")? as f64 / 1024.0,
        find("VmHWM:")? as f64 / 1024.0,
    ))
}

/// User and system time of a process so far, in seconds.
pub fn cpu(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // Linux counts in hundredths of a second on every platform that we know.
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

fn kilobytes(text: &str) -> Option<u64> {
    text.trim().strip_suffix("kB")?.trim().parse().ok()
}
