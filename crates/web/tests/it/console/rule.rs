use std::time::Duration;

use domain::access::{Role, Scope};
use serde_json::json;
use testkit::Target;

use crate::support::{Server, id};

fn tab(integration: &str, step: &str) -> String {
    format!("/settings/integrations/webhook/{integration}/{step}")
}

#[tokio::test]
async fn a_rule_is_saved_and_the_company_mapping_may_follow() {
    let (server, target) = (Server::start().await, Target::start().await);
    let integration = server.integration("Hook", &target).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let token = anna.form_token(&server).await;
    let new = tab(&integration, "rules/new");
    let none = anna.get(&server, &new).await.expect(200).text();
    assert!(none.contains("Create an event set"), "{none}");
    let set = server.event_set("Set").await;
    let post = async |status, more: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())], more].concat();
        anna.post(&server, &new, &fields).await.expect(status)
    };
    let unset = post(422, &[("name", "High ones")]).await.text();
    assert!(unset.contains("no event set") && unset.contains("value=\"High ones\""));
    let bad = [
        ("name", "High ones"),
        ("event_set_id", &set),
        ("matchers", "severity>=high\n\nseverty>=high"),
    ];
    let bad = post(422, &bad).await.text();
    assert!(
        bad.contains("line 3: ") && bad.contains("did you mean `severity`?"),
        "{bad}"
    );
    assert!(!bad.contains("Confirmation"));
    let good = [
        ("name", "High ones"),
        ("event_set_id", &set),
        ("matchers", "severity>=high\r\n"),
    ];
    let asked = post(200, &good).await.text();
    assert!(asked.contains("Save the Integration Rule?") && asked.contains(">Yes</button>"));
    let path = format!("/api/v1/integrations/{integration}/rules");
    assert_eq!(server.get(&path).await.json()["items"], json!([]));
    let saved = post(303, &[&good[..], &[("then", "mapping")]].concat()).await;
    let mapping = format!("{}?told=saved", tab(&integration, "mappings"));
    assert_eq!(saved.header("location"), mapping);
    let rules = server.get(&path).await.json();
    assert_eq!(rules["items"][0]["matchers"], json!(["severity>=high"]));
    let again = post(409, &[&good[..], &[("then", "save")]].concat())
        .await
        .text();
    assert!(again.contains("is taken by another rule"), "{again}");
    let list = tab(&integration, "rules");
    let list = anna.get(&server, &list).await.expect(200).text();
    assert!(
        list.contains("High ones") && list.contains("not mapped"),
        "{list}"
    );
}

#[tokio::test]
async fn a_rule_is_changed_and_goes_when_nobody_is_mapped_to_it() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let token = anna.form_token(&server).await;
    let list = tab(&routed.integration, "rules");
    let path = format!("{list}/{}", routed.rule);
    let form = anna.get(&server, &path).await.expect(200).text();
    let mark = form.split("name=\"mark\" value=\"").nth(1).unwrap();
    let set = form.split("\" selected>").next().unwrap();
    let fields = [
        ("form_token", token.as_str()),
        ("mark", mark.split('"').next().unwrap()),
        ("event_set_id", set.rsplit('"').next().unwrap()),
        ("name", "Renamed"),
    ];
    let save = [&fields[..], &[("then", "save")]].concat();
    anna.post(&server, &path, &save).await.expect(303);
    // The form is of what was there before.
    let stale = anna.post(&server, &path, &save).await.expect(409).text();
    assert!(stale.contains("changed by somebody else"), "{stale}");
    let ask = format!("{list}?remove={}", routed.rule);
    let in_use = anna.get(&server, &ask).await.expect(200).text();
    assert!(
        in_use.contains("Renamed is in use") && in_use.contains("Acme"),
        "{in_use}"
    );
    let remove = format!("{path}/remove");
    anna.post(&server, &remove, &fields[..1]).await.expect(409);
    let mapping = format!(
        "/api/v1/integrations/{}/mappings/{}",
        routed.integration, routed.company
    );
    server.delete(&mapping).await.expect(204);
    let asked = anna.get(&server, &ask).await.expect(200).text();
    assert!(asked.contains("Remove 1 rule"), "{asked}");
    anna.post(&server, &remove, &fields[..1]).await.expect(303);
    anna.get(&server, &path).await.expect(404);
}

#[tokio::test]
async fn the_overview_has_the_rules_of_all_integrations_and_what_none_matched() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Viewer, Scope::All).await;
    let none = anna.get(&server, "/rules").await.expect(200).text();
    assert!(none.contains("No rules yet"), "{none}");
    server.routed("Acme", &target).await;
    server.clock.advance(Duration::from_millis(5));
    let globex = server.routed("Globex", &target).await;
    server.company("Unmapped").await;
    server.asset_added("Acme", "10.0.0.9").await;
    server.clock.advance(Duration::from_secs(25 * 3_600));
    // Nobody stays signed in for a day.
    let anna = server.browser("Dora", Role::Viewer, Scope::All).await;
    for company in ["Acme", "Acme", "Globex", "Unmapped"] {
        server.asset_added(company, "10.0.0.1").await;
    }
    let fields = json!({"common_name": "a.example", "date": "2027-01-01", "ip": "10.0.0.1"});
    let unticked = json!({"event": "certificate.expire_30d", "company": "Acme", "fields": fields});
    server.post("/api/v1/events", unticked).await.expect(202);
    let page = anna.get(&server, "/rules").await.expect(200).text();
    let table = page.split("</table>").next().unwrap();
    let rows: Vec<_> = table.split("<tr>").skip(2).collect();
    assert_eq!(rows.len(), 3, "{page}");
    let hits = |row: &str| {
        let cell = row.split("data-label=\"In 24 h\"").nth(1).unwrap();
        let cell = cell.split("</td>").next().unwrap();
        cell.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    assert!(rows[0].contains("Rule of Globex") && rows[0].contains("To Globex"));
    assert!(
        rows[1].contains("Rule of Acme") && rows[1].contains("> on</span>"),
        "{}",
        rows[1]
    );
    assert!(
        hits(rows[0]).ends_with('1') && hits(rows[1]).ends_with('2'),
        "{page}"
    );
    let last = rows[2];
    assert!(
        last.contains("No rule matched") && last.contains("routing=no_rule"),
        "{last}"
    );
    assert!(last.contains("1 no mapping"), "{last}");
    let narrowed = anna
        .get(&server, "/rules?company=Globex")
        .await
        .expect(200)
        .text();
    assert!(narrowed.contains("Rule of Globex") && !narrowed.contains("Rule of Acme"));
    let text = anna
        .get(&server, "/rules?text=nothing")
        .await
        .expect(200)
        .text();
    assert!(text.contains("No rule fits"), "{text}");
    anna.get(&server, "/rules?company=Nobody").await.expect(422);
    let acme_only = format!("/api/v1/integrations/{}", globex.integration);
    let own = json!({"companies": [globex.company]});
    server.patch(&acme_only, own).await.expect(200);
    let scope = Scope::Companies(vec![Server::company_id(&globex.company)]);
    let ben = server.browser("Ben", Role::Viewer, scope).await;
    let page = ben.get(&server, "/rules").await.expect(200).text();
    let own = page.split("Rule of Globex").nth(1).unwrap();
    assert!(own.contains("Globex"), "{page}");
    assert!(!page.contains("1 no mapping"), "{page}");
    ben.get(&server, "/rules?company=Acme").await.expect(422);
}

#[tokio::test]
async fn a_dry_run_says_what_would_go_elsewhere_before_it_is_saved() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    server.asset_added("Acme", "10.0.0.1").await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let choose = anna.get(&server, "/rules/dry-run").await.expect(200).text();
    assert!(choose.contains("Rule of Acme") && choose.contains("<optgroup label=\"To Acme\">"));
    let path = format!("/rules/dry-run?rule={}", routed.rule);
    let form = anna.get(&server, &path).await.expect(200).text();
    assert!(form.contains("Switch off for Acme") && !form.contains("What it would do"));
    let same = format!("{path}&run=1&hours=24");
    let same = anna.get(&server, &same).await.expect(200).text();
    assert!(same.contains("No event would go another way"), "{same}");
    let bad = format!("{path}&run=1&matchers=severty%3Dx");
    let bad = anna.get(&server, &bad).await.expect(422).text();
    assert!(bad.contains("did you mean `severity`?") && !bad.contains("Save this change"));
    let off = format!("{}:off", routed.company);
    let lost = format!("{path}&run=1&hours=24&switch={off}");
    let lost = anna.get(&server, &lost).await.expect(200).text();
    assert!(
        lost.contains("<dt>Would no longer be sent</dt><dd>1</dd>"),
        "{lost}"
    );
    assert!(lost.contains("nowhere: mapping off") && lost.contains("Save this change"));
    let token = anna.form_token(&server).await;
    let rules = format!("/api/v1/integrations/{}/rules", routed.integration);
    let before = server.get(&rules).await.json()["items"][0].take();
    let set = before["event_set_id"].as_str().unwrap().to_owned();
    let fields = [
        ("form_token", token.as_str()),
        ("rule", &routed.rule),
        ("event_set", &set),
        ("matchers", "severity>=low"),
        ("switch", &off),
    ];
    anna.post(&server, "/rules/dry-run", &fields)
        .await
        .expect(303);
    let after = server.get(&rules).await.json()["items"][0].take();
    assert_eq!(after["matchers"], json!(["severity>=low"]));
    let mappings = format!("/api/v1/integrations/{}/mappings", routed.integration);
    let mapping = server.get(&mappings).await.json()["items"][0].take();
    assert_eq!(mapping["create_webhook_alert"], false);
    assert_eq!(mapping["rules"], json!([id(&after)]));
}

#[tokio::test]
async fn a_dry_run_is_for_everybody_and_saving_for_admins() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let ben = server.browser("Ben", Role::Viewer, Scope::All).await;
    let path = format!("/rules/dry-run?rule={}&run=1", routed.rule);
    let page = ben.get(&server, &path).await.expect(200).text();
    assert!(page.contains("What it would do") && !page.contains("Save this change"));
    let token = ben.form_token(&server).await;
    let fields = [("form_token", token.as_str()), ("rule", &routed.rule)];
    ben.post(&server, "/rules/dry-run", &fields)
        .await
        .expect(403);
    let other = server.company("Globex").await;
    let own = format!("/api/v1/integrations/{}", routed.integration);
    let form = json!({"companies": [routed.company]});
    server.patch(&own, form).await.expect(200);
    let scope = Scope::Companies(vec![Server::company_id(&other)]);
    let carl = server.browser("Carl", Role::Viewer, scope).await;
    carl.get(&server, &path).await.expect(404);
    let page = carl.get(&server, "/rules").await.expect(200).text();
    assert!(!page.contains("Rule of Acme"), "{page}");
}

#[tokio::test]
async fn an_admin_switches_a_rule_off_and_on_in_the_list() {
    let (server, target) = (Server::start().await, Target::start().await);
    let routed = server.routed("Acme", &target).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let list = tab(&routed.integration, "rules");
    let switch = format!("{list}/{}/switch", routed.rule);
    for (to, told, offered) in [
        ("off", "The rule is off", "Switch on"),
        ("on", "The rule is on", "Switch off"),
    ] {
        let done = anna.act(&server, &switch, &[("to", to)]).await.expect(303);
        let page = anna.get(&server, done.header("location")).await.expect(200);
        let page = page.text();
        assert!(page.contains(told) && page.contains(offered), "{page}");
    }
    let vera = server.browser("Vera", Role::Viewer, Scope::All).await;
    let page = vera.get(&server, &list).await.expect(200).text();
    assert!(!page.contains("Switch off") && page.contains("On or off"));
    vera.act(&server, &switch, &[("to", "off")])
        .await
        .expect(403);
}
