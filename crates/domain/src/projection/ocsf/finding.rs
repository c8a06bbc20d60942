//! What is wrong with a machine: *Vulnerability Finding* for what a list of vulnerabilities knows, *Compliance Finding* for the rest.

use serde_json::{Map, Value as Json, json};

use super::{Activity, Class, Draft, Observable, millis};
use crate::projection::ecs::is_exploited;
use crate::projection::fields::{Fields, Host, is_cve};
use crate::projection::part::Part;

const VULNERABILITY: Class = Class {
    uid: 2002,
    name: "Vulnerability Finding",
    category: "Findings",
};

const COMPLIANCE: Class = Class {
    uid: 2003,
    name: "Compliance Finding",
    category: "Findings",
};

/// The schema wants just one of CVE, advisory and CWE; without an id there is no vulnerability to tell of.
pub(super) fn vulnerability(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let id = fields.text("vul_id")?;
    let mut draft = Draft::new(part, VULNERABILITY, Activity::of(1, "Create"));
    draft.status(1, "New");
    let mut listed = json!({"uid": id});
    if let Some(product) = fields.text("product") {
        listed["product"] = json!({"name": product});
    }
    let list = if is_cve(id) { "cve" } else { "advisory" };
    if is_cve(id) {
        draft.observe("vulnerabilities[0].cve.uid", Observable::Cve, id);
        if let Some(epss) = fields.take("epss") {
            listed["epss"] = json!({"score": epss.to_text()});
        }
    }
    let mut vulnerability = json!({list: listed});
    if let Some(severity) = part.said_severity {
        vulnerability["severity"] = json!(severity.as_str());
        fields.take("severity");
    }
    if is_exploited(part.action()) {
        vulnerability["is_exploit_available"] = json!(true);
        let mut known = json!({"kev": true});
        if let Some(due) = fields.text("date") {
            known["due_date"] = json!(due);
        }
        let name = format!("vulnerabilities[0].{list}.uid");
        draft.set(
            "enrichments",
            json!([{"name": name, "value": id, "type": "kev", "provider": "CISA", "data": known}]),
        );
    }
    draft.set("vulnerabilities", json!([vulnerability]));
    finding(&mut draft, part, fields, part.told.subject, None);
    Some(draft)
}

/// A setting that is not as it should be.
pub(super) fn problem(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let problem = fields.text("problem")?;
    let mut draft = Draft::new(part, COMPLIANCE, Activity::of(1, "Create"));
    draft.status(1, "New");
    draft.set(
        "compliance",
        json!({"control": problem, "status_id": 3, "status": "Fail"}),
    );
    finding(&mut draft, part, fields, problem, None);
    Some(draft)
}

/// What mends a product of a machine: found, waiting, done.
pub(super) fn solution(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let fix = fields.text("fix")?;
    let done = part.action() == "solution-remediated";
    let (activity, compliance) = if done {
        (Activity::of(3, "Close"), (1, "Pass"))
    } else {
        (Activity::of(1, "Create"), (3, "Fail"))
    };
    let mut draft = Draft::new(part, COMPLIANCE, activity);
    if done {
        draft.status(4, "Resolved");
    } else {
        draft.status(1, "New");
    }
    let (status_id, status) = compliance;
    draft.set(
        "compliance",
        json!({"control": fix, "status_id": status_id, "status": status}),
    );
    draft.set("remediation", json!({"desc": fix}));
    let product = fields.text("product").map(|product| (product, "Software"));
    finding(&mut draft, part, fields, part.told.subject, product);
    Some(draft)
}

/// A certificate that runs out. OCSF's certificate wants a serial number, which no alert says, so it is a resource by its name.
pub(super) fn certificate(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let name = fields.text("common_name")?;
    let mut draft = Draft::new(part, COMPLIANCE, Activity::of(1, "Create"));
    draft.status(1, "New");
    let control = part.told.kind.map_or(part.told.subject, |kind| &kind.name);
    draft.set(
        "compliance",
        json!({"control": control, "status_id": 99, "status": "Expiring"}),
    );
    finding(
        &mut draft,
        part,
        fields,
        part.told.subject,
        Some((name, "Certificate")),
    );
    Some(draft)
}

/// What all findings have: what it is, the machine, and what of the machine it is about.
fn finding(
    draft: &mut Draft,
    part: &Part<'_>,
    fields: &mut Fields<'_>,
    title: &str,
    about: Option<(&str, &str)>,
) {
    draft.set(
        "finding_info",
        json!({"uid": part.fingerprint, "title": title, "first_seen_time": millis(part.time())}),
    );
    let host = Host::take(fields);
    let mut resources = Vec::new();
    if let Some((name, sort)) = about {
        resources.push(json!({"name": name, "type": sort}));
    }
    if draft.device(part, &host, None) {
        resources.push(machine(&host));
    }
    if !resources.is_empty() {
        draft.set("resources", resources);
    }
}

fn machine(host: &Host<'_>) -> Json {
    let mut machine = Map::new();
    if let Some(name) = host
        .hostname
        .map(str::to_owned)
        .or_else(|| host.ip.map(|ip| ip.to_string()))
    {
        machine.insert("name".into(), json!(name));
    }
    machine.extend(
        host.hostname
            .map(|hostname| ("hostname".to_owned(), json!(hostname))),
    );
    machine.extend(host.ip.map(|ip| ("ip".to_owned(), json!(ip))));
    machine.insert("type".into(), json!("Device"));
    Json::Object(machine)
}
