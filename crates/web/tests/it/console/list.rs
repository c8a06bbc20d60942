//! The laws of every list: what it means stands in the URL and comes back in its form, it goes on by a cursor, it can be had as a file,
//! it says which kind of empty it is, and the keyboard reaches its rows.

use std::time::Duration;

use axum::body::Body;
use domain::access::{Role, Scope};
use http::Method;
use serde_json::json;
use testkit::Target;

use crate::browser::Browser;
use crate::support::{Server, id, request};

const HOUR: Duration = Duration::from_secs(3_600);

/// What a list of the console is held to.
struct List {
    path: &'static str,
    /// Filters of its form, each with a value that something fits. `{webhook}` is the id of an integration.
    filters: &'static [(&'static str, &'static str)],
    /// What it says when there is nothing; none where there always is something.
    nothing: Option<&'static str>,
    /// A query that nothing fits, and what it says then.
    unfit: Option<(&'static str, &'static str)>,
    /// A query that it refuses.
    bad: &'static str,
    /// It goes on by a cursor. Those that do not are counted on the spot and bounded.
    is_paged: bool,
}

const LISTS: [List; 18] = [
    List {
        path: "/events",
        filters: &[
            ("text", "asset"),
            ("severity", "info"),
            ("category", "System Changes"),
            ("event", "system.asset_added"),
            ("match", "full"),
            ("since", "2001-01-31T00:00:00Z"),
            ("filter", "severity>=info"),
        ],
        nothing: Some("No events yet"),
        unfit: Some(("severity=critical", "No event fits")),
        bad: "severity=x",
        is_paged: true,
    },
    List {
        path: "/deliveries",
        filters: &[
            ("status", "pending"),
            ("integration", "{webhook}"),
            ("since", "2001-01-31T00:00:00Z"),
        ],
        nothing: Some("No deliveries yet"),
        unfit: Some(("status=dead", "No delivery fits")),
        bad: "status=x",
        is_paged: true,
    },
    List {
        path: "/jobs",
        filters: &[],
        nothing: Some("No jobs yet"),
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/settings/integrations/webhook",
        filters: &[],
        nothing: Some("No webhooks yet"),
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/settings/integrations/webhook/{webhook}/event-sets",
        filters: &[],
        nothing: Some("No event sets yet"),
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/settings/integrations/webhook/{webhook}/rules",
        filters: &[],
        nothing: Some("No integration rules yet"),
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/settings/integrations/webhook/{webhook}/mappings",
        filters: &[],
        nothing: Some("No integration rules yet"),
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/rules",
        filters: &[
            ("text", "rule"),
            ("integration", "{webhook}"),
            ("company", "Acme"),
        ],
        nothing: Some("No rules yet"),
        unfit: Some(("text=nothing", "No rule fits")),
        bad: "company=nobody",
        is_paged: true,
    },
    List {
        path: "/sources",
        filters: &[("text", "door"), ("company", "Acme")],
        nothing: Some("No sources yet"),
        unfit: Some(("text=nothing", "No source fits")),
        bad: "company=nobody",
        is_paged: true,
    },
    List {
        path: "/catalogue",
        filters: &[
            ("text", "asset"),
            ("category", "System Changes"),
            ("severity", "info"),
            ("wording", "documented"),
            ("origin", "built_in"),
        ],
        nothing: None,
        unfit: Some(("text=nothing", "No event kind fits")),
        bad: "colour=red",
        is_paged: false,
    },
    List {
        path: "/catalogue/entries",
        filters: &[],
        nothing: Some("None yet"),
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/catalogue/unknown",
        filters: &[("company", "Acme")],
        nothing: Some("Everything is recognised"),
        unfit: Some(("company=Globex", "Everything is recognised")),
        bad: "days=x",
        is_paged: false,
    },
    List {
        path: "/catalogue/drift",
        filters: &[("company", "Acme")],
        nothing: Some("No wording has changed"),
        unfit: Some(("company=Globex", "No wording has changed")),
        bad: "company=nobody",
        is_paged: false,
    },
    List {
        path: "/silences",
        filters: &[("company", "Acme")],
        nothing: Some("No silences yet"),
        unfit: Some(("state=ended", "No silence fits")),
        bad: "state=x",
        is_paged: true,
    },
    List {
        path: "/companies",
        filters: &[("text", "e"), ("mapped", "true")],
        nothing: Some("No companies yet"),
        unfit: Some(("text=nothing", "No company fits")),
        bad: "mapped=x",
        is_paged: true,
    },
    List {
        path: "/users",
        filters: &[("text", "n")],
        nothing: None,
        unfit: Some(("text=nothing", "No user fits")),
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/keys",
        filters: &[],
        nothing: None,
        unfit: None,
        bad: "limit=x",
        is_paged: true,
    },
    List {
        path: "/audit",
        filters: &[
            ("what", "company"),
            ("action", "insert"),
            ("actor", "local"),
            ("since", "2001-01-31T00:00:00Z"),
        ],
        nothing: None,
        unfit: Some(("what=replay&action=release", "No line fits")),
        bad: "since=x",
        is_paged: true,
    },
];

/// A server on which every list has at least two rows, all of them of Acme where they are of a company.
struct House {
    server: Server,
    anna: Browser,
    webhook: String,
    _target: Target,
}

impl House {
    /// With an integration whose credentials are good, which its tabs need, and nothing else.
    async fn empty() -> Self {
        let (server, target) = (Server::start().await, Target::start().await);
        let webhook = server.integration("Hook", &target).await;
        let anna = server.browser("Anna", Role::Admin, Scope::All).await;
        Self {
            server,
            anna,
            webhook,
            _target: target,
        }
    }

    async fn furnished() -> Self {
        let house = Self::empty().await;
        let (server, target) = (&house.server, &house._target);
        server.integration("Other", target).await;
        let (acme, source) = (server.company("Acme").await, house.source().await);
        server.company("Globex").await;
        let rules = format!("/api/v1/integrations/{}/rules", house.webhook);
        let (mut made, until) = (Vec::new(), server.clock.now().after(HOUR));
        for name in ["One", "Two"] {
            let set = server.event_set(name).await;
            let rule = json!({"name": format!("Rule {name}"), "event_set_id": set});
            made.push(server.made(&rules, rule).await);
            server
                .made("/api/v1/keys", json!({"name": name, "role": "viewer"}))
                .await;
            let silence = json!({"name": name, "filter": "event=nothing", "companies": [acme], "until": until, "reason": "Work"});
            server.made("/api/v1/silences", silence).await;
            let code = name.to_lowercase();
            let file = format!(
                "category = 'Own'\n[[event]]\ncode = 'own.{code}'\nsubject = 'Own {name}'\nseverity = 'low'\nbody = 'Own {code} of {{hostname:host}}'\n"
            );
            server
                .post("/api/v1/catalog/kinds", json!({"file": file}))
                .await
                .expect(201);
        }
        server.user("Nora", Role::Viewer, Scope::All).await;
        for company in [acme.as_str(), "all"] {
            let path = format!("/api/v1/integrations/{}/mappings/{company}", house.webhook);
            let mapping = json!({"rules": made, "create_webhook_alert": true});
            server.put(&path, mapping).await.expect(200);
        }
        for number in 1..3 {
            server.clock.advance(Duration::from_millis(1));
            server
                .asset_added("Acme", &format!("10.0.0.{number}"))
                .await;
        }
        house.misread(&source).await;
        for _ in 0..2 {
            server.clock.advance(Duration::from_millis(1));
            let wanted = json!({"query": {"match": "none"}});
            server.post("/api/v1/rereads", wanted).await.expect(202);
        }
        house
    }

    /// Two doors for Acme; the intake of one.
    async fn source(&self) -> String {
        let mut path = String::new();
        for name in ["Door", "Back door"] {
            let form = json!({"name": name, "company": "Acme", "companies": ["Acme"], "authentication": {"addresses": ["127.0.0.1"]}});
            path = format!("/intake/{}", id(&self.server.source(form).await));
        }
        path
    }

    /// Alerts that nothing reads, and an alarm that one of them used to be read.
    async fn misread(&self, intake: &str) {
        for subject in ["New Asset(s) Added", "Sun Eclipsed"] {
            let alert = json!({"subject": subject, "body": "10.0.0.1 joined the network"});
            let request = request(Method::POST, intake).body(Body::from(alert.to_string()));
            self.server.send(request.unwrap()).await.expect(202);
        }
        self.server.alarmed().await;
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{webhook}", &self.webhook)
    }

    async fn page(&self, path: &str) -> String {
        self.anna.get(&self.server, path).await.expect(200).text()
    }
}

/// The links of a page, as a browser reads them.
fn links(page: &str) -> Vec<String> {
    let tags = page.split("<a ").skip(1);
    let tags = tags.filter_map(|rest| rest.split('>').next());
    let links = tags.filter_map(|tag| tag.split("href=\"").nth(1)?.split('"').next());
    links.map(|link| link.replace("&#38;", "&")).collect()
}

/// Where the link to the next page leads.
fn next(page: &str) -> Option<String> {
    let before = page.split("rel=\"next\"").next()?;
    let is_there = page.contains("rel=\"next\"");
    let link = before.rsplit("href=\"").next()?.split('"').next()?;
    is_there.then(|| link.replace("&#38;", "&"))
}

/// What the rows of a page lead to.
fn rows(page: &str) -> Vec<String> {
    let rows = page.split("<a class=\"row\" href=\"").skip(1);
    rows.filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
        .collect()
}

fn query(filters: &[(&str, String)]) -> String {
    crate::browser::form(
        &filters
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect::<Vec<_>>(),
    )
}

#[tokio::test]
async fn each_list_says_which_kind_of_empty_it_is() {
    let house = House::empty().await;
    let lists = LISTS
        .iter()
        .filter(|list| list.path != "/settings/integrations/webhook");
    for list in lists {
        let Some(words) = list.nothing else { continue };
        let page = house.page(&house.filled(list.path)).await;
        assert!(page.contains(words), "{}: {page}", list.path);
    }
    let other = Server::start().await;
    let ben = other.browser("Ben", Role::Admin, Scope::All).await;
    let page = ben.get(&other, "/settings/integrations/webhook").await;
    assert!(page.expect(200).text().contains("No webhooks yet"));
    let house = House::furnished().await;
    for list in &LISTS {
        let path = house.filled(list.path);
        if let Some((query, words)) = list.unfit {
            let page = house.page(&format!("{path}?{query}")).await;
            assert!(page.contains(words), "{path}?{query}: {page}");
        }
        let bad = format!("{path}?{}", list.bad);
        let page = house.anna.get(&house.server, &bad).await.expect(422).text();
        assert!(page.contains("Request <code>"), "{bad}: {page}");
    }
}

#[tokio::test]
async fn what_a_list_is_asked_for_comes_back_in_its_form() {
    let house = House::furnished().await;
    for list in &LISTS {
        for (name, value) in list.filters {
            let (path, value) = (house.filled(list.path), house.filled(value));
            let page = house
                .page(&format!("{path}?{}", query(&[(name, value.clone())])))
                .await;
            let field = page.split(&format!(" name=\"{name}\"")).nth(1);
            let field = field.unwrap_or_else(|| panic!("{path} has no {name}"));
            let shown = value.replace('>', "&#62;");
            let is_input = field
                .split('>')
                .next()
                .unwrap()
                .contains(&format!("value=\"{shown}\""));
            let options = field.split("</select>").next().unwrap();
            let is_chosen = options.contains(&format!("value=\"{value}\" selected"))
                || options.contains(&format!("<option selected>{value}<"));
            assert!(is_input || is_chosen, "{path}: {name}={value}: {page}");
            assert!(!rows(&page).is_empty(), "{path}: {name}={value}: {page}");
        }
    }
}

#[tokio::test]
async fn a_list_goes_on_with_the_same_filters() {
    let house = House::furnished().await;
    for list in LISTS.iter().filter(|list| list.is_paged) {
        let path = house.filled(list.path);
        let mut asked: Vec<_> = list
            .filters
            .iter()
            .map(|(name, value)| (*name, house.filled(value)))
            .collect();
        // Each of the two would leave one row of their own alone.
        asked.retain(|(name, _)| !["action", "actor"].contains(name));
        asked.push(("limit", "1".to_owned()));
        let first = house.page(&format!("{path}?{}", query(&asked))).await;
        let further = next(&first).unwrap_or_else(|| panic!("{path} ends: {first}"));
        let kept: Vec<_> = url::Url::parse("http://localhost")
            .unwrap()
            .join(&further)
            .unwrap()
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        for (name, value) in &asked {
            assert!(
                kept.contains(&((*name).to_owned(), value.clone())),
                "{path}: {further}"
            );
        }
        let (one, other) = (rows(&first), rows(&house.page(&further).await));
        assert!(
            !one.is_empty() && !other.is_empty(),
            "{path}: {one:?} {other:?}"
        );
        if path != "/audit" {
            assert!(
                one.iter().all(|row| !other.contains(row)),
                "{path}: {one:?} {other:?}"
            );
        }
        let past = format!("{path}?cursor=00000000-0000-7000-8000-000000000000");
        if !path.starts_with("/audit") {
            let page = house.page(&past).await;
            assert!(next(&page).is_none(), "{past}: {page}");
        }
    }
}

#[tokio::test]
async fn a_list_is_had_as_a_file_by_whoever_sees_it() {
    let house = House::furnished().await;
    let server = &house.server;
    let acme = server.get("/api/v1/companies?name=Acme").await.json();
    let acme = Server::company_id(acme["items"][0]["id"].as_str().unwrap());
    let vera = server
        .browser("Vera", Role::Viewer, Scope::Companies(vec![acme]))
        .await;
    let admins = ["/users", "/keys", "/audit"];
    for list in &LISTS {
        let asked: Vec<_> = list
            .filters
            .iter()
            .take(1)
            .map(|(name, value)| (*name, house.filled(value)))
            .collect();
        let path = format!("{}?{}", house.filled(list.path), query(&asked));
        for browser in [&house.anna, &vera] {
            let page = browser.get(server, &path).await;
            if std::ptr::eq(browser, &vera) && admins.contains(&list.path) {
                page.expect(403);
                continue;
            }
            let links = links(&page.expect(200).text());
            for (mark, media_type) in [
                ("csv", "text/csv; charset=utf-8; header=present"),
                ("jsonl", "application/x-ndjson"),
            ] {
                let is_file = |link: &&String| link.contains("/export") && link.contains(mark);
                let link = links.iter().find(is_file);
                let link = link.unwrap_or_else(|| panic!("{path} has no {mark}: {links:?}"));
                let file = browser.get(server, link).await.expect(200);
                assert_eq!(file.header("content-type"), media_type, "{link}");
                assert!(file.header("content-disposition").contains(mark), "{link}");
                // A head and a row, or a row and an end; somebody of a company has begun no job.
                let least = if std::ptr::eq(browser, &vera) { 1 } else { 2 };
                assert!(
                    file.text().lines().count() >= least,
                    "{link}: {}",
                    file.text()
                );
                assert!(!file.text().contains("canary"), "{link}: {}", file.text());
            }
        }
    }
}
