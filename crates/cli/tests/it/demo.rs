//! `alertwire demo`.

use std::collections::BTreeSet;

use crate::support::run;

#[test]
fn every_kind_is_delivered_once_and_comes_back_with_its_fields() {
    let ended = run(&["demo", "--once", "--json"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let lines = ended.lines();
    let catalogue = alertwire_catalogue::Catalogue::builtin();
    assert_eq!(lines.len(), 4 + catalogue.kinds().len());
    for line in &lines {
        assert!(
            line["delivered"] == true && line["parsed_back"] == true,
            "{line}"
        );
        assert!(
            line["subject"].is_string() && !line["fields"].is_null(),
            "{line}"
        );
    }
    let played: BTreeSet<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    let kinds: BTreeSet<&str> = catalogue
        .kinds()
        .iter()
        .map(|kind| kind.code.as_str())
        .collect();
    assert_eq!(played, kinds);
}
