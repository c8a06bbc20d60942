//! What is typed for a silence, as the API's forms have it.

use std::time::Duration;

use domain::silence::Silence;
use domain::{CompanyId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::read::Posted;

/// How long it lasts, where that is not said by a time: the value of the choice, its words, hours.
pub(super) const LASTS: [(&str, &str, u64); 4] = [
    ("1h", "1 hour", 1),
    ("8h", "8 hours", 8),
    ("1d", "1 day", 24),
    ("1w", "1 week", 7 * 24),
];

/// What a link to the form may fill in, such as that of an event.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console::silence) struct Asked {
    pub(super) filter: Option<String>,
    pub(super) company: Option<String>,
    pub(super) name: Option<String>,
    pub(super) reason: Option<String>,
}

/// What is typed, as it was typed.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) filter: String,
    /// By id, or as a link named them.
    pub(super) companies: Vec<String>,
    pub(super) from: String,
    /// One of [`LASTS`], or `until`.
    pub(super) lasts: String,
    pub(super) until: String,
    pub(super) repeat: String,
    pub(super) repeat_until: String,
    pub(super) reason: String,
}

impl Draft {
    pub(super) fn asked(asked: Asked) -> Self {
        Self {
            name: asked.name.unwrap_or_default(),
            filter: asked.filter.unwrap_or_default(),
            companies: asked
                .company
                .into_iter()
                .filter(|company| !company.is_empty())
                .collect(),
            lasts: "1h".to_owned(),
            reason: asked.reason.unwrap_or_default(),
            ..Self::default()
        }
    }

    pub(super) fn posted(posted: &Posted) -> Self {
        let text = |name| posted.text(name).to_owned();
        Self {
            name: text("name"),
            filter: text("filter"),
            companies: posted.all("companies").map(str::to_owned).collect(),
            from: text("from"),
            lasts: text("lasts"),
            until: text("until"),
            repeat: text("repeat"),
            repeat_until: text("repeat_until"),
            reason: text("reason"),
        }
    }

    pub(super) fn of(silence: &Silence) -> Self {
        let repeat = silence.repeat;
        Self {
            name: silence.name.clone(),
            filter: silence.filter.to_string(),
            companies: silence.companies.iter().map(CompanyId::to_string).collect(),
            from: typed(silence.from),
            lasts: "until".to_owned(),
            until: typed(silence.until),
            repeat: repeat.map_or_else(String::new, |repeat| repeat.every.as_str().to_owned()),
            repeat_until: repeat.map_or_else(String::new, |repeat| typed(repeat.until)),
            reason: silence.reason.clone(),
        }
    }

    /// As the API's form has it. What is empty is not there.
    pub(super) fn form(&self, now: Timestamp) -> Value {
        let mut form = json!({
            "name": self.name,
            "filter": self.filter,
            "companies": self.companies,
            "until": self.end(now),
            "reason": self.reason,
        });
        let others = [
            ("from", moment(&self.from)),
            ("repeat", self.repeat.clone()),
            ("repeat_until", moment(&self.repeat_until)),
        ];
        for (name, text) in others {
            if !text.is_empty() {
                form[name] = text.into();
            }
        }
        form
    }

    /// The same for one that is there: what is empty is taken away.
    pub(super) fn patch(&self, now: Timestamp) -> Value {
        let mut patch = self.form(now);
        for name in ["repeat", "repeat_until"] {
            if patch.get(name).is_none() {
                patch[name] = Value::Null;
            }
        }
        patch
    }

    pub(super) fn rehearsal(&self, now: Timestamp) -> Value {
        let mut form = self.form(now);
        for name in ["name", "reason"] {
            if form[name]
                .as_str()
                .is_some_and(|text| text.trim().is_empty())
            {
                form[name] = "a trial".into();
            }
        }
        form
    }

    /// When it ends: at the time that was typed, or so long after it begins.
    fn end(&self, now: Timestamp) -> String {
        let chosen = LASTS.iter().find(|(value, ..)| *value == self.lasts);
        let Some((_, _, hours)) = chosen else {
            return moment(&self.until);
        };
        let from = moment(&self.from).parse().unwrap_or(now);
        from.after(Duration::from_secs(hours * 3_600)).to_string()
    }
}

/// What a browser's field for a time holds, as a time of UTC. Anything else is left for the API to refuse.
fn moment(text: &str) -> String {
    let text = text.trim();
    match text.len() {
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    }
}

/// The reverse: to the second, without a zone.
fn typed(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_silence_lasts_from_when_it_begins() {
        let now = at("2026-01-31T12:00:00Z");
        let draft = |from: &str, lasts: &str, until: &str| Draft {
            from: from.to_owned(),
            lasts: lasts.to_owned(),
            until: until.to_owned(),
            ..Draft::default()
        };
        let end = |draft: Draft| at(&draft.end(now));
        assert_eq!(end(draft("", "8h", "")), at("2026-01-31T20:00:00Z"));
        assert_eq!(
            end(draft("2026-02-01T00:00", "1d", "")),
            at("2026-02-02T00:00:00Z")
        );
        assert_eq!(
            end(draft("", "until", "2026-02-03T04:05:06")),
            at("2026-02-03T04:05:06Z")
        );
        assert_eq!(draft("", "until", "soon").end(now), "soon");
    }

    #[test]
    fn what_is_not_typed_is_not_in_the_form() {
        let now = at("2026-01-31T12:00:00Z");
        let draft = Draft::asked(Asked::default());
        let form = draft.form(now);
        assert!(form.get("from").is_none() && form.get("repeat").is_none());
        assert!(draft.patch(now)["repeat"].is_null());
        assert_eq!(draft.rehearsal(now)["reason"], "a trial");
    }
}
