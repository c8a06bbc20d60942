use askama::Template;
use axum::Json;
use axum::extract::State;

use super::{Entries, POINTERS};
use crate::App;
use crate::api::company::create;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Admin, Posted};

#[derive(Debug, Template)]
#[template(path = "company/new.html")]
pub(super) struct NewCompanyPage {
    frame: Frame,
    entries: Entries,
    faults: Faults,
}

pub(super) async fn show(visitor: Visitor) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&NewCompanyPage::new(
        &visitor,
        Entries::default(),
        Faults::none(),
    ))
}

pub(super) async fn create(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let entries = Entries::posted(&posted);
    let made = match form::read(&entries.form()) {
        Ok(form) => create::create(app, admin, form).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok((_, Json(company))) => Ok(see_told(&format!("/companies/{}", company.id), Told::Saved)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let status = faults.status();
            page_with(status, &NewCompanyPage::new(&visitor, entries, faults))
        }
    }
}

impl NewCompanyPage {
    fn new(visitor: &Visitor, entries: Entries, faults: Faults) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Companies, "New company", None),
            entries,
            faults,
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |entries, faults| Self {
            frame: Frame::sample(Here::Companies),
            entries,
            faults,
        };
        vec![
            page(Entries::default(), Faults::none()),
            page(
                super::sample_entries(),
                Faults::field("/name", "is taken by <img src=x>"),
            ),
            page(super::sample_entries(), Faults::field("", "<script>")),
        ]
    }
}
