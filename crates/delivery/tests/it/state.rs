use std::time::Duration;

use alertwire_delivery::state::LONGEST_HOLD;
use alertwire_delivery::{Cause, DeadReason, Delivery, HoldReason, Outcome, Status, Step};
use domain::Timestamp;
use domain::integration::{DeliverySettings, Schedule};
use proptest::prelude::*;

use crate::{at, rng};

const REFUSED: Outcome = Outcome::Failed {
    cause: Cause::Status(503),
    retry_after: None,
};

fn failed(code: u16, retry_after: Option<u64>) -> Outcome {
    Outcome::Failed {
        cause: Cause::Status(code),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

fn observe(delivery: &mut Delivery, outcome: &Outcome, now: Timestamp) {
    delivery.observe(outcome, &DeliverySettings::default(), now, &mut rng(7));
}

#[test]
fn a_refused_delivery_waits() {
    let mut delivery = Delivery::new(at(0));
    assert_eq!(delivery.next(at(0)), Step::Send);
    observe(&mut delivery, &REFUSED, at(0));
    assert_eq!(
        delivery.next(at(3)),
        Step::Wait {
            until: delivery.due_at
        }
    );
    assert_eq!(delivery.next(at(6)), Step::Send);
}

#[test]
fn a_target_that_refuses_nine_times_gets_the_alert_at_the_tenth() {
    let mut delivery = Delivery::new(at(0));
    for attempt in 1..=9 {
        assert_eq!(delivery.next(delivery.due_at), Step::Send);
        let now = delivery.due_at;
        observe(&mut delivery, &REFUSED, now);
        assert_eq!(
            (delivery.status, delivery.attempts),
            (Status::Pending, attempt)
        );
    }
    let now = delivery.due_at;
    observe(&mut delivery, &Outcome::Delivered { status_code: 204 }, now);
    assert_eq!(delivery.next(now), Step::Done);
}

#[test]
fn a_spent_schedule_ends_as_dead_by_the_receivers_fault() {
    let mut delivery = Delivery::new(at(0));
    for _ in 0..10 {
        let now = delivery.due_at;
        observe(&mut delivery, &REFUSED, now);
    }
    assert_eq!(delivery.next(at(0)), Step::GiveUp(DeadReason::Exhausted));
    assert_eq!(
        DeadReason::Exhausted.fault(),
        Some(alertwire_delivery::Fault::Receiver)
    );
}

#[test]
fn a_receiver_that_is_gone_ends_it_at_once() {
    let mut delivery = Delivery::new(at(0));
    observe(&mut delivery, &failed(410, None), at(0));
    assert_eq!(delivery.next(at(0)), Step::GiveUp(DeadReason::Gone));
}

#[test]
fn retry_after_lengthens_a_wait_and_never_shortens_it() {
    let mut longer = Delivery::new(at(0));
    observe(&mut longer, &failed(429, Some(120)), at(0));
    assert_eq!((longer.due_at, longer.not_before), (at(120), Some(at(120))));
    let mut shorter = Delivery {
        attempts: 4,
        ..Delivery::new(at(0))
    };
    observe(&mut shorter, &failed(503, Some(1)), at(0));
    assert!(
        shorter.due_at >= at(14_400),
        "the schedule says five hours less a fifth"
    );
}

#[test]
fn pulling_forward_never_passes_what_the_receiver_asked_for() {
    let mut delivery = Delivery {
        attempts: 3,
        ..Delivery::new(at(0))
    };
    observe(&mut delivery, &failed(503, Some(600)), at(0));
    delivery.pull_forward(at(10));
    assert_eq!(delivery.due_at, at(600));
    delivery.pull_forward(at(900));
    assert_eq!(delivery.due_at, at(600), "nothing is pulled backward");
}

#[test]
fn a_held_delivery_spends_no_attempt_and_dies_after_thirty_days() {
    let mut delivery = Delivery::new(at(0));
    observe(&mut delivery, &Outcome::Held(HoldReason::Login), at(10));
    observe(&mut delivery, &Outcome::Held(HoldReason::Login), at(20));
    assert_eq!(
        (delivery.attempts, delivery.parked_since),
        (0, Some(at(10)))
    );
    assert_eq!(delivery.next(at(20)), Step::Send);
    assert_eq!(
        delivery.next(at(10).after(LONGEST_HOLD)),
        Step::GiveUp(DeadReason::HeldTooLong)
    );
    observe(
        &mut delivery,
        &Outcome::Delivered { status_code: 200 },
        at(30),
    );
    assert_eq!(delivery.parked_since, None);
}

#[test]
fn a_step_of_the_clock_puts_no_due_time_out_of_reach() {
    let mut delivery = Delivery {
        not_before: Some(Timestamp::LAST),
        ..Delivery::new(Timestamp::LAST)
    };
    delivery.clamp(at(0));
    assert_eq!(delivery.due_at, at(0).after(Schedule::LONGEST_WAIT));
    assert_eq!(delivery.not_before, Some(at(86_400)));
}

#[test]
fn a_retry_by_hand_begins_the_schedule_anew() {
    let mut delivery = Delivery::new(at(0));
    observe(&mut delivery, &failed(410, None), at(0));
    delivery.retry_by_hand(at(99));
    assert_eq!(delivery.next(at(99)), Step::Send);
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        (100..600_u16, proptest::option::of(1..100_000_u64))
            .prop_map(|(code, after)| failed(code, after)),
        Just(Outcome::Failed {
            cause: Cause::Timeout,
            retry_after: None
        }),
        Just(Outcome::Held(HoldReason::BlockedAddress)),
        Just(Outcome::Delivered { status_code: 200 }),
    ]
}

proptest! {
    #[test]
    fn every_delivery_ends_within_its_schedule_and_never_looks_back(
        outcomes in proptest::collection::vec(outcomes(), 1..100),
        waits in proptest::collection::vec(0..100_000_u64, 1..64),
        seed: u64,
    ) {
        let schedule = Schedule::new(waits.iter().map(|wait| Duration::from_secs(*wait)).collect()).unwrap();
        let settings = DeliverySettings { schedule, ..DeliverySettings::default() };
        let (mut delivery, mut rng) = (Delivery::new(at(0)), rng(seed));
        for outcome in outcomes {
            let now = delivery.due_at;
            if delivery.next(now) != Step::Send {
                break;
            }
            delivery.observe(&outcome, &settings, now, &mut rng);
            prop_assert!(delivery.due_at >= now);
            prop_assert!(delivery.not_before.is_none_or(|not_before| delivery.due_at >= not_before));
            prop_assert!(delivery.attempts as usize <= waits.len());
            let spent = delivery.attempts as usize == waits.len();
            prop_assert!(!spent || delivery.status != Status::Pending);
            let longest = Duration::from_secs(120_000).max(alertwire_delivery::retry_after::CAP);
            prop_assert!(delivery.due_at.since(now) <= longest, "there is always a finite next time");
        }
    }

    #[test]
    fn jitter_stays_within_a_fifth(seed: u64, wait in 1..604_800_u64) {
        let schedule = Schedule::new(vec![Duration::ZERO, Duration::from_secs(wait)]).unwrap();
        let settings = DeliverySettings { schedule, ..DeliverySettings::default() };
        let mut delivery = Delivery::new(at(0));
        delivery.observe(&REFUSED, &settings, at(0), &mut rng(seed));
        let waited = delivery.due_at.since(at(0)).as_secs_f64();
        let wait = Duration::from_secs(wait).as_secs_f64();
        prop_assert!(waited >= wait * 0.799 && waited <= wait * 1.201);
    }
}
