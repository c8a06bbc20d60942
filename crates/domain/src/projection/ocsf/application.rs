//! What went wrong with the programs of the sender: *Application Error*, with the machine by the host profile.

use super::{Activity, Class, Draft};
use crate::projection::fields::{Fields, Host};
use crate::projection::part::Part;

const APPLICATION_ERROR: Class = Class {
    uid: 6008,
    name: "Application Error",
    category: "Application Activity",
};

/// Work that ended badly.
pub(super) fn job(part: &Part<'_>, fields: &mut Fields<'_>) -> Draft {
    let mut draft = error(part, fields);
    if part.action().ends_with("failed") {
        draft.status(2, "Failure");
    }
    if let Some(detail) = fields.text("error").or_else(|| fields.text("description")) {
        draft.set("status_detail", detail);
    }
    draft
}

/// A probe or an agent that no longer answers. Whether it was stopped nobody knows, so it is no *Application Lifecycle*.
pub(super) fn agent(part: &Part<'_>, fields: &mut Fields<'_>) -> Draft {
    error(part, fields)
}

fn error(part: &Part<'_>, fields: &mut Fields<'_>) -> Draft {
    let mut draft = Draft::new(part, APPLICATION_ERROR, Activity::of(1, "General Error"));
    draft.on_host = draft.device(part, &Host::take(fields), None);
    draft
}
