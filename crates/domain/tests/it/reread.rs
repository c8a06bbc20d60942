use alertwire_domain::access::Scope;
use alertwire_domain::catalogue::Limits;
use alertwire_domain::configuration::Configuration;
use alertwire_domain::event::{Event, Fingerprint, Match, Reading, Reason, Routing};
use alertwire_domain::message::{Decode, Message};
use alertwire_domain::reader::Reader;
use alertwire_domain::reread::{Difference, Reread, Rereader};
use alertwire_domain::source::{Authentication, CompanyRule, Source, SourceLimits, When};
use alertwire_domain::{CompanyId, EventId, MessageId, SourceId};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::house::{House, NOW};

const PORT: &str = r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;

/// A source whose rule gives servers to the second company, and the message that came by it.
struct Story {
    configuration: Configuration,
    companies: [CompanyId; 2],
    message: Message,
    rng: StdRng,
}

fn story(raw: &str) -> Story {
    let mut house = House::new();
    let companies = [house.company("Acme"), house.company("Globex")];
    let mut rng = StdRng::seed_from_u64(3);
    let source = SourceId::new(NOW, &mut rng);
    house.parts.sources.push(Source {
        id: source,
        name: "Scanner".to_owned(),
        companies: Vec::new(),
        company: Some(companies[0]),
        company_rules: vec![CompanyRule {
            when: When::Hostname("server-*".to_owned()),
            company: companies[1],
        }],
        authentication: Authentication::default(),
        dedup_window: None,
        limits: SourceLimits::default(),
        created_at: NOW,
    });
    let message = Message {
        id: MessageId::new(NOW, &mut rng),
        source: Some(source),
        received_at: NOW,
        headers: vec![("alertwire-via".to_owned(), "0badc0de".to_owned())],
        raw: raw.as_bytes().to_vec(),
        sha256: [0; 32],
        webhook_id: None,
        decode: Decode::Ok,
        id_reused: false,
    };
    Story {
        configuration: Configuration::new(house.parts),
        companies,
        message,
        rng,
    }
}

impl Story {
    /// The events as the intake reads them.
    fn read(&mut self) -> Vec<Event> {
        let reader = Reader {
            configuration: &self.configuration,
            source: self
                .message
                .source
                .and_then(|id| self.configuration.source(id))
                .map(AsRef::as_ref),
            limits: &Limits::default(),
            via: Vec::new(),
            fields: None,
        };
        reader.read(&mut self.message, &mut self.rng)
    }

    /// The event as it came in when nothing of it was known.
    fn unknown(&mut self) -> Event {
        let event = self.read().remove(0);
        Event {
            kind: None,
            category: None,
            fingerprint: Fingerprint([0; 16]),
            reading: Reading::nothing(Decode::Ok),
            company: Some(self.companies[0]),
            routing: Routing::Unrouted(Reason::NoRule),
            ..event
        }
    }

    fn again_for(&mut self, scope: &Scope, listed: &[EventId], event: Event) -> Reread {
        let rereader = Rereader {
            configuration: &self.configuration,
            limits: &Limits::default(),
            scope,
        };
        rereader.read(&self.message, listed, vec![event], &mut self.rng)
    }

    fn again(&mut self, event: Event) -> Reread {
        self.again_for(&Scope::All, &[event.id], event)
    }
}

#[test]
fn what_is_read_as_before_is_unchanged() {
    let mut story = story(PORT);
    let event = story.read().remove(0);
    let read = story.again(event.clone());
    assert_eq!(read.revised[0].difference, Difference::Unchanged);
    assert_eq!((&read.revised[0].after, read.further.len()), (&event, 0));
}

#[test]
fn what_is_understood_at_last_keeps_all_but_its_reading() {
    let mut story = story(PORT);
    let before = story.unknown();
    let read = story.again(before.clone());
    let after = &read.revised[0].after;
    assert_eq!(read.revised[0].difference, Difference::Understood);
    assert_eq!(after.kind.as_deref(), Some("system.port_open_probe"));
    assert_eq!(after.reading.matched, Match::Full);
    assert_eq!(
        (after.id, after.message, after.received_at, after.routing),
        (
            before.id,
            before.message,
            before.received_at,
            before.routing
        )
    );
    assert_ne!(after.fingerprint, before.fingerprint);
}

#[test]
fn a_company_moves_only_while_nobody_was_told() {
    let mut story = story(PORT);
    let [acme, globex] = story.companies;
    let unknown = story.unknown();
    let unassigned = Event {
        company: None,
        ..story.read().remove(0)
    };
    let routed = Event {
        routing: Routing::Routed,
        ..unknown.clone()
    };
    let understood = Event {
        company: Some(acme),
        ..story.read().remove(0)
    };
    for (event, company) in [
        (unknown.clone(), globex),
        (unassigned, globex),
        (routed, acme),
        (understood, acme),
    ] {
        let read = story.again(event.clone());
        assert_eq!(read.revised[0].after.company, Some(company), "{event:?}");
    }
    let scope = Scope::Companies(vec![acme]);
    let read = story.again_for(&scope, &[unknown.id], unknown);
    let company = read.revised[0].after.company;
    assert_eq!(company, Some(acme), "not beyond who asked");
}

#[test]
fn a_reading_that_tells_less_is_kept_away() {
    let mut story = story(r#"{"subject": "Nothing Known", "body": "of this"}"#);
    let known = Event {
        kind: Some("system.asset_added".to_owned()),
        reading: Reading {
            matched: Match::Full,
            ..Reading::nothing(Decode::Ok)
        },
        ..story.read().remove(0)
    };
    let read = story.again(known.clone());
    assert_eq!(read.revised[0].difference, Difference::Worse);
    assert_eq!(read.revised[0].after, known);
}

#[test]
fn further_alerts_become_events_when_all_of_them_may_be_seen() {
    let mut story = story(&format!("[{PORT}, {PORT}]"));
    let first = story.unknown();
    story.message.decode = Decode::Failed;
    let read = story.again(first.clone());
    assert_eq!((read.further.len(), read.decode), (1, Decode::Ok));
    let further = &read.further[0];
    assert_eq!(further.routing, Routing::Unrouted(Reason::Reread));
    assert_eq!((further.received_at, further.via.len()), (NOW, 1));
    let known = story.again_for(&Scope::All, &[first.id, further.id], first.clone());
    assert!(
        known.further.is_empty(),
        "those that are known are not further"
    );
    let scope = Scope::Companies(vec![story.companies[0]]);
    let hidden = story.again_for(&scope, &[first.id], first);
    assert!(hidden.further.is_empty());
}

#[test]
fn a_removed_source_chooses_no_company_any_more() {
    let mut story = story(PORT);
    let before = story.unknown();
    story.message.source = None;
    let read = story.again(before.clone());
    assert_eq!(read.revised[0].difference, Difference::Understood);
    assert_eq!(read.revised[0].after.company, before.company);
}

#[test]
fn a_character_that_a_database_cannot_hold_is_no_difference() {
    let mut story = story(r#"{"subject": "A\u0000B", "body": "c"}"#);
    let event = story.read().remove(0);
    let stored = Event {
        subject: event.subject.replace('\0', "\u{fffd}"),
        ..event
    };
    let read = story.again(stored);
    assert_eq!(read.revised[0].difference, Difference::Unchanged);
}
