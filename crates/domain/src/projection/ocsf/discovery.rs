//! What a scan found there to be: *Device Inventory Info*. An open port is a state of a device, not a flow.

use super::{Activity, Class, Draft, millis};
use crate::projection::fields::{Fields, Host};
use crate::projection::part::Part;

const INVENTORY: Class = Class {
    uid: 5001,
    name: "Device Inventory Info",
    category: "Discovery",
};

pub(super) fn asset(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let mut draft = Draft::new(part, INVENTORY, activity(part));
    if !draft.device(part, &Host::take(fields), None) {
        return None;
    }
    draft.attributes["device"]["first_seen_time"] = millis(part.time()).into();
    Some(draft)
}

pub(super) fn port(part: &Part<'_>, fields: &mut Fields<'_>) -> Option<Draft> {
    let mut draft = Draft::new(part, INVENTORY, activity(part));
    let host = Host::take_scanned(fields);
    let port = fields
        .port("port")
        .map(|port| (port, fields.text("protocol")));
    draft.device(part, &host, port).then_some(draft)
}

/// The sender collected it; what another instance passed on is a log of that.
fn activity(part: &Part<'_>) -> Activity {
    if part.told.relayed {
        Activity::of(1, "Log")
    } else {
        Activity::of(2, "Collect")
    }
}
