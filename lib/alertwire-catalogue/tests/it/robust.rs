//! Nothing panics, whatever comes in, and the same bytes have the same verdict always.

use alertwire_catalogue::{Catalogue, Limits, answer};
use proptest::prelude::*;

/// Reads the payload and looks at all that a caller could look at.
fn read_all(payload: &[u8]) -> serde_json::Value {
    let catalogue = Catalogue::builtin();
    let reading = catalogue.read(payload, &Limits::default());
    assert!(!reading.alerts.is_empty());
    for alert in &reading.alerts {
        for span in &alert.spans {
            assert!(alert.body.get(span.start..span.end).is_some());
        }
        assert!(
            alert.body.ends_with(alert.remainder())
                || alert.body.trim_ascii_end().ends_with(alert.remainder())
        );
    }
    answer(&catalogue, &reading, true)
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let catalogue = Catalogue::builtin();
    let texts: Vec<(String, String)> = catalogue
        .kinds()
        .iter()
        .flat_map(|kind| {
            kind.examples
                .iter()
                .map(|example| (kind.subject.clone(), example.body.clone()))
        })
        .collect();
    (
        prop::sample::select(texts),
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..6),
    )
        .prop_map(|((subject, body), edits)| {
            let mut bytes = serde_json::json!({"subject": subject, "body": body})
                .to_string()
                .into_bytes();
            for (place, byte, how) in edits {
                let at = place.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(read_all(&bytes), read_all(&bytes));
    }

    #[test]
    fn damaged_payloads_are_read_without_panic(bytes in payload()) {
        prop_assert_eq!(read_all(&bytes), read_all(&bytes));
    }

    #[test]
    fn arbitrary_bodies_of_known_subjects_are_read_without_panic(kind in any::<prop::sample::Index>(), body in "\\PC{0,80}|[a-zA-Z0-9 .,:\\\\\n\r<>/-]{0,120}") {
        let catalogue = Catalogue::builtin();
        let subject = &kind.get(catalogue.kinds()).subject;
        read_all(serde_json::json!({"subject": subject, "body": body}).to_string().as_bytes());
    }

    /// Strict JSON means what serde_json says it means.
    #[test]
    fn a_decode_without_repairs_is_strict_json(bytes in payload()) {
        let catalogue = Catalogue::builtin();
        let reading = catalogue.read(&bytes, &Limits::default());
        let strict = serde_json::from_slice::<serde_json::Value>(&bytes);
        match reading.decode {
            alertwire_catalogue::Decode::Ok => {
                let strict = strict.unwrap();
                prop_assert_eq!(strict["subject"].as_str().unwrap_or(""), &reading.alerts[0].subject);
            }
            alertwire_catalogue::Decode::Repaired => prop_assert!(strict.is_err() || bytes.starts_with(b"\xef\xbb\xbf")),
            alertwire_catalogue::Decode::Failed => {}
        }
    }
}
