use std::net::IpAddr;
use std::time::Duration;

use alertwire_domain::Timestamp;
use alertwire_domain::sign_in::{REMEMBERED, SignIns};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn address(number: u32) -> IpAddr {
    IpAddr::from(number.to_be_bytes())
}

const HOUR: i64 = 3_600;

/// Tries as often as it may until then; answers how many tries passed.
fn guesses(sign_ins: &mut SignIns, name: &str, from: IpAddr, until: i64) -> usize {
    let mut passed = 0;
    let mut now = at(0);
    while now < at(until) {
        match sign_ins.admit(name, from, now) {
            Ok(()) => passed += 1,
            Err(wait) => now = now.after(wait),
        }
    }
    passed
}

#[test]
fn who_mistypes_is_not_slowed_down() {
    let mut sign_ins = SignIns::default();
    for _ in 0..4 {
        assert_eq!(sign_ins.admit("anna", address(1), at(0)), Ok(()));
    }
    assert_eq!(
        sign_ins.admit("Anna ", address(1), at(0)),
        Err(Duration::from_secs(1)),
        "case and white space make no other account"
    );
    assert_eq!(sign_ins.admit("anna", address(1), at(1)), Ok(()));
    sign_ins.succeeded("anna", address(1), at(1));
    assert_eq!(sign_ins.admit("anna", address(1), at(1)), Ok(()));
}

#[test]
fn an_address_that_guesses_gets_few_tries_in_an_hour() {
    let mut sign_ins = SignIns::default();
    let passed = guesses(&mut sign_ins, "anna", address(1), HOUR);
    assert!(passed < 20, "{passed}");
    assert_eq!(
        sign_ins.admit("anna", address(2), at(HOUR)),
        Ok(()),
        "from elsewhere the account is open"
    );
}

#[test]
fn an_address_that_tries_many_accounts_is_slowed_down_as_a_whole() {
    let mut sign_ins = SignIns::default();
    let mut passed = 0;
    for number in 0..1_000 {
        if sign_ins
            .admit(&format!("user-{number}"), address(1), at(0))
            .is_ok()
        {
            passed += 1;
        }
    }
    assert_eq!(passed, 20);
}

#[test]
fn many_addresses_do_not_lock_out_who_has_signed_in_before() {
    let mut sign_ins = SignIns::default();
    sign_ins.succeeded("anna", address(7), at(0));
    let mut passed = 0;
    for number in 1_000..2_000 {
        if sign_ins.admit("anna", address(number), at(1)).is_ok() {
            passed += 1;
        }
    }
    assert_eq!(passed, 100);
    assert!(sign_ins.admit("anna", address(3_000), at(1)).is_err());
    assert_eq!(sign_ins.admit("anna", address(7), at(1)), Ok(()));
}

#[test]
fn addresses_of_one_ipv6_network_are_one() {
    let mut sign_ins = SignIns::default();
    for number in 0..4 {
        let from = format!("2001:db8::{number:x}").parse().unwrap();
        assert_eq!(sign_ins.admit("anna", from, at(0)), Ok(()));
    }
    let from = "2001:db8::ffff".parse().unwrap();
    assert!(sign_ins.admit("anna", from, at(0)).is_err());
}

#[test]
fn what_is_long_past_is_forgotten() {
    let mut sign_ins = SignIns::default();
    let _ = guesses(&mut sign_ins, "anna", address(1), HOUR);
    assert_eq!(sign_ins.admit("anna", address(1), at(3 * HOUR)), Ok(()));
    assert_eq!(sign_ins.admit("anna", address(1), at(3 * HOUR)), Ok(()));
}

#[test]
fn the_tables_are_bounded_and_the_oldest_goes() {
    let mut sign_ins = SignIns::default();
    for _ in 0..4 {
        sign_ins.admit("anna", address(0), at(0)).unwrap();
    }
    for number in 0..u32::try_from(REMEMBERED).unwrap() {
        sign_ins
            .admit(&format!("user-{number}"), address(number + 1), at(1))
            .unwrap();
    }
    assert_eq!(sign_ins.admit("anna", address(0), at(1)), Ok(()));
}
