use alertwire_domain::event::{Ambiguity, Fingerprint, Match, Reason, Routing};
use alertwire_domain::filter::{
    Among, BYTES, Filter, Narrowing, Place, TERMS, glob, has_words, quoted, words,
};
use alertwire_domain::matching::Facts;
use alertwire_domain::{Severity, catalogue::Value as Told};
use proptest::prelude::*;

use crate::house::{House, NOW};

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
    assert!(
        message("subject>a")
            .contains("is for severity, received_at, occurred_at and numeric fields")
    );
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
        readings: [Some(Told::Text("Acme".into())), None],
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

#[test]
fn each_key_of_a_search_finds_what_it_names() {
    for filter in [
        "text=\"WEB found\"",
        "text!=\"nowhere\"",
        "company=\"acme gmbh\"",
        "company=ac*",
        "company!=unassigned",
        "routing=unrouted",
        "routing=no_mapping routing!=routed",
        "occurred_at>=2023-11-14T22:13:20Z occurred_at<2023-11-15T00:00:00Z",
        "fingerprint=07070707070707070707070707070707",
        "fingerprint!=08080808080808080808080808080808",
    ] {
        assert!(of_a_search(filter), "{filter}");
    }
    for filter in [
        "text=\"web nowhere\"",
        "text=we",
        "text!=found",
        "company=acm",
        "routing=routed",
        "routing=silenced",
        "occurred_at>2023-11-14T22:13:20Z",
        "fingerprint=08080808080808080808080808080808",
    ] {
        assert!(!of_a_search(filter), "{filter}");
    }
}

/// Whether a filter holds for an event whose body, time and fingerprint are known.
fn of_a_search(filter: &str) -> bool {
    let mut house = House::new();
    let acme = house.company("Acme");
    let mut event = house.event(Some(acme), Some("problem.high"), &[]);
    event.subject = "Web".to_owned();
    event.body = "was FOUND, at last".to_owned();
    event.occurred_at = Some(NOW);
    event.fingerprint = Fingerprint([7; 16]);
    event.routing = Routing::Unrouted(Reason::NoMapping);
    let filter = Filter::parse_for(Place::Search, filter).unwrap();
    filter.matches(&Facts::of(&event), &house.configuration())
}

#[test]
fn a_company_that_is_gone_is_known_by_its_whole_id_alone() {
    let mut house = House::new();
    let gone = house.company("Acme");
    let event = house.event(Some(gone), None, &[]);
    house.parts.companies.clear();
    let configuration = house.configuration();
    let holds = |filter: String| {
        let filter: Filter = filter.parse().unwrap();
        filter.matches(&Facts::of(&event), &configuration)
    };
    assert!(holds(format!("company={gone}")));
    assert!(!holds(format!("company!={gone}")));
    assert!(holds("company!=Acme".to_owned()));
    assert!(!holds("company=*".to_owned()));
}

#[test]
fn a_place_says_what_cannot_be_asked_there() {
    let refused = |place, text| Filter::parse_for(place, text).unwrap_err().to_string();
    assert!(
        refused(Place::Rule, "severity>=low company=Acme")
            .starts_with("filter, byte 14: must not ask for `company`")
    );
    for place in [Place::Rule, Place::Silence] {
        assert!(refused(place, "routing=unrouted").contains("must not ask for `routing`"));
    }
    assert!(Filter::parse_for(Place::Silence, "company=Acme text=patch").is_ok());
    let search = |text| refused(Place::Search, text);
    assert!(search("match=ful").contains("none of full, partial, none"));
    assert!(search("decode=good").contains("none of ok, repaired, failed"));
    assert!(search("routing=lost").contains("no_mapping"));
    assert!(search("fingerprint=07").contains("32 hexadecimal digits"));
    assert!(search("text=\"--\"").contains("no word"));
    assert!(search("text=~\"a.*\"").contains("`text` takes"));
    // What was let in before such words were looked at is still read.
    assert!("match=ful".parse::<Filter>().is_ok());
}

#[test]
fn a_database_is_told_what_must_hold() {
    let mut house = House::new();
    let (acme, globex) = (house.company("Acme"), house.company("Globex"));
    let configuration = house.configuration();
    let narrowing = |text: &str| text.parse::<Filter>().unwrap().narrowing(&configuration);
    let found =
        narrowing("event=problem.* severity>=high severity!=critical match!=full routing=unrouted");
    assert_eq!(found.kinds, ["problem.*"]);
    assert_eq!(found.severities, Some(vec![Severity::High]));
    assert_eq!(found.matched, Some(vec![Match::Partial, Match::None]));
    assert_eq!(found.routings.map(|all| all.len()), Some(Reason::ALL.len()));
    let of = |text: &str| narrowing(text).companies.remove(0);
    let among = |ids: &[_], nothing, others| Among {
        ids: ids.to_vec(),
        nothing,
        others,
    };
    assert_eq!(of("company=\"acme gmbh\""), among(&[acme], false, false));
    assert_eq!(of("company=*"), among(&[acme, globex], true, false));
    assert_eq!(of("company!=acme"), among(&[acme], false, true));
    assert_eq!(of("company!~\"a.*|unassigned\""), among(&[], true, true));
    assert_eq!(of("company=nobody"), among(&[], false, false));
    assert!(narrowing("company=nobody").is_void() && narrowing("routing!=*").is_void());
    assert!(!narrowing("company!=nobody").is_void() && !narrowing("severity<=info").is_void());
    let found = narrowing(
        "received_at>2026-01-01T00:00:00Z received_at<=2026-02-01T00:00:00Z text=\"a b\"",
    );
    let at = |text: &str| Some(text.parse().unwrap());
    assert_eq!(found.received.from, at("2026-01-01T00:00:00.000001Z"));
    assert_eq!(found.received.until, at("2026-02-01T00:00:00.000001Z"));
    assert_eq!(found.words, ["a", "b"]);
    // What a database cannot say is left to the rows.
    let rest = "event!=a subject=b body=c field.d=e text!=f category=~g fingerprint!=07070707070707070707070707070707";
    assert_eq!(narrowing(rest), Narrowing::default());
}

#[test]
fn words_are_told_apart_by_whatever_is_no_letter_or_digit() {
    assert_eq!(
        words("Web-01.example.com: ÄRGER"),
        ["web", "01", "example", "com", "ärger"]
    );
    assert!(words("-- \"'").is_empty());
    assert_eq!(words(&"a ".repeat(100)).len(), 16);
    assert!(has_words(
        &words("ärger web"),
        &["großer ÄRGER", "in web-01"]
    ));
    assert!(!has_words(&words("arger"), &["ÄRGER"]));
}

proptest! {
    #[test]
    fn whatever_is_given_is_read_or_refused(text in ".{0,200}") {
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
        }
    }

    #[test]
    fn a_filter_that_is_written_is_read_as_the_same(terms in prop::collection::vec(term(), 1..TERMS)) {
        let text = terms.join(" ");
        prop_assume!(text.len() <= BYTES);
        let filter = Filter::parse_for(Place::Search, &text).unwrap();
        let again = Filter::parse_for(Place::Search, &filter.to_string()).unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{filter:?}"));
    }

    #[test]
    fn a_quoted_value_is_the_value(value in "[^*]{1,40}") {
        let mut house = House::new();
        let mut event = house.event(None, None, &[]);
        event.subject.clone_from(&value);
        let filter: Filter = format!("subject={}", quoted(&value)).parse().unwrap();
        prop_assert!(filter.matches(&Facts::of(&event), &house.configuration()));
    }
}

/// One term, as somebody might write it.
fn term() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "subject",
        "body",
        "company",
        "source",
        "field.a_b",
        "event",
    ]);
    let operator = prop::sample::select(vec!["=", "!=", "=~", "!~"]);
    (key, operator, "[a-z0-9*\"\\\\ ,]{1,12}").prop_map(|(key, operator, value)| {
        let value = match operator {
            "=~" | "!~" => regex::escape(&value),
            _ => value,
        };
        format!("{key}{operator}{}", quoted(&value))
    })
}

/// Expressions that make other engines take for ever, over a body as long as an intake takes (security.md I6).
#[test]
fn contrived_expressions_come_to_an_end() {
    let mut house = House::new();
    let mut event = house.event(None, None, &[]);
    event.body = "aaaa aaab ".repeat((1 << 20) / 10);
    let configuration = house.configuration();
    for (expression, is_compiled) in [
        ("(a+)+$x", true),
        ("(a|aa)+b", true),
        ("(.*)*x", true),
        ("(?:a?){300}a{300}", true),
        (r"(\w+\s?)+!", true),
        (".*.*.*.*=.*", true),
        (".*[a-q][^u-z]{13}x", true),
        ("((a{500}){500}){500}", false),
        (r"\pL{1,200}b.*", false),
        (r"(\w)\1", false),
        ("(?=a)a", false),
    ] {
        match format!("body=~{}", quoted(expression)).parse::<Filter>() {
            Ok(filter) => {
                assert!(
                    is_compiled && !filter.matches(&Facts::of(&event), &configuration),
                    "{expression}"
                );
            }
            Err(error) => assert!(
                !is_compiled && error.message.contains("cannot be used"),
                "{expression}: {error}"
            ),
        }
    }
}
