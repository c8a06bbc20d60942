use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use serde_json::json;
use store::{Day, Fault};
use utoipa::ToSchema;

use crate::App;
use crate::api::integration::progress::{self, Listener};
use crate::problem::Problem;
use crate::read::Admin;

/// Rows of one read.
const PAGE: u16 = 200;
/// Most faults that are told; beyond it they are counted.
const FAULTS: usize = 1_000;
/// When to come again while another verification is at work.
const RETRY_SECONDS: u64 = 30;

/// What a verification found.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct VerifyView {
    /// Nothing is amiss.
    pub(crate) whole: bool,
    /// Messages that are there and were checked, byte by byte, and events.
    pub(crate) messages: u64,
    pub(crate) events: u64,
    /// Messages that were ever sealed; those pruned since; those that are there and newer than the seal.
    pub(crate) sealed: u64,
    pub(crate) pruned: u64,
    pub(crate) unsealed: u64,
    /// Names the state of the seal when the verification began.
    pub(crate) seal: String,
    /// Days that have messages, or whose books are amiss.
    pub(crate) days: Vec<DayView>,
    pub(crate) faults: Vec<FaultView>,
    /// All faults, those that are not told included.
    pub(crate) fault_count: u64,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DayView {
    /// `2026-11-24`
    day: String,
    sealed: u64,
    present: u64,
    pruned: u64,
    unsealed: u64,
    whole: bool,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FaultView {
    /// `altered`, `event_gone`, `stray_event`, `day` or `book`.
    #[schema(value_type = String)]
    pub(crate) kind: &'static str,
    /// What is amiss, in words.
    pub(crate) detail: String,
    message: Option<String>,
    event: Option<String>,
    day: Option<String>,
}

/// Prove that what was acked is there, unchanged: every raw message against its hash, its events, and for each day that what was
/// sealed is what is there and what was pruned. With `accept: text/event-stream` progress is told (`event: progress`), and then
/// the whole (`event: report`).
#[utoipa::path(post, path = "/api/v1/journal/verify", tag = "journal",
    responses((status = 200, body = VerifyView,
        content((VerifyView = "application/json"), (String = "text/event-stream")))))]
pub(crate) async fn verify(
    app: State<App>,
    Admin(_): Admin,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let own = app.0.clone();
    progress::answer(&app, &headers, "report", |listener| async move {
        let view = alone(&own, listener).await?;
        serde_json::to_value(view).map_err(|error| Problem::internal(error.to_string()))
    })
    .await
}

/// The same, told to nobody but whoever asks how it stands.
pub(crate) async fn quietly(app: &App) -> Result<VerifyView, Problem> {
    alone(app, Listener::nobody()).await
}

/// One at a time: each reads the whole journal.
async fn alone(app: &App, listener: Listener) -> Result<VerifyView, Problem> {
    let _permit = app.verifications().try_acquire().map_err(|_| {
        let detail = "the journal is being verified already; wait for its end";
        Problem::too_many(detail, RETRY_SECONDS)
    })?;
    app.verification().begin(app.now());
    let _begun = Begun(app);
    let ended = Verification::new(app, listener).run().await;
    let told = ended.clone();
    let told = told.map_err(|problem| problem.detail().to_owned());
    app.verification().end(app.now(), told);
    ended
}

/// Tells of an end also where a caller goes away before it.
struct Begun<'a>(&'a App);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.verification().broken_off(self.0.now());
    }
}

struct Verification<'a> {
    app: &'a App,
    listener: Listener,
    view: VerifyView,
    /// What there is to look at, as far as it is known.
    total: u64,
}

impl<'a> Verification<'a> {
    fn new(app: &'a App, listener: Listener) -> Self {
        Self {
            app,
            listener,
            view: VerifyView::default(),
            total: 0,
        }
    }

    async fn run(mut self) -> Result<VerifyView, Problem> {
        self.books().await?;
        self.messages().await?;
        self.events().await?;
        self.view.whole = self.view.fault_count == 0;
        Ok(self.view)
    }

    async fn books(&mut self) -> Result<(), Problem> {
        let sealed = self.app.store().sealed().await?;
        self.view.sealed = sealed.count;
        self.view.seal = crate::hex::hex(&sealed.sum);
        self.note(sealed.faults);
        for day in sealed.days {
            self.go_on()?;
            let day = self.app.store().prove_day(day).await?;
            self.view.pruned += day.pruned;
            self.view.unsealed += day.unsealed;
            self.total += day.present + day.unsealed;
            if day.present + day.unsealed > 0 || !day.faults.is_empty() {
                self.view.days.push(DayView::new(&day));
            }
            self.note(day.faults);
        }
        Ok(())
    }

    async fn messages(&mut self) -> Result<(), Problem> {
        let mut after = None;
        loop {
            self.go_on()?;
            let checked = self.app.store().prove_messages(after, PAGE).await?;
            self.view.messages += checked.rows;
            self.note(checked.faults);
            self.tell("messages", self.view.messages);
            after = checked.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn events(&mut self) -> Result<(), Problem> {
        let mut after = None;
        loop {
            self.go_on()?;
            let checked = self.app.store().prove_events(after, PAGE).await?;
            self.view.events += checked.rows;
            self.note(checked.faults);
            self.tell("events", self.view.events);
            after = checked.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Nobody waits for it any more when the caller has gone or the server ends.
    fn go_on(&self) -> Result<(), Problem> {
        if self.listener.is_gone() || self.app.closing().is_cancelled() {
            return Err(Problem::try_later("the verification was broken off"));
        }
        Ok(())
    }

    fn tell(&self, what: &'static str, done: u64) {
        let faults = self.view.fault_count;
        self.app.verification().went_on(what, done, self.total);
        let progress =
            json!({"what": what, "done": done, "messages": self.total, "faults": faults});
        self.listener.tell_progress(&progress);
    }

    fn note(&mut self, faults: Vec<Fault>) {
        self.view.fault_count += faults.len() as u64;
        let room = FAULTS - self.view.faults.len().min(FAULTS);
        let told = faults.iter().take(room).map(FaultView::new);
        self.view.faults.extend(told);
    }
}

impl DayView {
    fn new(day: &Day) -> Self {
        Self {
            day: store::proof::date(day.day),
            sealed: day.sealed,
            present: day.present,
            pruned: day.pruned,
            unsealed: day.unsealed,
            whole: day.faults.is_empty(),
        }
    }
}

impl FaultView {
    fn new(fault: &Fault) -> Self {
        let mut view = Self {
            kind: "book",
            detail: String::new(),
            message: None,
            event: None,
            day: None,
        };
        match fault {
            Fault::Altered { message } => {
                view.kind = "altered";
                view.message = Some(message.to_string());
                view.detail = "the raw bytes do not have the hash that was acked".to_owned();
            }
            Fault::EventGone { message, event } => {
                view.kind = "event_gone";
                (view.message, view.event) = (Some(message.to_string()), Some(event.to_string()));
                view.detail = "an event of the message is not there".to_owned();
            }
            Fault::Stray { event, message } => {
                view.kind = "stray_event";
                (view.message, view.event) = (Some(message.to_string()), Some(event.to_string()));
                view.detail =
                    "the event names a message that is not there or does not name it".to_owned();
            }
            Fault::Day {
                day,
                sealed,
                present,
                pruned,
            } => {
                view.kind = "day";
                view.day = Some(store::proof::date(*day));
                view.detail = amiss(*sealed, *present, *pruned);
            }
            Fault::Book { what } => view.detail.clone_from(what),
        }
        view
    }
}

fn amiss(sealed: u64, present: u64, pruned: u64) -> String {
    let expected = sealed.saturating_sub(pruned);
    let said = format!("{sealed} messages were sealed and {pruned} pruned, {present} are there");
    match present.cmp(&expected) {
        std::cmp::Ordering::Less => format!("{said}: {} are missing", expected - present),
        std::cmp::Ordering::Greater => format!("{said}: {} were added", present - expected),
        std::cmp::Ordering::Equal => {
            format!("{said}, but not the same ones: one at least was altered")
        }
    }
}
