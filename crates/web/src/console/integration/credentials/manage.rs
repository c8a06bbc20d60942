//! What can be done with an integration beside its credentials: the switch, the gate, the signing secret, its end.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use domain::IntegrationId;
use domain::access::Scope;
use serde_json::json;
use store::{DeliveryQuery, Standing};

use super::CredentialsPage;
use crate::App;
use crate::api::integration::{end_overlap, release, remove, rotate_secret, update};
use crate::console::form::{Faults, read};
use crate::console::integration::tabs::{self, Tab, Tabs, find};
use crate::console::page::{page_with, see_told};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Id, Posted};

type Of = Path<(String, IntegrationId)>;

/// Deliveries are counted up to here; more are told as so many.
const COUNTED: u32 = 10_000;

pub(super) fn routes(one: &str) -> Router<App> {
    Router::new()
        .route(&format!("{one}/switch"), post(switch))
        .route(&format!("{one}/release"), post(open_gate))
        .route(&format!("{one}/signing-secret"), post(rotate))
        .route(&format!("{one}/signing-secret/end"), post(end))
        .route(&format!("{one}/remove"), get(ask).post(take_away))
}

#[cfg(test)]
pub(super) fn rendered() -> Vec<String> {
    use crate::console::page::rendered;
    let secret = rendered(SecretPage::samples());
    [secret, rendered(RemovePage::samples())].concat()
}

/// A new signing secret. It stands on this page and on no other.
#[derive(Debug, Template)]
#[template(path = "integration/secret.html")]
struct SecretPage {
    frame: Frame,
    tabs: Tabs,
    secret: String,
}

/// What goes with an integration, before it goes.
#[derive(Debug, Template)]
#[template(path = "integration/remove.html")]
struct RemovePage {
    frame: Frame,
    tabs: Tabs,
    /// How many of each, in words.
    rules: String,
    mappings: String,
    waiting: String,
    fault: String,
}

async fn switch(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Of,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    find(&app, &visitor, &connector, id).await?;
    let on = posted.text("to") == "on";
    let _ = update::update(app, admin, Id(id), read(&json!({"enabled": on}))?).await?;
    let told = if on {
        Told::SwitchedOn
    } else {
        Told::SwitchedOff
    };
    Ok(see_told(&credentials(&connector, id), told))
}

async fn open_gate(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Of,
    posted: Posted,
) -> Page {
    let operator = visitor.operator(&posted)?;
    find(&app, &visitor, &connector, id).await?;
    let _ = release::release(app, operator, Id(id)).await?;
    Ok(see_told(&credentials(&connector, id), Told::Released))
}

async fn rotate(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Of,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let (stored, gate) = find(&app, &visitor, &connector, id).await?;
    let form = read(&json!({"overlap": posted.text("overlap").trim()}))?;
    let made = rotate_secret::rotate_secret(app, admin, Id(id), form).await;
    let (_, made) = match made {
        Ok(made) => made,
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let status = faults.status();
            let view = CredentialsPage::with_overlap(&visitor, &stored, &gate, &posted, faults);
            return page_with(status, &view);
        }
    };
    page(&SecretPage {
        frame: Frame::new(&visitor, Here::Integrations, "Signing secret", None),
        tabs: Tabs::new(&stored, &gate, Tab::Credentials),
        secret: made.0.signing_secret.unwrap_or_default(),
    })
}

async fn end(app: State<App>, visitor: Visitor, Path((connector, id)): Of, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    find(&app, &visitor, &connector, id).await?;
    let _ = end_overlap::end_overlap(app, admin, Id(id)).await?;
    Ok(see_told(&credentials(&connector, id), Told::Saved))
}

async fn ask(app: State<App>, visitor: Visitor, Path((connector, id)): Of) -> Page {
    Admin::new(visitor.caller.clone())?;
    page(&RemovePage::new(&app, &visitor, &connector, id, Faults::none()).await?)
}

async fn take_away(
    app: State<App>,
    visitor: Visitor,
    Path((connector, id)): Of,
    posted: Posted,
) -> Page {
    let admin = visitor.admin(&posted)?;
    let (stored, _) = find(&app, &visitor, &connector, id).await?;
    if posted.text("name").trim() != stored.name.trim() {
        let faults = Faults::field("/name", "type the name as it stands above");
        let status = faults.status();
        return page_with(
            status,
            &RemovePage::new(&app, &visitor, &connector, id, faults).await?,
        );
    }
    let _ = remove::remove(app, admin, Id(id)).await?;
    Ok(see_told(
        &format!("/settings/integrations/{connector}"),
        Told::Removed,
    ))
}

/// As a sentence says it: `1 waiting delivery`, `2 waiting deliveries`.
fn counted(count: usize, word: &str) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {word}s"),
    }
}

fn credentials(connector: &str, id: IntegrationId) -> String {
    format!("{}/credentials", tabs::path(connector, id))
}

impl RemovePage {
    async fn new(
        app: &App,
        visitor: &Visitor,
        connector: &str,
        id: IntegrationId,
        faults: Faults,
    ) -> Result<Self, Problem> {
        let (stored, gate) = find(app, visitor, connector, id).await?;
        let configuration = &visitor.caller.configuration;
        let mut waiting = 0;
        for standing in [Standing::Pending, Standing::Parked] {
            let query = DeliveryQuery {
                standing: Some(standing),
                integration: Some(id),
                ..DeliveryQuery::default()
            };
            waiting += app
                .store()
                .count_deliveries(&Scope::All, &query, COUNTED)
                .await?;
        }
        let rules = configuration.rules().filter(|one| one.integration == id);
        let mappings = configuration.mappings().filter(|one| one.integration == id);
        Ok(Self {
            frame: Frame::new(visitor, Here::Integrations, "Remove", None),
            tabs: Tabs::new(&stored, &gate, Tab::Credentials),
            rules: counted(rules.count(), "integration rule"),
            mappings: counted(mappings.count(), "company mapping"),
            waiting: match waiting {
                COUNTED.. => format!("at least {COUNTED} waiting deliveries"),
                few => counted(
                    usize::try_from(few).unwrap_or(usize::MAX),
                    "waiting delivery",
                ),
            },
            fault: faults.at("/name").to_owned(),
        })
    }

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let page = |fault: &str| Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::Credentials, true),
            rules: counted(1, "integration rule"),
            mappings: counted(2, "company mapping"),
            waiting: counted(3, "waiting delivery"),
            fault: fault.to_owned(),
        };
        vec![page(""), page("<script>alert(1)</script>")]
    }
}

impl SecretPage {
    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Integrations),
            tabs: Tabs::sample(Tab::Credentials, true),
            secret: "whsec_<b>\"".to_owned(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_more_are_many() {
        assert_eq!(counted(1, "waiting delivery"), "1 waiting delivery");
        assert_eq!(counted(0, "waiting delivery"), "0 waiting deliveries");
        assert_eq!(counted(2, "company mapping"), "2 company mappings");
    }
}
