//! The alarm of a wording that changed: soon when it did, never when nothing did.

use alertwire_catalogue::{Drift, Turn, new_tail};

/// The alert that raised the alarm, counted from the change.
fn alarm_after(
    before: impl Iterator<Item = bool>,
    after: impl Iterator<Item = bool>,
) -> Option<usize> {
    let mut drift = Drift::default();
    for full in before {
        assert_eq!(drift.see(full), Turn::Nothing);
    }
    after
        .enumerate()
        .find(|(_, full)| drift.see(*full) == Turn::Alarm)
        .map(|(index, _)| index + 1)
}

/// Shares that are met exactly in every hundred alerts, well mixed.
fn steady(percent: u64, count: usize) -> impl Iterator<Item = bool> {
    (0..count as u64)
        .map(move |n| n.wrapping_mul(6_364_136_223_846_793_005) % 101 * 100 / 101 < percent)
}

#[test]
fn a_changed_wording_is_told_within_twenty_alerts() {
    for known in [20, 21, 50, 1_000, 10_000] {
        let alarm = alarm_after(
            std::iter::repeat_n(true, known),
            std::iter::repeat_n(false, 20),
        );
        assert!(alarm.is_some_and(|alert| alert <= 10), "{known}: {alarm:?}");
    }
    for percent in [95, 80, 70] {
        let alarm = alarm_after(steady(percent, 1_000), std::iter::repeat_n(false, 20));
        assert!(alarm.is_some(), "{percent} %");
    }
}

#[test]
fn one_sender_of_two_that_changed_is_told_too() {
    let half = (0..60).map(|n| n % 2 == 0);
    let alarm = alarm_after(std::iter::repeat_n(true, 100), half);
    assert!(alarm.is_some(), "{alarm:?}");
}

#[test]
fn a_steady_share_raises_nothing() {
    for percent in [0, 5, 20, 40, 80, 90, 99, 100] {
        assert_eq!(
            alarm_after(std::iter::empty(), steady(percent, 20_000)),
            None,
            "{percent} %"
        );
    }
}

#[test]
fn single_odd_alerts_raise_nothing() {
    let odd = (0..1_000).map(|n| n % 20 != 0);
    assert_eq!(alarm_after(std::iter::repeat_n(true, 30), odd), None);
    let pairs = (0..1_000).map(|n| n % 50 > 1);
    assert_eq!(alarm_after(std::iter::repeat_n(true, 30), pairs), None);
}

#[test]
fn an_alarm_is_raised_once_and_closes_when_the_share_is_back() {
    let mut drift = Drift::default();
    (0..50).for_each(|_| assert_eq!(drift.see(true), Turn::Nothing));
    let turns: Vec<Turn> = (0..200).map(|_| drift.see(false)).collect();
    assert_eq!(turns.iter().filter(|turn| **turn == Turn::Alarm).count(), 1);
    assert!(drift.is_open());
    assert!((drift.before() - 1.0).abs() < 0.01 && drift.now() == 0.0);
    let back = (1..=20).find(|_| drift.see(true) == Turn::Recovery);
    assert_eq!(back, Some(8));
    assert!(!drift.is_open());
    // It is watched on.
    assert!((0..20).any(|_| drift.see(false) == Turn::Alarm));
}

#[test]
fn what_is_known_survives_being_stored() {
    let mut drift = Drift::default();
    (0..50).for_each(|n| _ = drift.see(n % 7 != 0));
    let stored = serde_json::to_string(&drift).unwrap();
    let mut read: Drift = serde_json::from_str(&stored).unwrap();
    for n in 0..100 {
        assert_eq!(drift.see(n % 3 == 0), read.see(n % 3 == 0));
    }
}

#[test]
fn the_new_tail_is_what_the_remainders_share() {
    assert_eq!(
        new_tail(
            &[". Zone A", ". Zone B", ""],
            &["x. Zone A", "y. Zone B", "z"]
        ),
        ". Zone {zone:word}"
    );
    assert_eq!(new_tail(&[], &[]), "");
    assert_eq!(new_tail(&[], &["one", "two"]), "");
}
