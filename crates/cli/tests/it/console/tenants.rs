//! Two companies' viewers see nothing of each other (security.md I17): not a word on any page, and not a page of the other's.

use serde_json::json;
use testkit::Browser;
use testkit::browser::Page;

use super::furnished::{ACME, ADMIN, Furnished, GLOBEX, source};
use super::walk::walk;

/// A word that only what belongs to this company has.
fn canary(company: &str) -> String {
    let first = company.split(' ').next().unwrap().to_lowercase();
    format!("canary{first}")
}

/// What belongs to a company alone.
struct Own {
    company: &'static str,
    /// Pages of its things.
    pages: Vec<String>,
}

impl Own {
    /// Something of everything with the company's canary in it.
    async fn make(furnished: &Furnished, company: &'static str, number: u8) -> Self {
        let (api, canary) = (&furnished.api, canary(company));
        let is_company = |item: &serde_json::Value| item["name"] == company;
        let id = furnished.first("companies?limit=1000", is_company).await;
        let webhook = furnished
            .webhook(&canary, &furnished.desk.url("/desk"), &[company])
            .await;
        // Event sets are everybody's.
        let set = format!("Set {number}");
        let set = furnished.set(&set, "event", &["system.asset_added"]).await;
        furnished.mapped(&webhook, company, &canary, &set).await;
        let (source, _) = source(api, &canary, Some(company)).await;
        let silence = furnished.silence(company, &canary, "event=job.failed");
        let event = json!({
            "event": "system.asset_added", "company": company,
            "fields": {"ip": "192.0.2.1", "hostname": format!("{canary}.example")},
        });
        let event = api.raise(event).await;
        let path = format!("api/v1/deliveries?event={event}&limit=1");
        let delivery = api
            .until(&path, |page| {
                page["items"][0]["id"].as_str().map(str::to_owned)
            })
            .await;
        Self {
            company,
            pages: vec![
                format!("/events/{event}"),
                format!("/deliveries/{delivery}"),
                format!("/companies/{id}"),
                format!("/silences/{silence}"),
                format!("/sources/{source}"),
                format!("/settings/integrations/webhook/{webhook}/credentials"),
                format!("/settings/integrations/webhook/{webhook}/rules"),
            ],
        }
    }

    /// Everything that its viewer can reach, and nothing of the other company.
    async fn expect_nothing_of(&self, other: &Self, page: &Page) {
        let mut own = false;
        let foreign = [canary(other.company), other.company.to_owned()];
        walk(page, 3, async |path| {
            // The samples of the catalogue are everybody's, and of the guide's company.
            if path.starts_with("/catalogue") {
                return;
            }
            let html = page.evaluate("document.documentElement.outerHTML").await;
            let html = html.as_str().unwrap();
            own |= html.contains(&canary(self.company));
            for word in &foreign {
                let at = html.find(word.as_str());
                let near = at.map(|at| html.get(at.saturating_sub(200)..at + 100));
                assert!(at.is_none(), "{path} says {word}: {near:?}");
            }
        })
        .await;
        assert!(own, "{} sees something of its own", self.company);
        for path in &other.pages {
            let status = page.open(path).await;
            let text = page.text().await;
            // What is for admins alone is nobody else's, whoever's it is.
            assert!([403, 404].contains(&status), "{path}: {status} {text}");
            for word in &foreign {
                assert!(!text.contains(word.as_str()), "{path} says {word}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_two_companies_see_nothing_of_each_other() {
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let acme = Own::make(&furnished, ACME, 1).await;
    let globex = Own::make(&furnished, GLOBEX, 2).await;
    let page = furnished.signed_in(&browser, "vera").await;
    acme.expect_nothing_of(&globex, &page).await;
    let page = furnished.signed_in(&browser, "victor").await;
    globex.expect_nothing_of(&acme, &page).await;
    let admin = furnished.signed_in(&browser, ADMIN).await;
    for path in acme.pages.iter().chain(&globex.pages) {
        assert_eq!(admin.open(path).await, 200, "{path}");
    }
}
