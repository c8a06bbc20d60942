use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::source::{Authentication, Digested, Live};
use domain::time::{format_duration, parse_duration};
use domain::{Secret, SourceId, Timestamp};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::authentication::{header_secret, password_secret};
use super::{SourceView, find};
use crate::App;
use crate::api::Answer;
use crate::api::fields::Fields;
use crate::read::{Admin, Form, Id};

/// How long the former secret stays good beside the new one when nothing is said, and the longest that can be said.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);
const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Random bytes of a secret that we make.
const SECRET_BYTES: usize = 32;

/// Which secrets are rotated: those of the ways by which the source lets in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationForm {
    header: Option<TurnForm>,
    basic: Option<TurnForm>,
    login: Option<TurnForm>,
    signature: Option<TurnForm>,
}

/// One of `secret`, `generate` and `end`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TurnForm {
    /// The new secret. The former stays good beside it for a while; the one before that, if there is one, does not.
    #[schema(value_type = Option<String>)]
    secret: Option<Secret<String>>,
    /// `true`: a random secret is the new one, and shown this once.
    #[serde(default)]
    generate: bool,
    /// How long the former stays good: `24h` when nothing is said, `30d` at most; `0s` ends it at once.
    overlap: Option<String>,
    /// `true`: the former secret is no longer good.
    #[serde(default)]
    end: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RotatedView {
    #[serde(flatten)]
    source: SourceView,
    /// The secrets that were made, by way, shown this once.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object, required = false)]
    pub(crate) generated: BTreeMap<&'static str, String>,
}

/// Rotate secrets without a gap: give or make the new one, change the sender; the former ends by itself at its time, or sooner by
/// `end`. At most two are live.
#[utoipa::path(post, path = "/api/v1/sources/{id}/rotate", tag = "sources", params(("id" = String, Path)),
    request_body = RotationForm, responses((status = 200, body = RotatedView)))]
pub(crate) async fn rotate(
    app: State<App>,
    Admin(caller): Admin,
    Id(id): Id<SourceId>,
    Form(form): Form<RotationForm>,
) -> Answer<RotatedView> {
    let mut source = find(id, &caller)?.clone();
    let mut turning = Turning {
        fields: Fields::default(),
        app: &app,
        now: app.now(),
        generated: BTreeMap::new(),
    };
    form.turn(&mut turning, &mut source.authentication);
    let generated = turning.generated;
    turning.fields.finish()?;
    let view = RotatedView {
        source: SourceView::new(&source, &app, &caller),
        generated,
    };
    app.store()
        .change(Change::UpdateSource(source), &caller.actor(), app.now())
        .await?;
    Ok(Json(view))
}

/// A rotation that is being worked at.
struct Turning<'a> {
    fields: Fields,
    app: &'a App,
    now: Timestamp,
    generated: BTreeMap<&'static str, String>,
}

/// What a turn asks for.
enum Turn {
    New {
        secret: Secret<String>,
        until: Option<Timestamp>,
    },
    End,
}

impl RotationForm {
    fn turn(&self, turning: &mut Turning<'_>, stored: &mut Authentication) {
        if [&self.header, &self.basic, &self.login, &self.signature]
            .iter()
            .all(|turn| turn.is_none())
        {
            let detail = "names at least one of header, basic, login, signature";
            turning.fields.error("", detail);
        }
        let app = turning.app;
        if let Some(turn) = &self.header {
            let kept = stored.header.as_mut().map(|header| &mut header.secret);
            turning.digested(turn, "header", kept, |fields, pointer, text| {
                header_secret(fields, pointer, text, app)
            });
        }
        for (way, turn, login) in [
            ("basic", &self.basic, &mut stored.basic),
            ("login", &self.login, &mut stored.login),
        ] {
            if let Some(turn) = turn {
                let kept = login.as_mut().map(|login| &mut login.secret);
                turning.digested(turn, way, kept, |fields, pointer, text| {
                    password_secret(fields, pointer, text, app)
                });
            }
        }
        if let Some(turn) = &self.signature {
            let live = Some(&mut stored.signature).filter(|live| !live.is_empty());
            let read = |fields: &mut Fields, pointer: &str, text: &str| {
                fields.take(pointer, receive::parse_signing_secret(text))
            };
            turning.live(turn, "signature", live, read);
        }
    }
}

impl Turning<'_> {
    fn digested(
        &mut self,
        turn: &TurnForm,
        way: &'static str,
        kept: Option<&mut Digested>,
        read: impl FnOnce(&mut Fields, &str, &str) -> Option<Digested>,
    ) {
        let (live, last4) = match kept {
            Some(kept) => (Some(&mut kept.live), Some(&mut kept.last4)),
            None => (None, None),
        };
        let mut shown = None;
        let read = |fields: &mut Fields, pointer: &str, text: &str| {
            let new = read(fields, pointer, text)?;
            shown = Some(new.last4);
            new.live.secrets.into_iter().next()
        };
        self.live(turn, way, live, read);
        if let (Some(last4), Some(shown)) = (last4, shown) {
            *last4 = shown;
        }
    }

    /// Puts the new secret before the live ones, or ends all but the newest.
    fn live<T: PartialEq>(
        &mut self,
        turn: &TurnForm,
        way: &'static str,
        live: Option<&mut Live<T>>,
        read: impl FnOnce(&mut Fields, &str, &str) -> Option<T>,
    ) {
        let pointer = format!("/{way}");
        let Some(live) = live else {
            let detail = "is no way by which this source lets in; set it first";
            return self.fields.error(pointer, detail);
        };
        match self.asked(turn, way) {
            Some(Turn::New { secret, until }) => {
                let pointer = format!("{pointer}/secret");
                let Some(new) = read(&mut self.fields, &pointer, secret.reveal()) else {
                    return;
                };
                if live.secrets.contains(&new) {
                    return self
                        .fields
                        .error(pointer, "is live already; give a new one");
                }
                live.rotate(new, until);
                if turn.generate {
                    self.generated.insert(way, secret.reveal().clone());
                }
            }
            Some(Turn::End) => live.end_former(),
            None => {}
        }
    }

    fn asked(&mut self, turn: &TurnForm, way: &'static str) -> Option<Turn> {
        let secret = match (&turn.secret, turn.generate, turn.end) {
            (Some(secret), false, false) => secret.clone(),
            (None, true, false) => made_secret(self.app, way),
            (None, false, true) => return Some(Turn::End),
            _ => {
                let detail = "has either `secret`, `generate` or `end`";
                self.fields.error(format!("/{way}"), detail);
                return None;
            }
        };
        let pointer = format!("/{way}/overlap");
        let overlap = match turn.overlap.as_deref().map(parse_duration) {
            None => OVERLAP,
            Some(overlap) => self.fields.take(&pointer, overlap)?,
        };
        if overlap > LONGEST_OVERLAP {
            let most = format_duration(LONGEST_OVERLAP);
            self.fields.error(pointer, format!("is at most {most}"));
        }
        let until = (!overlap.is_zero()).then(|| self.now.after(overlap));
        Some(Turn::New { secret, until })
    }
}

/// A random secret for a way by which a source lets in.
pub(crate) fn made_secret(app: &App, way: &str) -> Secret<String> {
    let mut bytes = [0_u8; SECRET_BYTES];
    app.dice().roll(|rng| rng.fill_bytes(&mut bytes));
    Secret::new(match way {
        "signature" => format!("whsec_{}", STANDARD.encode(bytes)),
        _ => URL_SAFE_NO_PAD.encode(bytes),
    })
}
