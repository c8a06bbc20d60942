//! A node with two companies and one source.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use alertwire_receive::{Acknowledgement, Receiver, Refusal, Settings, source_digest};
use bytes::Bytes;
use domain::access::{Actor, Scope};
use domain::company::Company;
use domain::event::Event;
use domain::source::{
    Authentication, Digested, HeaderAuthentication, Live, PasswordAuthentication, Require, Source,
    SourceLimits,
};
use domain::{Clock, CompanyId, Dice, NodeId, SourceId};
use http::{HeaderMap, HeaderName, HeaderValue};
use store::{Change, Database, SealingKey, Store};
use tempfile::TempDir;
use testkit::{ManualClock, seeded};

pub const SECRET: &str = "a-long-random-secret";
/// Where the sender is.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
pub const SIGNING: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub const SAMPLE: &str = r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#;

pub struct House {
    pub store: Store,
    pub receiver: Receiver,
    pub clock: Arc<ManualClock>,
    pub acme: CompanyId,
    pub other: CompanyId,
    _folder: TempDir,
}

impl House {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::anywhere());
        let now = clock.now();
        let mut rng = seeded(3);
        let database = Database::Sqlite(folder.path().join("alertwire.db"));
        let node = NodeId::new(now, &mut rng);
        let settings =
            store::Settings::new(database, node, SealingKey::from_bytes([5; 32]), [1; 16]);
        let store = Store::open(settings, now, [2; 32]).await.unwrap();
        let mut company = |name: &str| Company {
            id: CompanyId::new(now, &mut rng),
            name: name.to_owned(),
            aliases: Vec::new(),
            domain: None,
            external_id: None,
            quota: None,
            created_at: now,
        };
        let (acme, other) = (company("Acme Corporation"), company("Other"));
        let ids = (acme.id, other.id);
        for company in [acme, other] {
            store
                .change(Change::InsertCompany(company), &Actor::Local, now)
                .await
                .unwrap();
        }
        let told = Arc::clone(&clock);
        let tell = Clock::new(move || told.now());
        let receiver = Receiver::new(store.clone(), tell, Dice::new(rng), Settings::default());
        Self {
            store,
            receiver,
            clock,
            acme: ids.0,
            other: ids.1,
            _folder: folder,
        }
    }

    /// A source that every sender may use who knows one of its secrets; `set` narrows it.
    pub async fn source(&self, set: impl FnOnce(&mut Source)) -> SourceId {
        let now = self.clock.now();
        let digest = |secret: &str| Digested {
            live: Live::one(source_digest(&self.store, secret)),
            last4: None,
        };
        let account = |username: &str| PasswordAuthentication {
            username: username.to_owned(),
            secret: digest(SECRET),
        };
        let mut source = Source {
            id: SourceId::new(now, &mut seeded(77)),
            name: "Vendor".to_owned(),
            companies: Vec::new(),
            company: Some(self.acme),
            company_rules: Vec::new(),
            authentication: Authentication {
                require: Require::Any,
                header: Some(HeaderAuthentication {
                    key: "x-api-key".to_owned(),
                    secret: digest(SECRET),
                }),
                basic: Some(account("basic")),
                login: Some(account("login")),
                signature: Live::one(alertwire_receive::parse_signing_secret(SIGNING).unwrap()),
                addresses: Vec::new(),
            },
            dedup_window: None,
            limits: SourceLimits::default(),
            created_at: now,
        };
        set(&mut source);
        let id = source.id;
        self.store
            .change(Change::InsertSource(source), &Actor::Local, now)
            .await
            .unwrap();
        id
    }

    pub async fn post(
        &self,
        source: SourceId,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Acknowledgement, Refusal> {
        let headers = header_map(headers);
        let admitted = self.receiver.admit(source, &headers, ADDRESS).await?;
        self.receiver
            .take(admitted, &headers, Bytes::from(body.to_owned()))
            .await
    }

    /// Posts with the header secret, and reads back the only event that came of it.
    pub async fn event(&self, source: SourceId, headers: &[(&str, &str)], body: &str) -> Event {
        let mut all = vec![("x-api-key", SECRET)];
        all.extend(headers);
        let receipt = self.post(source, &all, body).await.unwrap();
        assert_eq!(receipt.events.len(), 1);
        self.store
            .event(&Scope::All, receipt.events[0])
            .await
            .unwrap()
            .unwrap()
    }
}

pub fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        )
    };
    headers.iter().map(pair).collect()
}
