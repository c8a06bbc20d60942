//! Payloads in, answers out: `tests/cases/NAME.payload` beside `NAME.json`. `UPDATE_EXPECT=1` rewrites the answers.

use std::path::Path;

use alertwire_catalogue::{Catalogue, Limits, answer};

#[test]
fn each_payload_has_the_answer_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut payloads: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "payload"))
        .collect();
    payloads.sort();
    assert!(payloads.len() >= 40, "only {} cases", payloads.len());
    let catalogue = Catalogue::builtin();
    for path in payloads {
        let payload = std::fs::read(&path).unwrap();
        let reading = catalogue.read(&payload, &Limits::default());
        let text = format!("{:#}\n", answer(&catalogue, &reading, true));
        expect_test::expect_file![path.with_extension("json")].assert_eq(&text);
    }
}

/// The sample of the design document, key by key in its order.
#[test]
fn the_answer_has_the_documented_keys_in_order() {
    let payload = br#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;
    let catalogue = Catalogue::builtin();
    let reading = catalogue.read(payload, &Limits::default());
    let expected = concat!(
        r#"{"subject":"Asset Ports","body":"Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com","#,
        r#""decode":"ok","repairs":[],"event":"system.port_open_probe","category":"System Changes","severity":"low","#,
        r#""match":"full","records":[{"port":443,"ip":"192.168.1.100","hostname":"server-01.example.com"}],"#,
        r#""alternatives":["system.port_open_external"],"ambiguous":[],"entities":{"ip":["192.168.1.100"],"host":["server-01.example.com"]},"remainder":""}"#
    );
    assert_eq!(answer(&catalogue, &reading, false).to_string(), expected);
}
