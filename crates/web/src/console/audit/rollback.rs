use askama::Template;
use axum::Json;
use axum::extract::State;
use domain::configuration::Configuration;
use serde::Deserialize;
use serde_json::json;
use store::{Restored, Rollback};

use super::list::Field;
use crate::App;
use crate::api::audit::mapping;
use crate::api::configuration::rollback::rollback;
use crate::console::form;
use crate::console::page::see_told;
use crate::console::text::{ROW, Shown, visible};
use crate::console::told::Told;
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::problem::Problem;
use crate::read::{Admin, Posted, Query};

/// Most things and, of one thing, most fields that the page shows.
const SHOWN: usize = 200;
const FIELDS: usize = 20;

#[derive(Debug, Template)]
#[template(path = "audit/rollback.html")]
pub(super) struct RollbackPage {
    frame: Frame,
    epoch: u64,
    /// The epoch that holds now.
    present: u64,
    changes: Vec<Change>,
    total: usize,
}

/// What becomes of one thing.
#[derive(Debug)]
struct Change {
    class: &'static str,
    word: &'static str,
    what: &'static str,
    name: Shown,
    fields: Vec<Field>,
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RollbackQuery {
    epoch: Option<String>,
}

/// What going back would do, before it is done.
pub(super) async fn ask(
    app: State<App>,
    visitor: Visitor,
    Query(query): Query<RollbackQuery>,
) -> Page {
    Admin::new(visitor.caller.clone())?;
    let epoch = epoch(query.epoch.as_deref().unwrap_or_default(), "?epoch")?;
    let preview = app.store().rollback_preview(epoch).await?;
    page(&RollbackPage::new(&visitor, epoch, preview))
}

pub(super) async fn roll_back(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    let admin = visitor.admin(&posted)?;
    let epoch = epoch(posted.text("epoch"), "/epoch")?;
    // What was shown is what is done: whoever changed something meanwhile is not undone unseen.
    let present = app.store().newest_configuration().await?.epoch;
    if posted.text("present") != present.to_string() {
        return Err(Problem::wrong_state(
            "the configuration was changed since the difference was shown; look at it again",
        ));
    }
    let Json(_) = rollback(app, admin, form::read(&json!({"epoch": epoch}))?).await?;
    Ok(see_told("/audit", Told::WentBack))
}

fn epoch(text: &str, pointer: &str) -> Result<u64, Problem> {
    let number = text.trim().parse();
    number.map_err(|_| Problem::field(pointer, "is a whole number, as the log shows it"))
}

impl RollbackPage {
    fn new(visitor: &Visitor, epoch: u64, preview: Rollback) -> Self {
        Self {
            frame: Frame::new(visitor, Here::Audit, "Go back", None),
            epoch,
            present: preview.epoch,
            total: preview.total,
            changes: preview
                .changes
                .into_iter()
                .take(SHOWN)
                .map(|restored| Change::new(restored, &visitor.caller.configuration))
                .collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let change = |word| Change {
            class: "wait",
            word,
            what: "company",
            name: Shown::line("<img src=x onerror=alert(1)>\u{202e}", ROW),
            fields: Field::samples(),
            warnings: vec!["<script>".to_owned()],
        };
        let page = |changes: Vec<Change>| Self {
            frame: Frame::sample(Here::Audit),
            epoch: 3,
            present: 5,
            total: changes.len() * 200,
            changes,
        };
        vec![
            page(vec![change("made again"), change("removed")]),
            page(Vec::new()),
        ]
    }
}

impl Change {
    fn new(restored: Restored, configuration: &Configuration) -> Self {
        let (class, word) = match restored.action {
            "insert" => ("good", "made again"),
            "remove" => ("bad", "removed"),
            _ => ("wait", "put back"),
        };
        let fields = restored.fields.iter().take(FIELDS);
        let name = match restored.what {
            "mapping" => mapping(&restored.name, configuration),
            _ => restored.name,
        };
        Self {
            class,
            word,
            what: restored.what,
            name: Shown::line(&name, ROW),
            fields: fields
                .map(|field| Field::new(&field.pointer, &field.old, &field.new, configuration))
                .collect(),
            warnings: restored.warnings.iter().map(|text| visible(text)).collect(),
        }
    }
}
