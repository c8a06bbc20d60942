//! A connector that is ready to check and to send.

use delivery::HoldReason;
use domain::Clock;
use domain::integration::{Integration, Secrets};
use egress::Egress;

use crate::check::{self, CheckReport, Step};
use crate::credentials::FieldError;
use crate::record::{Outgoing, Sent};
use crate::webhook::{self, Webhook};

/// A connector with its settings, secrets and token, shared by all sends of one integration.
#[derive(Debug)]
pub struct Ready(Kind);

/// The connectors that there are.
#[derive(Debug)]
enum Kind {
    Webhook(Box<Webhook>),
}

/// Stored credentials that nothing can be sent with now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("secrets are missing: {}", .0.join(", "))]
    SecretsMissing(Vec<String>),
    /// Good when they were saved; the operator's settings have changed since.
    #[error("the credentials are not accepted any longer: {}", .0.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<FieldError>),
    #[error("there is no connector `{0}`")]
    Unknown(String),
}

impl NotReady {
    /// What the gate is held for.
    #[must_use]
    pub fn reason(&self) -> HoldReason {
        match self {
            Self::SecretsMissing(_) => HoldReason::SecretsMissing,
            Self::Refused(_) | Self::Unknown(_) => HoldReason::BlockedAddress,
        }
    }
}

impl Ready {
    pub fn new(
        integration: &Integration,
        secrets: &Secrets,
        egress: Egress,
    ) -> Result<Self, NotReady> {
        let missing: Vec<_> = integration
            .secrets_set
            .keys()
            .filter(|name| !secrets.contains_key(*name))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(NotReady::SecretsMissing(missing));
        }
        match integration.connector.as_str() {
            webhook::NAME => Webhook::new(&integration.fields, secrets, egress)
                .map(|webhook| Self(Kind::Webhook(Box::new(webhook))))
                .map_err(NotReady::Refused),
            other => Err(NotReady::Unknown(other.to_owned())),
        }
    }

    /// How many alerts one [`Ready::send`] may take. A webhook carries one alert a request.
    #[must_use]
    pub fn most_in_batch(&self) -> usize {
        match &self.0 {
            Kind::Webhook(_) => 1,
        }
    }

    /// Goes through the set-up step by step, and sends the test alert ([`crate::test_alert`]) as the last of them.
    /// `told` hears of each step as it ends.
    pub async fn check(
        &self,
        test: &Outgoing,
        clock: &Clock,
        told: &mut (dyn FnMut(&Step) + Send),
    ) -> CheckReport {
        match &self.0 {
            Kind::Webhook(webhook) => check::webhook(webhook, test, clock, told).await,
        }
    }

    /// One attempt for each, in the same order.
    pub async fn send(&self, batch: &[Outgoing], clock: &Clock) -> Vec<Sent> {
        match &self.0 {
            Kind::Webhook(webhook) => {
                let mut sent = Vec::with_capacity(batch.len());
                for outgoing in batch {
                    sent.push(webhook.send(outgoing, clock).await);
                }
                sent
            }
        }
    }
}
