use axum::Json;
use axum::extract::State;
use domain::source::{Authentication, LIVE_SECRETS};
use domain::{Secret, SourceId};
use serde::Deserialize;
use store::Change;
use utoipa::ToSchema;

use super::authentication::{header_digest, password_digest};
use super::{SourceView, find};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::read::{Admin, Form, Id};

/// Which secrets are rotated: those of the ways by which the source lets in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationForm {
    header: Option<TurnForm>,
    basic: Option<TurnForm>,
    login: Option<TurnForm>,
    signature: Option<TurnForm>,
}

/// One of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TurnForm {
    /// The new secret. The former stays good beside it; the one before that, if there is one, does not.
    #[schema(value_type = Option<String>)]
    secret: Option<Secret<String>>,
    /// `true`: the former secret is no longer good.
    #[serde(default)]
    end: bool,
}

/// Rotate secrets without a gap: give the new one, change the sender, then end the former one. At most two are live.
#[utoipa::path(post, path = "/api/v1/sources/{id}/rotate", tag = "sources", params(("id" = String, Path)),
    request_body = RotationForm, responses((status = 200, body = SourceView)))]
pub(crate) async fn rotate(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<SourceId>,
    Form(form): Form<RotationForm>,
) -> Answer<SourceView> {
    let mut source = find(id, &caller)?.clone();
    let mut fields = Fields::default();
    form.turn(&mut fields, &mut source.authentication, &app);
    fields.finish()?;
    let view = SourceView::new(&source, &app, &caller);
    app.store()
        .change(Change::UpdateSource(source), &caller.actor(), app.now())
        .await?;
    Ok(Json(view))
}

impl RotationForm {
    fn turn(&self, fields: &mut Fields, stored: &mut Authentication, app: &App) {
        if [&self.header, &self.basic, &self.login, &self.signature]
            .iter()
            .all(|turn| turn.is_none())
        {
            fields.error("", "names at least one of header, basic, login, signature");
        }
        if let Some(turn) = &self.header {
            let live = stored.header.as_mut().map(|header| &mut header.digests);
            turn.take(fields, "/header", live, |fields, pointer, text| {
                header_digest(fields, pointer, text, app)
            });
        }
        for (pointer, turn, login) in [
            ("/basic", &self.basic, &mut stored.basic),
            ("/login", &self.login, &mut stored.login),
        ] {
            if let Some(turn) = turn {
                let live = login.as_mut().map(|login| &mut login.digests);
                turn.take(fields, pointer, live, |fields, pointer, text| {
                    password_digest(fields, pointer, text, app)
                });
            }
        }
        if let Some(turn) = &self.signature {
            let live = Some(&mut stored.signature).filter(|live| !live.is_empty());
            turn.take(fields, "/signature", live, |fields, pointer, text| {
                fields.take(pointer, receive::parse_signing_secret(text))
            });
        }
    }
}

impl TurnForm {
    /// Puts the new secret before the live ones, or ends all but the newest.
    fn take<T: PartialEq>(
        &self,
        fields: &mut Fields,
        pointer: &str,
        live: Option<&mut Vec<T>>,
        read: impl FnOnce(&mut Fields, &str, &str) -> Option<T>,
    ) {
        let Some(live) = live else {
            return fields.error(
                pointer,
                "is no way by which this source lets in; set it first",
            );
        };
        match (&self.secret, self.end) {
            (Some(secret), false) => {
                let pointer = format!("{pointer}/secret");
                let Some(new) = read(fields, &pointer, secret.reveal()) else {
                    return;
                };
                if live.contains(&new) {
                    return fields.error(pointer, "is live already; give a new one");
                }
                live.insert(0, new);
                live.truncate(LIVE_SECRETS);
            }
            (None, true) => live.truncate(1),
            _ => fields.error(pointer, "has either `secret` or `end`"),
        }
    }
}
