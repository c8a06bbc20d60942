use std::time::Duration;

use axum::extract::State;
use connectors::rotation::{LONGEST_OVERLAP, OVERLAP, previous_until, rotate, signing};
use connectors::signature::{Signer, secret_of};
use domain::time::{format_duration, parse_duration};
use domain::{IntegrationId, Secret, Timestamp};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{find, replace_signing, stored_secrets};
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Form, Id};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationForm {
    /// How long the former secret signs beside the new one: `24h` when nothing is said, `30d` at most; `0s` ends it at once.
    overlap: Option<String>,
    /// The new secret, `whsec_…`; a random one when it is not there.
    #[schema(value_type = Option<String>)]
    signing_secret: Option<Secret<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotationView {
    /// The new secret, shown this once. One that was given is not repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing_secret: Option<String>,
    /// Until when the former secret signs too; null when there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    signing_secret_previous_until: Option<Timestamp>,
}

/// Let a new secret sign. The former one signs beside it for a while, so that the receiver can go over; at most two are live.
/// The integration stays authenticated: neither its URL nor its login have changed.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/signing-secret", tag = "integrations", params(("id" = String, Path)),
    request_body = RotationForm, responses((status = 201, body = RotationView)))]
pub(crate) async fn rotate_secret(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<IntegrationId>,
    Form(form): Form<RotationForm>,
) -> Made<RotationView> {
    let stored = find(id, &caller)?;
    let (overlap, given) = form.parse()?;
    let secrets = stored_secrets(&app, stored).await?;
    if given.is_some() && given.as_ref() == signing(&secrets) {
        return Err(Problem::field("/signing_secret", "signs already"));
    }
    let (secret, shown) = match given {
        Some(secret) => (secret, None),
        None => {
            let secret = random_secret(&app);
            let shown = secret.reveal().clone();
            (secret, Some(shown))
        }
    };
    let until = (!overlap.is_zero()).then(|| app.now().after(overlap));
    let parsed = rotate(&stored.fields, &secrets, secret, until);
    let signing_secret_previous_until = previous_until(&parsed.fields);
    replace_signing(&app, stored, parsed, &caller).await?;
    made(RotationView {
        signing_secret: shown,
        signing_secret_previous_until,
    })
}

fn random_secret(app: &App) -> Secret<String> {
    let mut bytes = [0_u8; 32];
    app.dice().roll(|rng| rng.fill_bytes(&mut bytes));
    secret_of(&bytes)
}

impl RotationForm {
    fn parse(self) -> Result<(Duration, Option<Secret<String>>), Problem> {
        let mut fields = Fields::default();
        let overlap = match self.overlap.as_deref().map(parse_duration) {
            None => Some(OVERLAP),
            Some(overlap) => fields.take("/overlap", overlap),
        };
        if overlap.is_some_and(|overlap| overlap > LONGEST_OVERLAP) {
            let most = format_duration(LONGEST_OVERLAP);
            fields.error("/overlap", format!("is at most {most}"));
        }
        if let Some(secret) = &self.signing_secret {
            fields.take("/signing_secret", Signer::parse(secret.reveal()));
        }
        let overlap = fields.finish_with(overlap)?;
        Ok((overlap, self.signing_secret))
    }
}
