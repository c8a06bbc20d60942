use std::time::Duration;

use alertwire_domain::session::{IDLE, LONGEST, Session, TOUCH};
use alertwire_domain::{Timestamp, UserId};

fn session(made: Timestamp, seen: Timestamp) -> Session {
    Session {
        user: UserId::from_bytes([1; 16]),
        digest: [2; 32],
        made_at: made,
        seen_at: seen,
        address: "192.0.2.1".parse().unwrap(),
    }
}

#[test]
fn a_session_ends_when_it_is_idle_and_in_any_case_after_a_working_day() {
    let made = Timestamp::from_micros(0);
    let almost = Duration::from_micros(1);
    let fresh = session(made, made);
    assert!(fresh.holds(made.after(IDLE - almost)));
    assert!(!fresh.holds(made.after(IDLE)));
    let used = session(made, made.after(LONGEST - almost));
    assert!(used.holds(made.after(LONGEST - almost)));
    assert!(!used.holds(made.after(LONGEST)));
}

#[test]
fn uses_of_one_minute_are_written_once() {
    let made = Timestamp::from_micros(0);
    assert!(!session(made, made).is_worth_touching(made.after(TOUCH / 2)));
    assert!(session(made, made).is_worth_touching(made.after(TOUCH)));
}
