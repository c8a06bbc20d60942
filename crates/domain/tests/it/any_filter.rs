//! No filter, whatever its text, panics; one that is read says the same always.

use alertwire_domain::filter::Filter;
use alertwire_domain::matching::Facts;
use proptest::prelude::*;

use crate::house::House;

/// Reads a filter and asks it about an event.
fn ask(text: &str) -> Option<bool> {
    let mut house = House::new();
    let acme = house.company("Acme");
    let event = house.event(
        Some(acme),
        Some("problem.high"),
        &[&[("hostname", "web-01.example.com"), ("epss", "0.7")]],
    );
    match text.parse::<Filter>() {
        Ok(filter) => {
            assert_eq!(filter.to_string().parse(), Ok(filter.clone()));
            Some(filter.matches(&Facts::of(&event), &house.configuration()))
        }
        Err(error) => {
            assert!(error.at <= text.len(), "{error} of {text:?}");
            None
        }
    }
}

/// Terms as people write them, with a wrong one now and then.
fn terms() -> impl Strategy<Value = String> {
    let key = "severity|event|category|subject|body|company|source|match|decode|received_at|field\\.[a-z]{1,8}|[a-z.]{0,6}";
    let operator = "=|!=|=~|!~|<|<=|>|>=|[=!<>~]{0,3}";
    let value = "[a-z0-9.*-]{0,12}|\"[^\"]{0,12}\"|\"\\PC{0,8}|high|\\(|[a-z(\\[*+?|)\\]\\\\]{0,10}|2023-01-01T00:00:00Z";
    let term =
        (key, operator, value).prop_map(|(key, operator, value)| [key, operator, value].concat());
    prop::collection::vec(term, 0..20).prop_map(|terms| terms.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_its_place(text in "\\PC{0,60}|[ -~\\n\\t]{0,1100}") {
        prop_assert_eq!(ask(&text), ask(&text));
    }

    #[test]
    fn any_terms_are_read_or_refused_with_their_place(text in terms()) {
        prop_assert_eq!(ask(&text), ask(&text));
    }
}
