use std::num::NonZeroU32;
use std::time::Duration;

use alertwire_delivery::Rate;
use alertwire_delivery::rate::ramped;
use domain::Timestamp;
use proptest::prelude::*;

use crate::at;

const SECOND: Duration = Duration::from_secs(1);

fn per_second(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("no rate is zero")
}

/// Takes whenever it may, for as long as it is told to.
fn greedy(rate: &mut Rate, from: Timestamp, span: Duration) -> Vec<Timestamp> {
    let (mut now, mut taken) = (from, Vec::new());
    while now < from.after(span) {
        match rate.take(now) {
            Ok(()) => taken.push(now),
            Err(until) => now = until,
        }
    }
    taken
}

fn most_in_a_second(times: &[Timestamp]) -> usize {
    let mut first = 0;
    let within = times.iter().enumerate().map(|(last, time)| {
        while time.since(times[first]) >= SECOND {
            first += 1;
        }
        last - first + 1
    });
    within.max().unwrap_or(0)
}

#[test]
fn whoever_takes_all_he_may_gets_the_rate_and_never_more() {
    for number in [1, 3, 10, 50, 100, 999, 7_001, 700_000] {
        let taken = greedy(&mut Rate::new(per_second(number), at(0)), at(0), 3 * SECOND);
        assert!(most_in_a_second(&taken) <= number as usize, "{number}");
        assert!(
            taken.len() >= 3 * number as usize * 97 / 100,
            "{} in 3 s at {number}",
            taken.len()
        );
    }
}

#[test]
fn what_comes_in_bunches_has_a_second_s_worth_at_once_and_the_rate_in_the_long_run() {
    let mut rate = Rate::in_bunches(per_second(10), at(0));
    assert_eq!(rate.take_many(10, at(0)), Ok(()));
    let until = rate.take_many(5, at(0)).unwrap_err();
    assert_eq!(until, at(0).after(SECOND / 2));
    assert_eq!(rate.take_many(5, until), Ok(()));
    let taken = greedy(&mut rate, until, 10 * SECOND);
    assert_eq!(taken.len(), 99);
}

#[test]
fn a_bunch_larger_than_the_bucket_takes_a_full_one_and_is_owed() {
    let mut rate = Rate::in_bunches(per_second(10), at(0));
    assert_eq!(rate.take_many(40, at(0)), Ok(()));
    assert_eq!(rate.take(at(0)), Err(at(3).after(SECOND / 10)));
    assert_eq!(rate.take_many(40, at(3)), Err(at(4)));
    assert_eq!(rate.take_many(40, at(4)), Ok(()));
}

#[test]
fn a_long_rest_saves_up_no_burst() {
    let mut rate = Rate::new(per_second(10), at(0));
    let taken = greedy(&mut rate, at(86_400), SECOND);
    assert_eq!(taken.len(), 10);
}

#[test]
fn a_clock_that_went_back_stops_nobody() {
    let mut rate = Rate::new(per_second(2), at(1_000_000));
    rate.take(at(1_000_000)).unwrap();
    let until = rate.take(at(0)).unwrap_err();
    assert!(until <= at(1));
    assert_eq!(rate.take(until), Ok(()));
}

#[test]
fn what_waited_for_a_recovered_receiver_comes_slowly_first_and_then_at_full_pace() {
    let due = |index| ramped(index, per_second(200), at(0));
    assert_eq!(due(0), at(0));
    let within = |from, to| {
        (0..10_000)
            .filter(|index| (at(from)..at(to)).contains(&due(*index)))
            .count()
    };
    assert!((25..=35).contains(&within(0, 1)), "{}", within(0, 1));
    assert!((110..=135).contains(&within(5, 6)), "{}", within(5, 6));
    assert!((198..=202).contains(&within(20, 21)), "{}", within(20, 21));
}

proptest! {
    #[test]
    fn no_second_sees_more_than_the_rate(number in 1..500_u32, gaps in proptest::collection::vec(0..50_000_u64, 1..500)) {
        let mut rate = Rate::new(per_second(number), at(0));
        let (mut now, mut taken) = (at(0), Vec::new());
        for gap in gaps {
            now = now.after(Duration::from_micros(gap));
            match rate.take(now) {
                Ok(()) => taken.push(now),
                Err(until) => {
                    prop_assert!(until > now);
                    prop_assert!(rate.clone().take(until).is_ok(), "the time it says is good");
                }
            }
        }
        prop_assert!(most_in_a_second(&taken) <= number as usize);
    }

    #[test]
    fn a_ramp_keeps_the_order_and_the_pace(number in 1..2_000_u32, count in 1..2_000_u32) {
        let due: Vec<_> = (0..count).map(|index| ramped(index, per_second(number), at(0))).collect();
        prop_assert!(due.is_sorted());
        // One more than the pace, for times are cut to microseconds.
        prop_assert!(most_in_a_second(&due) <= number as usize + 1);
        let last = ramped(u32::MAX, per_second(number), at(0));
        prop_assert!(last > due[0] && last < Timestamp::LAST);
    }
}
