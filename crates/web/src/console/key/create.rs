use askama::Template;
use axum::Json;
use axum::extract::State;
use domain::Secret;
use serde_json::json;

use crate::App;
use crate::api::key::create;
use crate::console::form::{self, Faults};
use crate::console::page::page_with;
use crate::console::reach;
use crate::console::text::visible;
use crate::console::user::Holder;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Admin, Posted};

#[derive(Debug, Template)]
#[template(path = "key/new.html")]
pub(super) struct NewKeyPage {
    frame: Frame,
    form: Holder,
}

/// The key, shown this once.
#[derive(Debug, Template)]
#[template(path = "key/made.html")]
pub(super) struct MadeKeyPage {
    frame: Frame,
    name: String,
    key: Secret<String>,
    curl: Secret<String>,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&NewKeyPage {
        frame: Frame::new(&visitor, Here::Keys, "New API key", None),
        form: Holder::new(&visitor.caller, "operator"),
    })
}

/// Answers the key itself instead of leading on: it is kept as a digest alone, so no other page could show it. A page that
/// the browser is led to would have to be handed the secret by the memory of this node, and where several nodes share the
/// work another one may be asked for it: the secret would be lost, and cannot be made again. So whoever reloads this page is
/// asked by the browser whether to send the form once more. It is the same with the secrets of sources, made passwords and
/// signing secrets.
pub(super) async fn create(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let asked = json!({"name": posted.text("name"), "role": posted.text("role"),
        "companies": reach::asked(&posted)});
    let url = app.settings().public_url.as_str().to_owned();
    let made = match form::read(&asked) {
        Ok(form) => create::create(app, admin, form).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok((_, Json(made))) => page(&MadeKeyPage {
            frame: Frame::new(&visitor, Here::Keys, "New API key", None),
            name: visible(posted.text("name").trim()),
            curl: Secret::new(curl(&url, &made.key)),
            key: Secret::new(made.key),
        }),
        Err(problem) => {
            let form = Holder::posted(&visitor.caller, &posted, Faults::of(problem)?);
            let view = NewKeyPage {
                frame: Frame::new(&visitor, Here::Keys, "New API key", None),
                form,
            };
            page_with(view.form.faults.status(), &view)
        }
    }
}

fn curl(url: &str, key: &str) -> String {
    format!("curl {url}/api/v1/companies -H 'Authorization: Bearer {key}'")
}

impl NewKeyPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |is_all, faults| Self {
            frame: Frame::sample(Here::Keys),
            form: Holder::sample(is_all, faults),
        };
        vec![
            page(true, Faults::none()),
            page(false, Faults::field("/companies", "<script>")),
            page(false, Faults::field("/name", "<script>")),
        ]
    }
}

impl MadeKeyPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Keys),
            name: "\"><script>alert(1)</script>".to_owned(),
            key: Secret::new("aw_1".to_owned()),
            curl: Secret::new(curl("http://localhost", "aw_1")),
        }]
    }
}
