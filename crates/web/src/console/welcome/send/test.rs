use askama::Template;
use axum::extract::State;
use domain::integration::Integration;
use domain::{EventId, IntegrationId};
use http::{HeaderMap, Request, header};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{DeliveryQuery, PageAt, Standing};

use super::complete;
use crate::App;
use crate::api::{event, integration};
use crate::console::integration::checklist::Checklist;
use crate::console::integration::tabs;
use crate::console::page::see;
use crate::console::text::visible;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Id, Params, Posted, Query};

const CONNECTOR: &str = "webhook";
/// What the test event tells of.
const EVENT: &str = "system.asset_added";

/// The webhook is tried, and a test event is on its way.
#[derive(Debug, Template)]
#[template(path = "welcome/test.html")]
pub(in crate::console::welcome) struct TestPage {
    frame: Frame,
    /// Of the pages of the integration.
    path: String,
    id: String,
    name: String,
    url: String,
    checklist: Checklist,
    company: String,
    sent: Option<Sent>,
}

/// The delivery of the test event.
#[derive(Debug)]
struct Sent {
    event: String,
    /// None until it is there to be seen, or when nothing selects the event.
    delivery: Option<(String, Standing)>,
}

#[derive(Debug, Deserialize)]
pub(in crate::console::welcome) struct TestQuery {
    event: Option<String>,
}

pub(in crate::console::welcome) async fn show(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<IntegrationId>,
    Query(query): Query<TestQuery>,
) -> Page {
    let (found, _) = tabs::find(&app, &visitor, CONNECTOR, id).await?;
    let mut params = Params::default();
    let event: Option<EventId> = params.read("event", query.event.as_deref());
    params.finish()?;
    let sent = match event {
        Some(event) => Some(sent(&app, &visitor, event).await?),
        None => None,
    };
    page(&TestPage {
        frame: Frame::new(&visitor, Here::Welcome, "The first alert", None),
        path: tabs::path(&found.connector, found.id),
        id: id.to_string(),
        name: visible(&found.name),
        url: visible(&url(&found)),
        checklist: Checklist::of(found.last_check.as_ref().unwrap_or(&Value::Null)),
        company: visible(&company(&visitor, &found).unwrap_or_default()),
        sent,
    })
}

/// Tries the credentials once more; when they are good, what an alert still needs is made.
pub(in crate::console::welcome) async fn check(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<IntegrationId>,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let whole = HeaderMap::new();
    let _ = integration::check::check(app.clone(), admin, Id(id), whole).await?;
    complete(&app, &visitor.caller, id).await?;
    Ok(see(&format!("/welcome/send/{id}")))
}

/// Raises a real event of the integration's first company, which goes the way that all events go.
pub(in crate::console::welcome) async fn raise(
    app: State<App>,
    visitor: Visitor,
    Id(id): Id<IntegrationId>,
    posted: Posted,
) -> Page {
    let operator = visitor.operator(&posted)?;
    let (found, _) = tabs::find(&app, &visitor, CONNECTOR, id).await?;
    let company = company(&visitor, &found);
    let company = company.ok_or_else(|| Problem::wrong_state("there is no company yet"))?;
    let form = json!({
        "event": EVENT,
        "company": company,
        "fields": {"ip": "192.168.1.100", "hostname": "server-01.example.com", "mac": "00:1B:44:11:3A:B7"},
    });
    let request = Request::builder().header(header::CONTENT_TYPE, "application/json");
    let request = request.body(axum::body::Body::from(form.to_string()));
    let request =
        request.map_err(|error| Problem::internal(format!("a request cannot be made: {error}")))?;
    let all = Query(event::create::RaiseQuery::default());
    let (_, made) = event::create::create(app, operator, all, request).await?;
    let event = made.0.first().unwrap_or_default();
    Ok(see(&format!("/welcome/send/{id}?event={event}")))
}

async fn sent(app: &App, visitor: &Visitor, event: EventId) -> Result<Sent, Problem> {
    let query = DeliveryQuery {
        event: Some(event),
        ..DeliveryQuery::default()
    };
    let one = PageAt::new(Some(1), None);
    let scope = visitor.caller.scope();
    let found = app.store().deliveries(scope, &query, &one).await?;
    let first = found.items.into_iter().next();
    Ok(Sent {
        event: event.to_string(),
        delivery: first.map(|row| (row.id.to_string(), row.standing)),
    })
}

/// The first of its companies; of one for all, the first that there is.
fn company(visitor: &Visitor, integration: &Integration) -> Option<String> {
    let configuration = &visitor.caller.configuration;
    let named = integration.companies.first();
    let named = named.and_then(|id| configuration.company(*id));
    let any = || {
        configuration
            .companies()
            .min_by_key(|company| &company.name)
    };
    named.or_else(any).map(|company| company.name.clone())
}

fn url(integration: &Integration) -> String {
    let url = integration.fields.get("webhook_url");
    url.and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl TestPage {
    /// The test alert has not got anywhere yet, and will.
    fn is_under_way(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| {
            let standing = sent.delivery.as_ref().map(|(_, standing)| *standing);
            standing == Some(Standing::Pending)
        })
    }

    #[cfg(test)]
    pub(in crate::console::welcome) fn samples() -> Vec<Self> {
        let hostile = "<img src=x onerror=alert(1)>".to_owned();
        let page = |is_good, sent| Self {
            frame: Frame::sample(Here::Welcome),
            path: "/settings/integrations/webhook/1".to_owned(),
            id: "1".to_owned(),
            name: hostile.clone(),
            url: hostile.clone(),
            checklist: Checklist::sample(is_good),
            company: hostile.clone(),
            sent,
        };
        let sent = |delivery| {
            Some(Sent {
                event: "1".to_owned(),
                delivery,
            })
        };
        let mut samples = vec![page(false, None), page(true, None), page(true, sent(None))];
        let each = Standing::ALL.map(|standing| page(true, sent(Some(("1".to_owned(), standing)))));
        samples.extend(each);
        samples
    }
}
