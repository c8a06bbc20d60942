use askama::Template;
use axum::extract::State;
use domain::access::Role;
use http::{StatusCode, Uri};
use url::form_urlencoded;

use super::asked::Asked;
use super::preview::Preview;
use crate::App;
use crate::api::integration::seen;
use crate::api::replay::create::{look, shares, start};
use crate::console::form::Faults;
use crate::console::page::{page_with, see};
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor};
use crate::problem::Problem;
use crate::read::Posted;

/// Most integrations that the fields propose; the URL takes any.
const PROPOSED: usize = 500;
/// Where deliveries stand that can be asked for.
const STATUSES: [(&str, &str); 5] = [
    ("", "any"),
    ("dead", "dead"),
    ("pending", "pending"),
    ("parked", "parked"),
    ("delivered", "delivered"),
];

#[derive(Debug, Template)]
#[template(path = "job/replay_new.html")]
pub(super) struct NewPage {
    frame: Frame,
    asked: Asked,
    /// Each with its id.
    integrations: Vec<(String, String)>,
    faults: Faults,
    preview: Option<Preview>,
}

/// What would come of it, when the URL says what is meant; the form otherwise.
pub(super) async fn show(app: State<App>, visitor: Visitor, uri: Uri) -> Page {
    visitor.caller.expect_role(Role::Operator)?;
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let asked = Asked::of(pairs.iter().map(|(name, value)| (&**name, &**value)));
    if asked.names_anything() && asked.then != "change" {
        return shown(&app, &visitor, asked, Faults::none()).await;
    }
    NewPage::new(&visitor, asked.usual(), Faults::none(), None).shown()
}

/// What would come of it, or the job.
pub(super) async fn post(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    visitor.expect(&posted, Role::Operator)?;
    let asked = Asked::of(posted.pairs());
    if asked.then != "begin" {
        return shown(&app, &visitor, asked, Faults::none()).await;
    }
    let preview = match preview(&app, &visitor, &asked).await {
        Ok(preview) => preview,
        Err(problem) => return NewPage::refused(&visitor, asked, problem),
    };
    if !preview.is_confirmed(&asked.confirm) {
        let faults = Faults::field("/confirm", "is not what is asked for; nothing was sent");
        return NewPage::new(&visitor, asked, faults, Some(preview)).shown();
    }
    let begun = match asked.form() {
        Ok(form) => start(&app, &visitor.caller, form).await,
        Err(problem) => Err(problem),
    };
    match begun {
        Ok(job) => Ok(see(&format!("/replays/{}", job.id))),
        Err(problem) => shown(&app, &visitor, asked, Faults::of(problem)?).await,
    }
}

/// The page that says what would come of it.
async fn shown(app: &App, visitor: &Visitor, asked: Asked, faults: Faults) -> Page {
    match preview(app, visitor, &asked).await {
        Ok(preview) => NewPage::new(visitor, asked, faults, Some(preview)).shown(),
        Err(problem) => NewPage::refused(visitor, asked, problem),
    }
}

/// What would come of it. The pace is no part of that.
async fn preview(app: &App, visitor: &Visitor, asked: &Asked) -> Result<Preview, Problem> {
    let caller = &visitor.caller;
    let mut meant = asked.clone();
    meant.rate.clear();
    let form = meant.form()?;
    let would = look(app, caller, form.clone()).await?;
    let told = shares(app, caller, form).await?;
    Ok(Preview::new(asked, &would, &told, &caller.configuration))
}

impl NewPage {
    fn new(visitor: &Visitor, asked: Asked, faults: Faults, preview: Option<Preview>) -> Self {
        let caller = &visitor.caller;
        let all = caller.configuration.integrations();
        let mut integrations: Vec<_> = all
            .filter(|integration| seen(integration, caller))
            .map(|integration| (integration.id.to_string(), visible(&integration.name)))
            .collect();
        integrations.sort_unstable_by_key(|(_, name)| name.to_lowercase());
        integrations.truncate(PROPOSED);
        Self {
            frame: Frame::new(visitor, Here::Jobs, "Replay", None),
            asked,
            integrations,
            faults,
            preview,
        }
    }

    /// The form again, with what is wrong with it.
    fn refused(visitor: &Visitor, asked: Asked, problem: Problem) -> Page {
        Self::new(visitor, asked, Faults::of(problem)?, None).shown()
    }

    fn shown(&self) -> Page {
        let status = match self.faults.is_none() {
            true => StatusCode::OK,
            false => self.faults.status(),
        };
        page_with(status, self)
    }

    /// Choices of the field that names an integration, the first for none.
    fn choices(&self, none: &'static str) -> Vec<(&str, &str)> {
        let all = self.integrations.iter();
        let all = all.map(|(id, name)| (id.as_str(), name.as_str()));
        [("", none)].into_iter().chain(all).collect()
    }

    fn causes(&self) -> Vec<(&'static str, &'static str)> {
        let classes = delivery::Cause::CLASSES.into_iter();
        let classes = classes.map(|class| (class, class));
        [("", "any")].into_iter().chain(classes).collect()
    }

    /// What is meant, as it is shown.
    fn told(&self) -> Vec<(&str, String)> {
        let named = self.asked.named().into_iter();
        let named = named.filter(|(name, _)| !["id", "to", "unrouted"].contains(name));
        let shown = |(name, value): (&'_ str, &str)| match name {
            "integration" => self.name(value),
            _ => visible(value),
        };
        named
            .map(|(name, value)| (name, shown((name, value))))
            .collect()
    }

    fn name(&self, id: &str) -> String {
        let known = self.integrations.iter().find(|(own, _)| own == id);
        known.map_or_else(|| visible(id), |(_, name)| name.clone())
    }

    /// What is wrong with what has no field of its own.
    fn beside(&self) -> Vec<String> {
        let shown: &[&str] = match self.preview.is_some() {
            true => &["/confirm", "/rate_per_second"],
            false => &[
                "/filter/status",
                "/filter/integration",
                "/filter/company",
                "/filter/cause",
                "/filter/since",
                "/filter/until",
                "/to",
            ],
        };
        self.faults.beside(shown)
    }
}

#[cfg(test)]
impl NewPage {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><script>alert(1)</script>";
        let page = |asked: Asked, faults, preview| Self {
            frame: Frame::sample(Here::Jobs),
            asked,
            integrations: vec![("1".to_owned(), hostile.to_owned())],
            faults,
            preview,
        };
        let of = |pairs: &[(&str, &str)]| Asked::of(pairs.iter().copied());
        let narrowed = || of(&[("cause", hostile), ("reason", hostile), ("to", "1")]);
        let unrouted = || of(&[("unrouted", "1"), ("text", hostile)]);
        let many = || Some(Preview::sample(hostile, true));
        let none = || Some(Preview::sample(hostile, false));
        vec![
            page(Asked::default().usual(), Faults::none(), None),
            page(narrowed(), Faults::field("/filter/reason", hostile), None),
            page(unrouted(), Faults::none(), None),
            page(narrowed(), Faults::field("/confirm", hostile), many()),
            page(unrouted(), Faults::none(), many()),
            page(of(&[("id", hostile)]), Faults::none(), none()),
        ]
    }
}
