use askama::Template;
use axum::Json;
use axum::extract::State;
use domain::source::{Authentication, Require, Source};
use domain::{Secret, SourceId};

use super::WAYS;
use super::entries::Secrets;
use crate::App;
use crate::api::source::sender_settings::sender_settings;
use crate::api::source::{find, intake_url};
use crate::console::text::visible;
use crate::console::{Frame, Here, Visitor};
use crate::problem::Problem;
use crate::read::{Caller, Id, Viewer};

/// An alert of the guide, to try a source with.
const TRIAL: &str = r#"{"subject": "New Asset(s) Added", "body": "New asset added with ip 192.168.1.100. Hostname server-01.example.com. Mac address 00:1B:44:11:3A:B7"}"#;
/// What stands in the place of a secret that is not known any more.
const UNKNOWN: &str = "THE-SECRET";

/// Secrets that were made, shown this once.
#[derive(Debug, Template)]
#[template(path = "source/made.html")]
pub(super) struct MadeSecretsPage {
    frame: Frame,
    path: String,
    name: String,
    secrets: Vec<(&'static str, &'static str, Secret<String>)>,
    sender: Sender,
}

/// What to type at the sender, and a command that tries it.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) settings: Vec<Setting>,
    pub(super) notes: Vec<String>,
    /// None where no simple command could prove itself.
    pub(super) curl: Option<Secret<String>>,
}

/// A field of the sender's form, by its label.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) label: &'static str,
    pub(super) value: Secret<String>,
    /// It stands for a secret that is not known any more.
    pub(super) is_described: bool,
}

impl MadeSecretsPage {
    pub(super) async fn new(
        app: &App,
        visitor: &Visitor,
        id: &str,
        made: Secrets,
    ) -> Result<Self, Problem> {
        let id: SourceId = id.parse().map_err(|_| Problem::not_found("source"))?;
        let configuration = app.store().newest_configuration().await?;
        let caller = visitor.caller.before(configuration);
        let name = visible(&find(id, &caller)?.name);
        let sender = Sender::new(app, &caller, id, &made).await?;
        let secrets = WAYS.into_iter().filter_map(|(way, _, label)| {
            let secret = made.get(way)?.clone();
            Some((way, label, secret))
        });
        Ok(Self {
            frame: Frame::new(visitor, Here::Sources, &name, None),
            path: format!("/sources/{id}"),
            name,
            secrets: secrets.collect(),
            sender,
        })
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Sources),
            path: "/sources/1".to_owned(),
            name: "<img src=x onerror=alert(1)>".to_owned(),
            secrets: vec![("header", WAYS[0].2, Secret::new("made".to_owned()))],
            sender: Sender::sample(),
        }]
    }
}

impl Sender {
    pub(super) async fn new(
        app: &App,
        caller: &Caller,
        id: SourceId,
        known: &Secrets,
    ) -> Result<Self, Problem> {
        let viewer = Viewer(caller.clone());
        let Json(view) = sender_settings(State(app.clone()), viewer, Id(id)).await?;
        let source = find(id, caller)?;
        let account = if source.authentication.login.is_some() {
            "login"
        } else {
            "basic"
        };
        let settings = view.settings.into_iter().map(|setting| {
            let known = match setting.label {
                "Webhook Password" => known.get(account),
                "Authentication Header Value" => known.get("header"),
                _ => None,
            };
            Setting {
                label: setting.label,
                is_described: setting.secret && known.is_none(),
                value: known
                    .cloned()
                    .unwrap_or_else(|| Secret::new(visible(&setting.value))),
            }
        });
        Ok(Self {
            settings: settings.collect(),
            notes: view.notes.iter().map(|note| visible(note)).collect(),
            curl: curl(source, app, known),
        })
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        let hostile = || "<img src=x onerror=alert(1)>".to_owned();
        let setting = |value: String, is_described| Setting {
            label: "Webhook URL",
            value: Secret::new(value),
            is_described,
        };
        Self {
            settings: vec![
                setting(hostile(), false),
                setting(hostile(), true),
                setting(String::new(), false),
            ],
            notes: vec![hostile()],
            curl: Some(Secret::new(hostile())),
        }
    }
}

/// A command that sends the guide's first alert as the sender would.
fn curl(source: &Source, app: &App, known: &Secrets) -> Option<Secret<String>> {
    let url = intake_url(source, app);
    let (before, proof) = proof(&source.authentication, &url, known)?;
    Some(Secret::new(format!(
        "{before}curl {} \\\n  -H 'Content-Type: application/json' \\\n{proof}  -d {}",
        quoted(&url),
        quoted(TRIAL)
    )))
}

/// What is run before, and the options by which the command proves itself: the first way, or each where all are asked for.
/// None where a signature has to be made.
fn proof(wanted: &Authentication, url: &str, known: &Secrets) -> Option<(String, String)> {
    let secret = |way: &str| {
        let known = known.get(way).map(|secret| secret.reveal().as_str());
        known.unwrap_or(UNKNOWN).to_owned()
    };
    let mut ways = Vec::new();
    if let Some(header) = &wanted.header {
        let line = format!("{}: {}", header.key, secret("header"));
        ways.push((String::new(), format!("  -H {} \\\n", quoted(&line))));
    }
    if let Some(basic) = &wanted.basic {
        let account = format!("{}:{}", basic.username, secret("basic"));
        ways.push((String::new(), format!("  -u {} \\\n", quoted(&account))));
    }
    if let Some(login) = &wanted.login {
        let form = serde_json::json!({"username": login.username, "password": secret("login")});
        let option = "  -H \"Authorization: Bearer $TOKEN\" \\\n".to_owned();
        ways.push((token(url, &form.to_string()), option));
    }
    let is_signed = !wanted.signature.is_empty();
    match wanted.require {
        Require::All if is_signed => None,
        Require::All => Some(ways.into_iter().unzip()),
        Require::Any if is_signed && ways.is_empty() => None,
        Require::Any => Some(ways.into_iter().next().unwrap_or_default()),
    }
}

/// A command that gets a token by a login.
fn token(url: &str, login: &str) -> String {
    format!(
        "TOKEN=$(curl -s {} \\\n  -H 'Content-Type: application/json' \\\n  -d {} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n",
        quoted(&format!("{url}/token")),
        quoted(login)
    )
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_of_a_shell_cannot_be_left() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'; rm -rf /"), "'a'\\''; rm -rf /'");
    }
}
