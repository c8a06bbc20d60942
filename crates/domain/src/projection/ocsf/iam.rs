//! Who came in and who changed what: *Identity & Access Management*.

use serde_json::json;

use super::{Activity, Class, Draft, Observable};
use crate::Severity;
use crate::projection::fields::Fields;
use crate::projection::part::Part;

const fn class(uid: u32, name: &'static str) -> Class {
    Class {
        uid,
        name,
        category: "Identity & Access Management",
    }
}

const ACCOUNT_CHANGE: Class = class(3001, "Account Change");
const AUTHENTICATION: Class = class(3002, "Authentication");
const ENTITY: Class = class(3004, "Entity Management");
const USER_ACCESS: Class = class(3005, "User Access Management");
const GROUP: Class = class(3006, "Group Management");

/// What is done to an account, with OCSF's numbers.
const ACCOUNT_CHANGES: [(&str, u32, &str); 10] = [
    ("user-created", 1, "Create"),
    ("user-enabled", 2, "Enable"),
    ("password-changed", 3, "Password Change"),
    ("password-reset", 4, "Password Reset"),
    ("user-disabled", 5, "Disable"),
    ("user-deleted", 6, "Delete"),
    ("user-locked", 9, "Lock"),
    ("mfa-enabled", 10, "MFA Factor Enable"),
    ("mfa-disabled", 11, "MFA Factor Disable"),
    ("user-unlocked", 12, "Unlock"),
];

pub(super) fn login(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let mut draft = authentication(part, fields, Activity::of(1, "Logon"))?;
    match part.action() {
        "login-success" => draft.status(1, "Success"),
        "login-failure" => {
            draft.status(2, "Failure");
            // One failed login alone is of low severity in OCSF, unless somebody said how grave it is.
            if part.is_default_severity() {
                draft.severity = Severity::Low;
            }
        }
        _ => draft.status(0, "Unknown"),
    }
    Some(draft)
}

/// A session that was left or taken up again has neither been ended nor begun, so its activity is told by its name.
pub(super) fn session(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let activity = match part.action() {
        "session-started" => Activity::of(1, "Logon"),
        "session-ended" => Activity::of(2, "Logoff"),
        action => Activity::other(action),
    };
    authentication(part, fields, activity)
}

fn authentication(part: &Part<'_>, fields: &mut Fields<'_>, activity: Activity) -> Option<Draft> {
    let (user, service) = (fields.text("user")?, fields.text("service")?);
    let mut draft = Draft::new(part, AUTHENTICATION, activity);
    draft.set("user", json!({"name": user}));
    draft.observe("user.name", Observable::User, user);
    source(&mut draft, fields);
    draft.set("service", json!({"name": service}));
    draft.set("dst_endpoint", json!({"svc_name": service}));
    Some(draft)
}

pub(super) fn account(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    match part.action() {
        action @ ("group-member-added" | "group-member-removed") => {
            let activity = match action {
                "group-member-added" => Activity::of(3, "Add User"),
                _ => Activity::of(4, "Remove User"),
            };
            let group = fields.text("group")?;
            let mut draft = Draft::new(part, GROUP, activity);
            draft.set("group", json!({"name": group}));
            if let Some(target) = fields.text("target") {
                changed_user(&mut draft, target);
            }
            actor(&mut draft, fields);
            Some(draft)
        }
        action @ ("role-member-added" | "role-member-removed") => {
            let activity = match action {
                "role-member-added" => Activity::of(1, "Assign Privileges"),
                _ => Activity::of(2, "Revoke Privileges"),
            };
            let (target, role) = (fields.text("target")?, fields.text("role")?);
            let mut draft = Draft::new(part, USER_ACCESS, activity);
            changed_user(&mut draft, target);
            draft.set("privileges", json!([role]));
            actor(&mut draft, fields);
            Some(draft)
        }
        action => account_change(part, fields, action),
    }
}

fn account_change(part: &Part<'_>, fields: &mut Fields<'_>, action: &str) -> Option<Draft> {
    let known = ACCOUNT_CHANGES.iter().find(|(name, _, _)| *name == action);
    let activity = known.map_or_else(
        || Activity::other(action),
        |(_, id, name)| Activity::of(*id, name),
    );
    let mut draft = Draft::new(part, ACCOUNT_CHANGE, activity);
    // Where one user is named alone, it is the one whose account changed.
    let target = fields.text("target").or_else(|| fields.text("user"))?;
    changed_user(&mut draft, target);
    actor(&mut draft, fields);
    Some(draft)
}

/// A change of something that is no account.
pub(super) fn audit(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    /// The field that names it, its type, OCSF's number of that, and its attribute.
    const ENTITIES: [(&str, &str, u32, &str); 4] = [
        ("object", "Object", 99, ""),
        ("app", "Application", 99, ""),
        ("policy", "Policy", 5, "policy"),
        ("group", "Group", 3, "group"),
    ];
    let action = part.action();
    if let ("group-created" | "group-deleted", Some(group)) = (action, fields.text("group")) {
        let activity = match action {
            "group-deleted" => Activity::of(5, "Delete"),
            _ => Activity::of(6, "Create"),
        };
        let mut draft = Draft::new(part, GROUP, activity);
        draft.set("group", json!({"name": group}));
        actor(&mut draft, fields);
        return Some(draft);
    }
    let (name, sort) = ENTITIES
        .iter()
        .find_map(|sort| Some((fields.text(sort.0)?, sort)))?;
    let (_, caption, type_id, attribute) = *sort;
    let mut entity = json!({"name": name, "type_id": type_id, "type": caption});
    if !attribute.is_empty() {
        entity[attribute] = json!({"name": name});
    }
    let mut draft = Draft::new(part, ENTITY, entity_activity(action));
    draft.set("entity", entity);
    actor(&mut draft, fields);
    Some(draft)
}

/// A company is an organisation that somebody made.
pub(super) fn company(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let name = part.said_company?;
    fields.take("company");
    let mut draft = Draft::new(part, ENTITY, entity_activity(part.action()));
    draft.set(
        "entity",
        json!({"name": name, "type_id": 4, "type": "Organization", "org": {"name": name}}),
    );
    Some(draft)
}

fn entity_activity(action: &str) -> Activity {
    match action.rsplit('-').next() {
        Some("created" | "added") => Activity::of(1, "Create"),
        Some("changed" | "modified" | "updated") => Activity::of(3, "Update"),
        Some("deleted" | "removed") => Activity::of(4, "Delete"),
        _ => Activity::other(action),
    }
}

fn changed_user(draft: &mut Draft, name: &str) {
    draft.set("user", json!({"name": name}));
    draft.observe("user.name", Observable::User, name);
}

/// Who did it, and from where.
fn actor(draft: &mut Draft, fields: &mut Fields<'_>) {
    if let Some(user) = fields.text("user") {
        draft.set("actor", json!({"user": {"name": user}}));
        draft.observe("actor.user.name", Observable::User, user);
    }
    source(draft, fields);
}

fn source(draft: &mut Draft, fields: &mut Fields<'_>) {
    if let Some(ip) = fields.ip("ip") {
        draft.set("src_endpoint", json!({"ip": ip}));
        draft.observe("src_endpoint.ip", Observable::Address, ip);
    }
}
