use askama::Template;
use axum::extract::State;
use domain::source::{Live, Source, When};
use domain::time::format_duration;
use domain::{SourceId, Timestamp};

use super::company_rules::mark;
use super::entries::Secrets;
use super::list::ways;
use super::made::Sender;
use super::{WAYS, words};
use crate::App;
use crate::api::Named;
use crate::api::source::{find, intake_url, seen_whole};
use crate::console::form::Faults;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, filters, page, query, reach};
use crate::problem::Problem;
use crate::read::{Caller, Id};
use crate::tallies::ActivityView;

#[derive(Debug, Template)]
#[template(path = "source/detail.html")]
pub(super) struct SourcePage {
    frame: Frame,
    id: String,
    path: String,
    name: String,
    intake: String,
    /// Where the sender gets its token, where it needs one.
    token: Option<String>,
    ways: String,
    companies: String,
    company: Option<String>,
    dedup: Option<String>,
    limits: Vec<String>,
    activity: Option<ActivityView>,
    sender: Sender,
    rules: Vec<Rule>,
    /// Tells whether the rules are still those that the page shows.
    rules_mark: String,
    secrets: Vec<Kept>,
    overlaps: [(&'static str, &'static str); 5],
    events: String,
    created: Timestamp,
    faults: Faults,
    /// Whether to remove it is asked, and what is wrong with the answer.
    asks: Option<String>,
}

/// A company rule in words.
#[derive(Debug)]
struct Rule {
    when: &'static str,
    value: String,
    company: String,
}

/// A secret as it is kept.
#[derive(Debug)]
struct Kept {
    way: &'static str,
    word: &'static str,
    label: &'static str,
    last4: Option<String>,
    /// While the former one is good too: how long still, when it ends by itself.
    former: Option<Option<(String, Timestamp)>>,
}

/// The page has no place of its own for what is wrong with a field.
const BESIDE: &[&str] = &[];
/// How long a former secret stays good, as the form proposes it.
const OVERLAPS: [(&str, &str); 5] = [
    ("24h", "for 1 day"),
    ("7d", "for 7 days"),
    ("30d", "for 30 days"),
    ("1h", "for 1 hour"),
    ("0s", "no longer"),
];

pub(super) async fn show(app: State<App>, visitor: Visitor, Id(id): Id<SourceId>) -> Page {
    let source = find(id, &visitor.caller)?;
    page(&SourcePage::new(&app, &visitor, source).await?)
}

impl SourcePage {
    pub(super) async fn new(
        app: &App,
        visitor: &Visitor,
        source: &Source,
    ) -> Result<Self, Problem> {
        let caller = &visitor.caller;
        let intake = intake_url(source, app);
        let companies = Some(source.companies.as_slice()).filter(|ids| !ids.is_empty());
        let company = source.company.filter(|id| caller.sees(*id));
        let id = source.id.to_string();
        Ok(Self {
            frame: Frame::new(visitor, Here::Sources, &visible(&source.name), None),
            path: format!("/sources/{id}"),
            name: visible(&source.name),
            token: (source.authentication.login.is_some()).then(|| format!("{intake}/token")),
            intake,
            ways: ways(&source.authentication),
            companies: reach::words(caller, companies),
            company: company.map(|id| Named::company(id, &caller.configuration).shown()),
            dedup: source.dedup_window.map(format_duration),
            limits: limits(source),
            activity: seen_whole(source, caller).then(|| app.tallies().view(source.id)),
            sender: Sender::new(app, caller, source.id, &Secrets::new()).await?,
            rules: rules(source, caller),
            rules_mark: mark(source),
            secrets: kept(source, app.now()),
            overlaps: OVERLAPS,
            events: query::State::new("/events", &[("source", Some(&id))]).newest(),
            created: source.created_at,
            id,
            faults: Faults::none(),
            asks: None,
        })
    }

    /// The same page with what is wrong.
    pub(super) fn faulty(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The same page, which asks whether to remove the source.
    pub(super) fn asking(self, fault: String) -> Self {
        Self {
            asks: Some(fault),
            ..self
        }
    }
}

fn rules(source: &Source, caller: &Caller) -> Vec<Rule> {
    let seen = source.company_rules.iter();
    let seen = seen.filter(|rule| caller.sees(rule.company));
    seen.map(|rule| {
        let (when, value) = match &rule.when {
            When::BodyCompany(name) => ("the body names", name.clone()),
            When::Hostname(pattern) => ("the host name is like", pattern.clone()),
            When::Address(range) => ("the address is in", range.to_string()),
        };
        Rule {
            when,
            value: visible(&value),
            company: Named::company(rule.company, &caller.configuration).shown(),
        }
    })
    .collect()
}

fn limits(source: &Source) -> Vec<String> {
    let limits = &source.limits;
    let bytes = limits
        .body_bytes
        .map(|most| format!("{most} bytes a message"));
    let depth = limits
        .json_depth
        .map(|most| format!("{most} levels of JSON"));
    let rate = limits.rate.map(|rate| {
        let (flow, burst) = (rate.per_second, rate.burst);
        format!("{flow} messages a second, {burst} at once")
    });
    bytes.into_iter().chain(depth).chain(rate).collect()
}

/// The secrets in the order of [`WAYS`].
fn kept(source: &Source, now: Timestamp) -> Vec<Kept> {
    let wanted = &source.authentication;
    let header = wanted.header.as_ref().map(|way| &way.secret);
    let basic = wanted.basic.as_ref().map(|way| &way.secret);
    let login = wanted.login.as_ref().map(|way| &way.secret);
    let digested = [header, basic, login].map(|secret| {
        let secret = secret?;
        Some((secret.last4.clone(), former(&secret.live, now)))
    });
    let signature = (!wanted.signature.is_empty()).then(|| (None, former(&wanted.signature, now)));
    let all = digested.into_iter().chain([signature]);
    let all = WAYS.into_iter().zip(all);
    all.filter_map(|((way, word, label), found)| {
        let (last4, former) = found?;
        Some(Kept {
            way,
            word,
            label,
            last4,
            former,
        })
    })
    .collect()
}

fn former<T>(live: &Live<T>, now: Timestamp) -> Option<Option<(String, Timestamp)>> {
    let is_live = live.at(now).len() > 1;
    is_live.then(|| {
        live.former_until
            .map(|until| (words(until.since(now)), until))
    })
}

#[cfg(test)]
impl SourcePage {
    pub(super) fn samples() -> Vec<Self> {
        let at = Timestamp::from_micros(1_764_122_400_000_000);
        let mut read_only = Self::sample(Faults::none(), None);
        read_only.frame.may_configure = false;
        read_only.activity = None;
        read_only.rules.clear();
        let mut quiet = Self::sample(Faults::none(), Some(String::new()));
        quiet.activity = Some(ActivityView {
            last_seen_at: Some(at),
            last_refused_at: Some(at),
            accepted: 5,
            duplicates: 1,
            refused: 2,
        });
        vec![
            Self::sample(Faults::field("/header/secret", "<script>"), None),
            quiet,
            read_only,
        ]
    }

    fn sample(faults: Faults, asks: Option<String>) -> Self {
        let hostile = || "<img src=x onerror=alert(1)>".to_owned();
        let at = Timestamp::from_micros(1_764_122_400_000_000);
        let rule = || Rule {
            when: "the body names",
            value: hostile(),
            company: hostile(),
        };
        let kept = |former| Kept {
            way: WAYS[0].0,
            word: WAYS[0].1,
            label: WAYS[0].2,
            last4: Some("<b>\"".to_owned()),
            former,
        };
        Self {
            frame: Frame::sample(Here::Sources),
            id: "1".to_owned(),
            path: "/sources/1".to_owned(),
            name: hostile(),
            intake: "https://alerts.example.com/intake/1".to_owned(),
            token: Some("https://alerts.example.com/intake/1/token".to_owned()),
            ways: "header".to_owned(),
            companies: hostile(),
            company: Some(hostile()),
            dedup: Some("5m".to_owned()),
            limits: vec!["1 level".to_owned()],
            activity: Some(ActivityView {
                last_seen_at: None,
                last_refused_at: None,
                accepted: 0,
                duplicates: 0,
                refused: 0,
            }),
            sender: Sender::sample(),
            rules: vec![rule(), rule(), rule()],
            rules_mark: "00".to_owned(),
            secrets: vec![
                kept(None),
                kept(Some(None)),
                kept(Some(Some(("3 days".to_owned(), at)))),
            ],
            overlaps: OVERLAPS,
            events: "/events?source=1".to_owned(),
            created: at,
            faults,
            asks,
        }
    }
}
