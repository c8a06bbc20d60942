use askama::Template;
use axum::extract::State;
use domain::SourceId;

use super::entries::{Entries, POINTERS};
use super::made::MadeSecretsPage;
use crate::App;
use crate::api::source::{find, update::update as change};
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::reach::Reach;
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::{Admin, Id, Posted};

#[derive(Debug, Template)]
#[template(path = "source/edit.html")]
pub(super) struct EditSourcePage {
    frame: Frame,
    path: String,
    shown: String,
    entries: Entries,
    reach: Reach,
    faults: Faults,
}

pub(super) async fn show(visitor: Visitor, Id(id): Id<SourceId>) -> Page {
    Admin::new(visitor.caller.clone())?;
    let caller = &visitor.caller;
    let source = find(id, caller)?;
    let companies = Some(source.companies.as_slice()).filter(|ids| !ids.is_empty());
    page(&EditSourcePage {
        frame: Frame::new(&visitor, Here::Sources, &visible(&source.name), None),
        path: format!("/sources/{id}"),
        shown: visible(&source.name),
        entries: Entries::of(source, caller),
        reach: Reach::of(caller, companies),
        faults: Faults::none(),
    })
}

pub(super) async fn update(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SourceId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let source = find(id, &visitor.caller)?;
    let entries = Entries::posted(&posted, Some(source));
    let (given, made) = entries.secrets(&posted, &app);
    let changed = match form::read(&entries.form(&posted, &given, &made)) {
        Ok(form) => change(app.clone(), admin, Id(id), form).await,
        Err(problem) => Err(problem),
    };
    let path = format!("/sources/{id}");
    match changed {
        Ok(_) if made.is_empty() => Ok(see_told(&path, Told::Saved)),
        Ok(_) => page(&MadeSecretsPage::new(&app, &visitor, &id.to_string(), made).await?),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let view = EditSourcePage {
                frame: Frame::new(&visitor, Here::Sources, &visible(&source.name), None),
                path,
                shown: visible(&source.name),
                entries,
                reach: Reach::posted(&visitor.caller, &posted),
                faults,
            };
            page_with(view.faults.status(), &view)
        }
    }
}

impl EditSourcePage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |reach, faults| Self {
            frame: Frame::sample(Here::Sources),
            path: "/sources/1".to_owned(),
            shown: "<img src=x onerror=alert(1)>".to_owned(),
            entries: Entries::sample(),
            reach,
            faults,
        };
        vec![
            page(Reach::sample(true), Faults::none()),
            page(Reach::sample_beyond(), Faults::field("", "<script>")),
        ]
    }
}
