use std::sync::Arc;

use alertwire_catalogue::{Catalogue, Limits, Match, Proposal};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::gather::{Asked, Gathered};
use super::{ProposalView, permit};
use crate::App;
use crate::api::Answer;
use crate::blocking::blocking;
use crate::read::{Form, Viewer};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProposalsForm {
    /// The unread events with this subject teach.
    subject: Option<String>,
    /// Instead: these events, at most 1,000, all with one subject.
    #[serde(default)]
    events: Vec<String>,
    /// How many days to look back, 1 to 30; 30 unless told.
    days: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProposalsView {
    pub(crate) subject: String,
    /// The kinds that the subject names now.
    pub(crate) kinds: Vec<String>,
    pub(crate) days: u16,
    /// Events of the subject in these days, and those of them that are not read in full.
    pub(crate) events: u64,
    pub(crate) unread: u64,
    /// Bodies that were learned from.
    pub(crate) bodies: usize,
    /// All events of these days were looked at; otherwise only the newest of them.
    pub(crate) complete: bool,
    /// One for each wording, the one that reads most bodies first.
    pub(crate) proposals: Vec<ProposalView>,
    /// Bodies that no proposal reads, those that are too long to learn from included.
    pub(crate) unread_by_all: usize,
}

/// Learn templates from stored bodies that were not recognised. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/catalog/proposals", tag = "catalogue", request_body = ProposalsForm,
    responses((status = 200, body = ProposalsView)))]
pub(crate) async fn create(
    app: State<App>,
    Viewer(caller): Viewer,
    Form(form): Form<ProposalsForm>,
) -> Answer<ProposalsView> {
    let asked = Asked::parse(form.subject.as_deref(), &form.events, form.days)?;
    let _permit = permit(&app)?;
    let gathered = asked.gather(&app, &caller).await?;
    let catalogue = Arc::clone(caller.configuration.catalogue());
    let view = blocking(move || view(gathered, asked.days, &catalogue)).await?;
    Ok(Json(view))
}

fn view(gathered: Gathered, days: u16, catalogue: &Catalogue) -> ProposalsView {
    let learned = alertwire_catalogue::learn(&gathered.bodies);
    let kinds = catalogue
        .by_subject(&gathered.subject)
        .map(|kind| kind.code.clone());
    ProposalsView {
        kinds: kinds.collect(),
        days,
        events: gathered.events,
        unread: gathered.unread,
        bodies: gathered.bodies.len(),
        complete: gathered.examined.complete,
        unread_by_all: learned.unread.len() + learned.left_out.len(),
        proposals: learned
            .proposals
            .into_iter()
            .map(|proposal| {
                let read_by = read_by(catalogue, &gathered.subject, &proposal);
                ProposalView::new(proposal, read_by)
            })
            .collect(),
        subject: gathered.subject,
    }
}

/// Kinds that read the examples in full already: by the subject, or (when that is unknown) by the body.
pub(super) fn read_by(catalogue: &Catalogue, subject: &str, proposal: &Proposal) -> Vec<String> {
    let limits = Limits::default();
    let mut codes: Vec<String> = Vec::new();
    for body in &proposal.examples {
        let alert = catalogue.read_alert(subject, body, &limits);
        let full = (alert.matched == Match::Full)
            .then_some(alert.kind)
            .flatten();
        for kind in full.into_iter().chain(alert.suggested) {
            let alone = catalogue.read_alert(&kind.subject, body, &limits);
            if alone.matched == Match::Full && !codes.contains(&kind.code) {
                codes.push(kind.code.clone());
            }
        }
    }
    codes
}
