//! The steps of a check as pages show them.

use serde_json::Value;

use crate::console::text::visible;

/// What the last check of an integration came to.
#[derive(Debug, Clone)]
pub(in crate::console) struct Checklist {
    pub(in crate::console) is_good: bool,
    pub(in crate::console) steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub(in crate::console) struct Step {
    pub(in crate::console) class: &'static str,
    pub(in crate::console) glyph: &'static str,
    /// What its state is called, for whoever does not see the glyph.
    pub(in crate::console) state: &'static str,
    pub(in crate::console) word: String,
    pub(in crate::console) detail: String,
    pub(in crate::console) millis: f64,
    pub(in crate::console) remedy: Option<String>,
    /// The class of what went wrong.
    pub(in crate::console) cause: Option<String>,
}

/// The names of steps, in the words of pages.
const WORDS: [(&str, &str); 15] = [
    ("url", "URL valid"),
    ("ca", "Certificate authority"),
    ("client_certificate", "Client certificate"),
    ("dns", "DNS"),
    ("policy", "Egress policy"),
    ("tcp", "TCP"),
    ("tls", "TLS"),
    ("login_dns", "Authentication URL: DNS"),
    ("login_policy", "Authentication URL: egress policy"),
    ("login_tcp", "Authentication URL: TCP"),
    ("login_tls", "Authentication URL: TLS"),
    ("login", "Authentication URL"),
    ("token", "Token"),
    ("test_alert", "Test event"),
    ("status", "2xx"),
];

impl Checklist {
    /// Of the report that is stored with an integration, or that the API answers with.
    pub(in crate::console) fn of(report: &Value) -> Self {
        let steps = report["steps"].as_array();
        Self {
            is_good: report["ok"].as_bool().unwrap_or_default(),
            steps: steps.into_iter().flatten().map(Step::of).collect(),
        }
    }

    /// What each step is called, as JSON, for the page that shows them as they end.
    pub(in crate::console) fn words() -> String {
        let words = WORDS
            .iter()
            .map(|(name, word)| ((*name).to_owned(), Value::from(*word)));
        Value::Object(words.collect()).to_string()
    }

    /// The first step that was not good.
    pub(in crate::console) fn fault(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.class == "bad")
    }

    #[cfg(test)]
    pub(in crate::console) fn sample(is_good: bool) -> Self {
        let hostile = "<img src=x onerror=alert(1)>";
        Self::of(&serde_json::json!({"ok": is_good, "steps": [
            {"name": "url", "ok": true, "detail": hostile, "millis": 0.1},
            {"name": "tls", "ok": true, "warning": true, "detail": hostile, "millis": 3.5},
            {"name": hostile, "ok": is_good, "detail": hostile, "millis": 3.5, "cause": "status", "remedy": hostile},
        ]}))
    }
}

impl Step {
    fn of(step: &Value) -> Self {
        let text = |name: &str| step[name].as_str().map(visible);
        let is_warning = step["warning"].as_bool().unwrap_or_default();
        let (class, glyph, state) = match step["ok"].as_bool().unwrap_or_default() {
            true if is_warning => ("wait", "!", "look at this"),
            true => ("good", "✓", "good"),
            false => ("bad", "✕", "not good"),
        };
        let name = text("name").unwrap_or_default();
        let word = WORDS.iter().find(|(known, _)| *known == name);
        Self {
            class,
            glyph,
            state,
            word: word.map_or(name.clone(), |(_, word)| (*word).to_owned()),
            detail: text("detail").unwrap_or_default(),
            millis: step["millis"].as_f64().unwrap_or_default(),
            remedy: text("remedy"),
            cause: text("cause"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_step_that_is_not_good_is_the_fault() {
        let report = json!({"ok": false, "steps": [
            {"name": "url", "ok": true, "detail": "https://a", "millis": 0.0},
            {"name": "dns", "ok": false, "detail": "no address", "millis": 2.0, "cause": "dns", "remedy": "look at it"},
        ]});
        let list = Checklist::of(&report);
        assert!(!list.is_good);
        let fault = list.fault().unwrap();
        assert_eq!((fault.word.as_str(), fault.class), ("DNS", "bad"));
        assert_eq!(fault.remedy.as_deref(), Some("look at it"));
        assert!(Checklist::of(&Value::Null).steps.is_empty());
    }
}
