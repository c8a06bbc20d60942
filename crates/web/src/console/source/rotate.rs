use axum::Json;
use axum::extract::State;
use domain::{Secret, SourceId};
use serde_json::{Map, Value, json};

use super::WAYS;
use super::detail::SourcePage;
use super::made::MadeSecretsPage;
use crate::App;
use crate::api::source::find;
use crate::api::source::rotate::rotate as turn;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::told::Told;
use crate::console::{Page, Visitor, page};
use crate::read::{Id, Posted};

/// Puts a new secret beside the present one for a while, or ends the former one. A secret that is made is shown this once.
pub(super) async fn rotate(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SourceId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let source = find(id, &visitor.caller)?;
    let way = posted.text("way").to_owned();
    let asked = match form::read(&asked(&way, &posted)) {
        Ok(form) => turn(app.clone(), admin, Id(id), form).await,
        Err(problem) => Err(problem),
    };
    match asked {
        Ok(Json(done)) if done.generated.is_empty() => {
            Ok(see_told(&format!("/sources/{id}"), Told::Saved))
        }
        Ok(Json(done)) => {
            let known = |way: &str| WAYS.into_iter().find(|(own, ..)| *own == way);
            let made = done.generated.into_iter().filter_map(|(way, secret)| {
                let (way, ..) = known(way)?;
                Some((way, Secret::new(secret)))
            });
            let made = made.collect();
            page(&MadeSecretsPage::new(&app, &visitor, &id.to_string(), made).await?)
        }
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let view = SourcePage::new(&app, &visitor, source).await?;
            page_with(faults.status(), &view.faulty(faults))
        }
    }
}

fn asked(way: &str, posted: &Posted) -> Value {
    let secret = posted.secret("secret");
    let turn = if posted.text("then") == "end" {
        json!({"end": true})
    } else if secret.reveal().is_empty() {
        json!({"generate": true, "overlap": posted.text("overlap")})
    } else {
        json!({"secret": secret.reveal(), "overlap": posted.text("overlap")})
    };
    let mut form = Map::new();
    form.insert(way.to_owned(), turn);
    form.into()
}
