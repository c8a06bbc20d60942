use domain::access::{Role, Scope};
use serde_json::json;

use crate::browser::Browser;
use crate::import::{REPORT, SCAN};
use crate::support::{Answer, Server};

const NEW: &str = "/imports/new";

/// Posts the form of the page, with a file of this name when one is chosen.
async fn send(
    server: &Server,
    browser: &Browser,
    fields: &[(&str, &str)],
    file: Option<(&str, &str)>,
) -> Answer {
    let token = browser.form_token(server).await;
    let token = [("form_token", token.as_str())];
    let fields = [&token, fields].concat();
    browser.post_file(server, NEW, &fields, file).await
}

#[tokio::test]
async fn a_file_is_imported_and_its_page_survives_a_reload() {
    let server = Server::start().await;
    let acme = server.company("Acme").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let events = ben.get(&server, "/events").await.expect(200).text();
    assert!(events.contains("href=\"/imports/new\""), "{events}");
    let page = ben.get(&server, NEW).await.expect(200).text();
    assert!(page.contains("enctype=\"multipart/form-data\""), "{page}");
    assert!(
        page.contains("value=\"Acme\""),
        "the only company is proposed: {page}"
    );
    let fields = [
        ("company", "Acme"),
        ("format", "nmap"),
        ("external", "on"),
        ("ip", ""),
    ];
    let begun = send(&server, &ben, &fields, Some(("scan.xml", SCAN))).await;
    let path = begun.expect(303).header("location").to_owned();
    assert!(path.starts_with("/imports/"), "{path}");
    for _ in 0..2 {
        let page = ben.get(&server, &path).await.expect(200).text();
        for words in [
            "Import into Acme",
            "results of: nmap",
            "seen from: outside",
            "data-refresh=\"2\"",
            "<dt>Of</dt><dd>3</dd>",
            "Seen before",
            "Open ports",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
    let page = ben.get(&server, "/jobs").await.expect(200).text();
    assert!(
        page.contains(&path) && page.contains("seen from: outside → Acme"),
        "{page}"
    );
    let asked = ben.get(&server, &format!("{path}?ask=cancel")).await;
    let asked = asked.expect(200).text();
    assert!(
        asked.contains("3 of 3 findings have not had their turn"),
        "{asked}"
    );
    let order = format!("{path}/order");
    for (order_word, shown) in [("pause", "Resume"), ("cancel", "cancelled")] {
        ben.act(&server, &order, &[("order", order_word)])
            .await
            .expect(303);
        let page = ben.get(&server, &path).await.expect(200).text();
        assert!(page.contains(shown), "{page}");
    }
    let page = ben.get(&server, &path).await.expect(200).text();
    assert!(!page.contains("data-refresh"), "it has ended: {page}");
    drop(acme);
}

#[tokio::test]
async fn a_dry_run_says_so_and_leads_to_the_import() {
    let server = Server::start().await;
    server.company("Acme").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let fields = [
        ("company", "Acme"),
        ("format", "trivy"),
        ("hostname", "shop"),
        ("external", "on"),
        ("dry_run", "on"),
    ];
    let begun = send(&server, &ben, &fields, Some(("report.json", REPORT))).await;
    let path = begun.expect(303).header("location").to_owned();
    let page = ben.get(&server, &path).await.expect(200).text();
    for words in [
        "This was a dry run: nothing is raised.",
        "Would be new",
        "2 secrets",
        "/imports/new?format=trivy",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays() {
    let server = Server::start().await;
    server.company("Acme").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let trivy = [
        ("company", "Acme"),
        ("format", "trivy"),
        ("hostname", "shop<b>"),
        ("ip", "here"),
    ];
    let nmap = [
        ("company", "Acme"),
        ("format", "nmap"),
        ("hostname", "shop<b>"),
        ("ip", ""),
    ];
    let nobody = [
        ("company", "Acne"),
        ("format", "trivy"),
        ("hostname", "shop<b>"),
        ("ip", ""),
    ];
    let scan = Some(("scan.xml", SCAN));
    for (fields, file, words) in [
        (trivy, scan, "is an address"),
        (nmap, None, "choose the file"),
        (nmap, Some(("", "")), "choose the file"),
        (
            nmap,
            Some(("report.json", REPORT)),
            "there is no nmap scan in the file",
        ),
        (nobody, scan, "did you mean `Acme`"),
    ] {
        let page = send(&server, &ben, &fields, file).await.expect(422).text();
        assert!(page.contains(words), "{words}: {page}");
        assert!(page.contains("shop&#60;b&#62;"), "{page}");
        assert!(page.contains("aria-invalid=\"true\""), "{page}");
    }
    let jobs = server.get("/api/v1/imports").await.expect(200).json();
    assert_eq!(jobs["items"], json!([]));
}

#[tokio::test]
async fn a_form_of_another_page_is_refused_before_its_file_is_looked_at() {
    let server = Server::start().await;
    server.company("Acme").await;
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let fields = [("form_token", "0"), ("company", "Acme"), ("format", "nmap")];
    let file = Some(("scan.xml", "no scan"));
    let refused = ben.post_file(&server, NEW, &fields, file).await;
    refused.expect(403);
    // A form whose token stands behind its file has none.
    let late = ben
        .post_file(&server, NEW, &[("company", "Acme")], file)
        .await;
    late.expect(403);
    let plain = ben.act(&server, NEW, &[("company", "Acme")]).await;
    plain.expect(415);
}

#[tokio::test]
async fn a_viewer_sees_the_imports_of_their_company_and_begins_none() {
    let server = Server::start().await;
    let (acme, other) = (server.company("Acme").await, server.company("Other").await);
    let ben = server.browser("Ben", Role::Operator, Scope::All).await;
    let fields = [("company", "Acme"), ("format", "nmap")];
    let begun = send(&server, &ben, &fields, Some(("scan.xml", SCAN))).await;
    let path = begun.expect(303).header("location").to_owned();
    let bound = |company: &str| Scope::Companies(vec![company.parse().unwrap()]);
    let vera = server.browser("Vera", Role::Viewer, bound(&acme)).await;
    let otto = server.browser("Otto", Role::Viewer, bound(&other)).await;
    let page = vera.get(&server, &path).await.expect(200).text();
    assert!(
        page.contains("Import into Acme") && !page.contains("Pause</button>"),
        "{page}"
    );
    assert!(!page.contains("/imports/new"), "{page}");
    let jobs = vera.get(&server, "/jobs").await.expect(200).text();
    assert!(
        jobs.contains(&path) && !jobs.contains("/imports/new"),
        "{jobs}"
    );
    otto.get(&server, &path).await.expect(404);
    let jobs = otto.get(&server, "/jobs").await.expect(200).text();
    assert!(!jobs.contains(&path), "{jobs}");
    vera.get(&server, NEW).await.expect(403);
    let refused = send(&server, &vera, &fields, Some(("scan.xml", SCAN))).await;
    refused.expect(403);
    let order = format!("{path}/order");
    vera.act(&server, &order, &[("order", "cancel")])
        .await
        .expect(403);
    otto.act(&server, &order, &[("order", "cancel")])
        .await
        .expect(403);
}
