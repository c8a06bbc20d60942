use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{ApiKey, Role, Scope};
use domain::{KeyId, Secret};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::KeyView;
use crate::App;
use crate::api::fields::Fields;
use crate::api::{Made, made};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form};

/// Most companies of one key.
const COMPANIES: usize = 10_000;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyForm {
    name: String,
    /// `admin`, `operator` or `viewer`.
    role: String,
    /// Ids or names of the companies that it sees; all when it is not there.
    companies: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    #[serde(flatten)]
    view: KeyView,
    /// Shown this once: it is kept as a digest alone.
    pub(crate) key: String,
}

/// Make an API key.
#[utoipa::path(post, path = "/api/v1/keys", tag = "access", request_body = KeyForm,
    responses((status = 201, body = NewKeyView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<KeyForm>,
) -> Made<NewKeyView> {
    let secret = new_secret(&app);
    let key = form.parse(&app, &caller, &secret)?;
    let view = KeyView::new(&key, None);
    app.store()
        .change(Change::InsertKey(key), &caller.actor(), app.now())
        .await?;
    made(NewKeyView {
        view,
        key: secret.reveal().clone(),
    })
}

/// 32 random bytes behind a mark that secret scanners can look for.
pub(crate) fn new_secret(app: &App) -> Secret<String> {
    let mut bytes = [0_u8; 32];
    app.dice().roll(|rng| rng.fill_bytes(&mut bytes));
    Secret::new(format!("aw_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

impl KeyForm {
    fn parse(self, app: &App, caller: &Caller, secret: &Secret<String>) -> Result<ApiKey, Problem> {
        let mut fields = Fields::default();
        let name = fields.name(&self.name);
        let role = fields.take("/role", self.role.parse::<Role>());
        let scope = match &self.companies {
            None => Scope::All,
            Some(companies) => {
                fields.at_most("/companies", companies.len(), COMPANIES);
                if companies.is_empty() {
                    fields.error(
                        "/companies",
                        "names at least one company; leave it out for all",
                    );
                }
                Scope::Companies(fields.companies("/companies", companies, caller))
            }
        };
        let (name, role) = fields.finish_with(name.zip(role))?;
        let digest = receive::key_digest(app.store(), secret.reveal());
        Ok(ApiKey {
            id: app.fresh(KeyId::new),
            name,
            role,
            scope,
            digest,
            created_at: app.now(),
            last_used_at: None,
        })
    }
}
