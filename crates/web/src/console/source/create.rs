use askama::Template;
use axum::Json;
use axum::extract::State;

use super::entries::{Entries, POINTERS};
use super::made::MadeSecretsPage;
use crate::App;
use crate::api::source::create;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::reach::Reach;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Admin, Posted};

#[derive(Debug, Template)]
#[template(path = "source/new.html")]
pub(super) struct NewSourcePage {
    frame: Frame,
    entries: Entries,
    reach: Reach,
    faults: Faults,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&NewSourcePage {
        frame: Frame::new(&visitor, Here::Sources, "New source", None),
        entries: Entries::fresh(),
        reach: Reach::of(&visitor.caller, None),
        faults: Faults::none(),
    })
}

/// Secrets that are made are shown this once, with what to type at the sender.
pub(super) async fn create(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let entries = Entries::posted(&posted, None);
    let (given, made) = entries.secrets(&posted, &app);
    let done = match form::read(&entries.form(&posted, &given, &made)) {
        Ok(form) => create::create(app.clone(), admin, form).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok((_, Json(source))) if made.is_empty() => {
            Ok(see_told(&format!("/sources/{}", source.id), Told::Saved))
        }
        Ok((_, Json(source))) => {
            let view = MadeSecretsPage::new(&app, &visitor, &source.id, made).await?;
            page(&view)
        }
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let view = NewSourcePage {
                frame: Frame::new(&visitor, Here::Sources, "New source", None),
                entries,
                reach: Reach::posted(&visitor.caller, &posted),
                faults,
            };
            page_with(view.faults.status(), &view)
        }
    }
}

impl NewSourcePage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |entries, faults| Self {
            frame: Frame::sample(Here::Sources),
            entries,
            reach: Reach::sample(false),
            faults,
        };
        vec![
            page(Entries::fresh(), Faults::none()),
            page(Entries::sample(), Faults::field("/name", "<script>")),
            page(
                Entries::sample(),
                Faults::field("/authentication", "<script>"),
            ),
        ]
    }
}
