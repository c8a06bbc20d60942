use std::time::Duration;

use alertwire_delivery::login::{FIRST_WAIT, KEPT, LONGEST_WAIT, Login, LoginStep, kept_for};
use domain::Timestamp;
use proptest::prelude::*;

use crate::at;

#[test]
fn one_login_is_in_flight_and_the_others_join_it() {
    let mut login = Login::default();
    assert_eq!(login.next(at(0)), LoginStep::LogIn);
    assert_eq!(login.next(at(0)), LoginStep::Join);
    login.succeeded(at(1), Some(Duration::from_secs(600)));
    assert_eq!(login.next(at(1)), LoginStep::UseToken);
    assert_eq!(login.next(at(540)), LoginStep::UseToken);
    assert_eq!(login.next(at(541)), LoginStep::LogIn, "a minute early");
}

#[test]
fn a_refused_token_is_fetched_anew() {
    let mut login = Login::Fresh { until: at(100) };
    login.refused();
    assert_eq!(login.next(at(0)), LoginStep::LogIn);
}

#[test]
fn a_failing_login_waits_longer_and_longer() {
    let mut login = Login::default();
    let (mut now, mut waits) = (at(0), Vec::new());
    for _ in 0..20 {
        assert_eq!(login.next(now), LoginStep::LogIn);
        login.failed(now);
        let LoginStep::Hold { until } = login.next(now) else {
            panic!("{login:?}")
        };
        waits.push(until.since(now));
        now = until;
    }
    assert!(waits.is_sorted());
    assert_eq!(waits.last(), Some(&LONGEST_WAIT));
}

#[test]
fn how_long_a_token_is_used_follows_from_its_life() {
    let table = [
        (3_600, 3_240),
        (7_200, 3_600),
        (600, 540),
        (300, 240),
        (120, 60),
        (60, 30),
        (10, 5),
        (1, 0),
        (0, 0),
    ];
    for (life, used) in table {
        assert_eq!(
            kept_for(Some(Duration::from_secs(life))).as_secs(),
            used,
            "of {life} s"
        );
    }
    assert_eq!(kept_for(None), KEPT, "a token that does not say");
    assert_eq!(kept_for(Some(Duration::MAX)), KEPT);
}

#[test]
fn a_token_that_ends_during_its_refresh_lets_nobody_by() {
    let mut login = Login::Fresh { until: at(10) };
    assert_eq!(login.next(at(10)), LoginStep::LogIn);
    login.refused();
    assert_eq!(
        login.next(at(10)),
        LoginStep::Join,
        "a late 401 for the old token begins no second login"
    );
}

proptest! {
    #[test]
    fn a_token_is_dropped_before_it_ends_and_never_kept_past_the_cap(seconds in 0..1_000_000_u64) {
        let life = Duration::from_secs(seconds);
        let kept = kept_for(Some(life));
        prop_assert!(kept <= KEPT);
        prop_assert!(kept < life || life.is_zero());
        prop_assert!(kept <= life / 2 || kept + Duration::from_secs(60) <= life);
    }

    #[test]
    fn whatever_happens_one_login_is_in_flight_and_waiting_ends(
        steps in proptest::collection::vec((0..4_u8, 0..4_000_u64), 1..200),
    ) {
        let (mut login, mut seconds, mut in_flight) = (Login::default(), 0, false);
        for (step, pause) in steps {
            seconds += pause;
            let now = at(seconds);
            match step {
                0 if in_flight => {
                    login.succeeded(now, Some(Duration::from_secs(pause)));
                    in_flight = false;
                }
                1 if in_flight => {
                    login.failed(now);
                    in_flight = false;
                }
                2 => login.refused(),
                _ => match login.next(now) {
                    LoginStep::LogIn => {
                        prop_assert!(!in_flight);
                        in_flight = true;
                    }
                    LoginStep::Join => prop_assert!(in_flight),
                    LoginStep::UseToken => prop_assert!(!in_flight),
                    LoginStep::Hold { until } => prop_assert!(until > now && until.since(now) <= LONGEST_WAIT),
                },
            }
        }
    }
}

/// What befalls a login: alerts that need a token, ends of logins, and tokens that die before their time.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Alert,
    Granted { life: u64 },
    Refused,
    TokenDies,
}

fn happenings() -> impl Strategy<Value = Vec<(Happening, u64)>> {
    let happening = prop_oneof![
        4 => Just(Happening::Alert),
        2 => (0..8_000_u64).prop_map(|life| Happening::Granted { life }),
        1 => Just(Happening::Refused),
        1 => Just(Happening::TokenDies),
    ];
    proptest::collection::vec((happening, 0..400_u64), 1..300)
}

/// The shell around the machine, as `connectors` is one: it sends with the token it has, and on 401 asks once more.
#[derive(Default)]
struct Shell {
    login: Login,
    /// The one that is cached, and the newest that the receiver takes.
    token: Option<u32>,
    good: u32,
    in_flight: bool,
    failures: u32,
    /// No login may begin before.
    not_before: Option<Timestamp>,
    /// When the cached token would end.
    ends: Option<Timestamp>,
}

impl Shell {
    /// How many requests the alert cost; what waits for a login sends nothing now.
    fn alert(&mut self, now: Timestamp) -> u32 {
        for sent in 0..2 {
            match self.login.next(now) {
                LoginStep::UseToken => {
                    let token = self.token.expect("nothing is sent without a token");
                    assert!(!self.in_flight && self.ends.is_none_or(|ends| now < ends));
                    if token == self.good {
                        return sent + 1;
                    }
                    self.login.refused();
                }
                LoginStep::LogIn => {
                    assert!(!self.in_flight, "one login at a time");
                    assert!(self.not_before.is_none_or(|time| now >= time));
                    self.in_flight = true;
                    return sent;
                }
                LoginStep::Join => {
                    assert!(self.in_flight);
                    return sent;
                }
                LoginStep::Hold { until } => {
                    assert_eq!(Some(until), self.not_before);
                    return sent;
                }
            }
        }
        2
    }

    fn granted(&mut self, life: u64, now: Timestamp) {
        let life = Duration::from_secs(life);
        self.login.succeeded(now, Some(life));
        (self.good, self.in_flight, self.failures) = (self.good + 1, false, 0);
        (self.token, self.not_before) = (Some(self.good), None);
        self.ends = Some(now.after(life));
    }

    fn refused(&mut self, now: Timestamp) {
        self.login.failed(now);
        self.failures += 1;
        let wait = FIRST_WAIT * 2_u32.pow((self.failures - 1).min(16));
        (self.token, self.in_flight) = (None, false);
        self.not_before = Some(now.after(wait.min(LONGEST_WAIT)));
    }
}

proptest! {
    #[test]
    fn whatever_dies_nothing_is_sent_without_a_token_and_failures_back_off(steps in happenings()) {
        let (mut shell, mut seconds) = (Shell::default(), 0);
        for (happening, pause) in steps {
            seconds += pause;
            let now = at(seconds);
            match happening {
                Happening::Alert => prop_assert!(shell.alert(now) <= 2),
                Happening::Granted { life } if shell.in_flight => shell.granted(life, now),
                Happening::Refused if shell.in_flight => shell.refused(now),
                Happening::TokenDies => shell.good += 1,
                Happening::Granted { .. } | Happening::Refused => {}
            }
        }
    }
}
