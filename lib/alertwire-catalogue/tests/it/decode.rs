//! Envelopes: strict, repaired, failed.

use alertwire_catalogue::{Catalogue, Decode, Limits};

fn check(
    payload: impl AsRef<[u8]>,
    decode: Decode,
    subject: &str,
    body: &str,
    repairs: &[(usize, &str)],
) {
    let payload = payload.as_ref();
    let catalogue = Catalogue::builtin();
    let reading = catalogue.read(payload, &Limits::default());
    let shown = String::from_utf8_lossy(payload);
    assert_eq!(reading.decode, decode, "{shown}");
    assert_eq!(
        (&*reading.alerts[0].subject, &*reading.alerts[0].body),
        (subject, body),
        "{shown}"
    );
    let found: Vec<_> = reading
        .repairs
        .iter()
        .map(|repair| (repair.offset, repair.rule.as_str()))
        .collect();
    assert_eq!(found, repairs, "{shown}");
}

fn fails(payload: impl AsRef<[u8]>) {
    let text = String::from_utf8_lossy(payload.as_ref()).into_owned();
    check(payload, Decode::Failed, "", &text, &[]);
}

#[test]
fn strict_json_needs_no_repair() {
    check(r#"{"subject":"S","body":"B"}"#, Decode::Ok, "S", "B", &[]);
    check(
        " {\n\"body\" : \"B\\n\\u00e9\\ud83d\\ude00\" , \"subject\":\"S\"}\r\n",
        Decode::Ok,
        "S",
        "B\né😀",
        &[],
    );
    check(
        r#"{"id":1.5e+3,"x":[{"y":[null,true,-0.1]}],"e":{},"l":[],"subject":"S","body":"B"}"#,
        Decode::Ok,
        "S",
        "B",
        &[],
    );
}

#[test]
fn a_missing_or_null_part_is_empty() {
    check(r#"{"subject":"S"}"#, Decode::Ok, "S", "", &[]);
    check(r#"{"subject":"S","body":null}"#, Decode::Ok, "S", "", &[]);
    check(r#"{"body":"B"}"#, Decode::Ok, "", "B", &[]);
    check(
        r#"{"subject":7,"body":{"a":[1]}}"#,
        Decode::Ok,
        "7",
        r#"{"a":[1]}"#,
        &[],
    );
}

#[test]
fn of_a_key_that_comes_twice_the_last_value_stands() {
    check(
        r#"{"subject":"A","subject":"S","body":"B"}"#,
        Decode::Ok,
        "S",
        "B",
        &[],
    );
}

#[test]
fn a_backslash_before_no_legal_escape_is_kept() {
    check(
        r#"{"subject":"S","body":"ACME\jdoe"}"#,
        Decode::Repaired,
        "S",
        r"ACME\jdoe",
        &[(27, "kept_backslash")],
    );
    check(
        r#"{"subject":"S","body":"a\ b\u12G4\ud800x"}"#,
        Decode::Repaired,
        "S",
        r"a\ b\u12G4\ud800x",
        &[
            (24, "kept_backslash"),
            (27, "kept_backslash"),
            (33, "kept_backslash"),
        ],
    );
}

#[test]
fn raw_control_characters_are_kept() {
    check(
        "{\"subject\":\"S\",\"body\":\"a\nb\tc\0\"}",
        Decode::Repaired,
        "S",
        "a\nb\tc\0",
        &[
            (24, "raw_control"),
            (26, "raw_control"),
            (28, "raw_control"),
        ],
    );
}

#[test]
fn a_byte_order_mark_and_trailing_commas_are_skipped() {
    check(
        "\u{feff}{\"subject\":\"S\",\"body\":\"B\"}",
        Decode::Repaired,
        "S",
        "B",
        &[(0, "byte_order_mark")],
    );
    check(
        r#"{"subject":"S","x":[1,],"body":"B", }"#,
        Decode::Repaired,
        "S",
        "B",
        &[(21, "trailing_comma"), (34, "trailing_comma")],
    );
}

#[test]
fn forms_and_plain_texts_are_envelopes_too() {
    check(
        "subject=Asset+Ports&body=a%20b%0Ac%25&x=1",
        Decode::Repaired,
        "Asset Ports",
        "a b\nc%",
        &[(0, "form_encoded")],
    );
    check(
        "Subject: Asset Ports\n\nOpen Port 1\nmore\n",
        Decode::Repaired,
        "Asset Ports",
        "Open Port 1\nmore\n",
        &[(0, "plain_text")],
    );
    check(
        "subject:S\r\n\r\nB",
        Decode::Repaired,
        "S",
        "B",
        &[(0, "plain_text")],
    );
}

#[test]
fn anything_else_is_a_failed_decode_with_its_text_kept() {
    for payload in [
        "",
        "hello",
        "{}",
        "[]",
        "null",
        "\"text\"",
        "42",
        "{\"a\":1}",
        "[1]",
        "[{\"subject\":\"S\"},2]",
        "{\"subject\":\"S\"",
        "{\"subject\":\"S\"}x",
        "{'subject':'S'}",
        "{\"subject\":\"S\",,}",
        "{\"subject\" \"S\"}",
        "{\"subject\":\"S\",\"n\":01}",
        "{\"subject\":\"S\",\"n\":tru}",
        "Subject: S\nB",
        "a=1&b=2",
        "subject=a b",
        "<xml/>",
        "{\"subject\":\"cut o",
    ] {
        fails(payload);
    }
    fails(b"{\"subject\":\"S\",\"body\":\"M\xfcller\"}");
    fails(b"\xff\xfe{\0}\0");
}

#[test]
fn an_array_holds_several_alerts() {
    let catalogue = Catalogue::builtin();
    let reading = catalogue.read(
        br#"[{"subject":"A","body":"1"},{"subject":"B"},]"#,
        &Limits::default(),
    );
    assert_eq!(reading.decode, Decode::Repaired);
    assert!(reading.is_array);
    let subjects: Vec<&str> = reading.alerts.iter().map(|alert| &*alert.subject).collect();
    assert_eq!(subjects, ["A", "B"]);
}

#[test]
fn depth_is_capped_wherever_it_stands() {
    let nested = |depth: usize| {
        format!(
            "{{\"subject\":\"S\",\"x\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    check(nested(31), Decode::Ok, "S", "", &[]);
    fails(nested(32));
    fails(nested(100_000));
    fails(format!(
        "{{\"subject\":\"S\",\"x\":{}",
        "{\"a\":".repeat(100_000)
    ));
    fails("[".repeat(100_000));
}

#[test]
fn limits_are_kept() {
    let catalogue = Catalogue::builtin();
    let long = format!(
        "{{\"subject\":\"S\",\"body\":\"{}\"}}",
        "a".repeat(2_000_000)
    );
    assert_eq!(
        catalogue.read(long.as_bytes(), &Limits::default()).decode,
        Decode::Failed
    );
    let many = format!("[{}]", ["{\"subject\":\"S\"}"; 11].join(","));
    let limits = Limits {
        alerts: 10,
        ..Limits::default()
    };
    assert_eq!(
        catalogue.read(many.as_bytes(), &limits).decode,
        Decode::Failed
    );
    let breaks = format!("{{\"subject\":\"S\",\"body\":\"{}\"}}", "\n".repeat(11));
    let limits = Limits {
        repairs: 10,
        ..Limits::default()
    };
    assert_eq!(
        catalogue.read(breaks.as_bytes(), &limits).decode,
        Decode::Failed
    );
}
