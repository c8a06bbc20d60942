//! The set-up of an integration, tried step by step: what a person reads who has to find out why it does not work.

use std::time::Duration;

use bytes::Bytes;
use delivery::Outcome;
use domain::{Clock, DeliveryId};
use egress::Target;
use serde::Serialize;
use tokio::time::Instant;

use crate::outcome;
use crate::record::{Exchanged, Outgoing};
use crate::webhook::{LoginFault, Stage, Webhook};

/// The subject of a test alert.
pub const TEST_SUBJECT: &str = "Alertwire Test";
/// The value of its `alertwire-event`.
pub const TEST_EVENT: &str = "test";
const TEST_BODY: &str =
    "This is a test alert of Alertwire. It was sent to check the set-up; nothing has happened.";

/// One step, as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// `url`, `dns`, `policy`, `tcp`, `tls`, the same with `login_` before them, `login`, `token`, `test_alert`, `status`.
    pub name: &'static str,
    pub ok: bool,
    pub detail: String,
    pub millis: f64,
}

/// All steps up to the first that is not good.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    pub ok: bool,
    pub steps: Vec<Step>,
    /// What a delivery would have come to; its cause has the remedy.
    #[serde(skip)]
    pub outcome: Outcome,
    /// The exchange of the test alert, when it came to that.
    #[serde(skip)]
    pub exchanged: Option<Exchanged>,
}

/// The marked test alert; `headers` are further ones, `alertwire-via` above all.
#[must_use]
pub fn test_alert(id: DeliveryId, headers: Vec<(String, String)>, timeout: Duration) -> Outgoing {
    #[derive(Serialize)]
    struct Alert {
        subject: &'static str,
        body: &'static str,
    }
    let alert = Alert {
        subject: TEST_SUBJECT,
        body: TEST_BODY,
    };
    let body = serde_json::to_vec(&alert).expect("two strings are always JSON");
    let mut headers = headers;
    headers.retain(|(name, _)| name != "alertwire-event");
    headers.push(("alertwire-event".to_owned(), TEST_EVENT.to_owned()));
    Outgoing {
        delivery: id,
        attempt: 1,
        body: Bytes::from(body),
        headers,
        timeout,
    }
}

/// Connection to the webhook, connection to the login, login, test alert.
pub(crate) async fn webhook(webhook: &Webhook, test: &Outgoing, clock: &Clock) -> CheckReport {
    let mut steps = vec![Step {
        name: "url",
        ok: true,
        detail: webhook.target().origin().to_owned(),
        millis: 0.0,
    }];
    if let Some(outcome) = probe(webhook, webhook.target(), false, &mut steps).await {
        return report(steps, outcome, None);
    }
    if let Some(login) = webhook.login() {
        if let Some(outcome) = probe(webhook, &login.target, true, &mut steps).await {
            return report(steps, outcome, None);
        }
        let begun = Instant::now();
        let answer = webhook.log_in_anew(clock, test.timeout).await;
        if let Some(outcome) = note_login(&mut steps, answer.err(), millis(begun)) {
            return report(steps, outcome, None);
        }
    }
    let sent = webhook.send(test, clock).await;
    note_test(&mut steps, &sent.record);
    report(steps, sent.outcome, Some(sent.record))
}

/// The steps of a connection; an outcome when one of them was not good.
async fn probe(
    webhook: &Webhook,
    target: &Target,
    is_login: bool,
    steps: &mut Vec<Step>,
) -> Option<Outcome> {
    let found = webhook.egress().probe(target).await;
    let fault = found
        .last()
        .filter(|step| !step.ok)
        .map(|step| outcome::of_step(step, is_login));
    steps.extend(found.into_iter().map(|step| Step {
        name: if is_login {
            login_step(step.name)
        } else {
            step.name
        },
        ok: step.ok,
        detail: step.detail,
        millis: step.millis,
    }));
    fault
}

fn login_step(name: &'static str) -> &'static str {
    match name {
        "dns" => "login_dns",
        "policy" => "login_policy",
        "tcp" => "login_tcp",
        "tls" => "login_tls",
        other => other,
    }
}

fn note_login(steps: &mut Vec<Step>, fault: Option<LoginFault>, millis: f64) -> Option<Outcome> {
    let good = |name, detail: &str, millis| Step {
        name,
        ok: true,
        detail: detail.to_owned(),
        millis,
    };
    let Some(fault) = fault else {
        steps.push(good("login", "accepted", millis));
        steps.push(good("token", "received", 0.0));
        return None;
    };
    let outcome = outcome::of_login(&fault);
    let name = match fault.stage {
        Stage::Login => "login",
        Stage::Token => {
            steps.push(good("login", "accepted", millis));
            "token"
        }
    };
    steps.push(Step {
        name,
        ok: false,
        detail: fault.detail,
        millis,
    });
    Some(outcome)
}

fn note_test(steps: &mut Vec<Step>, record: &Exchanged) {
    let millis = record.duration.as_secs_f64() * 1_000.0;
    let Some(status) = record.status_code else {
        let detail = record
            .detail
            .clone()
            .unwrap_or_else(|| "no answer".to_owned());
        steps.push(Step {
            name: "test_alert",
            ok: false,
            detail,
            millis,
        });
        return;
    };
    steps.push(Step {
        name: "test_alert",
        ok: true,
        detail: "sent and answered".to_owned(),
        millis,
    });
    let ok = (200..300).contains(&status);
    let detail = if ok {
        format!("status {status}")
    } else {
        format!("status {status}; only 2xx counts as received")
    };
    steps.push(Step {
        name: "status",
        ok,
        detail,
        millis: 0.0,
    });
}

fn report(steps: Vec<Step>, outcome: Outcome, exchanged: Option<Exchanged>) -> CheckReport {
    CheckReport {
        ok: steps.iter().all(|step| step.ok),
        steps,
        outcome,
        exchanged,
    }
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}
