//! A server to call.

use axum::body::Body;
use domain::access::{Actor, ApiKey, Role, Scope};
use domain::catalogue::{Drift, Turn};
use domain::{Clock, CompanyId, Dice, KeyId, NodeId, Timestamp};
use egress::Egress;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use rand::Rng as _;
use receive::Receiver;
use serde_json::{Value, json};
use store::{Change, Database, SealingKey, Store, Watched};
use tempfile::TempDir;
use testkit::{ManualClock, Target};
use tower::ServiceExt as _;
use web::{App, Disk, Parts, Settings};

/// A router over a store of its own, and the key of an admin.
pub struct Server {
    pub app: App,
    pub clock: ManualClock,
    pub admin: String,
    router: axum::Router,
    _folder: TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub raw: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.raw).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// It is a problem of this status, whole and well formed.
    #[track_caller]
    pub fn problem(self, status: u16) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        for key in ["type", "title", "detail", "request_id"] {
            assert!(
                problem[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key}: {problem}"
            );
        }
        problem
    }

    /// It is a 422 that names this field, in words that hold these.
    #[track_caller]
    pub fn field(self, pointer: &str, words: &str) {
        let problem = self.problem(422);
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let found = errors.iter().find(|error| error["pointer"] == pointer);
        let detail =
            found.unwrap_or_else(|| panic!("{pointer} is not named: {problem}"))["detail"].as_str();
        assert!(
            detail.is_some_and(|detail| detail.contains(words)),
            "{words}: {problem}"
        );
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(set: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(Disk::new(|| None), set).await
    }

    /// One whose disk says this of itself.
    pub async fn start_on(disk: Disk, set: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::anywhere();
        let store = open(&folder, clock.now()).await;
        let dice = Dice::new(testkit::seeded(7));
        let told = clock.clone();
        let told = Clock::new(move || told.now());
        let receiver = Receiver::new(
            store.clone(),
            told.clone(),
            dice.clone(),
            receive::Settings::default(),
        );
        let allow = vec!["127.0.0.0/8".parse().unwrap()];
        let egress = Egress::new(egress::Settings {
            allow,
            ..egress::Settings::default()
        })
        .unwrap();
        let mut settings = Settings::new("127.0.0.1:8080".parse().unwrap());
        set(&mut settings);
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new()
            .build_recorder()
            .handle();
        let app = App::new(Parts {
            store,
            egress,
            receiver,
            clock: told,
            dice,
            settings,
            metrics,
            disk,
        });
        let router = web::router(app.clone());
        let mut server = Self {
            app,
            clock,
            admin: String::new(),
            router,
            _folder: folder,
        };
        server.admin = server.key(Role::Admin, Scope::All).await;
        server
    }

    /// A key, made past the API.
    pub async fn key(&self, role: Role, scope: Scope) -> String {
        let (id, number) = self
            .app
            .dice()
            .roll(|rng| (KeyId::new(self.clock.now(), rng), rng.next_u64()));
        let key = format!("test-key-{number:016x}");
        let digest = receive::key_digest(self.app.store(), &key);
        let name = format!("{role:?} {number}");
        let row = ApiKey {
            id,
            name,
            role,
            scope,
            digest,
            created_at: self.clock.now(),
            last_used_at: None,
        };
        self.app
            .store()
            .change(Change::InsertKey(row), &Actor::Local, self.clock.now())
            .await
            .unwrap();
        key
    }

    /// An answer whose body may go on coming.
    pub async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        let raw = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            raw,
        }
    }

    /// A call with the key of someone.
    pub async fn call_as(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let request = request(method, path).header("authorization", format!("Bearer {key}"));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call_as(&self.admin, Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.admin, Method::POST, path, Some(&body))
            .await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.admin, Method::PUT, path, Some(&body))
            .await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.admin, Method::PATCH, path, Some(&body))
            .await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call_as(&self.admin, Method::DELETE, path, None).await
    }

    /// The id of something that is made by a POST.
    #[track_caller]
    pub fn made(&self, path: &str, body: Value) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        let answer = self.post(path, body);
        async move {
            let answer = answer.await;
            assert_eq!(answer.status, 201, "{place}: {}", answer.text());
            id(&answer.json())
        }
    }

    pub async fn company(&self, name: &str) -> String {
        self.made("/api/v1/companies", json!({"name": name})).await
    }

    /// A webhook integration that points at the target.
    pub async fn integration(&self, name: &str, target: &Target) -> String {
        let credentials = json!({"webhook_url": target.url("/hook"), "header_key": "X-API-Key", "header_value": "canary-secret-1234"});
        self.made(
            "/api/v1/integrations",
            json!({"connector": "webhook", "name": name, "credentials": credentials}),
        )
        .await
    }

    /// Opens an alarm: the subject that came in first used to be read in full, and none of what came by it is any more.
    pub async fn alarmed(&self) {
        let (store, now) = (self.app.store(), self.clock.now());
        let round = store.drift_round(10).await.unwrap().unwrap();
        let first = &round.sightings[0];
        let mut state = Drift::default();
        (0..50).for_each(|_| _ = state.see(true));
        assert!((0..20).any(|_| state.see(false) == Turn::Alarm));
        let missed = round.sightings.iter().filter(|one| one.key == first.key);
        let alarm = Watched {
            key: first.key,
            subject: first.subject.clone(),
            kind: first.kind.clone(),
            state,
            misses: missed.map(|one| one.event).collect(),
            opened_at: Some(now),
            changed_at: now,
        };
        let kept = store.keep_drift(&round, vec![alarm], Timestamp::from_micros(0));
        assert!(kept.await.unwrap());
    }

    pub async fn event_set(&self, name: &str) -> String {
        let events = json!(["system.asset_added", "system.port_open_probe"]);
        self.made(
            "/api/v1/event-sets",
            json!({"name": name, "notify_by": "event", "events": events}),
        )
        .await
    }

    /// A source with a header of its own.
    pub async fn source(&self, body: Value) -> Value {
        self.post("/api/v1/sources", body).await.expect(201).json()
    }

    /// A company whose events all go to the integration.
    pub async fn routed(&self, company: &str, target: &Target) -> Routed {
        let name = company.to_owned();
        let company = self.company(company).await;
        let integration = self.integration(&format!("To {name}"), target).await;
        let set = self.event_set(&format!("Set of {name}")).await;
        let rules = format!("/api/v1/integrations/{integration}/rules");
        let rule = self
            .made(
                &rules,
                json!({"name": format!("Rule of {name}"), "event_set_id": set}),
            )
            .await;
        let mapping = json!({"rules": [rule], "create_webhook_alert": true});
        self.put(
            &format!("/api/v1/integrations/{integration}/mappings/{company}"),
            mapping,
        )
        .await
        .expect(200);
        Routed {
            company,
            integration,
            rule,
        }
    }

    /// Raises an event of an asset and gives its id.
    pub async fn asset_added(&self, company: &str, ip: &str) -> String {
        let event =
            json!({"event": "system.asset_added", "company": company, "fields": {"ip": ip}});
        let answer = self.post("/api/v1/events", event).await.expect(202).json();
        id(&answer["items"][0])
    }

    pub fn company_id(text: &str) -> CompanyId {
        text.parse().unwrap()
    }
}

/// All ids that lead from an event to a delivery.
pub struct Routed {
    pub company: String,
    pub integration: String,
    pub rule: String,
}

pub fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
}

#[track_caller]
pub fn id(value: &Value) -> String {
    value["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {value}"))
        .to_owned()
}

async fn open(folder: &TempDir, now: Timestamp) -> Store {
    let database = Database::Sqlite(folder.path().join("alertwire.db"));
    let settings = store::Settings::new(
        database,
        NodeId::from_bytes([1; 16]),
        SealingKey::from_bytes([2; 32]),
        [3; 16],
    );
    Store::open(settings, now, [4; 32]).await.unwrap()
}
