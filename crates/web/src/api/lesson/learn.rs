use std::collections::BTreeMap;
use std::sync::Arc;

use alertwire_catalogue::{AlertReading, Catalogue, Limits, Match, NewKind, Proposal, Wordings};
use axum::Json;
use axum::extract::State;
use domain::configuration::{Configuration, Parts};
use domain::event::Event;
use domain::event_kind::{Adds, ENTRIES, ENTRY_BYTES, EventKind};
use domain::message::Decode;
use domain::{EventId, EventKindId, Severity};
use serde::{Deserialize, Serialize};
use store::Change;
use utoipa::ToSchema;

use super::gather::{Asked, Gathered};
use super::propose::read_by;
use super::{Examined, ProposalView, permit, walk};
use crate::App;
use crate::api::Answer;
use crate::api::event_kind::create::faults;
use crate::api::event_kind::told;
use crate::api::fields::Fields;
use crate::api::what_if::last_days;
use crate::blocking::blocking;
use crate::problem::Problem;
use crate::read::{Admin, Caller, Form};

/// Events that an answer names as being read differently.
const EXAMPLES: usize = 20;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LearnForm {
    /// The unread events with this subject teach.
    subject: Option<String>,
    /// Instead: these events, at most 1,000, all with one subject.
    #[serde(default)]
    events: Vec<String>,
    /// How many days to look back, 1 to 30; 30 unless told.
    days: Option<u64>,
    /// The template to teach; the proposal that reads most bodies unless told.
    template: Option<String>,
    /// Other names for fields of the template.
    #[serde(default)]
    names: BTreeMap<String, String>,
    #[serde(rename = "as")]
    target: TargetForm,
    /// `true`: change nothing, only say what would be.
    #[serde(default)]
    dry_run: bool,
    /// Teach it although events that are read in full now would be read differently.
    #[serde(default)]
    force: bool,
}

/// What the wording becomes; one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetForm {
    /// A new event kind, with the subject of the bodies.
    kind: Option<KindForm>,
    /// A further wording of the kind with this code; a subject that it does not know becomes an alias.
    variant_of: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindForm {
    /// `backup.failed`.
    code: String,
    /// As event sets list it; the subject unless told.
    name: Option<String>,
    category: String,
    /// `info`, `low`, `medium`, `high` or `critical`; of alerts whose text has none.
    severity: String,
    class: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LessonView {
    /// It is in force now.
    pub(crate) saved: bool,
    /// The entry of the catalogue that holds it; see `/api/v1/catalog/kinds`.
    pub(crate) id: Option<String>,
    pub(crate) code: String,
    /// `kind` or `wordings`.
    #[schema(value_type = String)]
    pub(crate) adds: &'static str,
    /// The text of the entry's catalogue file.
    pub(crate) file: String,
    pub(crate) subject: String,
    pub(crate) proposal: ProposalView,
    pub(crate) days: u16,
    /// Stored events of these days that were read again, and whether all of them were.
    pub(crate) events: u64,
    pub(crate) complete: bool,
    /// Events that were not read in full and would be.
    pub(crate) newly_read: u64,
    /// Events of the kind's subjects that would still not be read in full.
    pub(crate) still_unread: u64,
    /// Events that are read in full now and would be read differently; without `force` one keeps the lesson from being
    /// taught.
    pub(crate) changed: u64,
    /// Some of them, by id.
    pub(crate) changed_events: Vec<String>,
}

/// Teach the catalogue a wording: a new kind, or a further wording of one. It is checked as `alertwire catalog check` does
/// it, tried on the stored events of the last days, and in force with the next message.
#[utoipa::path(post, path = "/api/v1/catalog/learn", tag = "catalogue", request_body = LearnForm,
    responses((status = 200, body = LessonView)))]
pub(crate) async fn create(
    app: State<App>,
    Admin(caller): Admin,
    Form(form): Form<LearnForm>,
) -> Answer<LessonView> {
    let asked = Asked::parse(form.subject.as_deref(), &form.events, form.days)?;
    let _permit = permit(&app)?;
    let gathered = asked.gather(&app, &caller).await?;
    let fresh = EventKind {
        id: app.fresh(EventKindId::new),
        code: String::new(),
        adds: Adds::Kind,
        file: String::new(),
        author: caller.actor(),
        created_at: app.now(),
    };
    let (dry_run, force) = (form.dry_run, form.force);
    let configuration = Arc::clone(&caller.configuration);
    let lesson = blocking(move || form.lesson(gathered, fresh, &configuration)).await??;
    let (compared, examined) = compare(&app, &caller, &lesson, asked.days).await?;
    if compared.changed > 0 && !dry_run && !force {
        return Err(Problem::wrong_state(format!(
            "{} stored events are read in full now and would be read differently, {} among them; look at it with `dry_run`, or teach it with `force`",
            compared.changed,
            compared
                .examples
                .first()
                .map(ToString::to_string)
                .unwrap_or_default()
        )));
    }
    if !dry_run {
        save(&app, &caller, &lesson).await?;
    }
    let read_by = read_by(
        caller.configuration.catalogue(),
        &lesson.subject,
        &lesson.proposal,
    );
    Ok(Json(LessonView {
        saved: !dry_run,
        id: (!dry_run).then(|| lesson.entry.id.to_string()),
        code: lesson.entry.code.clone(),
        adds: lesson.entry.adds.as_str(),
        file: lesson.entry.file.clone(),
        subject: lesson.subject,
        proposal: ProposalView::new(lesson.proposal, read_by),
        days: asked.days,
        events: examined.events,
        complete: examined.complete,
        newly_read: compared.newly,
        still_unread: compared.still,
        changed: compared.changed,
        changed_events: compared.examples.iter().map(ToString::to_string).collect(),
    }))
}

/// What is taught: an entry that is new, or one that grows.
struct Lesson {
    subject: String,
    proposal: Proposal,
    entry: EventKind,
    known: bool,
}

impl LearnForm {
    fn lesson(
        self,
        gathered: Gathered,
        fresh: EventKind,
        configuration: &Configuration,
    ) -> Result<Lesson, Problem> {
        let proposal = self.proposal(&gathered)?;
        // Everybody may see the catalogue: the entry goes without the bodies of any company.
        let bare = Proposal {
            examples: Vec::new(),
            ..proposal.clone()
        };
        let (subject, target) = (gathered.subject, self.target);
        let (entry, known) = match (target.kind, target.variant_of) {
            (Some(kind), None) => {
                let entry = kind.entry(&subject, &bare, fresh, configuration)?;
                (entry, false)
            }
            (None, Some(code)) => wordings(&code, &subject, &bare, fresh, configuration)?,
            _ => return Err(Problem::field("/as", "is one of `kind` and `variant_of`")),
        };
        if entry.file.len() > ENTRY_BYTES {
            let detail = format!(
                "the wordings of `{}` would take more than {ENTRY_BYTES} bytes",
                entry.code
            );
            return Err(Problem::field("/as", detail));
        }
        let mut fields = Fields::default();
        for finding in faults(&entry, configuration) {
            fields.error("/template", told(&finding));
        }
        fields.finish()?;
        Ok(Lesson {
            subject,
            proposal,
            entry,
            known,
        })
    }

    /// The template that was given, else the one that is learned.
    fn proposal(&self, gathered: &Gathered) -> Result<Proposal, Problem> {
        let proposal = match &self.template {
            Some(template) => Proposal::of(template, &gathered.bodies).map_err(|error| {
                let help = error
                    .help
                    .map_or_else(String::new, |help| format!(" ({help})"));
                Problem::field("/template", format!("{}{help}", error.message))
            })?,
            None => alertwire_catalogue::learn(&gathered.bodies)
                .proposals
                .into_iter()
                .next()
                .ok_or_else(|| {
                    let detail = "nothing can be learned from these bodies; give a `template`";
                    Problem::field("/events", detail)
                })?,
        };
        if proposal.bodies == 0 {
            let detail = "reads none of the bodies";
            return Err(Problem::field("/template", detail));
        }
        let names: Vec<(&str, &str)> = self
            .names
            .iter()
            .map(|(old, new)| (old.as_str(), new.as_str()))
            .collect();
        proposal
            .rename(&names)
            .map_err(|error| Problem::field("/names", error.to_string()))
    }
}

impl KindForm {
    fn entry(
        self,
        subject: &str,
        proposal: &Proposal,
        fresh: EventKind,
        configuration: &Configuration,
    ) -> Result<EventKind, Problem> {
        let mut fields = Fields::default();
        let wrong = "is one of info, low, medium, high and critical";
        let severity = fields.take(
            "/as/kind/severity",
            self.severity.parse::<Severity>().map_err(|_| wrong),
        );
        if configuration.catalogue().kind(&self.code).is_some() {
            let detail = "is taken; teach the wording as `variant_of` that kind";
            fields.error("/as/kind/code", detail);
        }
        if configuration.event_kinds().count() >= ENTRIES {
            fields.error("/as", format!("there are {ENTRIES} entries; remove some"));
        }
        let severity = fields.finish_with(severity)?;
        let file = proposal.kind_file(&NewKind {
            code: self.code.clone(),
            category: self.category,
            name: self.name.unwrap_or_else(|| subject.to_owned()),
            subject: subject.to_owned(),
            severity,
            class: self.class,
        });
        Ok(EventKind {
            code: self.code,
            adds: Adds::Kind,
            file,
            ..fresh
        })
    }
}

/// The entry of the kind's wordings with one more, and whether it is there already.
fn wordings(
    code: &str,
    subject: &str,
    proposal: &Proposal,
    fresh: EventKind,
    configuration: &Configuration,
) -> Result<(EventKind, bool), Problem> {
    let catalogue = configuration.catalogue();
    if catalogue.kind(code).is_none() {
        let shown: String = code.chars().take(64).collect();
        let near = catalogue
            .nearest(code)
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let detail = format!("there is no event `{shown}`{near}");
        return Err(Problem::field("/as/variant_of", detail));
    }
    let stored = configuration
        .event_kinds()
        .find(|entry| entry.code == code && entry.adds == Adds::Wordings);
    let mut wordings = match stored {
        Some(entry) => Wordings::read(&entry.name(), &entry.file)
            .map_err(|found| Problem::wrong_state(found.iter().map(told).collect::<String>()))?,
        None => Wordings::of(code),
    };
    let known = catalogue.by_subject(subject).any(|kind| kind.code == code);
    wordings.add(proposal, (!known).then_some(subject));
    let entry = stored.map_or(fresh, |entry| (**entry).clone());
    let file = wordings.to_file();
    Ok((
        EventKind {
            code: code.to_owned(),
            adds: Adds::Wordings,
            file,
            ..entry
        },
        stored.is_some(),
    ))
}

async fn save(app: &App, caller: &Caller, lesson: &Lesson) -> Result<(), Problem> {
    let entry = lesson.entry.clone();
    let change = if lesson.known {
        Change::UpdateEventKind(entry)
    } else {
        Change::InsertEventKind(entry)
    };
    let epoch = caller.configuration.epoch;
    app.store()
        .change_all_at(epoch, vec![change], &caller.actor(), app.now())
        .await?;
    Ok(())
}

/// Stored events, read by the catalogue as it is and as it would be.
struct Compared {
    before: Arc<Catalogue>,
    after: Arc<Catalogue>,
    code: String,
    limits: Limits,
    newly: u64,
    still: u64,
    changed: u64,
    examples: Vec<EventId>,
}

async fn compare(
    app: &App,
    caller: &Caller,
    lesson: &Lesson,
    days: u16,
) -> Result<(Compared, Examined), Problem> {
    let after = caller.configuration.with(Parts {
        event_kinds: vec![lesson.entry.clone()],
        ..Parts::default()
    });
    let compared = Compared {
        before: Arc::clone(caller.configuration.catalogue()),
        after: Arc::clone(after.catalogue()),
        code: lesson.entry.code.clone(),
        limits: Limits::default(),
        newly: 0,
        still: 0,
        changed: 0,
        examples: Vec::new(),
    };
    let over = last_days(days, app.now());
    walk(app, caller.scope(), over, compared, Compared::see).await
}

impl Compared {
    fn see(&mut self, event: &Event) -> bool {
        let concerned = event.reading.decode != Decode::Failed
            && self
                .after
                .by_subject(&event.subject)
                .any(|kind| kind.code == self.code);
        if !concerned {
            return true;
        }
        let (before, after) = (
            self.before
                .read_alert(&event.subject, &event.body, &self.limits),
            self.after
                .read_alert(&event.subject, &event.body, &self.limits),
        );
        match (is_full(&before), is_full(&after)) {
            (false, true) => self.newly += 1,
            (false, false) => self.still += 1,
            (true, _) if same(&before, &after) => {}
            (true, _) => {
                self.changed += 1;
                if self.examples.len() < EXAMPLES {
                    self.examples.push(event.id);
                }
            }
        }
        true
    }
}

fn is_full(alert: &AlertReading<'_>) -> bool {
    alert.matched == Match::Full && alert.ambiguous.is_empty()
}

fn same(one: &AlertReading<'_>, two: &AlertReading<'_>) -> bool {
    let code = |alert: &AlertReading<'_>| alert.kind.map(|kind| kind.code.clone());
    one.matched == two.matched && code(one) == code(two) && one.records == two.records
}
