//! The Open Cybersecurity Schema Framework, version 1.8: one object, its class chosen by the class of the kind.
//!
//! An event that lacks what its OCSF class requires is a *Base Event*: no attribute is ever made up to fill a class.

mod application;
mod discovery;
mod finding;
mod iam;

use serde_json::{Map, Value as Json, json};

use super::fields::{Fields, Host, is_cve, is_mac};
use super::part::Part;
use super::{PRODUCT, some};
use crate::catalogue::Value;
use crate::{Severity, Timestamp};

const VERSION: &str = "1.8.0";

pub(super) fn document(part: &Part<'_>) -> Json {
    let mut left = part.fields.clone();
    let draft = draft(part, &mut left).unwrap_or_else(|| {
        left = part.fields.clone();
        base(part, &left)
    });
    let mut document = head(part, &draft);
    document.extend(part.body().map(|body| ("message".to_owned(), json!(body))));
    document.insert("metadata".into(), metadata(part, &draft));
    document.extend(draft.attributes);
    if !draft.observables.is_empty() {
        document.insert("observables".into(), json!(draft.observables));
    }
    if part.told.count > 1 {
        document.insert("count".into(), json!(part.told.count));
    }
    let mut message_sha256 = None;
    if let Some(original) = part.original() {
        document.insert("raw_data".into(), json!(original.text));
        document.insert("raw_data_hash".into(), sha256(&original.sha256()));
        document.insert("raw_data_size".into(), json!(original.text.len()));
        message_sha256 = original.message_sha256;
    }
    let unmapped = unmapped(part, &left, message_sha256);
    document.insert("unmapped".into(), Json::Object(unmapped));
    Json::Object(document)
}

/// None when the kind is of no class that has one in OCSF, or when the record lacks what that one requires.
fn draft(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    match part.class() {
        "asset" => discovery::asset(part, fields),
        "port" => discovery::port(part, fields),
        "vulnerability" => finding::vulnerability(part, fields),
        "problem" => finding::problem(part, fields),
        "solution" => finding::solution(part, fields),
        "certificate" => finding::certificate(part, fields),
        "login" => iam::login(part, fields),
        "session" => iam::session(part, fields),
        "account" => iam::account(part, fields),
        "audit" => iam::audit(part, fields),
        "company" => iam::company(part, fields),
        "job" => Some(application::job(part, fields)),
        "agent" => Some(application::agent(part, fields)),
        _ => None,
    }
}

/// A class of OCSF.
#[derive(Debug, Clone, Copy)]
struct Class {
    uid: u32,
    name: &'static str,
    category: &'static str,
}

const BASE: Class = Class {
    uid: 0,
    name: "Base Event",
    category: "Uncategorized",
};

/// What was done, by the class's own numbers.
#[derive(Debug, Clone)]
struct Activity {
    id: u32,
    name: String,
}

impl Activity {
    /// One of the numbers of the class.
    fn of(id: u32, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
        }
    }

    /// None of the numbers of the class: OCSF wants its name then.
    fn other(action: &str) -> Self {
        if action.is_empty() {
            return Self::of(0, "Unknown");
        }
        Self::of(99, &title(action))
    }
}

/// An object in the making: what its class adds to what all have.
#[derive(Debug)]
struct Draft {
    class: Class,
    activity: Activity,
    severity: Severity,
    attributes: Map<String, Json>,
    observables: Vec<Json>,
    /// It carries a device by OCSF's host profile rather than by its class.
    on_host: bool,
}

impl Draft {
    fn new(part: &Part<'_>, class: Class, activity: Activity) -> Self {
        Self {
            class,
            activity,
            severity: part.severity,
            attributes: Map::new(),
            observables: Vec::new(),
            on_host: false,
        }
    }

    fn set(&mut self, name: &str, value: impl Into<Json>) {
        self.attributes.insert(name.to_owned(), value.into());
    }

    fn status(&mut self, id: u32, name: &str) {
        self.set("status_id", id);
        self.set("status", name);
    }

    fn observe(&mut self, name: &str, sort: Observable, value: impl ToString) {
        self.observables.push(json!({
            "name": name, "type_id": sort.id(), "type": sort.caption(), "value": value.to_string(),
        }));
    }

    /// The machine, when anything of it is known; whether it is.
    fn device(
        &mut self,
        part: &Part<'_>,
        host: &Host<'_>,
        port: Option<(u16, Option<&str>)>,
    ) -> bool {
        let Some(device) = device(part, host, port) else {
            return false;
        };
        self.set("device", device);
        if let Some(ip) = host.ip {
            self.observe("device.ip", Observable::Address, ip);
        }
        if let Some(hostname) = host.hostname {
            self.observe("device.hostname", Observable::Hostname, hostname);
        }
        if let Some(mac) = host.mac {
            self.observe("device.mac", Observable::Mac, mac);
        }
        if let Some((port, _)) = port {
            self.observe(
                "device.network_interfaces[0].open_ports[0].port",
                Observable::Port,
                port,
            );
        }
        true
    }
}

/// The sorts of observables that alerts hold, with OCSF's numbers.
#[derive(Debug, Clone, Copy)]
enum Observable {
    Hostname,
    Address,
    Mac,
    User,
    Port,
    Cve,
}

impl Observable {
    fn id(self) -> u32 {
        match self {
            Self::Hostname => 1,
            Self::Address => 2,
            Self::Mac => 3,
            Self::User => 4,
            Self::Port => 11,
            Self::Cve => 18,
        }
    }

    fn caption(self) -> &'static str {
        match self {
            Self::Hostname => "Hostname",
            Self::Address => "IP Address",
            Self::Mac => "MAC Address",
            Self::User => "User Name",
            Self::Port => "Port",
            Self::Cve => "CVE",
        }
    }

    /// What the field of a kind without a class is, by its value or its name.
    fn of_field(name: &str, value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        match name {
            _ if text.parse::<std::net::IpAddr>().is_ok() => Some(Self::Address),
            _ if is_mac(text) => Some(Self::Mac),
            _ if is_cve(text) => Some(Self::Cve),
            "hostname" => Some(Self::Hostname),
            "user" => Some(Self::User),
            _ => None,
        }
    }
}

/// The event that OCSF has no class for. Its fields are unmapped, and found as observables.
fn base(part: &Part<'_>, fields: &Fields<'_>) -> Draft {
    let mut draft = Draft::new(part, BASE, Activity::other(part.action()));
    for (name, value) in fields.left() {
        if let Some(sort) = Observable::of_field(name, value) {
            draft.observe(&format!("unmapped.{name}"), sort, value);
        }
    }
    draft
}

fn head(part: &Part<'_>, draft: &Draft) -> Map<String, Json> {
    let (class, activity) = (draft.class, &draft.activity);
    let (severity_id, severity) = severity(draft.severity);
    let head = json!({
        "class_uid": class.uid,
        "class_name": class.name,
        "category_uid": class.uid / 1_000,
        "category_name": class.category,
        "activity_id": activity.id,
        "activity_name": activity.name,
        "type_uid": class.uid * 100 + activity.id,
        "type_name": format!("{}: {}", class.name, activity.name),
        "severity_id": severity_id,
        "severity": severity,
        "time": millis(part.time()),
    });
    match head {
        Json::Object(head) => head,
        _ => Map::new(),
    }
}

fn metadata(part: &Part<'_>, draft: &Draft) -> Json {
    let told = part.told;
    let mut metadata = Map::new();
    let mut set = |name: &str, value: Option<Json>| {
        metadata.extend(value.map(|value| (name.to_owned(), value)));
    };
    let product = json!({"name": PRODUCT, "vendor_name": PRODUCT, "version": told.version});
    let sender = told.origin.and_then(|origin| origin.webhook_id);
    set("version", Some(json!(VERSION)));
    set("product", Some(product));
    set("uid", part.uid().map(Json::from));
    set(
        "correlation_uid",
        part.number.and(part.event_uid()).map(Json::from),
    );
    set("sequence", part.number.map(Json::from));
    set("original_event_uid", sender.map(Json::from));
    set("event_code", some(told.subject).map(Json::from));
    set("tenant_uid", part.company_uid().map(Json::from));
    set("log_provider", told.source.map(Json::from));
    set("logged_time", Some(json!(millis(told.received_at))));
    set("original_time", part.original_time.map(Json::from));
    set("profiles", draft.on_host.then(|| json!(["host"])));
    Json::Object(metadata)
}

/// The fields that the class has no place for, under their own names, and what is to be said of the reading.
fn unmapped(
    part: &Part<'_>,
    left: &Fields<'_>,
    message_sha256: Option<String>,
) -> Map<String, Json> {
    /// Under it stands what is no field.
    const OURS: &str = "alertwire";
    let mut unmapped: Map<String, Json> = left
        .left()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let mut ours = Map::new();
    ours.extend(part.told.code.map(|code| ("kind".to_owned(), json!(code))));
    ours.extend(
        part.told
            .category
            .map(|category| ("category".to_owned(), json!(category))),
    );
    ours.extend(message_sha256.map(|hash| ("message_sha256".to_owned(), json!(hash))));
    ours.extend(
        part.marks
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    if !part.doubts.is_empty() {
        let doubts = part.doubts.iter();
        let doubts = doubts.map(|doubt| json!({"field": doubt.field, "readings": doubt.readings}));
        ours.insert("ambiguous".into(), doubts.collect());
    }
    if let Some(field) = unmapped.remove(OURS) {
        unmapped.insert(format!("{OURS}_"), field);
    }
    unmapped.insert(OURS.to_owned(), Json::Object(ours));
    unmapped
}

/// A device of unknown type; none when nothing of it is known.
fn device(part: &Part<'_>, host: &Host<'_>, port: Option<(u16, Option<&str>)>) -> Option<Json> {
    if !host.is_known() {
        return None;
    }
    let mut device = json!({"type_id": 0, "type": "Unknown"});
    let mut interface = json!({"type_id": 0, "type": "Unknown"});
    if let Some(ip) = host.ip {
        device["ip"] = json!(ip);
        interface["ip"] = json!(ip);
    }
    if let Some(hostname) = host.hostname {
        device["hostname"] = json!(hostname);
        device["name"] = json!(hostname);
        interface["hostname"] = json!(hostname);
    }
    if let Some(mac) = host.mac {
        device["mac"] = json!(mac);
        interface["mac"] = json!(mac);
    }
    if let Some((port, protocol)) = port {
        let mut open = json!({"port": port});
        if let Some(protocol) = protocol {
            open["protocol_name"] = json!(protocol);
        }
        interface["open_ports"] = json!([open]);
    }
    device["network_interfaces"] = json!([interface]);
    if let Some(company) = part.company {
        device["org"] = json!({"name": company});
    }
    Some(device)
}

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn sha256(value: &str) -> Json {
    json!({"algorithm_id": 3, "algorithm": "SHA-256", "value": value})
}

/// As OCSF counts time: milliseconds since 1970, also before.
fn millis(time: Timestamp) -> i64 {
    time.micros().div_euclid(1_000)
}

/// `policy-changed` as a caption: `Policy Changed`.
fn title(action: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(char::to_uppercase);
        first
            .into_iter()
            .flatten()
            .chain(letters)
            .collect::<String>()
    };
    action.split('-').map(word).collect::<Vec<_>>().join(" ")
}
