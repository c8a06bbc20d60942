//! Lessons: wordings that the catalogue does not know, learned from stored bodies and taught to it.

pub(crate) mod coverage;
pub(crate) mod drift;
pub(crate) mod learn;
pub(crate) mod propose;
pub(crate) mod unknown;

mod gather;

use alertwire_catalogue::{self as catalogue, Catalogue, LearnedField, Limits, Proposal};
use domain::Timestamp;
use domain::access::Scope;
use domain::event::{Event, Match};
use domain::message::Decode;
use domain::silence::Window;
use serde::Serialize;
use store::{EventQuery, PageAt};
use tokio::sync::SemaphorePermit;
use utoipa::ToSchema;

use crate::App;
use crate::api::find_company;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::{Caller, Params};

/// Events of one read: few enough that their bodies fit in memory several times.
const PAGE: u16 = 250;
/// When to come again while others ask.
const RETRY_SECONDS: u64 = 5;
/// The longest front of a body that an answer shows, in characters.
const SHOWN: usize = 2_000;

/// A template that was learned, before it is taught.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalView {
    /// In the template language of the catalogue.
    pub(crate) template: String,
    pub(crate) fields: Vec<FieldView>,
    /// Bodies that it reads, all of them with certainty.
    pub(crate) bodies: usize,
    /// Bodies that it reads in more than one way.
    pub(crate) uncertain: usize,
    /// Some of the bodies that it reads.
    pub(crate) examples: Vec<String>,
    /// Kinds that read such a body in full already; a new kind would collide with them.
    pub(crate) read_by: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldView {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    pub(crate) optional: bool,
    pub(crate) samples: Vec<String>,
}

impl ProposalView {
    fn new(proposal: Proposal, read_by: Vec<String>) -> Self {
        let field = |field: LearnedField| FieldView {
            name: field.name,
            type_name: field.type_name,
            optional: field.optional,
            samples: field.samples,
        };
        Self {
            template: proposal.template,
            fields: proposal.fields.into_iter().map(field).collect(),
            bodies: proposal.bodies,
            uncertain: proposal.uncertain,
            examples: proposal.examples,
            read_by,
        }
    }
}

/// How much of the stored events was looked at.
#[derive(Debug, Clone, Copy)]
struct Examined {
    events: u64,
    /// No bound was reached before all of them had been read.
    complete: bool,
    oldest: Option<Timestamp>,
}

/// The right to look through stored events; what-ifs take the same, for all of them keep a core and the disk busy.
fn permit(app: &App) -> Result<SemaphorePermit<'_>, Problem> {
    app.what_ifs().try_acquire().map_err(|_| {
        Problem::too_many(
            "as many questions over stored events are being worked at as may be; ask again in a moment",
            RETRY_SECONDS,
        )
    })
}

/// What a question is about: the events of this company, or all that the caller sees.
fn about(params: &mut Params, company: Option<&str>, caller: &Caller) -> Scope {
    let company = params.with("company", company, |text| find_company(text, caller));
    company.map_or_else(
        || caller.scope().clone(),
        |company| Scope::Companies(vec![company]),
    )
}

/// Shows the events of a time to `see`, newest first, while it wants more and within the bounds of questions.
async fn walk<S: Send + 'static>(
    app: &App,
    scope: &Scope,
    over: Window,
    mut state: S,
    see: fn(&mut S, &Event) -> bool,
) -> Result<(S, Examined), Problem> {
    let (begun, settings) = (app.clock().now(), app.settings());
    let query = EventQuery {
        since: Some(over.from),
        until: Some(over.until),
        ..EventQuery::default()
    };
    let mut examined = Examined {
        events: 0,
        complete: true,
        oldest: None,
    };
    let mut cursor = None;
    loop {
        let left = settings.what_if_events.saturating_sub(examined.events);
        let limit = u16::try_from(left).unwrap_or(PAGE).min(PAGE);
        let at = PageAt::new(Some(limit.max(1)), cursor);
        let page = app.store().events(scope, &query, &at).await?;
        cursor = page.next;
        examined.events += page.items.len() as u64;
        examined.oldest = page
            .items
            .last()
            .map(|event| event.received_at)
            .or(examined.oldest);
        let (items, mut seeing) = (page.items, state);
        let more;
        (state, more) = blocking(move || {
            let more = items.iter().all(|event| see(&mut seeing, event));
            (seeing, more)
        })
        .await?;
        let bounded = examined.events >= settings.what_if_events
            || app.clock().now().since(begun) >= settings.what_if_time
            || app.closing().is_cancelled();
        if cursor.is_none() || bounded || !more {
            examined.complete = cursor.is_none() && more;
            return Ok((state, examined));
        }
    }
}

/// Whether an event is not read in full, neither as it was when it came nor by the present catalogue.
fn is_unread(event: &Event, catalogue: &Catalogue) -> bool {
    event.reading.decode != Decode::Failed
        && event.reading.matched != Match::Full
        && catalogue
            .read_alert(&event.subject, &event.body, &Limits::default())
            .matched
            != catalogue::Match::Full
}

/// A subject as it is compared: without regard to case and blanks.
fn folded(subject: &str) -> String {
    let words: Vec<String> = subject.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

fn front(body: &str) -> String {
    body.chars().take(SHOWN).collect()
}
