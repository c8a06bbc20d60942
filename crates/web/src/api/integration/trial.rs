//! A try of an integration's set-up with a marked test alert, for create, check and finish.

use connectors::{CheckReport, NotReady, Ready, Step, test_alert};
use delivery::Outcome;
use domain::access::Actor;
use domain::alert::VIA_HEADER;
use domain::integration::Integration;
use domain::{DeliveryId, IntegrationId};
use serde_json::Value;
use store::Change;

use super::progress::Listener;
use crate::App;
use crate::problem::Problem;
use crate::read::Caller;

/// What a try came to.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) ok: bool,
    pub(super) steps: Vec<Step>,
    outcome: Option<Outcome>,
}

impl Trial {
    /// Tries the stored set-up, secrets and all.
    pub(super) async fn run(
        app: &App,
        integration: &Integration,
        listener: &Listener,
    ) -> Result<Self, Problem> {
        let secrets = app.store().secrets(integration.id).await?;
        let ready = match Ready::new(integration, &secrets, app.egress().clone()) {
            Ok(ready) => ready,
            Err(error) => return Ok(Self::not_ready(&error, listener)),
        };
        let headers = vec![(VIA_HEADER.to_owned(), app.store().instance().to_owned())];
        let test = test_alert(
            app.fresh(DeliveryId::new),
            headers,
            integration.delivery.timeout,
        );
        let mut told = |step: &Step| listener.tell(step);
        Ok(ready.check(&test, app.clock(), &mut told).await.into())
    }

    fn not_ready(error: &NotReady, listener: &Listener) -> Self {
        let step = Step::not_ready(error);
        listener.tell(&step);
        Self {
            ok: false,
            steps: vec![step],
            outcome: Some(Outcome::Held(error.reason())),
        }
    }

    /// As the API shows it.
    pub(crate) fn report(&self) -> Value {
        serde_json::json!({"ok": self.ok, "steps": self.steps})
    }

    /// The class of what went wrong, the same words that deliveries have.
    pub(super) fn cause(&self) -> &'static str {
        match &self.outcome {
            Some(Outcome::Failed { cause, .. }) => cause.class(),
            Some(Outcome::Held(reason)) => reason.as_str(),
            Some(Outcome::Delivered { .. }) | None => "none",
        }
    }

    /// What to do about the first step that was not good.
    pub(super) fn remedy(&self) -> &'static str {
        let bad = self.steps.iter().find(|step| !step.ok);
        bad.and_then(|step| step.remedy).unwrap_or_default()
    }

    /// What the first step that was not good says.
    pub(super) fn fault(&self) -> String {
        match self.steps.iter().find(|step| !step.ok) {
            Some(step) => format!("{}: {}", step.name, step.detail),
            None => "the test alert was not received".to_owned(),
        }
    }
}

impl From<CheckReport> for Trial {
    fn from(report: CheckReport) -> Self {
        Self {
            ok: report.ok,
            steps: report.steps,
            outcome: Some(report.outcome),
        }
    }
}

/// Tries the stored set-up and notes what it came to: a good try authenticates the integration, a bad one takes that back.
pub(crate) async fn authenticate(
    app: &App,
    id: IntegrationId,
    actor: &Actor,
    listener: &Listener,
) -> Result<Trial, Problem> {
    let configuration = app.store().configuration().await?;
    let integration = configuration
        .integration(id)
        .ok_or_else(|| Problem::not_found("integration"))?;
    let trial = Trial::run(app, integration, listener).await?;
    let change = Change::Checked {
        id,
        at: app.now(),
        ok: trial.ok,
        report: trial.report(),
    };
    app.store().change(change, actor, app.now()).await?;
    Ok(trial)
}

/// Takes one of the test sends that a key has in a minute.
pub(crate) fn take_test_send(app: &App, caller: &Caller) -> Result<(), Problem> {
    app.test_sends()
        .take(caller.id(), app.clock().now())
        .map_err(|wait| {
            let most = app.settings().test_sends_per_minute;
            Problem::too_many(
                format!("a key or a user may send {most} test alerts in a minute"),
                wait.as_secs().max(1),
            )
        })
}
