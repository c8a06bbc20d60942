use std::time::Duration;

use alertwire_delivery::gate::{FAILING_TOO_LONG, FAILURES, LONGEST_REST};
use alertwire_delivery::{
    Admission, Cause, Gate, GateChange, HoldReason, IntegrationStatus, Outcome, integration_status,
};
use domain::Timestamp;
use proptest::prelude::*;

use crate::{at, rng};

const GOOD: Outcome = Outcome::Delivered { status_code: 200 };
const BAD: Outcome = Outcome::Failed {
    cause: Cause::Timeout,
    retry_after: None,
};
const GONE: Outcome = Outcome::Failed {
    cause: Cause::Status(410),
    retry_after: None,
};

const REASONS: [HoldReason; 5] = [
    HoldReason::Login,
    HoldReason::Gone,
    HoldReason::FailingTooLong,
    HoldReason::BlockedAddress,
    HoldReason::SecretsMissing,
];

fn resting() -> (Gate, Timestamp) {
    let mut gate = Gate::default();
    for _ in 0..FAILURES {
        gate.observe(&BAD, at(0), &mut rng(1));
    }
    let Gate::Resting { until, .. } = gate else {
        panic!("{gate:?}")
    };
    (gate, until)
}

#[test]
fn it_rests_after_ten_failures_in_a_row_and_not_before() {
    let mut gate = Gate::default();
    for _ in 0..100 {
        for _ in 0..FAILURES - 1 {
            assert_eq!(gate.observe(&BAD, at(0), &mut rng(1)), GateChange::Counted);
        }
        gate.observe(&GOOD, at(0), &mut rng(1));
    }
    assert_eq!(gate.admits(at(0), 99), Admission::Yes);
}

#[test]
fn after_a_rest_one_try_decides() {
    let (mut gate, until) = resting();
    assert_eq!(gate.admits(at(1), 0), Admission::No { until: Some(until) });
    assert_eq!(
        gate.admits(until, 3),
        Admission::No { until: None },
        "what is in flight ends first"
    );
    assert_eq!(gate.admits(until, 0), Admission::Probe);
    gate.probe();
    let mut again = gate.clone();
    assert_eq!(
        gate.observe(&GOOD, until, &mut rng(1)),
        GateChange::Recovered
    );
    assert_eq!(gate, Gate::default());
    assert_eq!(again.observe(&BAD, until, &mut rng(1)), GateChange::Rested);
    let Gate::Resting { until: later, .. } = again else {
        panic!("{again:?}")
    };
    assert!(
        later.since(until) > until.since(at(0)),
        "the second rest is longer"
    );
}

#[test]
fn gone_holds_it_until_a_person_looks() {
    let mut gate = Gate::default();
    assert_eq!(
        gate.observe(&GONE, at(0), &mut rng(1)),
        GateChange::Held(HoldReason::Gone)
    );
    gate.observe(&GOOD, at(1), &mut rng(1));
    assert_eq!(gate.admits(at(1_000_000), 0), Admission::No { until: None });
    gate.release(at(9));
    assert_eq!(gate.admits(at(1_000_000), 0), Admission::Yes);
}

#[test]
fn what_a_person_opened_admits_until_its_owner_has_heard_and_tells_since_when_nothing_got_through()
{
    let (mut gate, _) = resting();
    let since = gate.since().expect("it fails");
    gate.release(at(1_000));
    assert_eq!(gate, Gate::Opened { since });
    assert_eq!(gate.admits(at(1_000), 8), Admission::Yes);
    assert_eq!(gate.heard(), Some(since));
    assert_eq!((gate.clone(), gate.heard()), (Gate::default(), None));
    gate.switched_on(at(2_000));
    assert_eq!(gate, Gate::Opened { since: at(2_000) });
    gate.hold(HoldReason::Gone, at(2_001));
    gate.switched_on(at(2_002));
    assert_eq!(
        gate.held(),
        Some(HoldReason::Gone),
        "the switch opens no gate"
    );
}

#[test]
fn a_failing_login_is_tried_again_less_and_less_often() {
    let mut gate = Gate::default();
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..10 {
        gate.observe(&Outcome::Held(HoldReason::Login), now, &mut rng(1));
        let Admission::No { until: Some(until) } = gate.admits(now, 0) else {
            panic!("{gate:?}")
        };
        waits.push(until.since(now));
        now = until;
        assert_eq!(gate.admits(now, 0), Admission::Probe);
    }
    assert!(waits.is_sorted());
    assert_eq!(waits.last(), Some(&LONGEST_REST));
    assert_eq!(gate.observe(&GOOD, now, &mut rng(1)), GateChange::Recovered);
}

#[test]
fn five_days_of_failing_hold_it() {
    let (mut gate, until) = resting();
    gate.probe();
    let later = until.after(FAILING_TOO_LONG);
    assert_eq!(
        gate.observe(&BAD, later, &mut rng(1)),
        GateChange::Held(HoldReason::FailingTooLong)
    );
}

#[test]
fn two_failures_a_week_apart_hold_nothing() {
    let mut gate = Gate::default();
    gate.observe(&BAD, at(0), &mut rng(1));
    assert_eq!(
        gate.observe(&BAD, at(7 * 86_400), &mut rng(1)),
        GateChange::Counted
    );
    assert_eq!(gate.admits(at(7 * 86_400), 0), Admission::Yes);
}

#[test]
fn a_client_error_counts_like_any_failure() {
    let mut gate = Gate::default();
    let refused = Outcome::Failed {
        cause: Cause::Status(422),
        retry_after: None,
    };
    let changes: Vec<_> = (0..FAILURES)
        .map(|_| gate.observe(&refused, at(0), &mut rng(1)))
        .collect();
    assert_eq!(changes.last(), Some(&GateChange::Rested));
}

#[test]
fn attempts_that_were_in_flight_do_not_lengthen_a_hold_nor_end_it() {
    let mut gate = Gate::default();
    let login = Outcome::Held(HoldReason::Login);
    assert_eq!(
        gate.observe(&login, at(0), &mut rng(1)),
        GateChange::Held(HoldReason::Login)
    );
    let held = gate.clone();
    for outcome in [&login, &BAD, &GOOD, &login] {
        assert_eq!(gate.observe(outcome, at(1), &mut rng(1)), GateChange::None);
        assert_eq!(gate, held);
    }
    assert_eq!(
        gate.observe(&GONE, at(1), &mut rng(1)),
        GateChange::Held(HoldReason::Gone),
        "but gone is gone"
    );
}

#[test]
fn attempts_that_were_in_flight_do_not_lengthen_a_rest() {
    let (mut gate, _) = resting();
    let before = gate.clone();
    assert_eq!(gate.observe(&BAD, at(1), &mut rng(1)), GateChange::None);
    assert_eq!(gate, before);
    assert_eq!(
        gate.observe(&GOOD, at(2), &mut rng(1)),
        GateChange::Recovered,
        "it works, so why rest"
    );
}

#[test]
fn a_probe_that_finds_the_receiver_failing_behind_a_good_login_counts_from_one() {
    let mut gate = Gate::default();
    gate.hold(HoldReason::Login, at(0));
    assert_eq!(gate.observe(&BAD, at(60), &mut rng(1)), GateChange::Counted);
    assert_eq!(
        gate,
        Gate::Admitting {
            failures: 1,
            failing_since: Some(at(60))
        }
    );
}

#[test]
fn secrets_that_came_back_end_their_hold_by_themselves() {
    let mut gate = Gate::default();
    assert_eq!(
        gate.hold(HoldReason::SecretsMissing, at(0)),
        GateChange::Held(HoldReason::SecretsMissing)
    );
    assert_eq!(
        gate.hold(HoldReason::SecretsMissing, at(1)),
        GateChange::None,
        "nothing new, so nothing to save"
    );
    assert_eq!(gate.admits(at(30), 0), Admission::Probe);
    assert_eq!(
        gate.observe(&GOOD, at(31), &mut rng(1)),
        GateChange::Recovered
    );
}

#[test]
fn a_hold_that_waits_for_a_person_is_not_replaced_by_another() {
    for reason in [HoldReason::Gone, HoldReason::FailingTooLong] {
        let mut gate = Gate::default();
        gate.hold(reason, at(0));
        let held = gate.clone();
        for outcome in [&GOOD, &BAD, &GONE, &Outcome::Held(HoldReason::Login)] {
            assert_eq!(
                gate.observe(outcome, at(1_000_000), &mut rng(1)),
                GateChange::None
            );
        }
        assert_eq!(gate, held);
    }
}

#[test]
fn a_probe_that_a_crash_swallowed_is_made_again() {
    let (mut gate, until) = resting();
    gate.probe();
    let stored = serde_json::to_string(&gate).unwrap();
    let after_restart: Gate = serde_json::from_str(&stored).unwrap();
    assert_eq!(after_restart.admits(until, 0), Admission::Probe);
    assert_eq!(
        after_restart.admits(until, 1),
        Admission::No { until: None }
    );
}

#[test]
fn a_clock_that_was_set_back_leaves_no_gate_shut_for_years() {
    let ten_years = 10 * 365 * 86_400;
    let mut gate = Gate::Resting {
        until: at(ten_years),
        rests: 1,
        failing_since: Some(at(ten_years)),
    };
    assert_eq!(gate.admits(at(0), 0), Admission::Probe);
    gate.probe();
    gate.observe(&BAD, at(0), &mut rng(1));
    assert!(
        matches!(gate, Gate::Resting { failing_since: Some(since), .. } if since == at(0)),
        "{gate:?}"
    );
    let probe_at = Some(at(ten_years));
    let mut gate = Gate::Held {
        reason: HoldReason::Login,
        since: at(ten_years),
        probe_at,
        probes: 3,
    };
    assert_eq!(gate.admits(at(0), 0), Admission::Probe);
    gate.observe(&Outcome::Held(HoldReason::Login), at(0), &mut rng(1));
    assert!(
        matches!(gate.admits(at(0), 0), Admission::No { until: Some(until) } if until < at(1_000)),
        "{gate:?}"
    );
}

#[test]
fn the_status_is_derived_from_switch_check_and_gate() {
    let held = |reason| Gate::Held {
        reason,
        since: at(0),
        probe_at: None,
        probes: 0,
    };
    let status = |enabled, checked, authenticated, gate: &Gate| {
        integration_status(
            enabled,
            Some(at(0)).filter(|_| checked),
            Some(at(0)).filter(|_| authenticated),
            gate,
        )
        .0
    };
    let open = Gate::default();
    assert_eq!(status(true, false, false, &open), IntegrationStatus::Draft);
    assert_eq!(status(true, true, false, &open), IntegrationStatus::Failed);
    assert_eq!(
        status(true, true, true, &open),
        IntegrationStatus::Authenticated
    );
    assert_eq!(
        status(true, true, true, &held(HoldReason::Login)),
        IntegrationStatus::Paused
    );
    assert_eq!(
        status(true, true, true, &held(HoldReason::Gone)),
        IntegrationStatus::Disabled
    );
    assert_eq!(
        status(false, true, true, &open),
        IntegrationStatus::Disabled
    );
}

#[test]
fn a_rest_and_a_hold_are_said_in_the_status() {
    let (gate, until) = resting();
    let (status, reason) = integration_status(true, Some(at(0)), Some(at(0)), &gate);
    assert_eq!(status, IntegrationStatus::Authenticated);
    assert!(reason.unwrap().contains(&until.to_string()));
    for reason in REASONS {
        let mut gate = Gate::default();
        gate.hold(reason, at(0));
        let (status, said) = integration_status(true, Some(at(0)), Some(at(0)), &gate);
        let expected = if reason.is_paused() {
            IntegrationStatus::Paused
        } else {
            IntegrationStatus::Disabled
        };
        assert_eq!(
            (status, said.as_deref()),
            (expected, Some(reason.explanation()))
        );
        let (status, said) = integration_status(false, Some(at(0)), Some(at(0)), &gate);
        assert_eq!(
            (status, said.as_deref()),
            (IntegrationStatus::Disabled, Some("switched off"))
        );
    }
}

#[test]
fn it_says_how_often_it_failed_since_when_and_when_it_will_be_held() {
    let mut gate = Gate::default();
    assert_eq!(
        (gate.failures(), gate.since(), gate.held_at_latest()),
        (0, None, None)
    );
    gate.observe(&BAD, at(7), &mut rng(1));
    let held_at = at(7).after(FAILING_TOO_LONG);
    assert_eq!(
        (gate.failures(), gate.since(), gate.held_at_latest()),
        (1, Some(at(7)), Some(held_at))
    );
    for _ in 1..FAILURES {
        gate.observe(&BAD, at(8), &mut rng(1));
    }
    for failed_probes in 0..3 {
        let Gate::Resting { until, .. } = gate else {
            panic!("{gate:?}")
        };
        assert_eq!(gate.failures(), FAILURES + failed_probes);
        assert_eq!(gate.held_at_latest(), Some(held_at));
        gate.probe();
        assert_eq!(gate.failures(), FAILURES + failed_probes);
        gate.observe(&BAD, until, &mut rng(1));
    }
    gate.hold(HoldReason::Login, at(99));
    assert_eq!((gate.since(), gate.held_at_latest()), (Some(at(99)), None));
    gate.release(at(100));
    assert_eq!((gate.failures(), gate.held_at_latest()), (0, None));
    assert_eq!(gate.heard(), Some(at(99)));
    assert_eq!(gate, Gate::default());
}

#[test]
fn a_gate_survives_its_stored_form_and_the_form_does_not_change() {
    let held = |reason, probe_at| Gate::Held {
        reason,
        since: at(1),
        probe_at,
        probes: 2,
    };
    let forms = [
        (
            Gate::default(),
            r#"{"admitting":{"failures":0,"failing_since":null}}"#,
        ),
        (
            Gate::Resting {
                until: at(30),
                rests: 1,
                failing_since: Some(at(0)),
            },
            r#"{"resting":{"until":"2023-11-14T22:13:50Z","rests":1,"failing_since":"2023-11-14T22:13:20Z"}}"#,
        ),
        (
            Gate::Probing {
                rests: 1,
                failing_since: None,
            },
            r#"{"probing":{"rests":1,"failing_since":null}}"#,
        ),
        (
            Gate::Opened { since: at(0) },
            r#"{"opened":{"since":"2023-11-14T22:13:20Z"}}"#,
        ),
        (
            held(HoldReason::Login, Some(at(30))),
            r#"{"held":{"reason":"login","since":"2023-11-14T22:13:21Z","probe_at":"2023-11-14T22:13:50Z","probes":2}}"#,
        ),
        (
            held(HoldReason::Gone, None),
            r#"{"held":{"reason":"gone","since":"2023-11-14T22:13:21Z","probe_at":null,"probes":2}}"#,
        ),
    ];
    for (gate, form) in forms {
        assert_eq!(serde_json::to_string(&gate).unwrap(), form);
        assert_eq!(serde_json::from_str::<Gate>(form).unwrap(), gate);
    }
    for reason in REASONS {
        assert_eq!(
            serde_json::to_string(&reason).unwrap(),
            format!("\"{}\"", reason.as_str())
        );
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => Just(GOOD),
        8 => Just(BAD),
        1 => Just(GONE),
        1 => Just(Outcome::Held(HoldReason::Login)),
        1 => Just(Outcome::Held(HoldReason::BlockedAddress)),
        1 => Just(Outcome::Held(HoldReason::SecretsMissing)),
    ]
}

proptest! {
    #[test]
    fn it_is_never_stuck(steps in proptest::collection::vec((outcomes(), 0..100_000_u64), 1..200), seed: u64) {
        let (mut gate, mut rng, mut seconds) = (Gate::default(), rng(seed), 0);
        for (outcome, pause) in steps {
            seconds += pause;
            let now = at(seconds);
            match gate.admits(now, 0) {
                Admission::Yes | Admission::Probe => {
                    gate.probe();
                    gate.observe(&outcome, now, &mut rng);
                }
                Admission::No { until: Some(until) } => {
                    prop_assert!(until > now);
                    prop_assert!(until.since(now) <= LONGEST_REST.mul_f64(1.2) + Duration::from_secs(1));
                }
                Admission::No { until: None } => {
                    let reason = gate.held();
                    prop_assert!(matches!(reason, Some(HoldReason::Gone | HoldReason::FailingTooLong)), "{gate:?}");
                }
            }
        }
    }

    #[test]
    fn no_order_of_outcomes_wakes_a_rest_or_a_hold_early_but_a_success(
        steps in proptest::collection::vec((outcomes(), 0..100_u64), 1..300),
        seed: u64,
    ) {
        // Outcomes here come in whether or not they were admitted, as they do with many attempts in flight.
        let (mut gate, mut rng, mut seconds) = (Gate::default(), rng(seed), 0);
        for (outcome, pause) in steps {
            seconds += pause;
            let (now, before) = (at(seconds), gate.clone());
            let change = gate.observe(&outcome, now, &mut rng);
            if let Admission::No { until: Some(until) } = before.admits(now, 0)
                && gate.admits(now, 0) == Admission::Yes
            {
                prop_assert!(matches!(before, Gate::Resting { .. }), "{before:?} until {until}");
                prop_assert_eq!(&outcome, &GOOD);
            }
            prop_assert_eq!(change == GateChange::None, gate == before, "a change is told, and nothing else");
            prop_assert_eq!(change == GateChange::Recovered, before.as_str() != "admitting" && gate == Gate::default());
        }
    }
}
