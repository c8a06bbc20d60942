//! What the tests share: a door to loopback, a ready webhook, one alert.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use connectors::{Outgoing, Parsed, Ready, Sent};
use domain::integration::{DeliverySettings, Integration};
use domain::{Clock, DeliveryId, IntegrationId, Timestamp};
use egress::{Egress, Settings};
use serde_json::{Map, Value};
use testkit::{ManualClock, Target, seeded};

pub(crate) const ALERT: &[u8] =
    br#"{"subject":"Asset Ports","body":"Open Port 443 \u2014 \"quoted\" "}"#;
pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const OLD_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// A door that may reach 127.0.0.1.
pub(crate) fn door() -> Egress {
    Egress::new(Settings {
        allow: vec!["127.0.0.1".parse().unwrap()],
        ..Settings::default()
    })
    .unwrap()
}

pub(crate) fn stored(parsed: Parsed) -> (Integration, domain::integration::Secrets) {
    let secrets_set = parsed
        .secrets
        .iter()
        .map(|(name, secret)| (name.clone(), secret.last4()))
        .collect::<BTreeMap<_, _>>();
    let integration = Integration {
        id: IntegrationId::new(Timestamp::from_micros(1), &mut seeded(1)),
        connector: "webhook".to_owned(),
        name: "PSA".to_owned(),
        companies: Vec::new(),
        enabled: true,
        authenticated_at: None,
        checked_at: None,
        fields: parsed.fields,
        secrets_set,
        delivery: DeliverySettings::default(),
        last_check: None,
        created_at: Timestamp::from_micros(1),
        version: 1,
    };
    (integration, parsed.secrets)
}

/// A ready webhook with these credentials; `webhook_url` is the target's `/hook`.
pub(crate) fn ready(target: &Target, credentials: Value) -> Ready {
    let mut credentials = object(credentials);
    credentials
        .entry("webhook_url")
        .or_insert_with(|| target.url("/hook").into());
    let parsed = connectors::parse("webhook", &credentials, &door()).unwrap();
    let (integration, secrets) = stored(parsed);
    Ready::new(&integration, &secrets, door()).unwrap()
}

pub(crate) fn alert() -> Outgoing {
    Outgoing {
        delivery: DeliveryId::new(
            Timestamp::from_micros(1_700_000_000_000_000),
            &mut seeded(7),
        ),
        attempt: 1,
        body: Bytes::from_static(ALERT),
        headers: [
            ("alertwire-event", "system.port_open_probe"),
            ("alertwire-company", "M%C3%BCller%20%26%20Co"),
            (
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        timeout: Duration::from_secs(15),
    }
}

/// A clock that shows what the manual one shows.
pub(crate) fn clock(manual: &ManualClock) -> Clock {
    let manual = manual.clone();
    Clock::new(move || manual.now())
}

pub(crate) async fn send(ready: &Ready, clock: &ManualClock) -> Sent {
    ready.send(&[alert()], &self::clock(clock)).await.remove(0)
}
