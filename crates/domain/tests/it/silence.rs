use std::time::Duration;

use alertwire_domain::event::{Reason, Routing};
use alertwire_domain::event_set::NotifyBy;
use alertwire_domain::mapping::MappedTo;
use alertwire_domain::matching::{Facts, explain, route};
use alertwire_domain::silence::{Every, LONGEST, Repeat, Silence, State, Window};
use alertwire_domain::{CompanyId, SilenceId, Timestamp};
use proptest::prelude::*;

use crate::house::{House, NOW, a_silence};

const ASSET: &str = "system.asset_added";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn between(from: &str, until: &str) -> Silence {
    Silence {
        from: at(from),
        until: at(until),
        ..a_silence(SilenceId::from_bytes([7; 16]), "severity>=info", &[])
    }
}

/// Two hours of each night from Monday 2024-01-01 to the morning of the 10th.
fn nightly() -> Silence {
    Silence {
        repeat: Some(Repeat {
            every: Every::Daily,
            until: at("2024-01-10T03:00:00Z"),
        }),
        ..between("2024-01-01T02:00:00Z", "2024-01-01T04:00:00Z")
    }
}

#[test]
fn it_holds_from_its_beginning_up_to_its_end() {
    let silence = between("2024-01-01T02:00:00Z", "2024-01-01T04:00:00Z");
    assert!(!silence.holds(at("2024-01-01T01:59:59.999999Z")));
    assert!(silence.holds(at("2024-01-01T02:00:00Z")));
    assert!(silence.holds(at("2024-01-01T03:59:59.999999Z")));
    assert!(!silence.holds(at("2024-01-01T04:00:00Z")));
    assert_eq!(silence.state(at("2024-01-01T01:00:00Z")), State::Scheduled);
    assert_eq!(silence.state(at("2024-01-01T03:00:00Z")), State::Active);
    assert_eq!(silence.state(at("2024-01-01T04:00:00Z")), State::Ended);
}

#[test]
fn a_window_comes_again_and_the_last_one_is_cut_short() {
    let silence = nightly();
    assert!(silence.holds(at("2024-01-05T03:00:00Z")));
    assert!(!silence.holds(at("2024-01-05T04:00:00Z")));
    assert_eq!(silence.state(at("2024-01-05T12:00:00Z")), State::Scheduled);
    let next = silence.window_from(at("2024-01-05T12:00:00Z"));
    let wanted = Window {
        from: at("2024-01-06T02:00:00Z"),
        until: at("2024-01-06T04:00:00Z"),
    };
    assert_eq!(next, Some(wanted));
    assert_eq!(silence.ends(), at("2024-01-10T03:00:00Z"));
    assert!(silence.holds(at("2024-01-10T02:59:59Z")));
    assert!(!silence.holds(at("2024-01-10T03:00:00Z")));
    let weekly = Silence {
        repeat: Some(Repeat {
            every: Every::Weekly,
            until: at("2024-01-14T00:00:00Z"),
        }),
        ..nightly()
    };
    assert!(weekly.holds(at("2024-01-08T02:30:00Z")) && !weekly.holds(at("2024-01-09T02:30:00Z")));
    assert_eq!(weekly.ends(), at("2024-01-08T04:00:00Z"));
}

#[test]
fn one_that_a_person_ended_never_holds_again() {
    let ended = Silence {
        ended_at: Some(at("2024-01-03T03:00:00Z")),
        ..nightly()
    };
    assert!(ended.holds(at("2024-01-03T02:59:59Z")));
    assert!(!ended.holds(at("2024-01-03T03:00:00Z")));
    assert!(!ended.holds(at("2024-01-04T03:00:00Z")));
    assert_eq!(ended.state(at("2024-01-03T12:00:00Z")), State::Ended);
    let never = Silence {
        ended_at: Some(at("2023-12-31T00:00:00Z")),
        ..nightly()
    };
    assert!(!never.holds(at("2024-01-01T03:00:00Z")));
    assert_eq!(never.window_from(at("2023-12-30T00:00:00Z")), None);
}

#[test]
fn times_that_make_no_silence_are_named() {
    let now = at("2024-01-01T00:00:00Z");
    let field = |silence: &Silence| silence.check(now).map_err(|error| error.field);
    let plain = between("2024-01-01T02:00:00Z", "2024-01-01T04:00:00Z");
    assert_eq!(field(&plain), Ok(()));
    assert_eq!(field(&nightly()), Ok(()));
    let with = |change: &dyn Fn(&mut Silence), of: &Silence| {
        let mut silence = of.clone();
        change(&mut silence);
        field(&silence)
    };
    assert_eq!(with(&|it| it.until = it.from, &plain), Err("until"));
    assert_eq!(
        with(&|it| (it.from, it.until) = (now.before(HOUR), now), &plain),
        Err("until")
    );
    assert_eq!(with(&|it| it.until = now.after(LONGEST), &plain), Ok(()));
    let past = |it: &mut Silence| it.until = now.after(LONGEST + MINUTE);
    assert_eq!(with(&past, &plain), Err("until"));
    let old = |it: &mut Silence| it.from = now.before(LONGEST);
    assert_eq!(with(&old, &plain), Err("until"));
    let long = |it: &mut Silence| it.until = it.from.after(DAY + MINUTE);
    assert_eq!(with(&long, &nightly()), Err("until"));
    let early = |it: &mut Silence| it.repeat.as_mut().unwrap().until = it.from;
    assert_eq!(with(&early, &nightly()), Err("repeat_until"));
    let far = |it: &mut Silence| it.repeat.as_mut().unwrap().until = now.after(LONGEST + MINUTE);
    assert_eq!(with(&far, &nightly()), Err("repeat_until"));
}

#[test]
fn a_rehearsed_one_holds_all_through_and_a_window_where_it_will() {
    let over = Window {
        from: at("2023-12-20T00:00:00Z"),
        until: at("2023-12-22T00:00:00Z"),
    };
    let plain = between("2024-01-01T02:00:00Z", "2024-01-01T04:00:00Z").rehearsed(over);
    assert!(plain.holds(over.from) && plain.holds(at("2023-12-21T12:00:00Z")));
    assert!(!plain.holds(over.until));
    let window = nightly().rehearsed(over);
    assert!(window.holds(at("2023-12-20T02:00:00Z")) && window.holds(at("2023-12-21T03:59:59Z")));
    assert!(!window.holds(at("2023-12-21T12:00:00Z")));
}

/// A company whose assets go to one integration, and its house.
fn routed() -> (House, CompanyId) {
    let mut house = House::new();
    let acme = house.company("Acme");
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::All, &[rule], true);
    (house, acme)
}

#[test]
fn an_event_that_a_silence_fits_is_kept_and_goes_nowhere() {
    let (mut house, acme) = routed();
    let silence = house.silence("field.hostname=web-*", &[acme]);
    let configuration = house.configuration();
    let mut event = house.event(Some(acme), Some(ASSET), &[&[("hostname", "web-1")]]);
    let (verdict, hops) = explain(&Facts::of(&event), &configuration);
    assert_eq!(verdict.routing, Routing::Unrouted(Reason::Silenced));
    assert_eq!((verdict.plans.len(), verdict.silence), (0, Some(silence)));
    let hop = hops.iter().find(|hop| hop.hop == "silence").unwrap();
    let named = hop.silence.as_ref().unwrap();
    assert_eq!((named.id, hop.ok), (silence, false));
    assert!(hop.detail.contains(&named.name) && hop.detail.contains(&named.until.to_string()));
    // One that came in before it, or after it, is not muted, whatever the time is now.
    for received_at in [NOW.before(2 * MINUTE), NOW.after(HOUR)] {
        event.received_at = received_at;
        assert_eq!(
            route(&Facts::of(&event), &configuration).routing,
            Routing::Routed
        );
    }
    let other = house.event(Some(acme), Some(ASSET), &[&[("hostname", "db-1")]]);
    assert_eq!(
        route(&Facts::of(&other), &configuration).routing,
        Routing::Routed
    );
}

#[test]
fn a_silence_is_about_its_companies_alone() {
    let (mut house, acme) = routed();
    let globex = house.company("Globex");
    house.silence("severity>=info", &[globex]);
    let routing = |house: &House, event| route(&Facts::of(event), &house.configuration()).routing;
    let own = house.event(Some(acme), Some(ASSET), &[]);
    let other = house.event(Some(globex), Some(ASSET), &[]);
    assert_eq!(routing(&house, &own), Routing::Routed);
    assert_eq!(routing(&house, &other), Routing::Unrouted(Reason::Silenced));
    // So many companies that they have no places of their own.
    let many: Vec<_> = (0..50)
        .map(|number| house.company(&format!("Customer {number}")))
        .collect();
    house.silence("company=\"Customer 7\"", &many);
    let seventh = house.event(Some(many[7]), Some(ASSET), &[]);
    let eighth = house.event(Some(many[8]), Some(ASSET), &[]);
    assert_eq!(
        routing(&house, &seventh),
        Routing::Unrouted(Reason::Silenced)
    );
    assert_eq!(routing(&house, &eighth), Routing::Routed);
}

#[test]
fn an_event_that_goes_nowhere_anyway_keeps_its_own_reason() {
    let (mut house, acme) = routed();
    house.silence("severity>=info", &[]);
    let configuration = house.configuration();
    let unticked = house.event(Some(acme), Some("job.failed"), &[]);
    let verdict = route(&Facts::of(&unticked), &configuration);
    assert_eq!(
        (verdict.routing, verdict.silence),
        (Routing::Unrouted(Reason::NoRule), None)
    );
    let unassigned = house.event(None, Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&unassigned), &configuration).routing,
        Routing::Unrouted(Reason::UnassignedCompany)
    );
}

#[test]
fn a_silence_of_a_kind_is_found_by_any_reading_and_any_case() {
    let (mut house, acme) = routed();
    house.silence("event=SYSTEM.Port_Open_External", &[]);
    let configuration = house.configuration();
    let mut event = house.event(Some(acme), Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&event), &configuration).routing,
        Routing::Routed
    );
    event.reading.alternatives = vec!["system.port_open_external".to_owned()];
    assert_eq!(
        route(&Facts::of(&event), &configuration).routing,
        Routing::Unrouted(Reason::Silenced)
    );
}

#[test]
fn what_has_ended_mutes_nothing_and_what_is_removed_is_gone() {
    let (mut house, acme) = routed();
    let id = house.silence("severity>=info", &[]);
    let event = house.event(Some(acme), Some(ASSET), &[]);
    house.parts.silences[0].ended_at = Some(NOW);
    let ended = house.configuration();
    assert_eq!(route(&Facts::of(&event), &ended).routing, Routing::Routed);
    assert_eq!(ended.silence(id).map(|silence| silence.id), Some(id));
    let mut removal = alertwire_domain::configuration::Delta::default();
    removal.removed.silences.push(id);
    assert!(ended.changed(removal).silences().next().is_none());
}

fn moments() -> impl Strategy<Value = i64> {
    // A century around now, and edges by the minute.
    prop_oneof![
        -50 * 365 * 1_440..50 * 365 * 1_440_i64,
        -3_000..3_000_i64,
        Just(-900 * 365 * 1_440),
        Just(900 * 365 * 1_440)
    ]
    .prop_map(|minutes| NOW.micros() + minutes * 60_000_000)
}

prop_compose! {
    fn silences()(
        from in moments(),
        span in 1..3_000_i64,
        every in prop_oneof![Just(None), Just(Some(Every::Daily)), Just(Some(Every::Weekly))],
        repeats in 0..400_i64,
        ended in proptest::option::of(moments()),
    ) -> Silence {
        let period = match every { Some(Every::Daily) => 1_440, Some(Every::Weekly) => 10_080, None => i64::MAX };
        let span = span.min(period) * 60_000_000;
        let repeat = every.map(|every| Repeat {
            every,
            until: Timestamp::from_micros(from + span + repeats * 700 * 60_000_000),
        });
        Silence {
            from: Timestamp::from_micros(from),
            until: Timestamp::from_micros(from + span),
            repeat,
            ended_at: ended.map(Timestamp::from_micros),
            ..a_silence(SilenceId::from_bytes([7; 16]), "severity>=info", &[])
        }
    }
}

/// The plain way to say it: go through the windows one by one.
fn holds_plainly(silence: &Silence, at: Timestamp) -> bool {
    let day = DAY.as_micros() as i64;
    let (period, last) = match silence.repeat {
        None => (i64::MAX, silence.until),
        Some(Repeat { every, until }) => (if every == Every::Daily { day } else { 7 * day }, until),
    };
    let span = silence.until.micros() - silence.from.micros();
    let end = silence.ended_at.map_or(last, |ended| ended.min(last));
    let mut start = silence.from.micros();
    while start < last.micros() {
        if start <= at.micros() && at.micros() < start + span && at < end {
            return true;
        }
        let Some(next) = start.checked_add(period) else {
            break;
        };
        start = next;
    }
    false
}

proptest! {
    #[test]
    fn it_holds_when_one_of_its_windows_does(silence in silences(), at in moments(), offset in -20_000_000..20_000_000_i64) {
        for at in [
            at,
            silence.from.micros(),
            silence.from.micros() + offset * 3_600,
            silence.ends().micros() - 1,
            silence.ends().micros(),
        ] {
            let at = Timestamp::from_micros(at);
            prop_assert_eq!(silence.holds(at), holds_plainly(&silence, at), "{:?} at {}", silence, at);
            if let Some(window) = silence.window_at(at) {
                prop_assert!(window.from <= at && at < window.until && window.until <= silence.ends());
                prop_assert!(!silence.holds(silence.ends()));
            }
        }
    }

    #[test]
    fn its_state_and_its_next_window_say_the_same(silence in silences(), at in moments()) {
        let at = Timestamp::from_micros(at);
        let window = silence.window_from(at);
        match silence.state(at) {
            State::Active => prop_assert_eq!(window, silence.window_at(at)),
            State::Ended => prop_assert_eq!(window, None),
            // Ended before it began: nothing is to come, though its end is.
            State::Scheduled => if let Some(window) = window {
                prop_assert!(window.from > at && silence.holds(window.from));
            }
        }
    }

    #[test]
    fn of_many_silences_the_shelves_find_one_whenever_one_applies(
        kinds in proptest::collection::vec((0..6_usize, 0..4_usize, 0..3_usize, 0..3_u64), 0..40),
        kind in 0..4_usize,
        company in 0..3_usize,
    ) {
        const KINDS: [&str; 4] = [ASSET, "job.failed", "system.*", "*"];
        let (mut house, first) = routed();
        let companies = [first, house.company("Globex"), house.company("Initech")];
        for (filter, named, of, hours) in kinds {
            let filter = match filter {
                0 => "severity>=low".to_owned(),
                1 => "severity>=critical".to_owned(),
                _ => format!("event={}", KINDS[named]),
            };
            let of = if of == 0 { vec![] } else { companies[..of].to_vec() };
            house.silence(&filter, &of);
            house.parts.silences.last_mut().unwrap().until = NOW.after(HOUR * u32::try_from(hours).unwrap());
        }
        let event = house.event(Some(companies[company]), Some(KINDS[kind % 2]), &[]);
        let configuration = house.configuration();
        let facts = Facts::of(&event);
        let plainly = configuration.silences().any(|silence| silence.applies(&facts, &configuration));
        let found = configuration.muting(&facts);
        prop_assert_eq!(found.is_some(), plainly);
        prop_assert!(found.is_none_or(|silence| silence.applies(&facts, &configuration)));
    }
}
