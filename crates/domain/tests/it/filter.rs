use alertwire_domain::event::Ambiguity;
use alertwire_domain::filter::{BYTES, Filter, glob};
use alertwire_domain::matching::Facts;
use alertwire_domain::{Severity, catalogue::Value};

use crate::house::House;

/// Whether a filter holds for a medium event of Acme about two web servers.
fn holds(filter: &str) -> bool {
    let mut house = House::new();
    let acme = house.company("Acme");
    let mut event = house.event(
        Some(acme),
        Some("problem.high"),
        &[
            &[("hostname", "web-01.example.com"), ("epss", "0.7")],
            &[("hostname", "web-02.example.com")],
        ],
    );
    event.severity = Severity::High;
    let filter: Filter = filter.parse().unwrap();
    filter.matches(&Facts::of(&event), &house.configuration())
}

#[test]
fn each_operator_does_what_its_table_says() {
    for filter in [
        "severity>=high",
        "severity=high",
        "severity!=low",
        "severity=~\"high|critical\"",
        "event=problem.*",
        "event!=system.*",
        "category=\"system changes\"",
        "field.hostname=web-02*",
        "field.hostname=~\"web-\\d+\\.example\\.com\"",
        "field.hostname!~\"db-.*\"",
        "field.epss>0.5 field.epss<=0.7",
        "company=acme, severity>low",
        "match=full decode=ok",
        "received_at>=2023-01-01T00:00:00Z",
    ] {
        assert!(holds(filter), "{filter}");
    }
    for filter in [
        "severity>high",
        "severity=~hig",
        "event=problem",
        "field.hostname!=web-01.example.com",
        "field.hostname=~web",
        "field.mac=*",
        "field.epss>0.7",
        "company=unassigned",
        "severity>=high event=job.*",
    ] {
        assert!(!holds(filter), "{filter}");
    }
}

#[test]
fn a_bad_filter_says_where_and_what_to_do() {
    let message = |text: &str| text.parse::<Filter>().unwrap_err().to_string();
    assert_eq!(
        message("sevrity>=high"),
        "filter, byte 0: unknown key `sevrity`; did you mean `severity`?"
    );
    assert!(message("severity>=huge").contains("info, low, medium, high or critical"));
    assert!(message("subject>a").contains("is for severity, received_at and numeric fields"));
    assert!(message("subject=\"open").contains("closing quote"));
    assert!(message("subject=~\"(\"").contains("cannot be used"));
    assert!(message("").contains("at least one term"));
    assert!(message("severity").contains("an operator follows"));
    assert!(message(&"a".repeat(BYTES + 1)).contains("at most"));
    assert!(message(&"match=full ".repeat(17)).contains("at most 16 terms"));
}

#[test]
fn a_field_in_doubt_is_never_looked_at() {
    let mut house = House::new();
    let mut event = house.event(None, Some("problem.high"), &[&[("company", "Acme")]]);
    let filter: Filter = "field.company=Acme".parse().unwrap();
    let configuration = house.configuration();
    assert!(filter.matches(&Facts::of(&event), &configuration));
    event.reading.ambiguous = vec![Ambiguity {
        record: 0,
        field: "company".into(),
        readings: [Some(Value::Text("Acme".into())), None],
    }];
    assert!(!filter.matches(&Facts::of(&event), &configuration));
}

#[test]
fn a_glob_fits_the_whole_text_without_regard_to_case() {
    for (pattern, text) in [
        ("", ""),
        ("*", ""),
        ("web-*", "WEB-01"),
        ("*.example.com", "a.b.example.com"),
        ("a*b*c", "aXbYbc"),
    ] {
        assert!(glob(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("", "a"),
        ("web", "web-01"),
        ("*.example.com", "example.com"),
        ("a*b", "abc"),
    ] {
        assert!(!glob(pattern, text), "{pattern} {text}");
    }
}
