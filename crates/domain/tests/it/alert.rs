use alertwire_domain::alert::{Alert, percent_encode, read_via};
use alertwire_domain::catalogue::Catalogue;

use crate::house::{House, NOW};

fn header<'a>(alert: &'a Alert, name: &str) -> Option<&'a str> {
    alert
        .headers
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

#[test]
fn the_body_is_subject_and_body_and_nothing_else() {
    let mut house = House::new();
    let acme = house.company("Acme & Söhne");
    let mut event = house.event(Some(acme), Some("system.asset_added"), &[]);
    event.body = "line 1\n\"quoted\" \\ \u{1}".to_owned();
    event.occurred_at = Some(NOW);
    event.via = (0..9).map(|number| format!("node{number}")).collect();
    let alert = Alert::of_event(&event, None, &house.configuration());
    let sent: serde_json::Value = serde_json::from_slice(&alert.body).unwrap();
    assert_eq!(
        sent,
        serde_json::json!({ "subject": event.subject, "body": event.body })
    );
    assert_eq!(
        header(&alert, "alertwire-event"),
        Some("system.asset_added")
    );
    assert_eq!(header(&alert, "alertwire-severity"), Some("medium"));
    assert_eq!(
        header(&alert, "alertwire-company"),
        Some("Acme%20%26%20S%C3%B6hne")
    );
    assert_eq!(
        header(&alert, "alertwire-occurred-at"),
        Some("2023-11-14T22:13:20Z")
    );
    assert_eq!(
        header(&alert, "alertwire-via"),
        Some("node2, node3, node4, node5, node6, node7, node8, here")
    );
    assert_eq!(header(&alert, "alertwire-fields"), None);
}

#[test]
fn a_joined_alert_reads_back_into_all_its_records() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let records: [&[(&str, &str)]; 2] = [
        &[("ip", "192.168.1.100")],
        &[("ip", "192.168.1.101"), ("hostname", "b.example.com")],
    ];
    let events =
        records.map(|record| house.event(Some(acme), Some("system.asset_added"), &[record]));
    let catalogue = Catalogue::builtin();
    let alert = Alert::of_events(&events, &house.configuration()).unwrap();
    let reading = catalogue.read(&alert.body, &alertwire_domain::catalogue::Limits::default());
    let read: Vec<_> = reading
        .alerts
        .iter()
        .flat_map(|alert| alert.records.clone())
        .collect();
    assert_eq!(read, records.map(crate::house::record).to_vec());
}

#[test]
fn a_via_header_is_read_within_its_bounds() {
    assert_eq!(read_via("a, b,, c d, \u{7f}"), ["a", "b"]);
    assert_eq!(read_via(&"x,".repeat(100)).len(), 8);
    assert_eq!(percent_encode("plain-1.0_~"), "plain-1.0_~");
}

#[test]
fn a_joined_alert_of_one_event_still_says_the_truth_of_what_was_made_readable() {
    let mut house = House::new();
    let acme = house.company("Acme");
    let catalogue = Catalogue::builtin();
    let fields: &[(&str, &str)] = &[("user", "eve\nmallory"), ("service", "AzureAD")];
    let rendered = catalogue
        .render("entra.login_failure", &[crate::house::record(fields)])
        .unwrap();
    let mut event = house.event(Some(acme), Some("entra.login_failure"), &[fields]);
    (event.subject, event.body) = (rendered.subject.clone(), rendered.body.clone());
    let alert =
        |event: &_| Alert::of_events(std::slice::from_ref(event), &house.configuration()).unwrap();
    let sealed = alert(&event);
    assert_eq!(
        header(&sealed, "alertwire-fields"),
        rendered.fields_header.as_deref()
    );
    assert!(rendered.fields_header.is_some());
    event.body.push(' ');
    assert_eq!(
        header(&alert(&event), "alertwire-fields"),
        None,
        "the records do not render to this text, so they are not its truth"
    );
}
