use alertwire_domain::diff::{ENTRIES, TEXT_CHARS, diff};
use serde_json::{Value, json};

#[track_caller]
fn check(old: Value, new: Value, expected: &[(&str, Value, Value)]) {
    let found: Vec<_> = diff(&old, &new)
        .into_iter()
        .map(|change| (change.pointer, change.old, change.new))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(pointer, old, new)| ((*pointer).to_owned(), old.clone(), new.clone()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_equal_does_not_differ() {
    let document = json!({"name": "Acme", "list": [1, 2], "inner": {"a/b": null}});
    check(document.clone(), document, &[]);
    check(json!({"a": null, "b": {}}), json!({}), &[]);
}

#[test]
fn each_field_that_differs_is_named_by_its_pointer() {
    check(
        json!({"name": "Acme", "inner": {"a/b~c": 1, "same": 2}, "gone": "x"}),
        json!({"name": "Globex", "inner": {"a/b~c": 2, "same": 2}, "more": {"deep": [1]}}),
        &[
            ("/gone", json!("x"), json!(null)),
            ("/inner/a~1b~0c", json!(1), json!(2)),
            ("/more/deep", json!(null), json!([1])),
            ("/name", json!("Acme"), json!("Globex")),
        ],
    );
}

#[test]
fn what_was_made_or_removed_differs_in_all_its_fields() {
    let document = json!({"name": "Acme", "inner": {"on": false}});
    check(
        Value::Null,
        document.clone(),
        &[
            ("/inner/on", json!(null), json!(false)),
            ("/name", json!(null), json!("Acme")),
        ],
    );
    check(
        document,
        Value::Null,
        &[
            ("/inner/on", json!(false), json!(null)),
            ("/name", json!("Acme"), json!(null)),
        ],
    );
}

#[test]
fn of_a_long_list_only_what_differs_is_told() {
    let numbers: Vec<_> = (0..=ENTRIES).collect();
    let mut others = numbers.clone();
    others.retain(|number| *number != 7);
    others.push(1_000);
    check(
        json!({ "ids": numbers }),
        json!({ "ids": others }),
        &[("/ids", json!([7]), json!([1_000]))],
    );
    let found = diff(&json!([]), &json!(numbers));
    let told = found[0].new.as_array().unwrap();
    assert_eq!(
        (told.len(), &told[ENTRIES]),
        (ENTRIES + 1, &json!("… and 1 more"))
    );
}

#[test]
fn a_long_text_is_told_by_its_beginning() {
    let text = "é".repeat(TEXT_CHARS + 1);
    let found = diff(&json!("short"), &json!(text));
    let told = found[0].new.as_str().unwrap();
    assert!(told.ends_with("… (1025 characters)"), "{told}");
    assert!(told.chars().count() < TEXT_CHARS + 30);
}
