use alertwire_domain::event::{Reason, Routing};
use alertwire_domain::event_set::NotifyBy;
use alertwire_domain::mapping::MappedTo;
use alertwire_domain::matching::{Facts, explain, route};

use crate::house::House;

const ASSET: &str = "system.asset_added";

/// Routes an event of a company through one integration that the closure sets up.
fn routing(set_up: impl FnOnce(&mut House, alertwire_domain::CompanyId)) -> Routing {
    let mut house = House::new();
    let acme = house.company("Acme");
    set_up(&mut house, acme);
    let event = house.event(Some(acme), Some(ASSET), &[&[("ip", "192.168.1.100")]]);
    route(&Facts::of(&event), &house.configuration()).routing
}

#[test]
fn an_event_takes_the_way_from_mapping_to_rule_to_set_to_integration() {
    let routing = routing(|house, acme| {
        let desk = house.integration(&[]);
        let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
        house.map(desk, MappedTo::Company(acme), &[rule], true);
    });
    assert_eq!(routing, Routing::Routed);
}

#[test]
fn an_event_that_goes_nowhere_says_how_far_it_got() {
    assert_eq!(routing(|_, _| {}), Routing::Unrouted(Reason::NoMapping));
    let off = routing(|house, acme| {
        let desk = house.integration(&[]);
        let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
        house.map(desk, MappedTo::Company(acme), &[rule], false);
    });
    assert_eq!(off, Routing::Unrouted(Reason::MappingOff));
    let unticked = routing(|house, acme| {
        let desk = house.integration(&[]);
        let rule = house.rule(desk, &["job.failed"], NotifyBy::Event, &[]);
        house.map(desk, MappedTo::Company(acme), &[rule], true);
    });
    assert_eq!(unticked, Routing::Unrouted(Reason::NoRule));
    let unmatched = routing(|house, acme| {
        let desk = house.integration(&[]);
        let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &["severity>=high"]);
        house.map(desk, MappedTo::Company(acme), &[rule], true);
    });
    assert_eq!(unmatched, Routing::Unrouted(Reason::NoRule));
}

#[test]
fn a_rule_that_is_off_selects_nothing_and_says_so() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::Company(acme), &[rule], true);
    house.parts.rules[0].enabled = false;
    let event = house.event(Some(acme), Some(ASSET), &[]);
    let (verdict, hops) = explain(&Facts::of(&event), &house.configuration());
    assert_eq!(verdict.routing, Routing::Unrouted(Reason::NoRule));
    let hop = hops.iter().find(|hop| hop.rule == Some(rule)).unwrap();
    assert!(!hop.ok && hop.detail == "rule Rule: it is switched off");
}

#[test]
fn an_unassigned_event_and_one_that_passed_here_before_go_nowhere() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::All, &[rule], true);
    let configuration = house.configuration();
    let unassigned = house.event(None, Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&unassigned), &configuration).routing,
        Routing::Unrouted(Reason::UnassignedCompany)
    );
    let mut looped = house.event(Some(acme), Some(ASSET), &[]);
    looped.via = vec!["elsewhere".to_owned(), "here".to_owned()];
    assert_eq!(
        route(&Facts::of(&looped), &configuration).routing,
        Routing::Unrouted(Reason::Loop)
    );
}

#[test]
fn the_mapping_of_all_covers_companies_added_later_and_an_own_mapping_wins() {
    let mut house = House::new();
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::All, &[rule], true);
    let later = house.company("Later");
    let silent = house.company("Silent");
    house.map(desk, MappedTo::Company(silent), &[rule], false);
    let configuration = house.configuration();
    let heard = house.event(Some(later), Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&heard), &configuration).routing,
        Routing::Routed
    );
    let unheard = house.event(Some(silent), Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&unheard), &configuration).routing,
        Routing::Unrouted(Reason::MappingOff)
    );
}

#[test]
fn an_integration_takes_events_of_its_associated_companies_alone() {
    let mut house = House::new();
    let (acme, other) = (house.company("Acme"), house.company("Other"));
    let desk = house.integration(&[acme]);
    let rule = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::All, &[rule], true);
    let configuration = house.configuration();
    let own = house.event(Some(acme), Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&own), &configuration).routing,
        Routing::Routed
    );
    let foreign = house.event(Some(other), Some(ASSET), &[]);
    assert_eq!(
        route(&Facts::of(&foreign), &configuration).routing,
        Routing::Unrouted(Reason::NoMapping)
    );
}

#[test]
fn of_several_rules_the_most_immediate_wins_and_the_trace_names_the_others() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let desk = house.integration(&[]);
    let slow = house.rule(desk, &[ASSET], NotifyBy::Company, &[]);
    let fast = house.rule(desk, &[ASSET], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::Company(acme), &[slow, fast], true);
    let event = house.event(Some(acme), Some(ASSET), &[]);
    let (verdict, hops) = explain(&Facts::of(&event), &house.configuration());
    assert_eq!(
        verdict
            .plans
            .iter()
            .map(|plan| plan.rule)
            .collect::<Vec<_>>(),
        [fast]
    );
    let named: Vec<_> = hops
        .iter()
        .filter(|hop| hop.hop == "rule")
        .map(|hop| hop.rule)
        .collect();
    assert_eq!(named, [Some(slow), Some(fast)]);
}

#[test]
fn an_alternative_kind_that_a_set_ticks_selects_the_event() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let desk = house.integration(&[]);
    let rule = house.rule(desk, &["system.port_open_external"], NotifyBy::Event, &[]);
    house.map(desk, MappedTo::Company(acme), &[rule], true);
    let mut event = house.event(Some(acme), Some("system.port_open_probe"), &[]);
    assert_eq!(
        route(&Facts::of(&event), &house.configuration()).routing,
        Routing::Unrouted(Reason::NoRule)
    );
    event.reading.alternatives = vec!["system.port_open_external".to_owned()];
    assert_eq!(
        route(&Facts::of(&event), &house.configuration()).routing,
        Routing::Routed
    );
}

#[test]
fn routing_and_explaining_never_disagree() {
    let mut house = House::new();
    let acme = house.company("Acme");
    for on in [true, false] {
        let desk = house.integration(&[]);
        let rule = house.rule(desk, &[ASSET], NotifyBy::Asset, &["field.ip=192.168.*"]);
        house.map(desk, MappedTo::Company(acme), &[rule], on);
    }
    let configuration = house.configuration();
    for ip in ["192.168.1.1", "10.0.0.1"] {
        let event = house.event(Some(acme), Some(ASSET), &[&[("ip", ip)]]);
        assert_eq!(
            explain(&Facts::of(&event), &configuration).0,
            route(&Facts::of(&event), &configuration)
        );
    }
}
