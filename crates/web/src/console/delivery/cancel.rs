use askama::Template;
use axum::extract::State;
use domain::access::Role;
use http::{StatusCode, Uri};
use serde_json::{Map, Value, json};
use url::form_urlencoded::{self, Serializer};

use crate::App;
use crate::api::delivery::cancel::{CancelForm, CancelView, Found, look};
use crate::api::delivery::list::DeliveriesQuery;
use crate::console::event::grouped;
use crate::console::form::{self, Faults};
use crate::console::page::{is_typed, page_with, see_told};
use crate::console::text::visible;
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor};
use crate::problem::Problem;
use crate::read::{Caller, Form, Posted};

/// From how many on a name has to be typed.
const MANY: usize = 100;

/// Says what would be cancelled, and asks.
#[derive(Debug, Template)]
#[template(path = "delivery/cancel.html")]
pub(super) struct CancelPage {
    frame: Frame,
    asked: Asked,
    faults: Faults,
    /// None: what is asked for is no question.
    would: Option<Would>,
}

/// What would be cancelled.
#[derive(Debug)]
struct Would {
    count: String,
    is_one: bool,
    is_none: bool,
    /// Where they would have gone, with how many.
    shares: Vec<(String, String)>,
    /// The one place where all of them would have gone, or that there are several.
    target: String,
    truncated: bool,
    /// What has to be typed, where many are cancelled.
    word: Option<String>,
}

/// Which deliveries are meant: the keys of a list.
#[derive(Debug, Default)]
struct Asked {
    ids: Vec<String>,
    keys: Vec<(String, String)>,
}

/// What would come of it.
pub(super) async fn show(app: State<App>, visitor: Visitor, uri: Uri) -> Page {
    visitor.caller.expect_role(Role::Operator)?;
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let asked = Asked::of(pairs.iter().map(|(name, value)| (&**name, &**value)));
    CancelPage::of(&app, &visitor, asked).await
}

/// What would come of it, or all that was found cancelled.
pub(super) async fn post(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    visitor.expect(&posted, Role::Operator)?;
    let asked = Asked::of(posted.pairs());
    if posted.text("then") != "cancel" {
        return CancelPage::of(&app, &visitor, asked).await;
    }
    let found = match asked.found(&app, &visitor.caller).await {
        Ok(found) => found,
        Err(problem) => return refused(&visitor, asked, problem),
    };
    let would = Would::new(&found.view(&visitor.caller));
    let word = would.word.as_deref();
    if word.is_some_and(|word| !is_typed(&posted, word)) {
        let faults = Faults::field("/typed", "is not what is asked for; nothing was cancelled");
        return CancelPage::new(&visitor, asked, faults, Some(would)).shown();
    }
    found.cancel(&app, &visitor.caller).await?;
    Ok(see_told(&asked.after(), Told::Cancelled))
}

/// What is wrong with what is asked for.
fn refused(visitor: &Visitor, asked: Asked, problem: Problem) -> Page {
    CancelPage::new(visitor, asked, Faults::of(problem)?, None).shown()
}

impl CancelPage {
    /// The page that says what would come of it.
    async fn of(app: &App, visitor: &Visitor, asked: Asked) -> Page {
        match asked.found(app, &visitor.caller).await {
            Ok(found) => {
                let would = Would::new(&found.view(&visitor.caller));
                Self::new(visitor, asked, Faults::none(), Some(would)).shown()
            }
            Err(problem) => refused(visitor, asked, problem),
        }
    }

    fn new(visitor: &Visitor, asked: Asked, faults: Faults, would: Option<Would>) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Deliveries, "Cancel deliveries", None),
            asked,
            faults,
            would,
        }
    }

    fn shown(&self) -> Page {
        let status = match self.faults.is_none() {
            true => StatusCode::OK,
            false => self.faults.status(),
        };
        page_with(status, self)
    }
}

impl Would {
    fn new(told: &CancelView) -> Self {
        let only = match &told.integrations[..] {
            [only] => Some(only.integration.shown()),
            _ => None,
        };
        let shares = told.integrations.iter();
        let shares = shares.map(|share| (share.integration.shown(), grouped(share.count as u64)));
        Self {
            count: grouped(told.count as u64),
            is_one: told.count == 1,
            is_none: told.count == 0,
            shares: shares.collect(),
            target: only
                .clone()
                .unwrap_or_else(|| "several integrations".to_owned()),
            truncated: told.truncated,
            word: (told.count > MANY).then(|| only.unwrap_or_else(|| told.count.to_string())),
        }
    }
}

impl Asked {
    /// From the fields of a form or the parameters of a URL. What no list of deliveries knows is left out: pages add what is
    /// theirs.
    fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let known = serde_json::to_value(DeliveriesQuery::default()).unwrap_or_default();
        let mut asked = Self::default();
        for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            match name {
                "id" => asked.ids.extend(value.split(',').map(str::to_owned)),
                "limit" | "cursor" => {}
                _ if known.get(name).is_some() => {
                    asked.keys.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
        if !asked.ids.is_empty() {
            asked.keys.clear();
        }
        asked
    }

    /// All that says what is meant.
    fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        let ids = self.ids.iter().map(|id| ("id", id.as_str()));
        ids.chain(self.keys())
    }

    fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        let keys = self.keys.iter();
        keys.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The keys as they are shown.
    fn told(&self) -> Vec<(&str, String)> {
        let keys = self.keys();
        keys.map(|(name, value)| (name, visible(value))).collect()
    }

    /// What it means and can be cancelled, by the form of the API.
    async fn found(&self, app: &App, caller: &Caller) -> Result<Found, Problem> {
        let keys = self.keys();
        let mut filter: Map<String, Value> = keys
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        if !self.ids.is_empty() {
            filter.insert("id".to_owned(), json!(self.ids.join(",")));
        }
        let form: Form<CancelForm> = form::read(&json!({"filter": filter}))?;
        look(app, caller, &form.0).await
    }

    /// Where one comes from: the delivery, or the list of what is meant.
    fn list(&self) -> String {
        if let [id] = &self.ids[..] {
            return one(id);
        }
        match self.ids.is_empty() {
            true => list(self.keys()),
            false => list([("id", &*self.ids.join(","))].into_iter()),
        }
    }

    /// Where one sees what came of it: the delivery, or what is cancelled where one looked.
    fn after(&self) -> String {
        if let [id] = &self.ids[..] {
            return one(id);
        }
        let kept = self
            .keys()
            .filter(|(name, _)| ["integration", "company"].contains(name));
        list(kept.chain([("reason", "cancelled")]))
    }
}

fn one(id: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/deliveries/{id}")
}

fn list<'a>(keys: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(keys);
    format!("/deliveries?{}", query.finish())
}

#[cfg(test)]
impl CancelPage {
    pub(super) fn samples() -> Vec<Self> {
        use crate::api::delivery::cancel::MOST;
        // What a field sends back is as it came: what cannot be seen is shown by name only where it is read.
        let hostile = "\"><script>alert(1)</script>";
        let shown = || visible(&format!("{hostile}\u{202e}"));
        let page = |asked: &[(&str, &str)], faults, would| Self {
            frame: Frame::sample(Here::Deliveries),
            asked: Asked::of(asked.iter().copied()),
            faults,
            would,
        };
        let would = |count: usize, truncated: bool| Would {
            count: grouped(count as u64),
            is_one: count == 1,
            is_none: count == 0,
            shares: vec![(shown(), "1".to_owned())],
            target: shown(),
            truncated,
            word: (count > MANY).then(shown),
        };
        let wrong = || Faults::field("/typed", hostile);
        vec![
            page(&[("id", hostile)], Faults::none(), Some(would(1, false))),
            page(&[("cause", hostile)], wrong(), Some(would(MOST, true))),
            page(&[("status", "dead")], Faults::none(), Some(would(0, false))),
            page(
                &[("status", hostile)],
                Faults::field("/filter/status", hostile),
                None,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_take_the_place_of_everything_else_and_what_no_list_knows_is_left_out() {
        let asked = Asked::of([("id", "1"), ("id", "2"), ("status", "dead")].into_iter());
        assert!(asked.named().eq([("id", "1"), ("id", "2")]));
        assert_eq!(asked.list(), "/deliveries?id=1%2C2");
        assert_eq!(asked.after(), "/deliveries?reason=cancelled");
        let asked = Asked::of([("id", "a/b")].into_iter());
        assert_eq!(asked.list(), "/deliveries/a%2Fb");
        let pairs = [("integration", "1"), ("then", "x"), ("limit", "5")];
        let asked = Asked::of(pairs.into_iter());
        assert_eq!(asked.list(), "/deliveries?integration=1");
        assert_eq!(asked.after(), "/deliveries?integration=1&reason=cancelled");
    }
}
