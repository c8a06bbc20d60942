//! What is typed to teach a wording, and what the API is asked for with it.

use domain::filter::{self, quoted};
use domain::{EventId, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::api::lesson::ProposalView;
use crate::api::lesson::propose::ProposalsView;
use crate::console::text::visible;
use crate::problem::Problem;
use crate::read::{Caller, Posted};

/// Days that a lesson looks back unless told.
pub(super) const DAYS: &str = "30";

/// What a link asks for: unread alerts of a subject, or certain events.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console::catalogue) struct Asked {
    pub(super) subject: Option<String>,
    pub(super) event: Option<String>,
    /// Ids with commas between them.
    pub(super) events: Option<String>,
    pub(super) days: Option<String>,
    /// Which of several proposals.
    pub(super) pick: Option<String>,
    pub(super) variant_of: Option<String>,
}

/// What is typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) subject: String,
    /// Ids with commas between them.
    pub(super) events: String,
    pub(super) days: String,
    pub(super) template: String,
    /// Former and new names of the fields.
    pub(super) names: Vec<(String, String)>,
    /// `kind` or `variant`.
    pub(super) target: String,
    pub(super) variant_of: String,
    pub(super) code: String,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) severity: String,
    pub(super) class: String,
    pub(super) reread: bool,
    pub(super) route: bool,
    pub(super) force: bool,
}

impl Draft {
    pub(super) fn asked(asked: &Asked) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let days = asked.days.as_deref().filter(|days| !days.is_empty());
        Self {
            subject: text(&asked.subject),
            events: text(&asked.events),
            days: days.unwrap_or(DAYS).to_owned(),
            severity: Severity::Medium.as_str().to_owned(),
            reread: true,
            ..Self::default()
        }
    }

    /// The unread alerts with the subject of an event teach; one without a subject teaches alone.
    pub(super) async fn with_subject_of(
        mut self,
        app: &App,
        caller: &Caller,
        id: &str,
    ) -> Result<Self, Problem> {
        let id: EventId = id.parse().map_err(|_| Problem::not_found("event"))?;
        let event = app.store().event(caller.scope(), id).await?;
        let event = event.ok_or_else(|| Problem::not_found("event"))?;
        if event.subject.trim().is_empty() {
            self.events = id.to_string();
        } else {
            self.subject = event.subject;
        }
        Ok(self)
    }

    pub(super) fn posted(posted: &Posted) -> Self {
        let text = |name| posted.text(name).replace("\r\n", "\n");
        let renamed = posted.all("renamed").map(str::trim);
        Self {
            subject: text("subject"),
            events: text("events"),
            days: text("days"),
            template: text("template"),
            names: posted
                .all("field")
                .zip(renamed)
                .map(|(old, new)| (old.to_owned(), new.to_owned()))
                .collect(),
            target: text("target"),
            variant_of: text("variant_of"),
            code: text("code"),
            name: text("name"),
            category: text("category"),
            severity: text("severity"),
            class: text("class"),
            reread: posted.has("reread"),
            route: posted.has("route"),
            force: posted.has("force"),
        }
    }

    /// What the alerts themselves propose: their kind, or a code for a new one.
    pub(super) fn fill(&mut self, proposed: &ProposalsView, variant_of: Option<&str>) {
        self.subject.clone_from(&proposed.subject);
        let named = proposed.kinds.first().map(String::as_str);
        match variant_of.or(named).filter(|code| !code.is_empty()) {
            Some(code) => {
                "variant".clone_into(&mut self.target);
                code.clone_into(&mut self.variant_of);
            }
            None => "kind".clone_into(&mut self.target),
        }
        self.code = code_of(&proposed.subject);
        self.name = visible(&proposed.subject);
        "Custom".clone_into(&mut self.category);
    }

    /// The template of a proposal, with its fields under the names that they have in it.
    pub(super) fn take(&mut self, proposal: &ProposalView) {
        self.template.clone_from(&proposal.template);
        let same = |name: &String| (name.clone(), name.clone());
        self.names = proposal
            .fields
            .iter()
            .map(|field| same(&field.name))
            .collect();
    }

    fn ids(&self) -> Vec<&str> {
        let ids = self.events.split(',').map(str::trim);
        ids.filter(|id| !id.is_empty()).collect()
    }

    /// What teaches, as the API's forms have it.
    pub(super) fn question(&self) -> Value {
        let mut form = json!({"events": self.ids()});
        if !self.subject.trim().is_empty() {
            form["subject"] = self.subject.as_str().into();
        }
        // What is no number is for the API to refuse.
        match self.days.parse::<u64>() {
            Ok(days) => form["days"] = days.into(),
            Err(_) => form["days"] = self.days.as_str().into(),
        }
        form
    }

    pub(super) fn lesson(&self, is_trial: bool) -> Value {
        let mut form = self.question();
        if !self.template.trim().is_empty() {
            form["template"] = self.template.trim().into();
        }
        let renamed = self
            .names
            .iter()
            .filter(|(old, new)| old != new && !new.is_empty());
        let names: serde_json::Map<String, Value> = renamed
            .map(|(old, new)| (old.clone(), new.as_str().into()))
            .collect();
        form["names"] = names.into();
        form["as"] = self.target();
        form["dry_run"] = is_trial.into();
        form["force"] = self.force.into();
        form
    }

    fn target(&self) -> Value {
        if self.target == "variant" {
            return json!({"variant_of": self.variant_of.trim()});
        }
        let mut kind = json!({
            "code": self.code.trim(),
            "category": self.category.trim(),
            "severity": self.severity,
        });
        for (name, text) in [("name", &self.name), ("class", &self.class)] {
            if !text.trim().is_empty() {
                kind[name] = text.trim().into();
            }
        }
        json!({ "kind": kind })
    }

    /// The re-reading of the alerts with this subject that are not read in full.
    pub(super) fn again(&self, subject: &str, days: u16) -> Value {
        let filter = format!("subject={} match!=full", quoted(subject));
        let query = if filter.len() <= filter::BYTES {
            json!({ "filter": filter })
        } else {
            json!({"match": "none"})
        };
        json!({"query": query, "days": days, "route": self.route})
    }
}

/// A code for alerts with this subject: `custom.backup_failed`.
fn code_of(subject: &str) -> String {
    const LONGEST: usize = 60;
    let words: Vec<String> = subject
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut name = words.join("_");
    name.truncate(LONGEST);
    match name.trim_end_matches('_') {
        "" => "custom.alert".to_owned(),
        name => format!("custom.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_made_of_the_words_of_a_subject() {
        assert_eq!(code_of("Backup  Failed!"), "custom.backup_failed");
        assert_eq!(code_of("日本"), "custom.alert");
        assert!(code_of(&"x y ".repeat(100)).len() < 100);
    }

    #[test]
    fn only_fields_with_another_name_are_renamed() {
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        let draft = Draft {
            names: vec![pair("a", "a"), pair("b", "c"), pair("d", "")],
            days: "7".to_owned(),
            ..Draft::default()
        };
        let lesson = draft.lesson(true);
        assert_eq!(lesson["names"], json!({"b": "c"}));
        assert_eq!(
            (&lesson["days"], &lesson["dry_run"]),
            (&json!(7), &json!(true))
        );
        assert!(lesson.get("subject").is_none());
    }

    #[test]
    fn a_re_reading_takes_the_subject_of_the_lesson() {
        let again = Draft::default().again("Say \"hi\"", 7);
        assert_eq!(
            again["query"]["filter"],
            "subject=\"Say \\\"hi\\\"\" match!=full"
        );
        let again = Draft::default().again(&"x".repeat(2_000), 7);
        assert_eq!(again["query"], json!({"match": "none"}));
    }
}
