//! `alertwire integrations list`, `export`, `show` and `release`.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};

use super::{Session, download, events, segment, text};
use crate::arguments::IntegrationsCommand;
use crate::clock;
use crate::exit::{Code, Ending, Failure};
use crate::output::{Table, talk};

pub(super) async fn run(command: IntegrationsCommand, session: &mut Session<'_>) -> Ending {
    let now = clock::real().now();
    match command {
        IntegrationsCommand::List { limit, server } => {
            let query = [("limit".to_owned(), limit.to_string())];
            let api = session.api(&server)?;
            let page = api.get("api/v1/integrations", &query).await?;
            list(&page, now, session)?;
        }
        IntegrationsCommand::Export(arguments) => {
            return download::list(
                "api/v1/integrations/export",
                "integrations",
                arguments,
                session,
            )
            .await;
        }
        IntegrationsCommand::Show { id, server } => {
            let path = format!("api/v1/integrations/{}", segment(&id)?);
            let integration = session.api(&server)?.get(&path, &[]).await?;
            if !session.out.json {
                session.out.line(summary(&integration, now))?;
            }
            events::show(&integration, session)?;
        }
        IntegrationsCommand::Release { ids, server } => {
            let api = session.api(&server)?;
            for id in ids {
                let path = format!("api/v1/integrations/{}/release", segment(&id)?);
                let integration = api.post(&path, &json!({})).await?;
                if session.out.json {
                    session.out.value(&integration)?;
                } else {
                    session.out.line(summary(&integration, now))?;
                }
            }
        }
    }
    Ok(Code::Ok)
}

fn list(page: &Value, now: Timestamp, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        return Ok(session.out.value(page)?);
    }
    let mut table = Table::new(&["ID", "NAME", "STATUS", "GATE"]);
    for integration in page["items"].as_array().into_iter().flatten() {
        let cell = |pointer| text(integration, pointer);
        let gate = in_words(integration, now);
        table.row([cell("/id"), cell("/name"), cell("/status"), &gate]);
    }
    session.out.table(&table)?;
    if page["next"].is_string() {
        talk("there are more; raise --limit");
    }
    Ok(())
}

fn summary(integration: &Value, now: Timestamp) -> String {
    let gate = in_words(integration, now);
    let (name, status) = (text(integration, "/name"), text(integration, "/status"));
    format!("{name}: {status}; {gate}")
}

/// What an integration's gate does now, and for how long.
fn in_words(integration: &Value, now: Timestamp) -> String {
    let gate = &integration["gate"];
    let left = |pointer| {
        let time: Timestamp = text(gate, pointer).parse().ok()?;
        Some(countdown(time.since(now)))
    };
    let mut words = match (text(gate, "/state"), left("/until"), left("/probe_at")) {
        ("admitting", ..) => match text(integration, "/status") {
            "draft" | "failed" => "sends nothing before it is authenticated".to_owned(),
            "disabled" => "switched off".to_owned(),
            _ => "sends".to_owned(),
        },
        ("resting", Some(left), _) => format!("rests after failures, tries again in {left}"),
        ("probing", ..) => "one try decides".to_owned(),
        ("held", _, probe) => {
            let reason = text(gate, "/reason").replace('_', " ");
            match probe {
                Some(left) => format!("held ({reason}), tries again in {left}"),
                None => format!("held ({reason}) until a person releases it"),
            }
        }
        (state, ..) => state.to_owned(),
    };
    if let (Some(failures @ 1..), Some(left)) = (gate["failures"].as_u64(), left("/held_at_latest"))
    {
        words.push_str(&format!(
            "; {failures} failures in a row, held in {left} unless one succeeds"
        ));
    }
    words
}

/// The two largest units: `4d 23h`, `14m 59s`, `8s`.
pub(super) fn countdown(left: Duration) -> String {
    let seconds = left.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let parts = units[first..].iter().take(2);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> String {
        let start = Timestamp::from_micros(0);
        start.after(Duration::from_secs(seconds)).to_string()
    }

    #[test]
    fn a_countdown_has_two_units() {
        for (seconds, words) in [
            (0, "0s"),
            (8, "8s"),
            (60, "1m 0s"),
            (899, "14m 59s"),
            (86_400 * 5 - 1, "4d 23h"),
        ] {
            assert_eq!(countdown(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn a_gate_is_told_in_words() {
        for (gate, words) in [
            (json!({"state": "admitting", "failures": 0}), "sends"),
            (
                json!({"state": "admitting", "failures": 3, "held_at_latest": after(86_400)}),
                "sends; 3 failures in a row, held in 1d 0h unless one succeeds",
            ),
            (
                json!({"state": "resting", "failures": 10, "until": after(25), "held_at_latest": after(90)}),
                "rests after failures, tries again in 25s; 10 failures in a row, held in 1m 30s unless one succeeds",
            ),
            (
                json!({"state": "held", "reason": "login", "failures": 0, "probe_at": after(30)}),
                "held (login), tries again in 30s",
            ),
            (
                json!({"state": "held", "reason": "failing_too_long", "failures": 0, "probe_at": null}),
                "held (failing too long) until a person releases it",
            ),
            (
                json!({"state": "probing", "failures": 0}),
                "one try decides",
            ),
        ] {
            let integration = json!({"status": "authenticated", "gate": gate});
            assert_eq!(in_words(&integration, Timestamp::from_micros(0)), words);
        }
        for (status, words) in [
            ("failed", "sends nothing before it is authenticated"),
            ("disabled", "switched off"),
        ] {
            let open = json!({"status": status, "gate": {"state": "admitting", "failures": 0}});
            assert_eq!(in_words(&open, Timestamp::from_micros(0)), words);
        }
    }
}
