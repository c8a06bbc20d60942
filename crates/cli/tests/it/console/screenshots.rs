//! Pictures of the main pages, as the documentation shows them: `cargo xtask screenshots` writes them to `docs/screenshots`.

use std::path::{Path, PathBuf};

use testkit::Browser;
use testkit::browser::{Page, Scheme};

use super::furnished::{ACME, ADMIN, Furnished};
use crate::support::{PATIENCE, looked};

/// Largest file, so that a page with several pictures is read on a telephone too.
const BYTES: u64 = 150 * 1024;
const WIDE: (u32, u32) = (1280, 800);
const NARROW: (u32, u32) = (390, 800);

/// A picture: its name, the path of its page, and how it is looked at.
struct Shot {
    name: &'static str,
    path: String,
    size: (u32, u32),
    scheme: Scheme,
}

impl Shot {
    fn of(name: &'static str, path: impl Into<String>) -> Self {
        Self {
            name,
            path: path.into(),
            size: WIDE,
            scheme: Scheme::Light,
        }
    }

    fn dark(self) -> Self {
        Self {
            scheme: Scheme::Dark,
            ..self
        }
    }

    fn narrow(self) -> Self {
        Self {
            size: NARROW,
            ..self
        }
    }

    async fn take(&self, page: &Page, folder: &Path) {
        page.resized(self.size.0, self.size.1).await;
        page.prefers(self.scheme).await;
        let status = page.open(&self.path).await;
        assert_eq!(status, 200, "{}: {}", self.path, page.text().await);
        let file = folder.join(format!("{}.webp", self.name));
        page.photograph(&file).await;
        let bytes = file.metadata().unwrap().len();
        assert!(bytes <= BYTES, "{} has {bytes} bytes", file.display());
    }
}

/// Where they go: where `cargo xtask screenshots` says, else nowhere that stays.
fn folder(none: &Path) -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command that is to keep them says where"
    )]
    let told = std::env::var_os("ALERTWIRE_SCREENSHOTS");
    told.map_or_else(|| none.to_owned(), PathBuf::from)
}

async fn shots(furnished: &Furnished) -> Vec<Shot> {
    let event = furnished
        .first("events?event=problem.critical&limit=100", |event| {
            event["source"].is_object()
        })
        .await;
    let dead = furnished
        .first("deliveries?status=dead&limit=100", |_| true)
        .await;
    let desk = furnished
        .first("integrations?limit=100", |it| it["name"] == "Service desk")
        .await;
    let set = furnished
        .first("event-sets?limit=100", |set| set["name"] == "Everything")
        .await;
    let acme = furnished
        .first("companies?limit=100", |company| company["name"] == ACME)
        .await;
    let of = |rest: &str| format!("/settings/integrations/webhook/{desk}/{rest}");
    vec![
        Shot::of("dashboard", "/"),
        Shot::of("dashboard-dark", "/").dark(),
        Shot::of("events", "/events"),
        Shot::of("events-narrow", "/events").narrow(),
        Shot::of("event", format!("/events/{event}")),
        Shot::of("deliveries", "/deliveries"),
        Shot::of("delivery", format!("/deliveries/{dead}")),
        Shot::of("delivery-narrow", format!("/deliveries/{dead}")).narrow(),
        Shot::of("integrations", "/settings/integrations"),
        Shot::of("credentials", of("credentials")),
        Shot::of("event-set", of(&format!("event-sets/{set}"))),
        Shot::of("mapping", of("mappings")),
        Shot::of("rules", "/rules"),
        Shot::of("catalogue", "/catalogue").dark(),
        Shot::of("sources", "/sources"),
        Shot::of("silences", "/silences"),
        Shot::of("company", format!("/companies/{acme}")),
        Shot::of("audit", "/audit"),
        Shot::of("system", "/system"),
        Shot::of("whitelisting", "/help/whitelisting"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_pages_are_photographed() {
    let none = tempfile::tempdir().unwrap();
    let folder = folder(none.path());
    std::fs::create_dir_all(&folder).unwrap();
    let (furnished, browser) = (Furnished::new().await, Browser::start().await);
    let page = furnished.signed_in(&browser, ADMIN).await;
    // What is counted behind the ack path comes some seconds after the fact.
    looked(PATIENCE, "the dashboard has counted", async || {
        page.open("/").await;
        (!page.text().await.contains("Nothing was delivered")).then_some(())
    })
    .await;
    for shot in shots(&furnished).await {
        shot.take(&page, &folder).await;
    }
}
