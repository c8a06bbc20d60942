//! The set-up of an integration, tried step by step: what a person reads who has to find out why it does not work.

use std::time::Duration;

use bytes::Bytes;
use delivery::{Cause, HoldReason, Outcome};
use domain::{Clock, DeliveryId, Timestamp};
use egress::{Shown, Target};
use serde::Serialize;
use tokio::time::Instant;

use crate::outcome;
use crate::ready::NotReady;
use crate::record::{Exchanged, Outgoing, Sent};
use crate::webhook::{LoginFault, Stage, Webhook};

/// The subject of a test alert.
pub const TEST_SUBJECT: &str = "Alertwire Test";
/// The value of its `alertwire-event`.
pub const TEST_EVENT: &str = "test";
/// Most steps of one check: `url`, two of certificates, four of each connection, `login`, `token`, `test_alert`, `status`.
pub const MOST_STEPS: usize = 15;
/// A certificate that ends sooner is warned of.
const ENDS_SOON: Duration = Duration::from_secs(30 * 24 * 3_600);
const TEST_BODY: &str =
    "This is a test alert of Alertwire. It was sent to check the set-up; nothing has happened.";

/// One step, as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// `url`, `ca`, `client_certificate`, `dns`, `policy`, `tcp`, `tls`, the last four with `login_` before them, `login`,
    /// `token`, `test_alert`, `status`. A step that there is nothing to do for is not told.
    pub name: &'static str,
    pub ok: bool,
    /// It is good, and should be looked at all the same.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warning: bool,
    pub detail: String,
    pub millis: f64,
    /// Of a step that is not good: the class of what went wrong, the same words that deliveries have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
}

impl Step {
    fn good(name: &'static str, detail: impl Into<String>, millis: f64) -> Self {
        Self {
            name,
            ok: true,
            warning: false,
            detail: detail.into(),
            // Microseconds are more than enough.
            millis: (millis * 1_000.0).round() / 1_000.0,
            cause: None,
            remedy: None,
        }
    }

    fn bad(name: &'static str, detail: impl Into<String>, millis: f64, cause: &Cause) -> Self {
        Self {
            ok: false,
            cause: Some(cause.class()),
            remedy: Some(cause.remedy()),
            ..Self::good(name, detail, millis)
        }
    }

    /// Stored credentials that nothing can be tried with.
    #[must_use]
    pub fn not_ready(error: &NotReady) -> Self {
        let reason = error.reason();
        Self {
            ok: false,
            cause: Some(reason.as_str()),
            remedy: Some(reason.remedy()),
            ..Self::good("credentials", error.to_string(), 0.0)
        }
    }
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

/// Certificates, connection to the webhook, connection to the login, login, test alert. `told` hears of each step as it ends.
pub(crate) async fn webhook(
    webhook: &Webhook,
    test: &Outgoing,
    clock: &Clock,
    told: &mut (dyn FnMut(&Step) + Send),
) -> CheckReport {
    let mut steps = Steps {
        list: Vec::new(),
        told,
    };
    steps.push(Step::good("url", webhook.target().origin(), 0.0));
    if let Some(identity) = webhook.identity() {
        steps.certificates("ca", identity.authorities(), clock.stamp());
        steps.certificates("client_certificate", identity.client(), clock.stamp());
    }
    if let Some(outcome) = probe(webhook, webhook.target(), false, &mut steps).await {
        return steps.report(outcome, None);
    }
    if let Some(login) = webhook.login() {
        if let Some(outcome) = probe(webhook, &login.target, true, &mut steps).await {
            return steps.report(outcome, None);
        }
        let begun = Instant::now();
        let answer = webhook.log_in_anew(clock, test.timeout).await;
        if let Some(outcome) = steps.login(answer.err(), millis(begun)) {
            return steps.report(outcome, None);
        }
    }
    let sent = webhook.send(test, clock).await;
    steps.test(&sent);
    steps.report(sent.outcome, Some(sent.record))
}

/// The steps of a connection; an outcome when one of them was not good.
async fn probe(
    webhook: &Webhook,
    target: &Target,
    is_login: bool,
    steps: &mut Steps<'_>,
) -> Option<Outcome> {
    let mut fault = None;
    let mut note = |found: &egress::Step| {
        let name = match is_login {
            true => login_step(found.name),
            false => found.name,
        };
        let detail = found.detail.clone();
        steps.push(match found.cause {
            None => Step::good(name, detail, found.millis),
            Some(cause) => {
                let cause = outcome::cause(cause, &found.detail);
                let step = Step::bad(name, detail, found.millis, &cause);
                fault = Some(cause);
                step
            }
        });
    };
    webhook.egress().probe(target, &mut note).await;
    fault.map(|cause| outcome::of_step(cause, is_login))
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

/// The steps so far, each told as it comes.
struct Steps<'a> {
    list: Vec<Step>,
    told: &'a mut (dyn FnMut(&Step) + Send),
}

impl Steps<'_> {
    fn push(&mut self, step: Step) {
        (self.told)(&step);
        self.list.push(step);
    }

    /// A certificate that has ended is no fault of ours to call: the receiver may take it. So it is a warning.
    fn certificates<'c>(
        &mut self,
        name: &'static str,
        certificates: impl IntoIterator<Item = &'c Shown>,
        now: Timestamp,
    ) {
        let first = certificates
            .into_iter()
            .min_by_key(|certificate| certificate.ends);
        let Some(Shown { subject, ends }) = first else {
            return;
        };
        let ends = Timestamp::from_micros(0).after(*ends);
        let (warning, detail) = if ends <= now {
            (true, format!("{subject} has expired on {ends}"))
        } else {
            let soon = ends.since(now) < ENDS_SOON;
            (soon, format!("{subject}, good until {ends}"))
        };
        self.push(Step {
            warning,
            ..Step::good(name, detail, 0.0)
        });
    }

    fn login(&mut self, fault: Option<LoginFault>, millis: f64) -> Option<Outcome> {
        let Some(fault) = fault else {
            self.push(Step::good("login", "accepted", millis));
            self.push(Step::good("token", "received", 0.0));
            return None;
        };
        let name = match fault.stage {
            Stage::Login => "login",
            Stage::Token => {
                self.push(Step::good("login", "accepted", millis));
                "token"
            }
        };
        self.push(Step::bad(name, fault.detail.clone(), millis, &fault.cause));
        Some(outcome::of_login(&fault))
    }

    fn test(&mut self, sent: &Sent) {
        let record = &sent.record;
        let millis = record.duration.as_secs_f64() * 1_000.0;
        let cause = match &sent.outcome {
            Outcome::Failed { cause, .. } => Some(cause.clone()),
            Outcome::Held(HoldReason::BlockedAddress) => Some(Cause::Blocked),
            Outcome::Held(_) => Some(Cause::Login(String::new())),
            Outcome::Delivered { .. } => None,
        };
        match (record.status_code, cause) {
            (Some(status), None) => {
                self.push(Step::good("test_alert", "sent and answered", millis));
                self.push(Step::good("status", format!("status {status}"), 0.0));
            }
            (Some(status), Some(cause)) => {
                self.push(Step::good("test_alert", "sent and answered", millis));
                let detail = format!("status {status}; only 2xx counts as received");
                self.push(Step::bad("status", detail, 0.0, &cause));
            }
            (None, cause) => {
                let detail = record.detail.as_deref().unwrap_or("no answer");
                let cause = cause.unwrap_or(Cause::Reset);
                self.push(Step::bad("test_alert", detail, millis, &cause));
            }
        }
    }

    fn report(self, outcome: Outcome, exchanged: Option<Exchanged>) -> CheckReport {
        CheckReport {
            ok: self.list.iter().all(|step| step.ok),
            steps: self.list,
            outcome,
            exchanged,
        }
    }
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}
