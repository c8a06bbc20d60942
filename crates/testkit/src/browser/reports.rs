//! What a page reports of itself while a test does something else.

use serde_json::Value;

/// Loads, and everything that a good page has none of.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    /// Pages that were loaded to their end.
    pub(super) loads: u64,
    /// `alert`, `confirm` and `prompt`.
    pub dialogs: Vec<String>,
    /// What the content security policy refused.
    pub refused: Vec<String>,
    /// Exceptions that nobody caught, and errors that scripts wrote to the console.
    pub exceptions: Vec<String>,
}

impl Reports {
    pub(super) fn note(&mut self, method: &str, params: &Value) {
        match method {
            "Page.loadEventFired" => self.loads += 1,
            "Page.javascriptDialogOpening" => {
                let [kind, message] = ["type", "message"].map(|key| text(&params[key]));
                self.dialogs.push(format!("{kind}: {message}"));
            }
            "Audits.issueAdded" => {
                let issue = &params["issue"];
                if issue["code"] == "ContentSecurityPolicyIssue" {
                    self.refused
                        .push(issue["details"]["contentSecurityPolicyIssueDetails"].to_string());
                }
            }
            "Runtime.exceptionThrown" => {
                let details = &params["exceptionDetails"];
                let description = text(&details["exception"]["description"]);
                self.exceptions
                    .push(format!("{}: {description}", text(&details["text"])));
            }
            "Runtime.consoleAPICalled" if params["type"] == "error" => {
                self.exceptions.push(params["args"].to_string());
            }
            _ => {}
        }
    }

    /// Nothing that a good page has none of.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.dialogs.is_empty() && self.refused.is_empty() && self.exceptions.is_empty()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
