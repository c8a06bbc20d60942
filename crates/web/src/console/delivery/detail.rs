use askama::Template;
use axum::extract::State;
use delivery::{DeadReason, Fault};
use domain::access::Role;
use domain::configuration::Configuration;
use domain::{DeliveryId, Timestamp};
use http::Uri;
use store::{Attempt, DeliveryRow, Standing};
use url::form_urlencoded;

use super::attempt::AttemptRow;
use super::compare::{self, Compared};
use super::list::due;
use super::{Badge, ahead, curl, span};
use crate::App;
use crate::api::Named;
use crate::console::filters;
use crate::console::text::{Shown, WHOLE, visible};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Caller, Id};

/// Most events that a page names; a delivery carries at most fifty records.
const EVENTS: usize = 50;

#[derive(Debug, Template)]
#[template(path = "delivery/detail.html")]
pub(in crate::console) struct DeliveryPage {
    frame: Frame,
    id: String,
    badge: Badge,
    subject: Shown,
    critical: bool,
    company: Named,
    integration: Named,
    /// The page of its credentials, where it can be switched off.
    settings: Option<String>,
    rule: Named,
    created: Timestamp,
    due: Option<(Timestamp, String)>,
    sealed: bool,
    replay_of: Option<String>,
    events: Vec<String>,
    /// Why it is dead, and whose fault that is.
    dead: Option<(String, &'static str)>,
    /// A person gave it up; who it was stands in the audit log.
    is_cancelled: bool,
    is_parked: bool,
    is_pending: bool,
    spent: u32,
    /// The waits before its attempts.
    waits: Vec<String>,
    /// The newest first.
    attempts: Vec<AttemptRow>,
    compared: Option<Compared>,
    curl: Option<String>,
}

pub(crate) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<DeliveryId>,
    uri: Uri,
) -> Page {
    let caller = &visitor.caller;
    let row = app
        .store()
        .delivery(caller.scope(), id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery"))?;
    let attempts = app.store().attempts(caller.scope(), id).await?;
    let curl = command(&app, caller, &row, &attempts).await?;
    let frame = Frame::new(&visitor, Here::Deliveries, "Delivery", None);
    let mut view = DeliveryPage::new(frame, row, &caller.configuration, app.now());
    let query = uri.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let asked = pairs.iter().filter(|(name, _)| name == "compare");
    let asked = compare::numbers(asked.map(|(_, value)| &**value));
    view.compared = asked.and_then(|pair| Compared::new(&attempts, pair));
    view.curl = curl;
    view.attempts = attempts.into_iter().rev().map(AttemptRow::new).collect();
    page(&view)
}

/// For whoever may send it anyway: what the last request was.
async fn command(
    app: &App,
    caller: &Caller,
    row: &DeliveryRow,
    attempts: &[Attempt],
) -> Result<Option<String>, Problem> {
    let integration = caller.configuration.integration(row.integration);
    let mut sent = attempts.iter().rev();
    let sent = sent.find(|attempt| !attempt.request_headers.is_empty());
    let (Some(integration), Some(sent)) = (integration, sent) else {
        return Ok(None);
    };
    if caller.role() < Role::Operator {
        return Ok(None);
    }
    let alert = app.store().alert(caller.scope(), row.id).await?;
    Ok(alert.and_then(|alert| curl::command(integration, sent, &alert)))
}

impl DeliveryPage {
    /// The page without its attempts.
    fn new(frame: Frame, row: DeliveryRow, configuration: &Configuration, now: Timestamp) -> Self {
        let integration = configuration.integration(row.integration);
        let settings = integration.filter(|_| frame.may_configure);
        let waits = integration.map(|integration| integration.delivery.schedule.waits());
        Self {
            id: row.id.to_string(),
            badge: Badge::of(row.standing, row.reason.as_deref()),
            subject: Shown::line(&row.subject, WHOLE),
            critical: row.critical,
            company: Named::company(row.company, configuration),
            integration: Named::integration(row.integration, configuration),
            settings: settings.map(|integration| {
                format!(
                    "/settings/integrations/{}/{}/credentials",
                    integration.connector, integration.id
                )
            }),
            rule: Named::rule(row.rule, configuration),
            created: row.created_at,
            due: due(&row).map(|at| (at, ahead(at, now))),
            sealed: row.sealed,
            replay_of: row.replay_of.map(|id| id.to_string()),
            events: row
                .events
                .iter()
                .take(EVENTS)
                .map(ToString::to_string)
                .collect(),
            is_cancelled: row.reason.as_deref() == Some(DeadReason::Cancelled.as_str()),
            dead: row.reason.as_deref().map(dead),
            is_parked: row.standing == Standing::Parked,
            is_pending: row.standing == Standing::Pending,
            spent: row.attempts,
            waits: waits
                .unwrap_or_default()
                .iter()
                .map(|wait| match wait.is_zero() {
                    true => "at once".to_owned(),
                    false => span(*wait),
                })
                .collect(),
            frame,
            attempts: Vec::new(),
            compared: None,
            curl: None,
        }
    }

    /// What the newest attempt failed by and what to do about it.
    fn trouble(&self) -> Option<&AttemptRow> {
        let newest = self.attempts.first();
        newest.filter(|attempt| attempt.cause.is_some())
    }

    /// Whether a number is one of the two that are compared; before anybody chose, the two newest are.
    fn is_chosen(&self, number: &u32, place: usize) -> bool {
        match &self.compared {
            Some(compared) => [compared.left, compared.right][place] == *number,
            None => {
                let newest = self.attempts.get(1 - place);
                newest.is_some_and(|attempt| attempt.number == *number)
            }
        }
    }
}

fn dead(reason: &str) -> (String, &'static str) {
    let fault = reason.parse::<DeadReason>().ok();
    let fault = fault.and_then(DeadReason::fault).map_or("", Fault::as_str);
    (visible(reason).replace('_', " "), fault)
}

#[cfg(test)]
impl DeliveryPage {
    pub(in crate::console) fn samples() -> Vec<Self> {
        let cancelled = Self {
            is_cancelled: true,
            ..Self::sample(Standing::Dead)
        };
        let all = Standing::ALL.map(Self::sample);
        all.into_iter().chain([cancelled]).collect()
    }

    fn sample(standing: Standing) -> Self {
        use crate::console::text::ROW;
        let hostile = "<img src=x onerror=alert(1)>\u{202e}";
        let named = || Named {
            id: "1".to_owned(),
            name: Some(hostile.to_owned()),
        };
        let is_dead = standing == Standing::Dead;
        Self {
            frame: Frame::sample(Here::Deliveries),
            id: "1".to_owned(),
            badge: standing.into(),
            subject: Shown::line(hostile, ROW),
            critical: true,
            company: named(),
            integration: named(),
            settings: Some("/settings/integrations/webhook/1/credentials".to_owned()),
            rule: named(),
            created: Timestamp::from_micros(1_764_122_400_000_000),
            due: (standing == Standing::Pending)
                .then(|| (Timestamp::from_micros(1), "in 27 min".to_owned())),
            sealed: !is_dead,
            replay_of: is_dead.then(|| "2".to_owned()),
            events: vec!["3".to_owned()],
            is_cancelled: false,
            dead: is_dead.then(|| dead("held_too_long")),
            is_parked: standing == Standing::Parked,
            is_pending: standing == Standing::Pending,
            spent: 1,
            waits: vec!["at once".to_owned(), "5 s".to_owned()],
            attempts: match standing {
                Standing::Parked => Vec::new(),
                _ => vec![
                    AttemptRow::sample(2, hostile),
                    AttemptRow::sample(1, hostile),
                ],
            },
            compared: is_dead.then(|| Compared::sample(hostile)),
            curl: is_dead.then(|| format!("curl '{}'", visible(hostile))),
        }
    }
}
