//! What a document makes of the stored configuration, worked out section by section before anything is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::company::name_key;
use domain::configuration::{Configuration, Delta, Parts, Removed};
use domain::{CompanyId, IntegrationId};
use serde::Serialize;
use serde_json::Value;
use store::Change;
use utoipa::ToSchema;

use super::diff::{FieldChange, differences};
use super::document::Document;
use super::section::{companies, event_kinds, event_sets, integrations, sources};
use crate::App;
use crate::api::fields::Fields;
use crate::problem::Problem;
use crate::read::Caller;

/// One thing that becomes another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeView {
    /// `insert`, `update` or `remove`.
    #[schema(value_type = String)]
    pub(crate) action: &'static str,
    /// `company`, `event kind`, `event set`, `source`, `integration`, `rule` or `mapping`.
    #[schema(value_type = String)]
    pub(crate) what: &'static str,
    /// Of a rule or mapping with its integration: `Desk / Urgent`.
    pub(crate) name: String,
    /// Of what is removed none.
    pub(crate) fields: Vec<FieldChange>,
}

/// A thing of the document beside the stored one.
pub(super) struct Pair<'a> {
    pub(super) what: &'static str,
    pub(super) name: &'a str,
    pub(super) old: Option<Value>,
    pub(super) new: Value,
    /// Pointers to secrets whose values change, which the forms do not show.
    pub(super) secrets: Vec<String>,
}

/// A plan in the making. Sections are planned in the order in which things refer to one another.
pub(super) struct Plan<'a> {
    pub(super) app: &'a App,
    /// Sees the configuration as it will be, so far: a form may name what stands before it in the document.
    pub(super) caller: Caller,
    pub(super) stored: Arc<Configuration>,
    /// What the document does not name goes.
    pub(super) prune: bool,
    pub(super) fields: Fields,
    shown: Vec<ChangeView>,
    writes: Vec<Change>,
    /// In the order of the sections; they are made the other way round, after all writes.
    removals: Vec<(ChangeView, Change)>,
    /// Integrations that are new or have other credentials.
    pub(super) unproven: Vec<IntegrationId>,
}

/// A plan that can be made.
pub(super) struct Planned {
    pub(super) shown: Vec<ChangeView>,
    pub(super) changes: Vec<Change>,
    pub(super) unproven: Vec<IntegrationId>,
}

impl<'a> Plan<'a> {
    /// Plans a document, or says every rule that it breaks.
    pub(super) async fn of(
        document: &Document,
        app: &'a App,
        caller: &Caller,
        stored: Arc<Configuration>,
        prune: bool,
    ) -> Result<Planned, Problem> {
        let mut plan = Self {
            app,
            caller: caller.before(Arc::clone(&stored)),
            stored,
            prune,
            fields: Fields::default(),
            shown: Vec::new(),
            writes: Vec::new(),
            removals: Vec::new(),
            unproven: Vec::new(),
        };
        document.check(&mut plan.fields);
        if let Some(forms) = &document.companies {
            companies::plan(&mut plan, forms);
        }
        if let Some(forms) = &document.event_kinds {
            event_kinds::plan(&mut plan, forms);
        }
        if let Some(forms) = &document.event_sets {
            event_sets::plan(&mut plan, forms);
        }
        if let Some(forms) = &document.sources {
            sources::plan(&mut plan, forms);
        }
        if let Some(entries) = &document.integrations {
            integrations::plan(&mut plan, entries).await?;
        }
        plan.finish()
    }

    fn finish(self) -> Result<Planned, Problem> {
        self.fields.finish()?;
        let (mut shown, mut changes) = (self.shown, self.writes);
        for (view, change) in self.removals.into_iter().rev() {
            shown.push(view);
            changes.push(change);
        }
        Ok(Planned {
            shown,
            changes,
            unproven: self.unproven,
        })
    }

    /// Shows what becomes of a thing; false when nothing does.
    pub(super) fn show(&mut self, pair: Pair<'_>) -> bool {
        let empty = Value::Object(serde_json::Map::new());
        let action = if pair.old.is_some() {
            "update"
        } else {
            "insert"
        };
        let mut fields = differences(pair.old.as_ref().unwrap_or(&empty), &pair.new);
        fields.extend(pair.secrets.into_iter().map(FieldChange::of_secret));
        if pair.old.is_some() && fields.is_empty() {
            return false;
        }
        self.shown.push(ChangeView {
            action,
            what: pair.what,
            name: pair.name.to_owned(),
            fields,
        });
        true
    }

    pub(super) fn write(&mut self, change: Change) {
        self.writes.push(change);
    }

    pub(super) fn remove(&mut self, what: &'static str, name: &str, change: Change) {
        let view = ChangeView {
            action: "remove",
            what,
            name: name.to_owned(),
            fields: Vec::new(),
        };
        self.removals.push((view, change));
    }

    /// Makes what was planned visible to the sections that follow.
    pub(super) fn advance(&mut self, put: Parts, removed: Removed) {
        let put = Parts {
            epoch: self.stored.epoch,
            instance: self.stored.instance.clone(),
            ..put
        };
        let next = self.caller.configuration.changed(Delta { put, removed });
        self.caller = self.caller.before(Arc::new(next));
    }

    /// A company as the document calls it; one that goes by its old name.
    pub(super) fn call(&self, id: CompanyId) -> String {
        let named = |configuration: &Configuration| {
            configuration
                .company(id)
                .map(|company| company.name.clone())
        };
        named(&self.caller.configuration)
            .or_else(|| named(&self.stored))
            .unwrap_or_else(|| id.to_string())
    }
}

/// Stored things by their names, by which a document's are known again.
pub(super) struct Names<T> {
    stored: HashMap<String, T>,
    taken: HashSet<String>,
}

impl<T> Names<T> {
    pub(super) fn new<'a>(things: impl Iterator<Item = (&'a str, T)>) -> Self {
        Self {
            stored: things
                .map(|(name, thing)| (name_key(name), thing))
                .collect(),
            taken: HashSet::new(),
        }
    }

    /// The stored thing of this name. That a document names one twice is noted.
    pub(super) fn take(&mut self, fields: &mut Fields, name: &str) -> Option<T> {
        let key = name_key(name);
        let stored = self.stored.remove(&key);
        if !self.taken.insert(key) {
            fields.error("/name", "is there twice in this list");
        }
        stored
    }

    /// What the document does not name, by name.
    pub(super) fn left(self) -> Vec<T> {
        let mut left: Vec<_> = self.stored.into_iter().collect();
        left.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        left.into_iter().map(|(_, thing)| thing).collect()
    }
}

/// A form as it stands in the document.
pub(super) fn written(form: &impl Serialize) -> Value {
    serde_json::to_value(form).expect("forms are texts, numbers, lists and objects with text keys")
}
