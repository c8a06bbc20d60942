//! Whole stories on a manual clock: many deliveries of one integration, one receiver, every fault.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use alertwire_delivery::rate::ramped;
use alertwire_delivery::{
    Admission, Cause, DeadReason, Delivery, Gate, GateChange, HoldReason, Outcome, Status, Step,
};
use domain::Timestamp;
use domain::integration::DeliverySettings;
use proptest::prelude::*;
use rand::rngs::StdRng;

use crate::{at, rng};

/// Most rounds of a story: reaching it means that something never ends.
const ROUNDS: usize = 20_000;
const PACE: u32 = 200;

/// What the receiver does from some time on.
#[derive(Debug, Clone)]
struct Weather {
    lasts: Duration,
    answers: Outcome,
}

struct House {
    now: Timestamp,
    rng: StdRng,
    settings: DeliverySettings,
    gate: Gate,
    deliveries: Vec<Delivery>,
    weather: VecDeque<Weather>,
    turns_at: Timestamp,
    sent: usize,
}

impl House {
    fn new(count: usize, weather: Vec<Weather>, seed: u64) -> Self {
        let turns_at = at(0).after(weather.first().map_or(Duration::ZERO, |first| first.lasts));
        Self {
            now: at(0),
            rng: rng(seed),
            settings: DeliverySettings::default(),
            gate: Gate::default(),
            deliveries: vec![Delivery::new(at(0)); count],
            weather: weather.into(),
            turns_at,
            sent: 0,
        }
    }

    /// The receiver's answer of now; once its weather is over it takes everything.
    fn answer(&mut self) -> Outcome {
        while self.now >= self.turns_at && self.weather.pop_front().is_some() {
            let lasts = self
                .weather
                .front()
                .map_or(Duration::MAX, |next| next.lasts);
            self.turns_at = self.turns_at.after(lasts);
        }
        self.weather
            .front()
            .map_or(Outcome::Delivered { status_code: 200 }, |now| {
                now.answers.clone()
            })
    }

    fn pending(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries
            .iter()
            .filter(|delivery| delivery.status == Status::Pending)
    }

    /// One round: send what may be sent, then go to the next time at which something can happen. False when nothing can.
    fn round(&mut self) -> bool {
        for index in 0..self.deliveries.len() {
            match self.deliveries[index].next(self.now) {
                Step::GiveUp(reason) => self.deliveries[index].give_up(reason),
                Step::Wait { .. } | Step::Done => {}
                Step::Send => match self.gate.admits(self.now, 0) {
                    Admission::No { .. } => {}
                    Admission::Yes => self.send(index),
                    Admission::Probe => {
                        self.gate.probe();
                        self.send(index);
                    }
                },
            }
        }
        let Some(due_at) = self.pending().map(|delivery| delivery.due_at).min() else {
            return false;
        };
        let next = match self.gate.admits(self.now, 0) {
            Admission::No { until: None } => return false,
            Admission::No { until: Some(until) } => due_at.max(until),
            Admission::Yes | Admission::Probe => due_at,
        };
        assert!(
            next > self.now
                || self
                    .pending()
                    .any(|delivery| delivery.next(self.now) == Step::Send)
        );
        self.now = self.now.max(next);
        true
    }

    fn send(&mut self, index: usize) {
        assert_ne!(
            self.gate.as_str(),
            "resting",
            "nothing is sent while it rests"
        );
        self.sent += 1;
        let outcome = self.answer();
        let before = self.deliveries[index].attempts;
        self.deliveries[index].observe(&outcome, &self.settings, self.now, &mut self.rng);
        let spent = self.deliveries[index].attempts - before;
        assert_eq!(
            spent,
            u32::from(!matches!(outcome, Outcome::Held(_))),
            "a hold spends no attempt"
        );
        if self.gate.observe(&outcome, self.now, &mut self.rng) == GateChange::Recovered {
            self.pull_forward();
        }
    }

    fn pull_forward(&mut self) {
        let (now, pace) = (
            self.now,
            NonZeroU32::new(PACE).expect("the pace is not zero"),
        );
        let waiting = self
            .deliveries
            .iter_mut()
            .filter(|delivery| delivery.due_at > now);
        for (index, delivery) in (0..).zip(waiting) {
            delivery.pull_forward(ramped(index, pace, now));
            assert!(delivery.due_at >= now, "nothing is pulled into the past");
        }
    }

    /// Plays it to its end.
    fn play(&mut self) {
        for _ in 0..ROUNDS {
            if !self.round() {
                return;
            }
        }
        panic!("no end in sight: {:?} at {}", self.gate, self.now);
    }
}

fn lasts(seconds: u64, answers: Outcome) -> Weather {
    Weather {
        lasts: Duration::from_secs(seconds),
        answers,
    }
}

fn failed(code: u16) -> Outcome {
    Outcome::Failed {
        cause: Cause::Status(code),
        retry_after: None,
    }
}

#[test]
fn an_outage_of_an_hour_loses_nothing_and_is_made_good_within_minutes() {
    let mut house = House::new(500, vec![lasts(3_600, failed(503))], 1);
    house.play();
    assert!(
        house
            .deliveries
            .iter()
            .all(|delivery| delivery.status == Status::Delivered)
    );
    let late = house.now.since(at(3_600));
    assert!(
        late < Duration::from_secs(20 * 60),
        "{late:?} after the receiver came back"
    );
    assert!(
        house.sent < 500 + 100,
        "{} attempts for 500 alerts: the rests spared the receiver",
        house.sent
    );
}

#[test]
fn flapping_for_an_hour_loses_nothing() {
    let weather = (0..120).map(|half| {
        lasts(
            30,
            if half % 2 == 0 {
                failed(502)
            } else {
                Outcome::Delivered { status_code: 200 }
            },
        )
    });
    let mut house = House::new(200, weather.collect(), 2);
    house.play();
    assert!(
        house
            .deliveries
            .iter()
            .all(|delivery| delivery.status == Status::Delivered)
    );
}

#[test]
fn a_login_that_fails_for_a_day_parks_everything_and_spends_nothing() {
    let mut house = House::new(
        100,
        vec![lasts(86_400, Outcome::Held(HoldReason::Login))],
        3,
    );
    house.play();
    assert!(
        house
            .deliveries
            .iter()
            .all(|delivery| (delivery.status, delivery.attempts) == (Status::Delivered, 1))
    );
    assert!(house.now.since(at(86_400)) < Duration::from_secs(20 * 60));
}

#[test]
fn a_receiver_that_is_gone_ends_one_and_parks_the_others() {
    let mut house = House::new(10, vec![lasts(u64::MAX, failed(410))], 4);
    house.play();
    assert_eq!(house.gate.held(), Some(HoldReason::Gone));
    assert_eq!((house.sent, house.pending().count()), (1, 9));
    assert_eq!(house.deliveries[0].reason, Some(DeadReason::Gone));
}

#[test]
fn a_receiver_that_never_comes_back_is_held_after_five_days() {
    let mut house = House::new(2_000, vec![lasts(u64::MAX, failed(500))], 5);
    house.play();
    assert_eq!(house.gate.held(), Some(HoldReason::FailingTooLong));
    let failing = house.now.since(at(0));
    let days = Duration::from_secs(86_400);
    assert!(failing >= 5 * days && failing < 6 * days, "{failing:?}");
    assert!(
        house.pending().count() > 1_000,
        "what it had no chance to take is kept"
    );
}

fn weathers() -> impl Strategy<Value = Weather> {
    let answers = prop_oneof![
        3 => Just(Outcome::Delivered { status_code: 204 }),
        3 => prop_oneof![Just(400_u16), Just(404), Just(429), Just(500), Just(503)].prop_map(failed),
        1 => (1..200_000_u64).prop_map(|seconds| Outcome::Failed {
            cause: Cause::Status(429),
            retry_after: Some(Duration::from_secs(seconds.min(86_400))),
        }),
        1 => Just(Outcome::Failed { cause: Cause::Reset, retry_after: None }),
        1 => Just(Outcome::Held(HoldReason::Login)),
        1 => Just(Outcome::Held(HoldReason::BlockedAddress)),
    ];
    (1..200_000_u64, answers).prop_map(|(seconds, answers)| lasts(seconds, answers))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn in_any_weather_each_delivery_ends_or_waits_behind_a_hold_with_a_reason(
        weather in proptest::collection::vec(weathers(), 0..12),
        count in 1..60_usize,
        seed: u64,
    ) {
        let mut house = House::new(count, weather, seed);
        house.play();
        let most = house.settings.schedule.waits().len();
        for delivery in &house.deliveries {
            prop_assert!(delivery.attempts as usize <= most);
            prop_assert_eq!(delivery.reason.is_some(), delivery.status == Status::Dead);
        }
        if house.pending().next().is_some() {
            prop_assert_eq!(house.gate.held(), Some(HoldReason::FailingTooLong));
        }
    }
}
