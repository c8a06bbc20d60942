//! A template is made from alerts that were not recognised, tried on stored events, and taught.

mod draft;

use askama::Template;
use axum::extract::State;
use http::StatusCode;

use draft::{Asked, Draft};

use super::{kind_path, path_with};
use crate::App;
use crate::api::lesson::ProposalView;
use crate::api::lesson::learn::{LessonView, create as learn};
use crate::api::lesson::propose::{ProposalsView, create as propose};
use crate::api::reread;
use crate::console::form::{Faults, read};
use crate::console::page::{page_with, see_told};
use crate::console::text::{ROW, Shown, visible};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor};
use crate::problem::Problem;
use crate::read::{Caller, Posted, Query, Viewer};

/// Bodies that are shown as examples.
const EXAMPLES: usize = 3;

#[derive(Debug, Template)]
#[template(path = "catalogue/learn.html")]
pub(super) struct LearnPage {
    frame: Frame,
    draft: Draft,
    faults: Faults,
    /// What was gathered for it, when that was looked at.
    gathered: Option<Gathered>,
    proposal: Option<Proposal>,
    trial: Option<Trial>,
    codes: Vec<String>,
    categories: Vec<String>,
}

/// The alerts that teach.
#[derive(Debug)]
struct Gathered {
    events: u64,
    unread: u64,
    bodies: usize,
    is_complete: bool,
    unread_by_all: usize,
    /// A link for each wording: what it reads, and whether it is the one that is shown.
    wordings: Vec<Wording>,
}

#[derive(Debug)]
struct Wording {
    path: String,
    template: String,
    bodies: usize,
    is_picked: bool,
}

/// The template at hand.
#[derive(Debug)]
struct Proposal {
    fields: Vec<Field>,
    bodies: usize,
    uncertain: usize,
    examples: Vec<Shown>,
    read_by: Vec<(String, String)>,
}

#[derive(Debug)]
struct Field {
    name: String,
    type_name: String,
    is_optional: bool,
    samples: Vec<Shown>,
}

/// What teaching it would do.
#[derive(Debug)]
struct Trial {
    events: u64,
    days: u16,
    is_complete: bool,
    newly_read: u64,
    still_unread: u64,
    changed: u64,
    changed_events: Vec<String>,
    file: String,
}

/// The form for a subject or for certain events; without either it asks for a subject.
pub(super) async fn show(app: State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    let mut draft = Draft::asked(&asked);
    if let Some(id) = asked.event.as_deref().filter(|id| !id.is_empty()) {
        draft = draft.with_subject_of(&app, &visitor.caller, id).await?;
    }
    if draft.subject.is_empty() && draft.events.is_empty() {
        return LearnPage::new(&visitor, draft, Faults::none()).shown();
    }
    let proposed = match proposals(&app, &visitor.caller, &mut draft, &asked).await {
        Ok(proposed) => proposed,
        Err(problem) => return LearnPage::new(&visitor, draft, Faults::of(problem)?).shown(),
    };
    let pick = asked.pick.and_then(|pick| pick.parse().ok()).unwrap_or(0);
    let gathered = Gathered::new(&proposed, &draft, pick);
    draft.fill(&proposed, asked.variant_of.as_deref());
    let proposal = proposed.proposals.into_iter().nth(pick);
    if let Some(proposal) = &proposal {
        draft.take(proposal);
    }
    LearnPage {
        gathered: Some(gathered),
        proposal: proposal.map(Proposal::new),
        ..LearnPage::new(&visitor, draft, Faults::none())
    }
    .shown()
}

/// What can be learned. Where nothing else with the subject of an event is unread, that event alone teaches.
async fn proposals(
    app: &State<App>,
    caller: &Caller,
    draft: &mut Draft,
    asked: &Asked,
) -> Result<ProposalsView, Problem> {
    let proposed = propose(
        app.clone(),
        Viewer(caller.clone()),
        read(&draft.question())?,
    );
    match (proposed.await, &asked.event) {
        (Ok(proposed), _) => Ok(proposed.0),
        (Err(problem), Some(id)) if problem.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            draft.events.clone_from(id);
            let form = read(&draft.question())?;
            let proposed = propose(app.clone(), Viewer(caller.clone()), form).await?;
            Ok(proposed.0)
        }
        (Err(problem), _) => Err(problem),
    }
}

/// Tries the lesson, or teaches it; then the stored alerts are read again, if that was asked.
pub(super) async fn teach(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let mut draft = Draft::posted(&posted);
    let is_trial = posted.text("then") != "teach";
    let taught = match read(&draft.lesson(is_trial)) {
        Ok(form) => learn(app.clone(), admin, form).await,
        Err(problem) => Err(problem),
    };
    let lesson = match taught {
        Ok(lesson) => lesson.0,
        Err(problem) => return LearnPage::new(&visitor, draft, Faults::of(problem)?).shown(),
    };
    if !is_trial {
        return Ok(read_again(&app, &visitor.caller, &draft, &lesson).await);
    }
    let trial = Trial::new(&lesson);
    draft.subject = lesson.subject.clone();
    draft.take(&lesson.proposal);
    LearnPage {
        proposal: Some(Proposal::new(lesson.proposal)),
        trial: Some(trial),
        ..LearnPage::new(&visitor, draft, Faults::none())
    }
    .shown()
}

/// To the re-reading of what the lesson was about, or to the kind when there is none: what was taught is taught either way.
async fn read_again(
    app: &App,
    caller: &Caller,
    draft: &Draft,
    lesson: &LessonView,
) -> axum::response::Response {
    let kind = kind_path(&lesson.code);
    if !draft.reread {
        return see_told(&kind, Told::Taught);
    }
    let form = draft.again(&lesson.subject, lesson.days);
    let begun = match read(&form) {
        Ok(form) => reread::create::start(app, caller, form.0).await,
        Err(problem) => Err(problem),
    };
    match begun {
        Ok(job) => see_told(&format!("/rereads/{}", job.id), Told::Taught),
        Err(problem) => {
            tracing::info!(
                detail = problem.detail(),
                "no re-reading follows the lesson"
            );
            see_told(&kind, Told::TaughtAlone)
        }
    }
}

impl Gathered {
    fn new(proposed: &ProposalsView, draft: &Draft, pick: usize) -> Self {
        let wording = |(place, proposal): (usize, &ProposalView)| {
            let place_text = place.to_string();
            let pairs = [
                ("subject", draft.subject.as_str()),
                ("events", &draft.events),
                ("days", &draft.days),
                ("pick", &place_text),
            ];
            let set: Vec<_> = pairs
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .collect();
            Wording {
                path: path_with("/catalogue/learn", &set),
                template: visible(&proposal.template),
                bodies: proposal.bodies,
                is_picked: place == pick,
            }
        };
        Self {
            events: proposed.events,
            unread: proposed.unread,
            bodies: proposed.bodies,
            is_complete: proposed.complete,
            unread_by_all: proposed.unread_by_all,
            wordings: proposed.proposals.iter().enumerate().map(wording).collect(),
        }
    }
}

impl Proposal {
    fn new(proposal: ProposalView) -> Self {
        let shown = |text: &String| Shown::line(text, ROW);
        Self {
            fields: proposal
                .fields
                .iter()
                .map(|field| Field {
                    name: field.name.clone(),
                    type_name: visible(&field.type_name),
                    is_optional: field.optional,
                    samples: field.samples.iter().map(shown).collect(),
                })
                .collect(),
            bodies: proposal.bodies,
            uncertain: proposal.uncertain,
            examples: proposal
                .examples
                .iter()
                .take(EXAMPLES)
                .map(|body| Shown::marked(body, Vec::new()))
                .collect(),
            read_by: proposal
                .read_by
                .iter()
                .map(|code| (visible(code), kind_path(code)))
                .collect(),
        }
    }
}

impl Trial {
    fn new(lesson: &LessonView) -> Self {
        Self {
            events: lesson.events,
            days: lesson.days,
            is_complete: lesson.complete,
            newly_read: lesson.newly_read,
            still_unread: lesson.still_unread,
            changed: lesson.changed,
            changed_events: lesson.changed_events.clone(),
            file: lesson
                .file
                .lines()
                .map(visible)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }
}

impl LearnPage {
    fn new(visitor: &Visitor, draft: Draft, faults: Faults) -> Self {
        let catalogue = visitor.caller.configuration.catalogue();
        let mut codes: Vec<_> = catalogue
            .kinds()
            .iter()
            .map(|kind| kind.code.clone())
            .collect();
        codes.sort_unstable();
        let categories = catalogue.categories();
        Self {
            frame: Frame::new(visitor, Here::Catalogue, "Make a template", None),
            draft,
            faults,
            gathered: None,
            proposal: None,
            trial: None,
            codes,
            categories: categories.iter().map(|(name, _)| visible(name)).collect(),
        }
    }

    fn shown(&self) -> Page {
        page_with(self.faults.status(), self)
    }

    /// Nothing was asked for yet, or nothing was found: only what teaches is asked for.
    fn is_beginning(&self) -> bool {
        self.draft.template.is_empty() && self.draft.names.is_empty()
    }

    fn subject(&self) -> Shown {
        Shown::line(&self.draft.subject, ROW)
    }

    /// It may be taught although it changes what is read well now: once that was said.
    fn offers_force(&self) -> bool {
        let is_refused = self.faults.status() == StatusCode::CONFLICT;
        let changes = self.trial.as_ref().is_some_and(|trial| trial.changed > 0);
        is_refused || changes || self.draft.force
    }

    fn general(&self) -> Vec<String> {
        let shown: &[&str] = if self.is_beginning() {
            &["/subject", "/days"]
        } else {
            &[
                "/template",
                "/names",
                "/as/variant_of",
                "/as/kind/code",
                "/as/kind/name",
                "/as/kind/category",
                "/as/kind/severity",
                "/as/kind/class",
            ]
        };
        self.faults.beside(shown)
    }

    /// Each field of the template: its name, the one that is typed, and what is known of it.
    fn fields(&self) -> Vec<(&str, &str, Option<&Field>)> {
        let proposal = self.proposal.as_ref();
        let known = |name: &str| {
            let fields = &proposal?.fields;
            fields.iter().find(|field| field.name == name)
        };
        let names = self.draft.names.iter();
        names
            .map(|(old, new)| (old.as_str(), new.as_str(), known(old)))
            .collect()
    }

    fn severities(&self) -> [&'static str; 5] {
        ["info", "low", "medium", "high", "critical"]
    }
}

impl LearnPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><img src=x onerror=alert(1)>\u{202e}";
        let typed = "\"><script>alert(1)</script>";
        let proposal = || ProposalView {
            template: "Backup of {hostname:host} <script>".to_owned(),
            fields: vec![crate::api::lesson::FieldView {
                name: "hostname".to_owned(),
                type_name: "host".to_owned(),
                optional: true,
                samples: vec![hostile.to_owned()],
            }],
            bodies: 3,
            uncertain: 1,
            examples: vec![hostile.to_owned()],
            read_by: vec!["a.b".to_owned()],
        };
        let page = |draft: Draft, faults| Self {
            frame: Frame::sample(Here::Catalogue),
            draft,
            faults,
            gathered: None,
            proposal: None,
            trial: None,
            codes: vec!["a.b".to_owned()],
            categories: vec![typed.to_owned()],
        };
        let draft = || {
            let mut draft = Draft {
                subject: typed.to_owned(),
                events: typed.to_owned(),
                days: draft::DAYS.to_owned(),
                code: typed.to_owned(),
                ..Draft::default()
            };
            draft.take(&proposal());
            draft
        };
        let gathered = Gathered {
            events: 9,
            unread: 8,
            bodies: 8,
            is_complete: false,
            unread_by_all: 1,
            wordings: [true, false]
                .map(|is_picked| Wording {
                    path: "/catalogue/learn?pick=1".to_owned(),
                    template: visible(hostile),
                    bodies: 3,
                    is_picked,
                })
                .into(),
        };
        let trial = Trial {
            events: 10,
            days: 30,
            is_complete: false,
            newly_read: 3,
            still_unread: 1,
            changed: 1,
            changed_events: vec!["1".to_owned()],
            file: visible(hostile),
        };
        vec![
            page(Draft::default(), Faults::none()),
            page(Draft::default(), Faults::field("/subject", "<script>")),
            Self {
                gathered: Some(gathered),
                proposal: Some(Proposal::new(proposal())),
                ..page(draft(), Faults::none())
            },
            Self {
                proposal: Some(Proposal::new(proposal())),
                trial: Some(trial),
                ..page(draft(), Faults::none())
            },
            page(draft(), Faults::field("/template", "<script>")),
        ]
    }
}
