//! The corpus of hostile texts, put into everything that the server takes texts by.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use testkit::Answer;

use super::PASSWORD;
use super::furnished::{ACME, Furnished, GLOBEX};

const CORPUS: &str = include_str!("../../console/payloads.txt");
/// Longest name, in characters.
pub const NAME: usize = 200;
/// Texts of one message that comes in.
const IN_A_MESSAGE: usize = 12;
/// Headers of one answer that are hostile.
const HEADERS: usize = 60;
/// Deliveries that the receiver refused whose pages are opened: as many as have all of the corpus in the headers of answers.
const REFUSED: usize = 5;

pub fn payloads() -> Vec<String> {
    let lines = CORPUS.lines().filter(|line| !line.starts_with('#'));
    lines.map(written_out).collect()
}

/// `{U+202E}` stands for that character.
fn written_out(line: &str) -> String {
    let mut pieces = line.split("{U+");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once('}').unwrap();
        text.push(char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap());
        text.push_str(rest);
    }
    text
}

/// As many together as fit into a name, without what a name may not hold.
pub fn names() -> Vec<String> {
    let mut names = vec![String::new()];
    for payload in payloads() {
        let payload = payload.replace(char::is_control, "");
        let last = names.last_mut().unwrap();
        if last.chars().count() + payload.chars().count() < NAME {
            last.push(' ');
            last.push_str(&payload);
        } else {
            names.push(payload);
        }
    }
    names.iter().map(|name| name.trim().to_owned()).collect()
}

/// A text of the corpus as a name of its own: without what a name may not hold, and told apart from one that differs in
/// the size of its letters alone.
fn name(number: usize, payload: &str) -> String {
    let payload: String = payload.chars().filter(|c| !c.is_control()).collect();
    let payload: String = payload.trim().chars().take(NAME - 20).collect();
    format!("{payload} {number}")
}

/// Gives each text of the corpus as a name to a thing of every kind. Answers one page for each: of the first a company's, of
/// the second an event set's, and so on.
pub async fn named(furnished: &Furnished) -> Vec<String> {
    let api = &furnished.api;
    let url = furnished.desk.url("/desk");
    let silences = api.get("api/v1/silences").await;
    let until = &silences["items"][0]["until"];
    let mut pages = Vec::new();
    for (number, payload) in payloads().iter().enumerate() {
        let name = name(number, payload);
        let company = json!({"name": name, "aliases": [format!("{name} alias")], "domain": format!("{name} domain"), "external_id": name});
        let silence = json!({"name": name, "filter": "severity<=info", "companies": [ACME], "until": until, "reason": name});
        let key = json!({"name": name, "role": "viewer"});
        let kinds = ["problem.critical"];
        let (company, set, silence, _) = tokio::join!(
            api.made("api/v1/companies", company),
            furnished.set(&name, "event", &kinds),
            api.made("api/v1/silences", silence),
            api.made("api/v1/keys", key),
        );
        let (webhook, (source, _)) = tokio::join!(
            furnished.webhook(&name, &url, &[]),
            super::furnished::source(api, &name, Some(&name)),
        );
        let rule = furnished.mapped(&webhook, &name, &name, &set).await;
        let of = format!("/settings/integrations/webhook/{webhook}");
        pages.push(match number % 8 {
            0 => format!("/companies/{company}"),
            1 => format!("/sources/{source}"),
            2 => format!("/silences/{silence}"),
            3 => format!("{of}/credentials"),
            4 => format!("{of}/event-sets/{set}"),
            5 => format!("{of}/rules/{rule}"),
            6 => format!("{of}/mappings?edit={company}"),
            _ => format!("{of}/remove"),
        });
    }
    // A password costs time to hash, so that people have several texts in one name.
    for name in names() {
        let user = json!({"name": name, "role": "viewer", "password": PASSWORD});
        pages.push(format!("/users/{}", api.made("api/v1/users", user).await));
    }
    pages
}

/// Headers and URLs of a webhook: what is let in is shown too.
pub async fn credentials(furnished: &Furnished) {
    let mut taken = 0;
    for (number, payload) in payloads().iter().enumerate() {
        let [url, header] = [
            format!("https://127.0.0.1:1/{payload}"),
            payload.split_whitespace().collect::<String>(),
        ];
        let form = json!({
            "connector": "webhook", "name": format!("Hostile {number}"),
            "credentials": {"webhook_url": url, "header_key": header, "header_value": "v", "username": payload},
        });
        let answer = furnished
            .api
            .call("POST", "api/v1/integrations", Some(form))
            .await;
        taken += usize::from(answer.status == 201);
        assert!([201, 422].contains(&answer.status), "{}", answer.body);
    }
    assert!(taken < payloads().len(), "some are no URL or no header");
}

/// Events of which a field is hostile, messages whose subject and body are, and a receiver that answers like that. Answers
/// the pages of what that receiver refused.
pub async fn said(furnished: &Furnished) -> Vec<String> {
    let url = furnished.desk.url("/hostile");
    let webhook = furnished.webhook("Hostile", &url, &[GLOBEX]).await;
    let set = furnished
        .set("Hostile", "event", &["problem.critical"])
        .await;
    furnished.mapped(&webhook, GLOBEX, "Hostile", &set).await;
    let turn = AtomicUsize::new(0);
    let answer = move || hostile_answer(turn.fetch_add(1, Ordering::Relaxed));
    furnished
        .desk
        .on_path("/hostile", Answer::decided(move |_| answer()));
    let payloads = payloads();
    let mut taken = 0;
    for payload in &payloads {
        let form = json!({
            "event": "problem.critical", "company": GLOBEX,
            "fields": {"ip": "192.0.2.1", "hostname": "a.example", "company": "Globex", "product": payload, "vul_id": "CVE-2021-44228", "severity": "critical"},
        });
        let answer = furnished
            .api
            .call("POST", "api/v1/events", Some(form))
            .await;
        taken += usize::from(answer.status == 202);
    }
    assert!(
        taken > payloads.len() / 2,
        "{taken} were taken as a product"
    );
    for some in payloads.chunks(IN_A_MESSAGE) {
        let text = some.join("\n");
        let message = json!({"subject": "Several", "body": text, "<b data-xss>": text});
        furnished.receive(&message.to_string()).await;
        furnished.receive(&text).await;
        let known = json!({"subject": "New Asset(s) Added", "body": format!("New asset added with ip 192.0.2.1. Hostname {text}")});
        furnished.receive(&known.to_string()).await;
    }
    let path = format!("api/v1/deliveries?integration={webhook}&status=dead&limit={REFUSED}");
    let refused = furnished.api.until(&path, |page| {
        let ids = page["items"]
            .as_array()?
            .iter()
            .map(|item| item["id"].as_str());
        let ids: Vec<_> = ids
            .flatten()
            .map(|id| format!("/deliveries/{id}"))
            .collect();
        (ids.len() == REFUSED).then_some(ids)
    });
    refused.await
}

/// All of the corpus in the body, and in turn as much as headers may hold.
fn hostile_answer(turn: usize) -> Answer {
    let payloads = payloads();
    let mut answer = Answer::status(503).body(payloads.join("\n"));
    let some = payloads.iter().cycle().skip(turn * HEADERS).take(HEADERS);
    for (number, payload) in some.enumerate() {
        let value: String = payload
            .chars()
            .filter(|c| (' '..='~').contains(c))
            .collect();
        answer = answer.header(&format!("x-hostile-{number}"), &value);
    }
    answer
}
