//! The Elastic Common Schema, version 9: one JSON object, its dotted names as objects inside each other.

use serde_json::{Map, Value as Json, json};

use super::fields::{Fields, Host, is_cve};
use super::part::Part;
use super::{PRODUCT, severity_of_ten, some};
use crate::Severity;

const VERSION: &str = "9.0.0";

pub(super) fn document(part: &Part<'_>) -> Json {
    let mut document = Ecs::default();
    document.common(part);
    let mut fields = part.fields.clone();
    match part.class() {
        "asset" => document.asset(&mut fields),
        "port" => document.port(&mut fields),
        "vulnerability" => document.vulnerability(part, &mut fields),
        "problem" => document.problem(&mut fields),
        "solution" => document.solution(part, &mut fields),
        "certificate" => document.certificate(&mut fields),
        "login" => document.login(part, &mut fields),
        "session" => document.session(part, &mut fields),
        "account" => document.account(part, &mut fields),
        "audit" => document.audit(part, &mut fields),
        "job" => document.job(part, &mut fields),
        "agent" => document.agent(&mut fields),
        "company" => document.categorise("event", &["configuration"], &[change_of(part.action())]),
        _ => document.categorise("event", &[], &["info"]),
    }
    document.labels(part, &fields);
    document.related();
    Json::Object(document.0)
}

/// A document in the making.
#[derive(Default)]
struct Ecs(Map<String, Json>);

impl Ecs {
    /// Sets the field of a dotted name.
    fn set(&mut self, name: &str, value: impl Into<Json>) {
        let mut names = name.split('.');
        let last = names.next_back().unwrap_or(name);
        let mut object = &mut self.0;
        for name in names {
            let inner = object
                .entry(name)
                .or_insert_with(|| Json::Object(Map::new()));
            match inner {
                Json::Object(inner) => object = inner,
                // The names of this file never go through a value.
                _ => return,
            }
        }
        object.insert(last.to_owned(), value.into());
    }

    fn set_some(&mut self, name: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn categorise(&mut self, kind: &str, categories: &[&str], types: &[&str]) {
        self.set("event.kind", kind);
        if !categories.is_empty() {
            self.set("event.category", json!(categories));
        }
        self.set("event.type", json!(types));
    }

    fn common(&mut self, part: &Part<'_>) {
        let told = part.told;
        let received = told.received_at.to_string();
        self.set("@timestamp", part.time().to_string());
        self.set("ecs.version", VERSION);
        self.set_some("message", part.body());
        self.set_some("event.id", part.uid());
        self.set("event.kind", "event");
        self.set_some("event.action", some(part.action()));
        self.set_some("event.code", some(told.subject));
        self.set("event.dataset", "alertwire.alert");
        self.set_some("event.provider", told.source);
        self.set("event.severity", severity_of_ten(part.severity));
        self.set_some("event.sequence", part.number);
        self.set_some("event.start", part.occurred.map(|time| time.to_string()));
        self.set("event.created", received.clone());
        self.set("event.ingested", received);
        if let Some(original) = part.original() {
            self.set("event.original", original.text);
            self.set("event.hash", original.sha256());
            self.set_some("labels.message_sha256", original.message_sha256);
        }
        self.set_some("organization.id", part.company_uid());
        self.set_some("organization.name", part.company);
        self.set("observer.vendor", PRODUCT);
        self.set("observer.product", PRODUCT);
        self.set("observer.version", told.version);
        self.set_some("labels.kind", told.code);
    }

    fn host(&mut self, host: &Host<'_>) {
        self.set_some("host.ip", host.ip.map(|ip| json!([ip])));
        self.set_some("host.hostname", host.hostname);
        self.set_some("host.name", host.hostname.map(str::to_lowercase));
        self.set_some("host.mac", host.mac.map(|mac| json!([hyphened(mac)])));
    }

    fn asset(&mut self, fields: &mut Fields<'_>) {
        self.categorise("event", &["host"], &["info"]);
        self.host(&Host::take(fields));
    }

    fn port(&mut self, fields: &mut Fields<'_>) {
        self.categorise("state", &["host", "network"], &["info"]);
        let host = Host::take_scanned(fields);
        self.host(&host);
        self.set_some("server.ip", host.ip.map(|ip| json!(ip)));
        self.server_port(fields);
        if let Some(port) = self.0.get("server").and_then(|server| server.get("port")) {
            let port = port.clone();
            self.set("destination.port", port);
        }
        self.set_some("network.transport", fields.text("protocol"));
    }

    fn server_port(&mut self, fields: &mut Fields<'_>) {
        self.set_some("server.port", fields.port("port"));
    }

    fn vulnerability(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        let kind = match part.severity {
            Severity::Critical => "alert",
            _ => "state",
        };
        self.categorise(kind, &["vulnerability"], &["info"]);
        self.host(&Host::take(fields));
        if let Some(id) = fields.text("vul_id") {
            self.set("vulnerability.id", id);
            self.set_some("vulnerability.enumeration", is_cve(id).then_some("CVE"));
        }
        self.set_some("package.name", fields.text("product"));
        let severity = part.said_severity.unwrap_or(part.severity);
        self.set("vulnerability.severity", severity.as_str());
        fields.take("severity");
        self.set(
            "vulnerability.scanner.vendor",
            part.told.source.unwrap_or(PRODUCT),
        );
        if is_exploited(part.action()) {
            self.set("labels.kev", "true");
        }
        self.set_some(
            "labels.epss",
            fields.take("epss").map(|epss| epss.to_string()),
        );
    }

    fn problem(&mut self, fields: &mut Fields<'_>) {
        self.categorise("state", &["configuration"], &["info"]);
        self.host(&Host::take(fields));
        self.server_port(fields);
        self.set_some("network.transport", fields.text("protocol"));
        self.set_some("event.reason", fields.text("problem"));
    }

    fn solution(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        let change = match part.action() {
            "solution-remediated" => "change",
            _ => "info",
        };
        self.categorise("state", &["package"], &[change]);
        self.host(&Host::take(fields));
        self.set_some("package.name", fields.text("product"));
        self.set_some("event.reason", fields.text("fix"));
    }

    fn certificate(&mut self, fields: &mut Fields<'_>) {
        self.categorise("state", &["configuration"], &["info"]);
        let host = Host::take(fields);
        self.host(&host);
        self.set_some("server.ip", host.ip.map(|ip| json!(ip)));
        self.server_port(fields);
        self.set_some("network.transport", fields.text("protocol"));
        let names = |text| json!([text]);
        self.set_some(
            "tls.server.x509.subject.common_name",
            fields.text("common_name").map(names),
        );
        self.set_some(
            "tls.server.x509.issuer.common_name",
            fields.text("issuer").map(names),
        );
        self.set_some("tls.server.x509.not_after", fields.text("date"));
    }

    /// Who did it, from where, against which service.
    fn actor(&mut self, fields: &mut Fields<'_>) {
        self.set_some("user.name", fields.text("user"));
        if let Some(ip) = fields.ip("ip") {
            self.set("source.ip", json!(ip));
            self.set("source.address", json!(ip));
        }
        self.set_some("service.name", fields.text("service"));
    }

    fn login(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        self.categorise("event", &["authentication"], &["start"]);
        let outcome = match part.action() {
            "login-failure" => "failure",
            "login-success" => "success",
            _ => "unknown",
        };
        self.set("event.outcome", outcome);
        self.actor(fields);
    }

    fn session(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        let change = match part.action() {
            "session-disconnected" | "session-ended" => "end",
            "session-reconnected" | "session-started" => "start",
            _ => "info",
        };
        self.categorise("event", &["session"], &[change]);
        self.actor(fields);
    }

    fn account(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        let of = match part.action() {
            action if action.starts_with("group-") => "group",
            _ => "user",
        };
        self.categorise("event", &["iam"], &[of, change_of(part.action())]);
        self.actor(fields);
        self.set_some("user.target.name", fields.text("target"));
        self.set_some("group.name", fields.text("group"));
        self.set_some(
            "user.target.roles",
            fields.text("role").map(|role| json!([role])),
        );
    }

    fn audit(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        let change = change_of(part.action());
        if fields.get("policy").is_some() {
            self.categorise("event", &["configuration"], &[change]);
        } else if fields.get("group").is_some() {
            self.categorise("event", &["iam"], &["group", change]);
        } else {
            self.categorise("event", &["iam"], &["admin", change]);
        }
        self.actor(fields);
        self.set_some("group.name", fields.text("group"));
    }

    /// No category of ECS is for work that ended badly, so there is none.
    fn job(&mut self, part: &Part<'_>, fields: &mut Fields<'_>) {
        if part.action().ends_with("failed") {
            self.categorise("event", &[], &["error"]);
            self.set("event.outcome", "failure");
        } else {
            self.categorise("event", &[], &["info"]);
        }
        self.host(&Host::take(fields));
        let error = fields.text("error").or_else(|| fields.text("description"));
        self.set_some("error.message", error);
    }

    fn agent(&mut self, fields: &mut Fields<'_>) {
        self.categorise("event", &["host"], &["info"]);
        self.host(&Host::take(fields));
    }

    /// What has no place in ECS: the fields under their own names, what is to be said of the reading under `reading_…`.
    fn labels(&mut self, part: &Part<'_>, fields: &Fields<'_>) {
        let mut labels: Vec<(String, Json)> = Vec::new();
        for (name, value) in fields.left() {
            labels.push((name.to_owned(), json!(value.to_text())));
        }
        for (name, value) in &part.marks {
            let value = match value {
                Json::Bool(is) => json!(is.to_string()),
                other => other.clone(),
            };
            labels.push((format!("reading_{name}"), value));
        }
        for doubt in &part.doubts {
            let readings = doubt.readings.iter().flatten();
            let readings: Vec<_> = readings.map(|value| value.to_text()).collect();
            labels.push((
                format!("reading_ambiguous_{}", doubt.field),
                json!(readings),
            ));
        }
        if labels.is_empty() {
            return;
        }
        let there = self.0.entry("labels").or_insert_with(|| json!({}));
        for (mut name, value) in labels {
            // A field that is called like a label of ours is told beside it.
            while there.get(&name).is_some() {
                name.push('_');
            }
            there[name] = value;
        }
    }

    /// All addresses, names and users of the document once more, where searches look for them.
    fn related(&mut self) {
        const RELATED: [(&str, &[&str]); 3] = [
            (
                "ip",
                &["/host/ip/0", "/source/ip", "/server/ip", "/labels/ip"],
            ),
            ("hosts", &["/host/hostname", "/labels/hostname"]),
            ("user", &["/user/name", "/user/target/name", "/labels/user"]),
        ];
        let document = Json::Object(std::mem::take(&mut self.0));
        let mut related = Map::new();
        for (name, places) in RELATED {
            let mut all: Vec<&Json> = Vec::new();
            for place in places {
                let value = document.pointer(place);
                all.extend(value.filter(|value| fits(name, value)));
            }
            all.dedup();
            if !all.is_empty() {
                related.insert(name.to_owned(), json!(all));
            }
        }
        if let Json::Object(map) = document {
            self.0 = map;
        }
        if !related.is_empty() {
            self.set("related", Json::Object(related));
        }
    }
}

/// `related.ip` takes addresses alone.
fn fits(name: &str, value: &Json) -> bool {
    let address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    value
        .as_str()
        .is_some_and(|text| name != "ip" || address(text))
}

/// Which of the types of ECS a change is.
fn change_of(action: &str) -> &'static str {
    match action.rsplit('-').next() {
        Some("created") => "creation",
        Some("deleted" | "removed") if !action.contains("member") => "deletion",
        _ => "change",
    }
}

/// The kind speaks of vulnerabilities that are known to be exploited.
pub(super) fn is_exploited(action: &str) -> bool {
    action == "exploited-vulnerability-found"
}

/// As RFC 7042 writes hardware addresses.
fn hyphened(mac: &str) -> String {
    mac.to_uppercase().replace(':', "-")
}
