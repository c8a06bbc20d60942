use askama::Template;
use axum::extract::State;
use domain::access::Role;
use http::{StatusCode, Uri};
use url::form_urlencoded;

use super::asked::Asked;
use crate::App;
use crate::api::reread::create::{look, start};
use crate::api::reread::preview::{RereadPreview, Side};
use crate::console::event::grouped;
use crate::console::event::list::Read;
use crate::console::form::Faults;
use crate::console::page::{page_with, see};
use crate::console::text::{ROW, Shown, visible};
use crate::console::{Frame, Here, Page, Visitor};
use crate::read::Posted;

/// What a list can be narrowed to by how it was read.
const READ_AS: [(&str, &str); 4] = [
    ("", "any"),
    ("none", "not recognised"),
    ("partial", "partial"),
    ("full", "full"),
];
/// Most fields of a side that are shown.
const FIELDS: usize = 12;
/// Most events before and after that are shown.
const SAMPLES: usize = 25;

#[derive(Debug, Template)]
#[template(path = "job/reread_new.html")]
pub(super) struct NewPage {
    frame: Frame,
    asked: Asked,
    codes: Vec<String>,
    faults: Faults,
    preview: Option<Preview>,
}

/// What a re-reading would do.
#[derive(Debug)]
struct Preview {
    count: String,
    is_one: bool,
    looked_at: String,
    /// Not all of them could be looked at in the time.
    is_partial: bool,
    /// What would be different.
    changed: u64,
    /// Each outcome with how many come to it, and what that means.
    outcomes: Vec<(&'static str, String, &'static str)>,
    routable: u64,
    /// More fits than one job takes.
    truncated: bool,
    samples: Vec<Sample>,
    more_samples: bool,
}

/// An event before and after.
#[derive(Debug)]
struct Sample {
    path: String,
    difference: String,
    subject: Shown,
    sides: [SideRow; 2],
}

#[derive(Debug)]
struct SideRow {
    word: &'static str,
    code: Option<String>,
    severity: &'static str,
    company: Option<String>,
    reading: Read,
    fields: Vec<(String, Shown)>,
    more: usize,
}

/// The form; or what would come of it, when the URL wants to see that.
pub(super) async fn show(app: State<App>, visitor: Visitor, uri: Uri) -> Page {
    visitor.caller.expect_role(Role::Operator)?;
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let asked = Asked::of(pairs.iter().map(|(name, value)| (&**name, &**value)));
    match &*asked.then {
        "preview" => preview(&app, &visitor, asked).await,
        _ => NewPage::new(&visitor, asked, Faults::none(), None).shown(),
    }
}

/// What would come of it, or the job.
pub(super) async fn post(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    visitor.expect(&posted, Role::Operator)?;
    let asked = Asked::of(posted.pairs());
    if asked.then != "begin" {
        return preview(&app, &visitor, asked).await;
    }
    let begun = match asked.form() {
        Ok(form) => start(&app, &visitor.caller, form).await,
        Err(problem) => Err(problem),
    };
    match begun {
        Ok(job) => Ok(see(&format!("/rereads/{}", job.id))),
        Err(problem) => NewPage::new(&visitor, asked, Faults::of(problem)?, None).shown(),
    }
}

async fn preview(app: &App, visitor: &Visitor, asked: Asked) -> Page {
    let looked = match asked.form() {
        Ok(form) => look(app, &visitor.caller, form).await,
        Err(problem) => Err(problem),
    };
    let (faults, preview) = match looked {
        Ok(preview) => (Faults::none(), Some(Preview::new(preview))),
        Err(problem) => (Faults::of(problem)?, None),
    };
    NewPage::new(visitor, asked, faults, preview).shown()
}

impl NewPage {
    fn new(visitor: &Visitor, asked: Asked, faults: Faults, preview: Option<Preview>) -> Self {
        let kinds = visitor.caller.configuration.catalogue().kinds();
        let mut codes: Vec<_> = kinds.iter().map(|kind| kind.code.clone()).collect();
        codes.sort_unstable();
        Self {
            frame: Frame::new(visitor, Here::Jobs, "Re-read", None),
            asked,
            codes,
            faults,
            preview,
        }
    }

    fn shown(&self) -> Page {
        let status = match self.faults.is_none() {
            true => StatusCode::OK,
            false => self.faults.status(),
        };
        page_with(status, self)
    }

    /// What names the events, for the form that begins it and for whoever reads the page.
    fn named(&self) -> Vec<(&str, &str)> {
        self.asked.named()
    }

    /// The same as it is shown.
    fn told(&self) -> Vec<(&str, String)> {
        let named = self.asked.named().into_iter();
        named.map(|(name, value)| (name, visible(value))).collect()
    }

    /// What is wrong with what has no field of its own.
    fn beside(&self) -> Vec<String> {
        let shown = [
            "/days",
            "/rate_per_second",
            "/query/event",
            "/query/match",
            "/query/filter",
            "/query/company",
        ];
        self.faults.beside(&shown)
    }
}

impl Preview {
    fn new(preview: RereadPreview) -> Self {
        let outcomes = [
            (
                "Newly understood",
                preview.newly_understood,
                "not understood before, and understood now",
            ),
            ("Another kind", preview.kind_changed, "named otherwise now"),
            (
                "Other fields",
                preview.fields_changed,
                "the same kind, read better",
            ),
            (
                "Further alerts",
                preview.further,
                "messages hold more alerts than they had events",
            ),
            ("Unchanged", preview.unchanged, "they say the same"),
            (
                "Worse",
                preview.worse,
                "the present reading tells more, so it stays",
            ),
            (
                "Came as fields",
                preview.raised,
                "by the API: there is nothing to read",
            ),
            ("Gone", preview.gone, "pruned meanwhile"),
            (
                "Unreadable",
                preview.unreadable,
                "the stored row cannot be read",
            ),
        ];
        let changed = preview.newly_understood
            + preview.kind_changed
            + preview.fields_changed
            + preview.further;
        let outcomes = outcomes.into_iter().filter(|(_, count, _)| *count > 0);
        Self {
            count: grouped(preview.count),
            is_one: preview.count == 1,
            looked_at: grouped(preview.looked_at),
            is_partial: preview.looked_at < preview.count,
            changed,
            outcomes: outcomes
                .map(|(word, count, meaning)| (word, grouped(count), meaning))
                .collect(),
            routable: preview.routable,
            truncated: preview.truncated,
            more_samples: preview.samples.len() > SAMPLES,
            samples: preview
                .samples
                .into_iter()
                .take(SAMPLES)
                .map(Sample::new)
                .collect(),
        }
    }

    /// Whether beginning it can make a difference.
    fn is_worth_it(&self) -> bool {
        (self.changed > 0 || self.is_partial) && !self.truncated
    }
}

impl Sample {
    fn new(sample: crate::api::reread::preview::Sample) -> Self {
        Self {
            path: format!("/events/{}", sample.id),
            difference: sample.difference.replace('_', " "),
            subject: Shown::line(&sample.after.subject, ROW),
            sides: [
                SideRow::new("Before", sample.before),
                SideRow::new("After", sample.after),
            ],
        }
    }
}

impl SideRow {
    fn new(word: &'static str, side: Side) -> Self {
        let all = side.records.iter().map(|record| record.iter().count());
        let all: usize = all.sum();
        let fields = side.records.iter().flat_map(|record| record.iter());
        let field = |(name, value): (&str, &alertwire_catalogue::Value)| {
            (visible(name), Shown::line(&value.to_string(), ROW))
        };
        Self {
            word,
            code: side.event.as_deref().map(visible),
            severity: side.severity,
            company: side.company.map(|company| company.shown()),
            reading: Read::of_words(side.decode, side.matched),
            fields: fields.take(FIELDS).map(field).collect(),
            more: all.saturating_sub(FIELDS),
        }
    }
}

#[cfg(test)]
impl NewPage {
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><script>alert(1)</script>";
        let pairs = [("filter", hostile), ("text", hostile), ("days", hostile)];
        let page = |asked: Asked, faults, preview| Self {
            frame: Frame::sample(Here::Jobs),
            asked,
            codes: vec!["system.asset_added".to_owned()],
            faults,
            preview,
        };
        let asked = || Asked::of(pairs.into_iter());
        let named = Asked::of([("id", hostile)].into_iter());
        let nothing = Preview::new(RereadPreview::default());
        vec![
            page(Asked::default(), Faults::none(), None),
            page(asked(), Faults::field("/days", hostile), None),
            page(asked(), Faults::field("/query/text", hostile), None),
            page(asked(), Faults::none(), Some(Preview::sample())),
            page(named, Faults::none(), Some(nothing)),
        ]
    }
}

#[cfg(test)]
impl Preview {
    fn sample() -> Self {
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let side = |word| SideRow {
            word,
            code: Some(visible(hostile)),
            severity: "high",
            company: Some(visible(hostile)),
            reading: Read::of_words("repaired", "partial"),
            fields: vec![(visible(hostile), Shown::line(hostile, ROW))],
            more: 2,
        };
        let mut preview = Self::new(RereadPreview {
            count: 12_000,
            looked_at: 10_000,
            newly_understood: 3,
            routable: 2,
            ..RereadPreview::default()
        });
        preview.samples = vec![Sample {
            path: "/events/1".to_owned(),
            difference: "newly understood".to_owned(),
            subject: Shown::line(hostile, ROW),
            sides: [side("Before"), side("After")],
        }];
        preview.more_samples = true;
        preview
    }
}
