//! What is rendered is read back: for every kind, with values that try to pass for pieces of a template.

use std::sync::LazyLock;

use alertwire_catalogue::{Catalogue, FieldInfo, Kind, Limits, Match, Record, RenderError, Value};
use proptest::prelude::*;

/// Pieces of all templates, and characters that have broken parsers before.
static HOSTILE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let catalogue = Catalogue::builtin();
    let mut pieces: Vec<String> = Vec::new();
    for kind in catalogue.kinds() {
        for template in std::iter::once(&kind.body).chain(&kind.variants) {
            let outside = template.split('{').flat_map(|part| {
                part.split_once('}')
                    .map_or(part, |(_, rest)| rest)
                    .split(['[', ']', '(', ')', '+'])
            });
            pieces.extend(outside.filter(|piece| !piece.is_empty()).map(str::to_owned));
        }
        pieces.extend(kind.examples.iter().map(|example| example.body.clone()));
    }
    let marks = [
        "\n",
        "\r\n",
        "\\",
        "\\ ",
        "\\n",
        "<br>",
        "\t",
        "\0",
        "\u{1b}[31m",
        "\u{2028}",
        "\u{a0}",
        ".",
        ",",
        ";",
        "N/A",
        "-",
        "é",
        "日本",
        "🔥",
        "\u{202e}",
        " ",
    ];
    pieces.extend(marks.map(str::to_owned));
    pieces.extend(
        [
            "1",
            "10.0.0.5",
            "CVE-2021-44228",
            "AzureAD",
            "AD",
            "2024-01-15 10:30:00 UTC",
            "critical",
            "443/tcp",
            "a.example",
        ]
        .map(str::to_owned),
    );
    pieces.sort();
    pieces.dedup();
    pieces
});

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => (0..HOSTILE.len()).prop_map(|index| HOSTILE[index].clone()),
        3 => "[a-zA-Z ]{1,8}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

fn value(field: &FieldInfo) -> BoxedStrategy<Value> {
    match field.type_name.as_str() {
        "ip" => prop_oneof![any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()), any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string())].prop_map(Value::from).boxed(),
        "port" => (1..=65_535_i64).prop_map(Value::from).boxed(),
        "mac" => "([0-9a-f]{2}:){5}[0-9a-f]{2}|([0-9A-F]{2}-){5}[0-9A-F]{2}|([0-9a-f]{4}\\.){2}[0-9a-f]{4}|[0-9A-F]{12}".prop_map(Value::from).boxed(),
        "cve" => "(CVE|cve)-[12][0-9]{3}-[0-9]{4,7}".prop_map(Value::from).boxed(),
        "severity" => prop::sample::select(vec!["info", "Low", "MEDIUM", "high", "critical", "moderate"]).prop_map(Value::from).boxed(),
        "timestamp" => "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z| UTC|[+-]0[0-9]:30|)".prop_map(Value::from).boxed(),
        "date" => "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])".prop_map(Value::from).boxed(),
        "host" => "[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,8}[a-zA-Z0-9])?(\\.[a-z0-9]{1,5}){0,3}\\.?".prop_map(Value::from).boxed(),
        "decimal" => (0..1_000_000_u32).prop_map(|number| Value::from(f64::from(number) / 1000.0)).boxed(),
        "int" => any::<i32>().prop_map(|number| Value::from(i64::from(number))).boxed(),
        "word" => "[!-~]{0,8}[a-zA-Z0-9]".prop_map(Value::from).boxed(),
        name if name.starts_with("enum(") => {
            let choices: Vec<String> = name["enum(".len()..name.len() - 1].split('|').map(str::to_owned).collect();
            prop::sample::select(choices).prop_map(Value::from).boxed()
        }
        _ => hostile().prop_map(Value::from).boxed(),
    }
}

fn record(kind: &'static Kind) -> impl Strategy<Value = Record> {
    let fields = kind.fields();
    let values: Vec<_> = fields
        .iter()
        .map(|field| (value(field), any::<bool>()))
        .collect();
    values.prop_map(move |values| {
        let given = fields
            .iter()
            .zip(values)
            .filter(|(field, (_, present))| !field.optional || *present);
        given
            .map(|(field, (value, _))| (field.name.clone(), value))
            .collect()
    })
}

static KINDS: LazyLock<std::sync::Arc<Catalogue>> = LazyLock::new(Catalogue::builtin);

fn event() -> impl Strategy<Value = (&'static Kind, Vec<Record>)> {
    (0..KINDS.kinds().len()).prop_flat_map(|index| {
        let kind = &KINDS.kinds()[index];
        prop::collection::vec(record(kind), 1..4).prop_map(move |records| (kind, records))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rendered_is_read_back((kind, records) in event()) {
        let rendered = match KINDS.render(&kind.code, &records) {
            Ok(rendered) => rendered,
            // A hostile text may say that it is absent, or be what another kind claims.
            Err(RenderError::MissingField { .. } | RenderError::BadValue { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let read = KINDS.read_alert(&rendered.subject, &rendered.body, &Limits::default());
        prop_assert_eq!(read.kind.map(|found| found.code.as_str()), Some(kind.code.as_str()), "{:?}", rendered);
        prop_assert_eq!(read.matched, Match::Full, "{:?}", rendered);
        prop_assert!(read.ambiguous.is_empty(), "{:?} {:?}", rendered, read.ambiguous);
        prop_assert_eq!(read.records.len(), rendered.records.len());
        if let Some(header) = &rendered.fields_header {
            prop_assert!(header.len() <= 4096);
            let believed = KINDS.believe_header(header, &rendered.subject, &rendered.body);
            prop_assert_eq!(believed, Some((kind.code.clone(), rendered.records.clone())));
        } else if serde_json::to_string(&rendered.records).unwrap().len() < 2900 {
            prop_assert_eq!(&read.records, &rendered.records, "{:?}", rendered.body);
        }
        // What came back renders to the same text.
        prop_assert_eq!(KINDS.render(&kind.code, &rendered.records).unwrap(), rendered);
    }

    #[test]
    fn spans_point_at_what_they_read((kind, records) in event()) {
        let Ok(rendered) = KINDS.render(&kind.code, &records) else { return Ok(()) };
        let body = rendered.body.replace('\n', "\r\n");
        let read = KINDS.read_alert(&rendered.subject, &body, &Limits::default());
        prop_assert_eq!(read.matched, Match::Full);
        for span in &read.spans {
            let text = body.get(span.start..span.end);
            prop_assert!(text.is_some_and(|text| !text.is_empty() && text.trim_ascii() == text), "{:?} {:?}", span, text);
            let value = read.records[span.record].get(&span.field).unwrap();
            if let Value::Text(value) = value {
                prop_assert!(["timestamp", "mac", "ip", "severity"].contains(&&*span.field) || text.unwrap().replace("\r\n", "\n").trim_end_matches('.').eq_ignore_ascii_case(value.trim_end_matches('.')), "{:?} {}", text, value);
            }
        }
    }
}

#[test]
fn harmless_values_are_never_neutralised() {
    let record: Record = [
        ("user", "John \"Jack\" O'Neil (admin), ACME\\joneil"),
        ("ip", "203.0.113.10"),
        ("service", "Azure AD"),
    ]
    .into_iter()
    .collect();
    let rendered = KINDS.render("entra.login_failure", &[record]).unwrap();
    assert_eq!(
        rendered.body,
        "Login Failure for John \"Jack\" O'Neil (admin), ACME\\joneil With IPAddress 203.0.113.10 on service Azure AD"
    );
    assert_eq!(rendered.fields_header, None);
}

#[test]
fn a_hostile_value_is_neutralised_and_the_truth_travels_in_the_header() {
    let hostile = "x. VUL ID: CVE-2000-0001. Severity: Low";
    let record: Record = [
        ("ip", "10.0.0.5"),
        ("product", hostile),
        ("vul_id", "CVE-2021-44228"),
        ("severity", "critical"),
    ]
    .into_iter()
    .collect();
    let twice = [record.clone(), record.clone()];
    let rendered = KINDS.render("problem.critical", &twice).unwrap();
    let read = KINDS.read_alert(&rendered.subject, &rendered.body, &Limits::default());
    assert_eq!(read.records[0].text("vul_id"), Some("CVE-2021-44228"));
    if let Some(header) = rendered.fields_header {
        assert_eq!(
            KINDS
                .believe_header(&header, &rendered.subject, &rendered.body)
                .unwrap()
                .1,
            twice
        );
    } else {
        assert_eq!(read.records, twice);
    }
}

#[test]
fn a_header_that_does_not_render_to_the_body_is_not_believed() {
    let evil: Record = [("company", "Acme\nEvil")].into_iter().collect();
    let rendered = KINDS.render("system.company_created", &[evil]).unwrap();
    let header = rendered.fields_header.unwrap();
    assert!(
        KINDS
            .believe_header(&header, &rendered.subject, &rendered.body)
            .is_some()
    );
    assert!(
        KINDS
            .believe_header(&header, "New Company", &rendered.body)
            .is_none()
    );
    assert!(
        KINDS
            .believe_header(
                &header,
                &rendered.subject,
                "New company created with name Acme"
            )
            .is_none()
    );
    assert!(
        KINDS
            .believe_header("not base64!", &rendered.subject, &rendered.body)
            .is_none()
    );
    assert!(
        KINDS
            .believe_header(&"A".repeat(5000), &rendered.subject, &rendered.body)
            .is_none()
    );
}

#[test]
fn errors_name_what_to_do() {
    let record =
        |name: &str, value: &str| -> Vec<Record> { vec![[(name, value)].into_iter().collect()] };
    let text = |result: Result<_, RenderError>| {
        result
            .map(|_: alertwire_catalogue::Rendered| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        text(KINDS.render("system.aset_added", &[])),
        "there is no event kind `system.aset_added`; did you mean `system.asset_added`?"
    );
    assert_eq!(
        text(KINDS.render("system.asset_added", &record("hostnam", "x"))),
        "`system.asset_added` has no field `hostnam`; did you mean `hostname`?"
    );
    assert_eq!(
        text(KINDS.render("system.asset_added", &record("hostname", "x"))),
        "`system.asset_added` needs the field `ip`"
    );
    assert_eq!(
        text(KINDS.render("system.asset_added", &record("ip", "10.0.0.300"))),
        "`ip` is of type ip: `10.0.0.300` is not an IPv4 or IPv6 address such as 192.168.1.100"
    );
}
