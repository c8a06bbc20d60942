use std::num::NonZeroU32;
use std::time::Duration;

use alertwire_delivery::Status;
use alertwire_delivery::replay::{
    Asked, Found, JobState, Meant, Progress, Replay, Step, meant, still,
};
use domain::Timestamp;
use proptest::prelude::*;

use crate::at;

const SECOND: Duration = Duration::from_secs(1);

fn per_second(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("no rate is zero")
}

/// Works a job to its end, each transaction taking so long; tells the due times and the time of the end.
fn worked(mut job: Replay, mut now: Timestamp, takes: &[Duration]) -> (Vec<Timestamp>, Timestamp) {
    let (mut all, mut takes) = (Vec::new(), takes.iter().cycle());
    loop {
        match job.next(now) {
            Step::Finish => return (all, now),
            Step::Wait { until } => {
                assert!(until > now, "no waiting without an end");
                now = until;
            }
            Step::Work { due } => {
                assert!((1..=200).contains(&due.len()));
                assert!(
                    due.iter()
                        .all(|due| *due >= now && due.since(now) <= SECOND)
                );
                job.worked(due.len() as u64);
                all.extend(due);
                now = now.after(*takes.next().expect("there is one at least"));
            }
        }
    }
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
fn what_has_not_been_delivered_is_retried_and_what_has_gets_a_new_id() {
    let found = |status| Found {
        status,
        is_open: false,
        is_sealed: true,
    };
    for (status, here) in [
        (Status::Pending, Meant::Retry),
        (Status::Dead, Meant::Retry),
        (Status::Delivered, Meant::New),
    ] {
        assert_eq!(meant(found(status), false), Some(here));
        assert_eq!(meant(found(status), true), Some(Meant::New));
    }
    let open = Found {
        is_open: true,
        is_sealed: false,
        ..found(Status::Pending)
    };
    assert_eq!((meant(open, false), meant(open, true)), (None, None));
}

#[test]
fn what_ended_differently_meanwhile_is_passed_over() {
    let found = |status| Found {
        status,
        is_open: false,
        is_sealed: true,
    };
    assert!(still(Meant::Retry, found(Status::Dead), false));
    assert!(!still(Meant::Retry, found(Status::Delivered), false));
    assert!(!still(Meant::New, found(Status::Dead), false));
    assert!(still(Meant::New, found(Status::Delivered), true));
}

#[test]
fn a_job_that_has_ended_takes_no_more_orders() {
    let orders = [Asked::Pause, Asked::Resume, Asked::Cancel];
    for state in JobState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        for asked in orders {
            match state.after(asked) {
                None => assert!(state.has_ended()),
                Some(next) => assert_eq!(next.after(asked), Some(next), "asking twice is no fault"),
            }
        }
    }
    assert_eq!(
        JobState::Paused.after(Asked::Resume),
        Some(JobState::Running)
    );
    assert_eq!(JobState::Done.after(Asked::Cancel), None);
}

#[test]
fn a_job_takes_as_long_as_its_rate_says() {
    let (due, end) = worked(
        Replay::new(0, 500, per_second(50), at(0)),
        at(0),
        &[Duration::ZERO],
    );
    assert_eq!(due.len(), 500);
    assert!(end.since(at(0)) <= 11 * SECOND, "{end}");
    let progress = Progress {
        total: 600,
        skipped: 100,
        ..Progress::default()
    };
    assert_eq!(progress.through_at(per_second(50), at(0)), at(10));
}

#[test]
fn it_goes_on_where_it_was_left_and_an_empty_one_is_through() {
    let (due, _) = worked(
        Replay::new(90, 100, per_second(1), at(0)),
        at(0),
        &[Duration::ZERO],
    );
    assert_eq!(due.len(), 10);
    assert_eq!(
        Replay::new(7, 7, per_second(1), at(0)).next(at(0)),
        Step::Finish
    );
}

#[test]
fn a_clock_that_went_back_stops_no_job() {
    let mut job = Replay::new(0, 10, per_second(5), at(1_000_000));
    let Step::Work { due } = job.next(at(1_000_000)) else {
        panic!("there is work")
    };
    job.worked(due.len() as u64);
    let (due, end) = worked(job, at(0), &[Duration::ZERO]);
    assert!(due.len() >= 5 && end <= at(4), "{end}");
}

proptest! {
    #[test]
    fn every_item_goes_once_in_order_and_no_second_sees_more_than_the_rate(
        number in 1..2_000_u32, size in 0..2_000_u64, takes in proptest::collection::vec(0..3_000_000_u64, 1..20)
    ) {
        let takes: Vec<_> = takes.into_iter().map(Duration::from_micros).collect();
        let (due, _) = worked(Replay::new(0, size, per_second(number), at(0)), at(0), &takes);
        prop_assert_eq!(due.len() as u64, size);
        prop_assert!(due.is_sorted());
        prop_assert!(most_in_a_second(&due) <= number as usize);
    }
}
