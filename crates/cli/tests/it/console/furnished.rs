//! A server with something of everything that the console shows.

use serde_json::{Value, json};
use testkit::{Answer, Browser, Target};

use super::{PASSWORD, sign_in};
use crate::support::{Api, KEY, Place, Server, alertwire, run_with};
use testkit::browser::Page;

pub const ACME: &str = "Acme Corporation";
pub const GLOBEX: &str = "Globex";
pub const INITECH: &str = "Initech";
pub const ADMIN: &str = "anna";
const SECRET: &str = "the secret of the scanner";

/// The guide's samples, word for word; the third is not valid JSON.
const GUIDE: [&str; 4] = [
    r#"{"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"}"#,
    r#"{"subject": "Asset Ports", "body": "Open Port 443 Discovered for Asset 192.168.1.100, hostname server-01.example.com"}"#,
    r#"{"subject": "Critical Problems Found", "body": "Critical vulnerabilities detected for asset with IP 192.168.1.100, hostname server-01.example.com in company Acme Corporation\ Product: Apache HTTP Server. VUL ID: CVE-2021-44228. Severity: Critical"}"#,
    r#"{"subject": "Login Failure", "body": "Login Failure for john.doe With IPAddress 203.0.113.10 on service AzureAD at 2024-01-15 10:30:00 UTC"}"#,
];
/// Messages that nobody understands yet, but for the hosts all of one wording.
const BACKUPS: [(&str, &str); 5] = [
    ("db-1", "disk full"),
    ("web-1", "no route to host"),
    ("mail-1", "timed out"),
    ("db-2", "disk full again"),
    ("web-2", "refused"),
];

/// See the module. `desk` takes every alert at `/desk`, refuses those at `/tickets`, and is gone at `/pager`.
#[derive(Debug)]
pub struct Furnished {
    pub server: Server,
    pub api: Api,
    pub desk: Target,
    pub intake: String,
    _place: Place,
}

impl Furnished {
    pub async fn new() -> Self {
        let place = Place::new();
        let server = place.start();
        let api = server.api();
        let desk = Target::start().await;
        people(&api).await;
        let (_, intake) = source(&api, "ConnectSecure", Some(ACME)).await;
        let furnished = Self {
            server,
            api,
            desk,
            intake,
            _place: place,
        };
        furnished.integrations().await;
        furnished.silence(INITECH, "Patch night", "severity<=medium");
        furnished.traffic().await;
        furnished.jobs().await;
        furnished
    }

    /// The browser of somebody who is signed in.
    pub async fn signed_in(&self, browser: &Browser, name: &str) -> Page {
        let page = browser.page(&self.server.url).await;
        sign_in(&page, name).await;
        page
    }

    /// Three webhooks that were set up to the end, of which one works, and one that never authenticated.
    async fn integrations(&self) {
        let catalogue = alertwire_catalogue::Catalogue::builtin();
        let kinds = catalogue.kinds().iter().map(|kind| kind.code.as_str());
        let all = self
            .set("Everything", "event", &kinds.collect::<Vec<_>>())
            .await;
        for (name, path, company) in [
            ("Service desk", "/desk", ACME),
            ("Globex tickets", "/tickets", GLOBEX),
            ("Night pager", "/pager", INITECH),
        ] {
            let id = self.webhook(name, &self.desk.url(path), &[company]).await;
            self.mapped(&id, company, &format!("{name}: all"), &all)
                .await;
        }
        self.webhook("Chat bridge", "https://127.0.0.1:1/hook", &[])
            .await;
        let refused = Answer::status(503).body("<html><body>503 Service Unavailable</body></html>");
        self.desk.on_path("/tickets", refused);
        self.desk.on_path("/pager", Answer::status(410));
    }

    pub async fn webhook(&self, name: &str, url: &str, companies: &[&str]) -> String {
        let form = json!({
            "connector": "webhook", "name": name, "companies": companies, "delivery": {"schedule": ["0s", "0s"]},
            "credentials": {"webhook_url": url, "header_key": "X-API-Key", "header_value": "the secret of the desk"},
        });
        self.api.made("api/v1/integrations", form).await
    }

    pub async fn set(&self, name: &str, notify_by: &str, events: &[&str]) -> String {
        let form = json!({"name": name, "notify_by": notify_by, "events": events});
        self.api.made("api/v1/event-sets", form).await
    }

    /// A rule, and the mapping of a company to it alone.
    pub async fn mapped(&self, integration: &str, company: &str, rule: &str, set: &str) -> String {
        let of = |path: &str| format!("api/v1/integrations/{integration}/{path}");
        let form = json!({"name": rule, "event_set_id": set});
        let rule = self.api.made(&of("rules"), form).await;
        let mapping =
            json!({"companies": [company], "rules": [rule], "create_webhook_alert": true});
        let put = self.api.call("PUT", &of("mappings"), Some(mapping)).await;
        assert_eq!(put.status, 200, "{}", put.body);
        rule
    }

    pub fn silence(&self, company: &str, name: &str, filter: &str) -> String {
        let mut command = alertwire(&[
            "silences",
            "create",
            "--filter",
            filter,
            "--company",
            company,
            "--reason",
            "Servers restart",
            "--for",
            "2h",
            "--",
            name,
        ]);
        command
            .env("ALERTWIRE_URL", &self.server.url)
            .env("ALERTWIRE_API_KEY", KEY);
        let ended = run_with(command, b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stdout.trim().to_owned()
    }

    /// What came in by the source and by the API, until some of it was delivered and some is dead.
    async fn traffic(&self) {
        for kind in alertwire_catalogue::Catalogue::builtin().kinds() {
            let Some(example) = kind.examples.first() else {
                continue;
            };
            for company in [ACME, GLOBEX, INITECH] {
                // The examples are the guide's company's; here each tells of its own.
                let records = serde_json::to_string(&example.records).unwrap();
                let records: Value = serde_json::from_str(&records.replace(ACME, company)).unwrap();
                let event = json!({"event": kind.code, "company": company, "records": records});
                self.api.raise(event).await;
            }
        }
        for (host, why) in BACKUPS {
            let body = format!("Backup of {host}.corp.example failed. Reason: {why}");
            let message = json!({"subject": "Backup Failed", "body": body});
            self.receive(&message.to_string()).await;
        }
        self.receive("no JSON at all").await;
        for message in GUIDE {
            self.receive(message).await;
        }
        for status in ["delivered", "dead", "parked"] {
            let path = format!("api/v1/deliveries?status={status}&limit=1");
            self.api
                .until(&path, |page| page["items"].get(0).map(|_| ()))
                .await;
        }
    }

    /// A message by the source; answers its first event.
    pub async fn receive(&self, message: &str) -> String {
        let headers = [("x-api-key", SECRET), ("content-type", "application/json")];
        let sent = self
            .api
            .send("POST", &self.intake, message.as_bytes().to_vec(), &headers);
        let answer = sent.await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["events"][0].as_str().unwrap().to_owned()
    }

    /// A replay, a re-reading and an import that ended.
    async fn jobs(&self) {
        let import = "api/v1/imports?format=trivy&company=Globex&hostname=shop&dry_run=true";
        let report = json!({"SchemaVersion": 2, "Results": [{"Secrets": [{}], "Vulnerabilities": [
            {"VulnerabilityID": "CVE-2022-3602", "PkgName": "openssl", "InstalledVersion": "3.0.1", "Severity": "CRITICAL"}]}]});
        for (path, form) in [
            ("api/v1/replays", json!({"filter": {"status": "delivered"}})),
            ("api/v1/rereads", json!({"days": 1})),
            (import, report),
        ] {
            let answer = self.api.call("POST", path, Some(form)).await;
            assert!(answer.status < 300, "{path}: {}", answer.body);
        }
    }

    /// The first thing of a list that fits; its id.
    pub async fn first(&self, list: &str, fits: impl Fn(&Value) -> bool) -> String {
        let page = self.api.get(&format!("api/v1/{list}")).await;
        let items = page["items"].as_array().unwrap();
        let found = items.iter().find(|item| fits(item));
        let found = found.unwrap_or_else(|| panic!("{list} has no such thing: {page}"));
        found["id"].as_str().unwrap().to_owned()
    }
}

async fn people(api: &Api) {
    for (name, domain) in [
        (ACME, "acme.example"),
        (GLOBEX, "globex.example"),
        (INITECH, "initech.example"),
    ] {
        let form = json!({"name": name, "domain": domain});
        api.made("api/v1/companies", form).await;
    }
    for (name, role, companies) in [
        (ADMIN, "admin", None),
        ("oscar", "operator", None),
        ("vera", "viewer", Some(ACME)),
        ("victor", "viewer", Some(GLOBEX)),
    ] {
        let form = json!({
            "name": name, "role": role, "password": PASSWORD, "companies": companies.map(|name| [name]),
        });
        api.made("api/v1/users", form).await;
    }
    for (name, role) in [("Monitoring", "viewer"), ("Import of scans", "operator")] {
        api.made("api/v1/keys", json!({"name": name, "role": role}))
            .await;
    }
}

/// A source and its intake URL.
pub async fn source(api: &Api, name: &str, company: Option<&str>) -> (String, String) {
    let form = json!({
        "name": name, "company": company,
        "authentication": {"header": {"key": "X-API-Key", "value": SECRET}},
    });
    let answer = api.call("POST", "api/v1/sources", Some(form)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    ["id", "intake_url"]
        .map(|key| answer.body[key].as_str().unwrap().to_owned())
        .into()
}
