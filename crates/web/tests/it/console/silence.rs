//! Silences on pages: made after a look at what they would mute, changed, ended, removed.

use std::time::Duration;

use domain::access::{Role, Scope};
use serde_json::json;
use testkit::Target;

use crate::browser::Browser;
use crate::support::{Server, id};

/// A form that makes a silence of eight hours.
fn form<'a>(token: &'a str, filter: &'a str, then: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("form_token", token),
        ("filter", filter),
        ("lasts", "8h"),
        ("from", ""),
        ("until", ""),
        ("repeat", ""),
        ("repeat_until", ""),
        ("name", "Patch night"),
        ("reason", "Servers restart"),
        ("then", then),
    ]
}

async fn operator(server: &Server, scope: Scope) -> (Browser, String) {
    let browser = server.browser("Otto", Role::Operator, scope).await;
    let token = browser.form_token(server).await;
    (browser, token)
}

#[tokio::test]
async fn a_silence_shows_what_it_would_mute_before_it_is_made() {
    let (server, target) = (Server::start().await, Target::start().await);
    server.routed("Acme", &target).await;
    server.asset_added("Acme", "10.0.0.1").await;
    server.asset_added("Acme", "10.0.0.2").await;
    let (otto, token) = operator(&server, Scope::All).await;
    let page = otto.get(&server, "/silences").await.expect(200).text();
    assert!(page.contains("No silences yet") && page.contains("href=\"/silences/new"));
    // A link such as that of an event's kind is tried at once.
    let path = "/silences/new?filter=event%3Dsystem.asset_added&company=Acme";
    let page = otto.get(&server, path).await.expect(200).text();
    assert!(page.contains("<strong>2</strong> of 2 events"), "{page}");
    assert!(page.contains(" checked> Acme"), "{page}");
    let tried = otto
        .post(
            &server,
            "/silences",
            &form(&token, "severity>=info", "preview"),
        )
        .await
        .expect(200)
        .text();
    assert!(tried.contains("<strong>2</strong> of 2 events"), "{tried}");
    assert!(tried.contains("value=\"Patch night\""), "{tried}");
    let list = server.get("/api/v1/silences").await.json();
    assert_eq!(list["items"], json!([]));

    let made = otto
        .post(
            &server,
            "/silences",
            &form(&token, "severity>=info", "save"),
        )
        .await
        .expect(303);
    let path = made.header("location").to_owned();
    assert!(path.ends_with("?told=saved"), "{path}");
    server.asset_added("Acme", "10.0.0.3").await;
    let page = otto.get(&server, &path).await.expect(200).text();
    for words in [
        "Patch night",
        "active",
        "Servers restart",
        ">Otto<",
        "Saved.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("Muted today</span><strong>1</strong>"),
        "{page}"
    );
    let list = otto.get(&server, "/silences").await.expect(200).text();
    assert!(list.contains("<code>severity&#62;=info</code>"), "{list}");
    let none = otto.get(&server, "/silences?state=ended").await.expect(200);
    assert!(none.text().contains("No silence fits"));
}

#[tokio::test]
async fn a_fault_stands_beside_what_was_typed() {
    let server = Server::start().await;
    let (otto, token) = operator(&server, Scope::All).await;
    for then in ["preview", "save"] {
        let page = otto
            .post(&server, "/silences", &form(&token, "severety=\"<b>", then))
            .await
            .expect(422)
            .text();
        assert!(
            page.contains("id=\"filter-says\"><span class=\"fault\">"),
            "{page}"
        );
        assert!(
            page.contains("value=\"severety=&#34;&#60;b&#62;\""),
            "{page}"
        );
    }
    let mut late = form(&token, "severity>=info", "save");
    late.retain(|(name, _)| !["lasts", "until", "reason"].contains(name));
    late.extend([
        ("lasts", "until"),
        ("until", "2001-01-01T00:00"),
        ("reason", "x"),
    ]);
    let page = otto
        .post(&server, "/silences", &late)
        .await
        .expect(422)
        .text();
    assert!(page.contains("is after `from`"), "{page}");
    let stranger = form("another token", "severity>=info", "save");
    otto.post(&server, "/silences", &stranger).await.expect(403);
}

#[tokio::test]
async fn a_silence_is_changed_ended_and_removed_after_a_question() {
    let server = Server::start().await;
    let (otto, token) = operator(&server, Scope::All).await;
    let made = otto
        .post(
            &server,
            "/silences",
            &form(&token, "severity>=info", "save"),
        )
        .await
        .expect(303);
    let path = made
        .header("location")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let page = otto
        .get(&server, &format!("{path}/edit"))
        .await
        .expect(200)
        .text();
    assert!(page.contains("value=\"until\" checked"), "{page}");
    let mut changed = form(&token, "severity>=high", "save");
    changed.extend([("repeat", "daily"), ("repeat_until", "")]);
    let fault = otto.post(&server, &path, &changed).await.expect(422).text();
    assert!(fault.contains("comes again until then"), "{fault}");
    let changed = form(&token, "severity>=high", "save");
    otto.post(&server, &path, &changed).await.expect(303);
    let page = otto.get(&server, &path).await.expect(200).text();
    assert!(page.contains("<code>severity&#62;=high</code>"), "{page}");
    assert!(!page.contains("<dialog open"), "{page}");

    server.clock.advance(Duration::from_secs(60));
    let page = otto
        .get(&server, &format!("{path}?ask=end"))
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("<dialog open data-modal") && page.contains("End it now"),
        "{page}"
    );
    let fields = [("form_token", token.as_str())];
    let ended = otto
        .post(&server, &format!("{path}/end"), &fields)
        .await
        .expect(303);
    let page = otto
        .get(&server, ended.header("location"))
        .await
        .expect(200)
        .text();
    assert!(
        page.contains("Ended by hand") && !page.contains("/edit\""),
        "{page}"
    );
    otto.get(&server, &format!("{path}/edit")).await.expect(409);
    let page = otto
        .get(&server, &format!("{path}?ask=remove"))
        .await
        .expect(200)
        .text();
    assert!(page.contains("Remove the silence"), "{page}");
    let gone = otto
        .post(&server, &format!("{path}/remove"), &fields)
        .await
        .expect(303);
    assert_eq!(gone.header("location"), "/silences?told=removed");
    otto.get(&server, &path).await.expect(404);
}

#[tokio::test]
async fn who_may_not_change_a_silence_sees_no_way_to() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    server.company("Globex").await;
    let until = server.clock.now().after(Duration::from_secs(3_600));
    let make = async |name: &str, companies: &[&str]| {
        let silence = json!({"name": name, "filter": "severity>=info", "companies": companies, "until": until, "reason": "r"});
        server.made("/api/v1/silences", silence).await
    };
    let own = make("Ours", &["Acme"]).await;
    let shared = make("Shared", &["Acme", "Globex"]).await;
    let other = make("Theirs", &["Globex"]).await;
    let scope = Scope::Companies(vec![Server::company_id(&acme)]);
    let viewer = server.browser("Vera", Role::Viewer, scope.clone()).await;
    let (otto, token) = operator(&server, scope).await;
    let list = viewer.get(&server, "/silences").await.expect(200).text();
    assert!(list.contains("Ours") && list.contains("Shared"), "{list}");
    assert!(
        !list.contains("Theirs") && !list.contains("Globex"),
        "{list}"
    );
    assert!(!list.contains("/silences/new"), "{list}");
    viewer.get(&server, "/silences/new").await.expect(403);
    for (browser, silence, may) in [
        (&viewer, &own, false),
        (&otto, &own, true),
        (&otto, &shared, false),
    ] {
        let path = format!("/silences/{silence}?ask=remove");
        let page = browser.get(&server, &path).await.expect(200).text();
        assert_eq!(page.contains("End now"), may, "{page}");
        assert_eq!(page.contains("<dialog open"), may, "{page}");
    }
    let fields = [("form_token", token.as_str())];
    for (silence, status) in [(&other, 404), (&shared, 403)] {
        for action in ["end", "remove"] {
            let path = format!("/silences/{silence}/{action}");
            otto.post(&server, &path, &fields).await.expect(status);
        }
        let path = format!("/silences/{silence}/edit");
        otto.get(&server, &path).await.expect(status);
    }
    otto.get(&server, &format!("/silences/{other}"))
        .await
        .expect(404);
    let token = viewer.form_token(&server).await;
    let end = format!("/silences/{own}/end");
    viewer
        .post(&server, &end, &[("form_token", &token)])
        .await
        .expect(403);
    let audit = server.get(&format!("/api/v1/silences/{own}")).await.json();
    assert_eq!((audit["state"].as_str(), id(&audit)), (Some("active"), own));
}
