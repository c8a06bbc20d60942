use std::time::Duration;

use alertwire_delivery::Recovery;
use alertwire_delivery::recovery::{LEAST, TIMES};
use domain::Timestamp;
use proptest::prelude::*;

use crate::at;

const HOUR: u64 = 3_600;

/// All times at which one that takes whenever it may takes, for so many.
fn greedy(recovery: &mut Recovery, from: Timestamp, count: usize) -> Vec<Timestamp> {
    let (mut now, mut taken) = (from, Vec::new());
    while taken.len() < count && !recovery.is_over(now) {
        match recovery.take(now) {
            Ok(()) => taken.push(now),
            Err(turn) => now = turn,
        }
    }
    taken
}

#[test]
fn an_hour_of_one_a_second_is_made_good_within_twenty_minutes_at_five_a_second_at_most() {
    let now = at(HOUR);
    let mut recovery = Recovery::new(3_600, at(0), now);
    assert_eq!(recovery.per_second().get(), 5);
    // One more a second comes in meanwhile.
    let (mut out, mut clock) = (0, now);
    while out < 3_600 + clock.since(now).as_secs() {
        match recovery.take(clock) {
            Ok(()) => out += 1,
            Err(turn) => clock = turn,
        }
    }
    let took = clock.since(now);
    assert!(
        took > Duration::from_secs(15 * 60) && took < Duration::from_secs(20 * 60),
        "{took:?}"
    );
    assert!(!recovery.is_over(clock), "the pace held until the end");
}

#[test]
fn it_begins_slowly() {
    let now = at(HOUR);
    let taken = greedy(&mut Recovery::new(36_000, at(0), now), now, 1_000);
    let first = taken
        .iter()
        .filter(|time| time.since(now) < Duration::from_secs(1))
        .count();
    assert!(first < 10, "{first} of 50 in the first second");
}

#[test]
fn a_quiet_integration_does_not_crawl() {
    let recovery = Recovery::new(3, at(0), at(5 * HOUR));
    assert_eq!(recovery.per_second().get(), LEAST);
}

#[test]
fn it_ends_though_more_comes_in_than_goes_out() {
    let recovery = Recovery::new(3_600, at(0), at(HOUR));
    assert!(!recovery.is_over(at(HOUR + HOUR / 2 - 1)));
    assert!(recovery.is_over(at(HOUR + HOUR / 2)));
    assert!(
        recovery.is_over(at(HOUR - 1)),
        "a clock that went back ends it"
    );
}

#[test]
fn turns_that_were_not_used_are_not_made_up_for() {
    let now = at(HOUR);
    let mut recovery = Recovery::new(36_000, at(0), now);
    assert_eq!(recovery.take(at(HOUR + 600)), Ok(()));
    let taken = greedy(&mut recovery, at(HOUR + 600), 100);
    let at_once = taken.iter().filter(|time| **time == at(HOUR + 600)).count();
    assert!(at_once <= 25, "{at_once} at once after a pause");
}

proptest! {
    #[test]
    fn no_second_sees_more_than_five_times_the_normal_rate(piled_up in 1..200_000_usize, outage in 1..100_000_u64) {
        let (since, now) = (at(0), at(outage));
        let taken = greedy(&mut Recovery::new(piled_up, since, now), now, 2_000);
        let normal = piled_up as f64 / outage as f64;
        let most = (normal * TIMES as f64).max(f64::from(LEAST));
        let mut first = 0;
        for (last, time) in taken.iter().enumerate() {
            while time.since(taken[first]) >= Duration::from_secs(1) {
                first += 1;
            }
            prop_assert!((last - first) as f64 <= most + 1.0, "{} in a second, {most} allowed", last - first + 1);
        }
    }
}
