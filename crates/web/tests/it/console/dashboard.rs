//! The dashboard: what needs attention, figures and charts, each within what its reader may see.

use domain::CompanyId;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;
use testkit::Target;

use crate::support::{Server, id, request};

/// The first page with what it is drawn with, in bytes as they go over the wire: nothing is packed.
const FIRST_PAGE: usize = 150_000;

fn scope(company: &str) -> Scope {
    Scope::Companies(vec![company.parse::<CompanyId>().unwrap()])
}

/// Counts all that was stored.
async fn count(server: &Server) {
    let store = server.app.store();
    while store
        .count_figures(server.clock.now(), 1_000)
        .await
        .unwrap()
        > 0
    {}
}

/// What a card says.
fn card(page: &str, name: &str) -> String {
    let name = format!("<span class=\"hint\">{name}</span>");
    let mut rest = page.split(&name);
    let rest = rest.nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
    let value = rest.split("<strong").nth(1).unwrap().split('<').next();
    value.unwrap().split('>').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn before_the_first_event_it_leads_an_admin_to_the_set_up() {
    let server = Server::start().await;
    for (name, role, is_led) in [("Anna", Role::Admin, true), ("Ben", Role::Operator, false)] {
        let browser = server.browser(name, role, Scope::All).await;
        let page = browser.get(&server, "/").await.expect(200).text();
        assert!(page.contains("Nothing has come in yet"), "{page}");
        assert_eq!(page.contains("href=\"/welcome\""), is_led, "{page}");
        assert!(!page.contains("<svg role=\"img\""), "{page}");
    }
}

#[tokio::test]
async fn figures_are_those_of_the_companies_that_a_reader_sees() {
    let server = Server::start().await;
    let (acme, globex) = (server.company("Acme").await, server.company("Globex").await);
    for number in 1..=3 {
        server.asset_added(&acme, &format!("10.0.0.{number}")).await;
    }
    server.asset_added(&globex, "10.0.0.9").await;
    count(&server).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let ben = server.browser("Ben", Role::Viewer, scope(&globex)).await;
    for range in ["", "?range=1h", "?range=24h", "?range=7d", "?range=30d"] {
        let path = format!("/{range}");
        let page = anna.get(&server, &path).await.expect(200).text();
        assert_eq!(card(&page, "Ingested"), "4", "{range}");
        assert!(
            page.contains(">Acme</a>") && page.contains(">Globex</a>"),
            "{page}"
        );
        let page = ben.get(&server, &path).await.expect(200).text();
        assert_eq!(card(&page, "Ingested"), "1", "{range}");
        assert!(page.contains("Globex") && !page.contains("Acme"), "{page}");
    }
    let page = anna.get(&server, "/?company=Acme&range=24h").await;
    let page = page.expect(200).text();
    assert_eq!(card(&page, "Ingested"), "3");
    assert!(!page.contains("Events by company"), "{page}");
    assert!(
        page.contains("href=\"/?range=7d&#38;company=Acme\""),
        "{page}"
    );
    ben.get(&server, "/?company=Acme").await.expect(422);
    anna.get(&server, "/?range=2h").await.expect(422);
    anna.get(&server, "/?range=&company=").await.expect(200);
}

#[tokio::test]
async fn what_needs_attention_leads_to_where_it_is_mended() {
    let (server, target) = (Server::start().await, Target::start().await);
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    let routed = server.routed("Acme", &target).await;
    server.asset_added(&routed.company, "10.0.0.1").await;
    count(&server).await;
    let page = anna.get(&server, "/").await.expect(200).text();
    assert!(page.contains("Nothing needs attention"), "{page}");
    assert_eq!(card(&page, "Oldest undelivered"), "0 ms");

    let credentials =
        json!({"webhook_url": "http://127.0.0.1:1/", "header_key": "X-Key", "header_value": "x"});
    let draft = json!({"connector": "webhook", "name": "<b>Draft", "credentials": credentials});
    let draft = server.made("/api/v1/integrations", draft).await;
    let source = json!({"name": "Scanner", "authentication": {"addresses": ["127.0.0.1"]}});
    let source = id(&server.source(source).await);
    let alert = json!({"subject": "Never heard of", "body": "it"}).to_string();
    let alert = request(Method::POST, &format!("/intake/{source}")).body(alert.into());
    server.send(alert.unwrap()).await.expect(202);
    server
        .clock
        .advance(std::time::Duration::from_secs(20 * 60));
    count(&server).await;
    let page = anna.get(&server, "/").await.expect(200).text();
    for words in [
        "The oldest delivery waits for 20 min.",
        "1 event not recognised in the last 24 hours.",
        "1 event of no company in the last 24 hours.",
        &format!("href=\"/settings/integrations/webhook/{draft}/credentials\""),
        "&#60;b&#62;Draft: ",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(card(&page, "Unknown subjects"), "1");
    // Whoever sees one company is told nothing of what belongs to none.
    let ben = server
        .browser("Ben", Role::Viewer, scope(&routed.company))
        .await;
    let page = ben.get(&server, "/").await.expect(200).text();
    assert!(!page.contains("of no company"), "{page}");
    assert_eq!(card(&page, "Unknown subjects"), "0");
}

#[tokio::test]
async fn links_of_figures_lead_to_lists_that_there_are() {
    let server = Server::start().await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    server.company("Acme").await;
    server.asset_added("Acme", "10.0.0.1").await;
    count(&server).await;
    let page = anna.get(&server, "/").await.expect(200).text();
    let main = page.split("<main").nth(1).unwrap();
    for link in main.split("href=\"").skip(1) {
        let path = link.split('"').next().unwrap().replace("&#38;", "&");
        if path.starts_with("/events") || path.starts_with("/deliveries") || path.starts_with("/?")
        {
            anna.get(&server, &path).await.expect(200);
        }
    }
}

#[tokio::test]
async fn the_first_page_is_small_with_all_that_it_is_drawn_with() {
    let server = Server::start().await;
    let company = server.company("Acme").await;
    // Something in every minute, so that every chart and every table is as long as it gets.
    for _ in 0..61 {
        server.asset_added(&company, "10.0.0.1").await;
        server.clock.advance(std::time::Duration::from_secs(60));
    }
    count(&server).await;
    let anna = server.browser("Anna", Role::Admin, Scope::All).await;
    for path in ["/", "/events?limit=100"] {
        let page = anna.get(&server, path).await.expect(200);
        let mut bytes = page.raw.len();
        let text = page.text();
        let assets = text.split("\"/assets/").skip(1);
        let mut assets: Vec<_> = assets.map(|rest| rest.split('"').next().unwrap()).collect();
        assets.sort_unstable();
        assets.dedup();
        assert_eq!(assets.len(), 3, "{assets:?}");
        for asset in assets {
            let answer = anna.get(&server, &format!("/assets/{asset}")).await;
            bytes += answer.expect(200).raw.len();
        }
        assert!(bytes <= FIRST_PAGE, "{path} takes {bytes} bytes");
    }
}
