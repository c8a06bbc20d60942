use std::collections::BTreeSet;

use alertwire_catalogue::Kind;
use askama::Template;
use axum::Json;
use axum::extract::State;
use domain::EventSetId;
use domain::catalogue::Catalogue;
use domain::event_set::{EventSet, NotifyBy};
use serde_json::{Value, json};

use super::super::step::{Of, Step, changed_meanwhile, expect_free, mark};
use super::super::tabs::{Tab, Tabs};
use super::word;
use crate::App;
use crate::api::event_set::create::{self, EventSetForm};
use crate::api::event_set::update::{self, EventSetPatch};
use crate::console::filters;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::rule::{DAY, Outcome};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Page, page};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Id, Posted};

/// Fields that have a place of their own for what is wrong with them.
const SHOWN: [&str; 3] = ["/name", "/notify_by", "/events"];

#[derive(Debug, Template)]
#[template(path = "integration/event_set/edit.html")]
pub(in crate::console) struct EventSetPage {
    frame: Frame,
    tabs: Tabs,
    /// Where the list is.
    path: String,
    /// The stored set; none of a new one.
    id: Option<String>,
    /// State of the stored set that the form was made of.
    mark: String,
    typed: Typed,
    options: Vec<(&'static str, &'static str)>,
    categories: Vec<Category>,
    faults: Faults,
    /// All is well, and the way to save is asked for.
    asks: bool,
    outcome: Option<Outcome>,
}

/// What stands in the form.
#[derive(Debug, Default, Clone)]
struct Typed {
    name: String,
    notify_by: String,
    critical_bypass: bool,
    events: BTreeSet<String>,
}

/// A category of the catalogue that opens and closes.
#[derive(Debug)]
struct Category {
    name: String,
    kinds: Vec<KindRow>,
    ticked: usize,
}

/// An event kind to be ticked.
#[derive(Debug)]
struct KindRow {
    code: String,
    name: String,
    /// What its alerts are called on the wire.
    subject: String,
    severity: &'static str,
    ticked: bool,
    /// The catalogue does not have it any more, so it has no example.
    is_retired: bool,
}

/// A form that was posted, and what it is about.
struct Posting<'a> {
    step: &'a Step,
    stored: Option<&'a EventSet>,
    typed: Typed,
}

pub(super) async fn new_one(step: Step) -> Page {
    Admin::new(step.visitor.caller.clone())?;
    let typed = Typed {
        notify_by: NotifyBy::default().as_str().to_owned(),
        ..Typed::default()
    };
    let posting = Posting {
        step: &step,
        stored: None,
        typed,
    };
    page(&posting.page(Faults::none())?)
}

pub(super) async fn known(step: Step, Of(id): Of<EventSetId>) -> Page {
    let Admin(caller) = Admin::new(step.visitor.caller.clone())?;
    let stored = find(id, &caller)?;
    let posting = Posting {
        step: &step,
        stored: Some(stored),
        typed: Typed::stored(stored),
    };
    page(&posting.page(Faults::none())?)
}

/// Looks through the form, then asks whether an integration rule is to follow, then saves.
pub(super) async fn create(app: State<App>, step: Step, posted: Posted) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let posting = Posting {
        step: &step,
        stored: None,
        typed: Typed::posted(&posted),
    };
    let form = || form::read::<EventSetForm>(&posting.typed.form());
    let drafted = form().and_then(|Form(form)| form.draft(&app, &admin.0));
    if let Err(problem) = drafted.and_then(|set| posting.expect_free(&set)) {
        return posting.again(problem);
    }
    let Some(then) = posting.then(&posted) else {
        return posting.ask();
    };
    match create::create(app, admin, form()?).await {
        Ok((_, Json(view))) => Ok(see_told(&then.path(&step, &view.id), Told::Saved)),
        Err(problem) => posting.again(problem),
    }
}

/// The same for a stored set. One that somebody else has changed meanwhile is not overwritten unseen.
pub(super) async fn update(
    app: State<App>,
    step: Step,
    Of(id): Of<EventSetId>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let caller = step.visitor.caller.clone();
    let stored = find(id, &caller)?;
    let posting = Posting {
        step: &step,
        stored: Some(stored),
        typed: Typed::posted(&posted),
    };
    let form = || form::read::<EventSetPatch>(&posting.typed.form());
    let drafted = form().and_then(|Form(form)| form.draft(id, &caller));
    if let Err(problem) = drafted.and_then(|set| posting.expect_free(&set)) {
        return posting.again(problem);
    }
    if posted.text("mark") != mark(stored)? {
        return posting.again(changed_meanwhile("event set"));
    }
    if posted.text("then") == "try" {
        return posting.try_it(&app, &caller).await;
    }
    let Some(then) = posting.then(&posted) else {
        return posting.ask();
    };
    match update::update(app, admin, Id(id), form()?).await {
        Ok(_) => Ok(see_told(&then.path(&step, &id.to_string()), Told::Saved)),
        Err(problem) => posting.again(problem),
    }
}

fn find(id: EventSetId, caller: &Caller) -> Result<&EventSet, Problem> {
    let found = caller.configuration.event_set(id);
    let found = found.ok_or_else(|| Problem::not_found("event set"))?;
    Ok(found)
}

/// What comes after saving.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// An integration rule with this set.
    Profile,
    Nothing,
}

impl Then {
    fn path(self, step: &Step, set: &str) -> String {
        match self {
            Self::Profile => format!("{}/new?event_set={set}", step.path(Tab::Rules)),
            Self::Nothing => step.path(Tab::EventSet),
        }
    }
}

impl Posting<'_> {
    /// The button of the confirmation that was pressed, if one was.
    fn then(&self, posted: &Posted) -> Option<Then> {
        match posted.text("then") {
            "profile" => Some(Then::Profile),
            "save" => Some(Then::Nothing),
            _ => None,
        }
    }

    fn expect_free(&self, set: &EventSet) -> Result<(), Problem> {
        let configuration = &self.step.visitor.caller.configuration;
        let others = configuration
            .event_sets()
            .filter(|other| other.id != set.id);
        let names = others.map(|other| other.name.as_str());
        expect_free("event set", &set.name, names)
    }

    /// The form with all that was typed, and what is wrong with it.
    fn again(&self, problem: Problem) -> Page {
        let faults = Faults::of(problem)?;
        page_with(faults.status(), &self.page(faults)?)
    }

    fn ask(&self) -> Page {
        page(&EventSetPage {
            asks: true,
            ..self.page(Faults::none())?
        })
    }

    /// What the changed set would have done to the events of the last day.
    async fn try_it(&self, app: &State<App>, caller: &Caller) -> Page {
        let mut entry = self.typed.form();
        entry["id"] = json!(self.stored.map(|stored| stored.id.to_string()));
        let change = json!({"event_sets": [entry]});
        match Outcome::of(app, caller, DAY, &change).await {
            Ok(outcome) => page(&EventSetPage {
                outcome: Some(outcome),
                ..self.page(Faults::none())?
            }),
            Err(problem) => self.again(problem),
        }
    }

    fn page(&self, faults: Faults) -> Result<EventSetPage, Problem> {
        let (step, typed) = (self.step, &self.typed);
        let catalogue = step.visitor.caller.configuration.catalogue();
        Ok(EventSetPage {
            frame: step.frame(Tab::EventSet.word()),
            tabs: step.tabs(Tab::EventSet),
            path: step.path(Tab::EventSet),
            id: self.stored.map(|stored| stored.id.to_string()),
            mark: match self.stored {
                Some(stored) => mark(stored)?,
                None => String::new(),
            },
            options: options(),
            categories: categories(catalogue, &typed.events),
            typed: typed.clone(),
            faults,
            asks: false,
            outcome: None,
        })
    }
}

fn options() -> Vec<(&'static str, &'static str)> {
    NotifyBy::ALL.map(|by| (by.as_str(), word(by))).into()
}

/// The catalogue in force, and in a category of their own the kinds of the set that it does not have any more.
fn categories(catalogue: &Catalogue, ticked: &BTreeSet<String>) -> Vec<Category> {
    let retired: Vec<_> = ticked
        .iter()
        .filter(|code| catalogue.kind(code).is_none())
        .map(|code| KindRow::retired(code))
        .collect();
    let known = catalogue.categories().into_iter().map(|(name, kinds)| {
        let rows = kinds.into_iter().map(|kind| KindRow::new(kind, ticked));
        Category::new(visible(name), rows.collect())
    });
    let retired = (!retired.is_empty())
        .then(|| Category::new("No longer in the catalogue".to_owned(), retired));
    known.chain(retired).collect()
}

impl Category {
    fn new(name: String, kinds: Vec<KindRow>) -> Self {
        Self {
            name,
            ticked: kinds.iter().filter(|kind| kind.ticked).count(),
            kinds,
        }
    }
}

impl KindRow {
    fn new(kind: &Kind, ticked: &BTreeSet<String>) -> Self {
        Self {
            code: kind.code.clone(),
            name: visible(&kind.name),
            subject: visible(&kind.subject),
            severity: kind.severity.as_str(),
            ticked: ticked.contains(&kind.code),
            is_retired: false,
        }
    }

    fn retired(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            name: visible(code),
            subject: String::new(),
            severity: "",
            ticked: true,
            is_retired: true,
        }
    }
}

impl Typed {
    fn stored(set: &EventSet) -> Self {
        Self {
            name: set.name.clone(),
            notify_by: set.notify_by.as_str().to_owned(),
            critical_bypass: set.critical_bypass,
            events: set.events.iter().cloned().collect(),
        }
    }

    fn posted(posted: &Posted) -> Self {
        Self {
            name: posted.text("name").to_owned(),
            notify_by: posted.text("notify_by").to_owned(),
            critical_bypass: posted.has("critical_bypass"),
            events: posted.all("events").map(str::to_owned).collect(),
        }
    }

    /// As the API takes it, new or changed.
    fn form(&self) -> Value {
        json!({
            "name": self.name,
            "notify_by": self.notify_by,
            "critical_bypass": self.critical_bypass,
            "events": self.events,
        })
    }
}

impl EventSetPage {
    /// What belongs to no field.
    fn beside(&self) -> Vec<String> {
        self.faults.beside(&SHOWN)
    }

    /// The stored set that may be tried.
    fn tried(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        use crate::console::Here;
        let hostile = "\"><script>alert(1)</script>";
        let kind = |ticked, is_retired| KindRow {
            code: hostile.to_owned(),
            name: hostile.to_owned(),
            subject: hostile.to_owned(),
            severity: "high",
            ticked,
            is_retired,
        };
        let page = |id: Option<&str>, faults, asks, outcome| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::EventSet, true),
            path: "/settings/integrations/webhook/1/event-sets".to_owned(),
            id: id.map(str::to_owned),
            mark: "00".to_owned(),
            typed: Typed {
                name: hostile.to_owned(),
                critical_bypass: asks,
                ..Typed::default()
            },
            options: options(),
            categories: vec![
                Category::new(
                    hostile.to_owned(),
                    vec![kind(true, false), kind(false, false)],
                ),
                Category::new(hostile.to_owned(), vec![kind(true, true)]),
            ],
            faults,
            asks,
            outcome,
        };
        vec![
            page(None, Faults::none(), false, None),
            page(Some("1"), Faults::none(), true, None),
            page(Some("1"), Faults::field("/events", hostile), false, None),
            page(Some("1"), Faults::field("/other", hostile), false, None),
            page(Some("1"), Faults::none(), false, Some(Outcome::sample())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_no_more_stays_until_it_is_unticked() {
        let catalogue = Catalogue::builtin();
        let ticked = ["system.asset_added", "gone.kind"];
        let ticked = ticked.into_iter().map(str::to_owned).collect();
        let categories = categories(&catalogue, &ticked);
        let names: Vec<_> = categories
            .iter()
            .filter(|category| category.ticked > 0)
            .map(|category| category.name.as_str())
            .collect();
        assert_eq!(names, ["System Changes", "No longer in the catalogue"]);
        assert_eq!(categories.len(), 9);
    }
}
