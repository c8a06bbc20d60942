//! What the schemas demand of a document, as far as it can be said in a table.

use alertwire_domain::projection::Document;
use serde_json::Value;

use super::read_back;

/// What OCSF 1.8 requires of each class beside the base event, as JSON pointers.
const REQUIRED: [(u64, &[&str]); 10] = [
    (0, &[]),
    (2002, &["/finding_info/uid", "/vulnerabilities/0"]),
    (2003, &["/finding_info/uid", "/compliance"]),
    (3001, &["/user/name"]),
    (3002, &["/user/name", "/service/name"]),
    (3004, &["/entity/name"]),
    (3005, &["/user/name", "/privileges/0"]),
    (3006, &["/group/name"]),
    (5001, &["/device/type_id"]),
    (6008, &[]),
];
const BASE: [&str; 9] = [
    "/activity_id",
    "/category_uid",
    "/class_uid",
    "/type_uid",
    "/severity_id",
    "/time",
    "/metadata/version",
    "/metadata/product/name",
    "/metadata/product/vendor_name",
];
/// The values that ECS allows, as far as they are used.
const KINDS: [&str; 3] = ["alert", "event", "state"];
const CATEGORIES: [&str; 8] = [
    "authentication",
    "configuration",
    "host",
    "iam",
    "network",
    "package",
    "session",
    "vulnerability",
];
const TYPES: [&str; 10] = [
    "admin", "change", "creation", "deletion", "end", "error", "group", "info", "start", "user",
];

pub fn check(document: &Document) {
    match document {
        Document::Object(object) if object.get("class_uid").is_some() => ocsf(object),
        Document::Object(object) => ecs(object),
        Document::Line(line) => {
            assert!(!line.contains(['\n', '\r']), "{line:?}");
            let (_, keys) = read_back::line(line);
            for (index, (key, _)) in keys.iter().enumerate() {
                let before = keys[..index].iter().any(|(other, _)| other == key);
                assert!(!before, "{key} twice: {line}");
            }
        }
    }
}

fn ocsf(object: &Value) {
    let has = |pointer: &str| {
        object
            .pointer(pointer)
            .is_some_and(|value| !value.is_null())
    };
    let number = |name: &str| object[name].as_u64().unwrap();
    let class = number("class_uid");
    let required = REQUIRED.iter().find(|(uid, _)| *uid == class);
    let required = required.expect("a class of the table").1;
    for pointer in BASE.iter().chain(required) {
        assert!(has(pointer), "{pointer} of {object:#}");
    }
    assert_eq!(number("category_uid"), class / 1_000);
    assert_eq!(number("type_uid"), class * 100 + number("activity_id"));
    if number("activity_id") == 99 {
        assert!(!object["activity_name"].as_str().unwrap().is_empty());
    }
    for vulnerability in object["vulnerabilities"].as_array().into_iter().flatten() {
        let lists = ["cve", "advisory", "cwe"].into_iter();
        let named = lists.filter(|list| vulnerability[*list]["uid"].is_string());
        assert_eq!(named.count(), 1, "{object:#}");
    }
    if let Some(device) = object.get("device") {
        let mut names = ["ip", "hostname", "mac"].into_iter();
        assert!(names.any(|name| device[name].is_string()), "{object:#}");
        let by_profile = object["metadata"]["profiles"] == serde_json::json!(["host"]);
        assert!(
            [2002, 2003, 5001].contains(&class) || by_profile,
            "{object:#}"
        );
    }
    for observable in object["observables"].as_array().into_iter().flatten() {
        let whole = observable["name"].is_string() && observable["type_id"].is_u64();
        assert!(whole, "{object:#}");
    }
}

fn ecs(object: &Value) {
    for pointer in [
        "/@timestamp",
        "/ecs/version",
        "/message",
        "/event/original",
        "/event/hash",
    ] {
        assert!(object.pointer(pointer).is_some(), "{pointer} of {object:#}");
    }
    let event = &object["event"];
    let allows = |allowed: &[&str], value: &Value| allowed.contains(&value.as_str().unwrap());
    assert!(allows(&KINDS, &event["kind"]), "{object:#}");
    for (name, allowed) in [("category", &CATEGORIES[..]), ("type", &TYPES[..])] {
        for value in event[name].as_array().into_iter().flatten() {
            assert!(allows(allowed, value), "{value} of {object:#}");
        }
    }
    for (name, label) in object["labels"].as_object().into_iter().flatten() {
        let texts = label
            .as_array()
            .is_some_and(|all| all.iter().all(Value::is_string));
        assert!(label.is_string() || texts, "{name} of {object:#}");
    }
    for ip in object["related"]["ip"].as_array().into_iter().flatten() {
        let address = ip.as_str().unwrap().parse::<std::net::IpAddr>();
        assert!(address.is_ok(), "{object:#}");
    }
}
