use askama::Template;
use axum::extract::State;
use domain::RuleId;
use domain::configuration::Configuration;
use domain::filter::Filter;
use domain::rule::{IntegrationRule, MATCHERS};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::step::{Of, Step, changed_meanwhile, expect_free, mark};
use super::super::tabs::{Tab, Tabs};
use crate::App;
use crate::api::rule::create::{self, RuleForm};
use crate::api::rule::update::{self, RulePatch};
use crate::console::filters;
use crate::console::form::{self, Faults};
use crate::console::page::{page_with, see_told};
use crate::console::rule::{DAY, Outcome};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Page, page};
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form, Id, Ids, Posted, Query};

/// Most event sets that are offered.
const OFFERED: usize = 1_000;
/// Fields that have a place of their own for what is wrong with them.
const SHOWN: [&str; 3] = ["/name", "/event_set_id", "/matchers"];

#[derive(Debug, Template)]
#[template(path = "integration/rule/edit.html")]
pub(in crate::console) struct RulePage {
    frame: Frame,
    tabs: Tabs,
    /// Where the list is, and that of the event sets.
    path: String,
    event_sets: String,
    /// The stored rule; none of a new one.
    id: Option<String>,
    /// State of the stored rule that the form was made of.
    mark: String,
    typed: Typed,
    sets: Vec<(String, String)>,
    faults: Faults,
    /// What is wrong with matchers, each by its line.
    bad_matchers: String,
    /// All is well, and the way to save is asked for.
    asks: bool,
    outcome: Option<Outcome>,
}

/// What stands in the form.
#[derive(Debug, Default, Clone)]
struct Typed {
    name: String,
    event_set: String,
    /// A filter on each line.
    matchers: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// The event set that is chosen beforehand.
    event_set: Option<String>,
}

/// A form that was posted, and what it is about.
struct Posting<'a> {
    step: &'a Step,
    stored: Option<&'a IntegrationRule>,
    typed: Typed,
}

pub(super) async fn new_one(step: Step, Query(asked): Query<Asked>) -> Page {
    Admin::new(step.visitor.caller.clone())?;
    let posting = Posting {
        step: &step,
        stored: None,
        typed: Typed {
            event_set: asked.event_set.unwrap_or_default(),
            ..Typed::default()
        },
    };
    page(&posting.page(Faults::none())?)
}

pub(super) async fn known(step: Step, Of(id): Of<RuleId>) -> Page {
    let Admin(caller) = Admin::new(step.visitor.caller.clone())?;
    let stored = find(&step, id, &caller)?;
    let posting = Posting {
        step: &step,
        stored: Some(stored),
        typed: Typed::stored(stored),
    };
    page(&posting.page(Faults::none())?)
}

/// Looks through the form, then asks whether the company mapping is to follow, then saves.
pub(super) async fn create(app: State<App>, step: Step, posted: Posted) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let integration = step.integration.id;
    let posting = Posting {
        step: &step,
        stored: None,
        typed: Typed::posted(&posted),
    };
    let form = || form::read::<RuleForm>(&posting.typed.form());
    let drafted = form().and_then(|Form(form)| form.draft(&app, &admin.0, integration));
    if let Err(problem) = drafted.and_then(|rule| posting.expect_free(&rule)) {
        return posting.again(problem);
    }
    let Some(next) = posting.next(&posted) else {
        return posting.ask();
    };
    match create::create(app, admin, Id(integration), form()?).await {
        Ok(_) => Ok(see_told(&next, Told::Saved)),
        Err(problem) => posting.again(problem),
    }
}

/// The same for a stored rule. One that somebody else has changed meanwhile is not overwritten unseen.
pub(super) async fn update(
    app: State<App>,
    step: Step,
    Of(id): Of<RuleId>,
    posted: Posted,
) -> Page {
    let admin = step.visitor.admin(&posted)?;
    let caller = step.visitor.caller.clone();
    let stored = find(&step, id, &caller)?;
    let posting = Posting {
        step: &step,
        stored: Some(stored),
        typed: Typed::posted(&posted),
    };
    let integration = stored.integration;
    let form = || form::read::<RulePatch>(&posting.typed.form());
    let drafted = form().and_then(|Form(form)| form.draft(integration, id, &caller));
    if let Err(problem) = drafted.and_then(|rule| posting.expect_free(&rule)) {
        return posting.again(problem);
    }
    if posted.text("mark") != mark(stored)? {
        return posting.again(changed_meanwhile("integration rule"));
    }
    if posted.text("then") == "try" {
        return posting.try_it(&app, &caller).await;
    }
    let Some(next) = posting.next(&posted) else {
        return posting.ask();
    };
    match update::update(app, admin, Ids(integration, id), form()?).await {
        Ok(_) => Ok(see_told(&next, Told::Saved)),
        Err(problem) => posting.again(problem),
    }
}

fn find<'a>(step: &Step, id: RuleId, caller: &'a Caller) -> Result<&'a IntegrationRule, Problem> {
    let found = caller.configuration.rule(id);
    let found = found.filter(|rule| rule.integration == step.integration.id);
    Ok(found.ok_or_else(|| Problem::not_found("rule"))?)
}

impl Posting<'_> {
    /// Where the button of the confirmation leads that was pressed, if one was.
    fn next(&self, posted: &Posted) -> Option<String> {
        match posted.text("then") {
            "mapping" => Some(self.step.path(Tab::Mapping)),
            "save" => Some(self.step.path(Tab::Rules)),
            _ => None,
        }
    }

    fn expect_free(&self, rule: &IntegrationRule) -> Result<(), Problem> {
        let configuration = &self.step.visitor.caller.configuration;
        let others = configuration
            .rules()
            .filter(|other| other.integration == rule.integration && other.id != rule.id);
        expect_free("rule", &rule.name, others.map(|other| other.name.as_str()))
    }

    /// The form with all that was typed, and what is wrong with it.
    fn again(&self, problem: Problem) -> Page {
        let faults = Faults::of(problem)?;
        page_with(faults.status(), &self.page(faults)?)
    }

    fn ask(&self) -> Page {
        page(&RulePage {
            asks: true,
            ..self.page(Faults::none())?
        })
    }

    /// What the changed rule would have done to the events of the last day.
    async fn try_it(&self, app: &State<App>, caller: &Caller) -> Page {
        let mut entry = self.typed.form();
        entry["id"] = json!(self.stored.map(|stored| stored.id.to_string()));
        let change = json!({"rules": [entry]});
        match Outcome::of(app, caller, DAY, &change).await {
            Ok(outcome) => page(&RulePage {
                outcome: Some(outcome),
                ..self.page(Faults::none())?
            }),
            Err(problem) => self.again(problem),
        }
    }

    fn page(&self, faults: Faults) -> Result<RulePage, Problem> {
        let step = self.step;
        Ok(RulePage {
            frame: step.frame(Tab::Rules.word()),
            tabs: step.tabs(Tab::Rules),
            path: step.path(Tab::Rules),
            event_sets: step.path(Tab::EventSet),
            id: self.stored.map(|stored| stored.id.to_string()),
            mark: match self.stored {
                Some(stored) => mark(stored)?,
                None => String::new(),
            },
            sets: event_sets(&step.visitor.caller.configuration),
            bad_matchers: bad_lines(&faults, "", &self.typed.matchers),
            typed: self.typed.clone(),
            faults,
            asks: false,
            outcome: None,
        })
    }
}

/// Event sets to choose from, by name.
pub(in crate::console) fn event_sets(configuration: &Configuration) -> Vec<(String, String)> {
    let sets = configuration.event_sets();
    let mut sets: Vec<_> = sets
        .map(|set| (set.id.to_string(), visible(&set.name)))
        .collect();
    sets.sort_unstable_by_key(|(_, name)| name.to_lowercase());
    sets.truncate(OFFERED);
    sets
}

/// The matchers of a text, one a line, each with the number of its line.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| (index + 1, line))
}

/// The matchers of a text, as the API takes them.
pub(in crate::console) fn lines(text: &str) -> Vec<&str> {
    numbered(text).map(|(_, line)| line).collect()
}

/// Matchers as a text.
pub(in crate::console) fn written(matchers: &[Filter]) -> String {
    let lines: Vec<_> = matchers.iter().map(Filter::to_string).collect();
    lines.join("\n")
}

/// What is wrong with the matchers of a text, by the numbers of their lines; `place` is where the API's form has them.
pub(in crate::console) fn bad_lines(faults: &Faults, place: &str, text: &str) -> String {
    let whole = faults.at(&format!("{place}/matchers"));
    let several = lines(text).len() > 1;
    let bad: Vec<_> = numbered(text)
        .take(MATCHERS)
        .enumerate()
        .map(|(index, (line, _))| (line, faults.at(&format!("{place}/matchers/{index}"))))
        .filter(|(_, fault)| !fault.is_empty())
        .map(|(line, fault)| match several {
            true => format!("line {line}: {fault}"),
            false => fault.to_owned(),
        })
        .collect();
    if bad.is_empty() {
        whole.to_owned()
    } else {
        bad.join("; ")
    }
}

impl Typed {
    fn stored(rule: &IntegrationRule) -> Self {
        Self {
            name: rule.name.clone(),
            event_set: rule.event_set.to_string(),
            matchers: written(&rule.matchers),
        }
    }

    fn posted(posted: &Posted) -> Self {
        Self {
            name: posted.text("name").to_owned(),
            event_set: posted.text("event_set_id").to_owned(),
            matchers: posted.text("matchers").to_owned(),
        }
    }

    /// As the API takes it, new or changed.
    fn form(&self) -> Value {
        json!({
            "name": self.name,
            "event_set_id": self.event_set,
            "matchers": lines(&self.matchers),
        })
    }
}

impl RulePage {
    /// What belongs to no field.
    fn beside(&self) -> Vec<String> {
        self.faults.beside(&SHOWN)
    }

    /// The stored rule that may be tried.
    fn tried(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    #[cfg(test)]
    pub(in crate::console) fn samples() -> Vec<Self> {
        use crate::console::Here;
        let hostile = "\"><script>alert(1)</script>";
        let page = |id: Option<&str>, sets, faults, asks, outcome| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::Rules, true),
            path: "/settings/integrations/webhook/1/rules".to_owned(),
            event_sets: "/settings/integrations/webhook/1/event-sets".to_owned(),
            id: id.map(str::to_owned),
            mark: "00".to_owned(),
            typed: Typed {
                name: hostile.to_owned(),
                event_set: "1".to_owned(),
                matchers: format!("{hostile}\n\n</textarea>{hostile}"),
            },
            sets,
            bad_matchers: bad_lines(&faults, "", "a\nb"),
            faults,
            asks,
            outcome,
        };
        let sets = || vec![("1".to_owned(), hostile.to_owned())];
        vec![
            page(None, Vec::new(), Faults::none(), false, None),
            page(None, sets(), Faults::none(), true, None),
            page(
                Some("1"),
                sets(),
                Faults::field("/matchers/1", hostile),
                false,
                None,
            ),
            page(
                Some("1"),
                sets(),
                Faults::field("/other", hostile),
                false,
                None,
            ),
            page(
                Some("1"),
                sets(),
                Faults::none(),
                false,
                Some(Outcome::sample()),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_matcher_is_named_by_its_line() {
        let text = "severity>=high\n\n  severty=x  \n";
        assert_eq!(lines(text), ["severity>=high", "severty=x"]);
        let faults = Faults::field("/matchers/1", "is not known");
        assert_eq!(bad_lines(&faults, "", text), "line 3: is not known");
        assert_eq!(bad_lines(&faults, "", "a\nb"), "line 2: is not known");
        let only = Faults::field("/change/rules/0/matchers/0", "is not known");
        assert_eq!(bad_lines(&only, "/change/rules/0", "a"), "is not known");
        let many = Faults::field("/matchers", "has at most 32 entries");
        assert_eq!(bad_lines(&many, "", "a\nb"), "has at most 32 entries");
    }
}
