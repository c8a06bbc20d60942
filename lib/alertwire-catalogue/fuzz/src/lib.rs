//! The fuzz targets of `alertwire-catalogue`: functions that panic when a promise is broken, whatever the bytes.
//!
//! `cargo run --release -- parse --inputs 1000000` drives them with a stable compiler over damaged examples;
//! `cargo fuzz run parse --features libfuzzer` drives them by coverage. Each target says how many things in its input it
//! understood, so that a run shows whether it went deep or was turned away at the door.

mod files;
mod learn;

use alertwire_catalogue::{Catalogue, Decode, Limits, Match, answer};

pub use files::{TEMPLATES, file, template};
pub use learn::{BODIES, learn};

/// A payload of any bytes: it is read, in the same way each time, and its answer is written.
pub fn decode(data: &[u8]) -> usize {
    let catalogue = Catalogue::builtin();
    let limits = Limits::default();
    let reading = catalogue.read(data, &limits);
    assert!(
        !reading.alerts.is_empty(),
        "a payload holds at least one alert"
    );
    assert_eq!(
        reading.decode == Decode::Repaired,
        !reading.repairs.is_empty(),
        "a repaired payload says what was repaired"
    );
    assert!(
        reading
            .repairs
            .iter()
            .all(|repair| repair.offset < data.len().max(1)),
        "a repair stands in the payload"
    );
    let again = catalogue.read(data, &limits);
    assert_eq!(
        answer(&catalogue, &reading, true),
        answer(&catalogue, &again, true),
        "the same bytes have the same verdict"
    );
    usize::from(reading.decode != Decode::Failed)
}

/// A subject (chosen by the first byte) and a body: spans lie in the body, and a certain reading renders and comes back.
pub fn parse(data: &[u8]) -> usize {
    let Some((choice, body)) = data.split_first() else {
        return 0;
    };
    let Ok(body) = std::str::from_utf8(body) else {
        return 0;
    };
    let catalogue = Catalogue::builtin();
    let kinds = catalogue.kinds();
    let subject = &kinds[usize::from(*choice) % kinds.len()].subject;
    let alert = catalogue.read_alert(subject, body, &Limits::default());
    for span in &alert.spans {
        assert!(
            body.get(span.start..span.end).is_some(),
            "a span lies in the body"
        );
        assert!(
            alert.records[span.record].get(&span.field).is_some(),
            "a span belongs to a field"
        );
    }
    assert!(
        alert.exhausted || alert.steps <= 64 * body.len() as u64 + 1000,
        "the steps grow with the length alone"
    );
    let Some(kind) = alert
        .kind
        .filter(|_| alert.matched == Match::Full && alert.ambiguous.is_empty())
    else {
        return usize::from(alert.matched != Match::None);
    };
    // Fields that only a variant of the wording has cannot be rendered; that is an error, and no panic.
    if let Ok(rendered) = catalogue.render(&kind.code, &alert.records) {
        let back = catalogue.read_alert(&rendered.subject, &rendered.body, &Limits::default());
        assert_eq!(
            back.matched,
            Match::Full,
            "what is rendered is read: {:?}",
            rendered.body
        );
        assert!(
            back.ambiguous.is_empty(),
            "and in one way only: {:?}",
            rendered.body
        );
        if rendered.fields_header.is_none() && rendered.body.len() < 2000 {
            assert_eq!(
                back.records, rendered.records,
                "as it was meant: {:?}",
                rendered.body
            );
        }
    }
    1
}
