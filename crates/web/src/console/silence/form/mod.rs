//! A silence that is made or changed, and what it would have muted.

mod draft;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use domain::access::Role;
use domain::silence::{COMPANIES, REASON_CHARS, Silence, State as Life};
use domain::{SilenceId, Timestamp};

use draft::{Asked, Draft, LASTS};

use crate::App;
use crate::api::silence::create::{make as make_silence, rehearse};
use crate::api::silence::preview::PreviewView;
use crate::api::silence::update::update;
use crate::api::silence::{find, is_own};
use crate::console::filters;
use crate::console::form::{Faults, read};
use crate::console::page::{page_with, see_told};
use crate::console::text::{ROW, Shown, visible};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor};
use crate::problem::Problem;
use crate::read::{Caller, Id, Posted, Query};

/// Companies that the form proposes; those that are ticked are always among them.
const PROPOSED: usize = 2 * COMPANIES;
/// Muted events that the preview names; the list of events has all.
const EXAMPLES: usize = 10;
/// Days that the preview looks back.
const DAYS: u16 = 1;

#[derive(Debug)]
struct Choice {
    id: String,
    name: String,
    is_ticked: bool,
}

#[derive(Debug)]
struct Muted {
    path: String,
    subject: Shown,
    company: Option<String>,
}

/// What it would have muted.
#[derive(Debug)]
struct Preview {
    events: u64,
    muted: u64,
    is_complete: bool,
    oldest: Option<Timestamp>,
    examples: Vec<Muted>,
}

#[derive(Debug, Template)]
#[template(path = "silence/form.html")]
pub(super) struct FormPage {
    frame: Frame,
    /// Of one that is changed: its id and name.
    changes: Option<(String, String)>,
    draft: Draft,
    choices: Vec<Choice>,
    /// There are more companies than are proposed.
    more_companies: bool,
    faults: Faults,
    preview: Option<Preview>,
    reason_chars: usize,
}

/// The form, filled in as far as the URL says. With a filter it says at once what that would have muted.
pub(super) async fn fresh(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    visitor.caller.expect_role(Role::Operator)?;
    let draft = Draft::asked(asked);
    let (preview, faults) = if draft.filter.is_empty() {
        (None, Faults::none())
    } else {
        rehearsed(&app, &visitor.caller, &draft).await?
    };
    FormPage::new(&visitor, None, draft, preview, faults).shown()
}

/// Makes it, or shows what it would mute.
pub(super) async fn make(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let caller = visitor.operator(&posted)?.0;
    let draft = Draft::posted(&posted);
    if posted.text("then") != "save" {
        let (preview, faults) = rehearsed(&app, &caller, &draft).await?;
        return FormPage::new(&visitor, None, draft, preview, faults).shown();
    }
    let made = match read(&draft.form(app.now())) {
        Ok(form) => make_silence(&app, &caller, &form.0).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(silence) => Ok(see_told(&format!("/silences/{}", silence.id), Told::Saved)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            FormPage::new(&visitor, None, draft, None, faults).shown()
        }
    }
}

/// The form of one that has not ended.
pub(super) async fn edit(app: State<App>, visitor: Visitor, Id(id): Id<SilenceId>) -> Page {
    visitor.caller.expect_role(Role::Operator)?;
    let silence = changeable(&app, &visitor.caller, id)?;
    let draft = Draft::of(&silence);
    FormPage::new(&visitor, Some(&silence), draft, None, Faults::none()).shown()
}

pub(super) async fn change(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<SilenceId>,
    posted: Posted,
) -> Page {
    let operator = visitor.operator(&posted)?;
    let silence = changeable(&app, &visitor.caller, id)?;
    let draft = Draft::posted(&posted);
    if posted.text("then") != "save" {
        let (preview, faults) = rehearsed(&app, &visitor.caller, &draft).await?;
        return FormPage::new(&visitor, Some(&silence), draft, preview, faults).shown();
    }
    let changed = match read(&draft.patch(app.now())) {
        Ok(form) => update(app, operator, Id(id), form).await,
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => Ok(see_told(&format!("/silences/{id}"), Told::Saved)),
        Err(problem) => {
            let faults = Faults::of(problem)?;
            FormPage::new(&visitor, Some(&silence), draft, None, faults).shown()
        }
    }
}

/// One that the caller may change: what ended stands by what it muted, and what is about the companies of others is theirs.
fn changeable(app: &App, caller: &Caller, id: SilenceId) -> Result<Arc<Silence>, Problem> {
    let silence = find(id, caller)?;
    if !is_own(silence, caller) {
        return Err(Problem::forbidden(
            "this silence is about companies that you do not see",
        ));
    }
    if silence.state(app.now()) == Life::Ended {
        return Err(Problem::wrong_state(
            "the silence has ended; make a new one",
        ));
    }
    Ok(Arc::clone(silence))
}

/// What a draft would have muted in the last day, or what keeps it from being tried. It needs no name and no reason yet.
async fn rehearsed(
    app: &App,
    caller: &Caller,
    draft: &Draft,
) -> Result<(Option<Preview>, Faults), Problem> {
    let tried = match read(&draft.rehearsal(app.now())) {
        Ok(form) => rehearse(app, caller, &form.0, DAYS).await,
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(view) => Ok((Some(Preview::new(view)), Faults::none())),
        Err(problem) => Ok((None, Faults::of(problem)?)),
    }
}

impl Preview {
    fn new(view: PreviewView) -> Self {
        let examples = view.examples.into_iter().take(EXAMPLES);
        Self {
            events: view.events,
            muted: view.muted,
            is_complete: view.complete,
            oldest: view.oldest_examined,
            examples: examples
                .map(|muted| Muted {
                    path: format!("/events/{}", muted.event_id),
                    subject: Shown::line(&muted.subject, ROW),
                    company: muted.company.map(|company| company.shown()),
                })
                .collect(),
        }
    }
}

impl FormPage {
    fn new(
        visitor: &Visitor,
        silence: Option<&Arc<Silence>>,
        draft: Draft,
        preview: Option<Preview>,
        faults: Faults,
    ) -> Self {
        let title = match silence {
            Some(_) => "Change a silence",
            None => "New silence",
        };
        let (choices, more_companies) = choices(&visitor.caller, &draft.companies);
        Self {
            frame: Frame::new(visitor, Here::Silences, title, None),
            changes: silence.map(|silence| (silence.id.to_string(), visible(&silence.name))),
            draft,
            choices,
            more_companies,
            faults,
            preview,
            reason_chars: REASON_CHARS,
        }
    }

    fn shown(&self) -> Page {
        page_with(self.faults.status(), self)
    }

    fn action(&self) -> String {
        match &self.changes {
            Some((id, _)) => format!("/silences/{id}"),
            None => "/silences".to_owned(),
        }
    }

    /// What is wrong and stands beside no field.
    fn general(&self) -> Vec<String> {
        self.faults.beside(&[
            "/name",
            "/filter",
            "/companies",
            "/from",
            "/until",
            "/repeat",
            "/repeat_until",
            "/reason",
        ])
    }

    fn lasts(&self) -> [(&'static str, &'static str, u64); 4] {
        LASTS
    }

    fn is_until(&self) -> bool {
        !LASTS.iter().any(|(value, ..)| *value == self.draft.lasts)
    }
}

/// The companies that can be ticked, those that are ticked first among equals, and whether there are more.
fn choices(caller: &Caller, ticked: &[String]) -> (Vec<Choice>, bool) {
    let seen = caller.configuration.companies();
    let mut choices: Vec<_> = seen
        .filter(|company| caller.sees(company.id))
        .map(|company| {
            let id = company.id.to_string();
            Choice {
                is_ticked: ticked
                    .iter()
                    .any(|text| *text == id || text.eq_ignore_ascii_case(&company.name)),
                name: visible(&company.name),
                id,
            }
        })
        .collect();
    choices.sort_unstable_by_key(|choice| (!choice.is_ticked, choice.name.to_lowercase()));
    let more = choices.len() > PROPOSED;
    choices.truncate(PROPOSED);
    (choices, more)
}

impl FormPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><img src=x onerror=alert(1)>\u{202e}";
        let sample = |changes: bool, faults: Faults, preview: Option<Preview>| Self {
            frame: Frame::sample(Here::Silences),
            changes: changes.then(|| ("1".to_owned(), visible(hostile))),
            draft: Draft {
                name: visible(hostile),
                filter: "event=\"<script>alert(1)</script>\"".to_owned(),
                lasts: if changes { "until" } else { "1h" }.to_owned(),
                reason: "<i>Globex".to_owned(),
                ..Draft::default()
            },
            choices: vec![Choice {
                id: "1".to_owned(),
                name: visible(hostile),
                is_ticked: changes,
            }],
            more_companies: changes,
            faults,
            preview,
            reason_chars: REASON_CHARS,
        };
        let preview = |muted| Preview {
            events: 40,
            muted,
            is_complete: muted == 0,
            oldest: Some(Timestamp::from_micros(1_764_122_400_000_000)),
            examples: vec![Muted {
                path: "/events/1".to_owned(),
                subject: Shown::line(hostile, ROW),
                company: (muted > 1).then(|| visible(hostile)),
            }],
        };
        vec![
            sample(false, Faults::none(), None),
            sample(true, Faults::none(), Some(preview(2))),
            sample(false, Faults::none(), Some(preview(0))),
            sample(true, Faults::field("/filter", "<script>"), None),
            sample(false, Faults::field("/other", "<script>"), None),
        ]
    }
}
