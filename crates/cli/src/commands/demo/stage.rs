//! The two instances, set up over their own HTTP APIs as anybody would.

use std::sync::Arc;

use alertwire_catalogue::Catalogue;
use domain::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::clock;
use crate::commands::text;
use crate::config::client::Client;
use crate::config::settings::Log;
use crate::config::{Layers, LogFormat, Settings};
use crate::exit::{Code, Failure};
use crate::instance::{Instance, Wiring};

/// The companies of the sender; the first is the guide's.
pub(super) const COMPANIES: [&str; 3] = ["Acme Corporation", "Globex", "Initech"];
/// What the sender proves itself with.
const HEADER: &str = "X-API-Key";

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) sender: Side,
    pub(super) receiver: Side,
    pub(super) catalogue: Arc<Catalogue>,
}

/// One of the two.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) instance: Instance,
    pub(super) api: Api,
    /// Its admin key.
    pub(super) key: String,
    folder: TempDir,
}

/// The play is on stdout; only what goes wrong is logged.
pub(super) fn log() -> Log {
    Log {
        format: LogFormat::Text,
        level: "error".to_owned(),
    }
}

impl Stage {
    /// Starts both, and tells the sender to deliver everything to the receiver's intake.
    pub(super) async fn set(wiring: &Wiring) -> Result<Self, Failure> {
        let (sender, receiver) = (Side::open(wiring).await?, Side::open(wiring).await?);
        let secret = clock::random_hex::<16>()?;
        let intake = receiver.receives(&secret).await?;
        let stage = Self {
            sender,
            receiver,
            catalogue: Catalogue::builtin(),
        };
        stage
            .sender
            .sends(&intake, &secret, &stage.catalogue)
            .await?;
        Ok(stage)
    }

    /// Stops both; their folders go with them.
    pub(super) async fn clear(self) {
        for side in [self.sender, self.receiver] {
            side.instance.stop().await;
            drop(side.folder);
        }
    }
}

impl Side {
    async fn open(wiring: &Wiring) -> Result<Self, Failure> {
        let made = tempfile::Builder::new().prefix("alertwire-demo-").tempdir();
        let folder = made.map_err(|error| Failure::writing("a temporary folder", &error))?;
        let key = clock::random_hex::<24>()?;
        let said = [
            ("listen", "127.0.0.1:0".to_owned()),
            ("state_dir", folder.path().display().to_string()),
            ("setup.api_key", key.clone()),
            ("egress.allow", "127.0.0.1".to_owned()),
        ];
        let layers = Layers::bare(said.map(|(name, value)| (name.to_owned(), value)).to_vec())?;
        let instance = Instance::start(Settings::read(&layers)?, wiring).await?;
        let client = Client {
            url: instance.base().to_owned(),
            key: Some(Secret::new(key.clone())),
            ca: None,
        };
        Ok(Self {
            api: Api::new(&client)?,
            instance,
            key,
            folder,
        })
    }

    /// Makes an intake that knows the secret; answers its URL.
    async fn receives(&self, secret: &str) -> Result<String, Failure> {
        let company = self
            .made("api/v1/companies", &json!({"name": COMPANIES[0]}))
            .await?;
        let source = self
            .api
            .post(
                "api/v1/sources",
                &json!({"name": "Demo sender", "company": company, "authentication": {"header": {"key": HEADER, "value": secret}}}),
            )
            .await?;
        let intake = text(&source, "/intake_url");
        if intake.is_empty() {
            Err(odd("sources", &source))
        } else {
            Ok(intake.to_owned())
        }
    }

    /// Companies, integration, event set of all kinds, rule and mapping: the four steps of the guide.
    async fn sends(
        &self,
        intake: &str,
        secret: &str,
        catalogue: &Catalogue,
    ) -> Result<(), Failure> {
        for name in COMPANIES {
            self.made("api/v1/companies", &json!({"name": name}))
                .await?;
        }
        let credentials =
            json!({"webhook_url": intake, "header_key": HEADER, "header_value": secret});
        let integration = self
            .api
            .post("api/v1/integrations", &json!({"connector": "webhook", "name": "Demo receiver", "credentials": credentials, "companies": []}))
            .await?;
        if text(&integration, "/status") != "authenticated" {
            return Err(odd("integrations", &integration));
        }
        let integration = text(&integration, "/id").to_owned();
        let codes: Vec<&str> = catalogue
            .kinds()
            .iter()
            .map(|kind| kind.code.as_str())
            .collect();
        let set = self
            .made(
                "api/v1/event-sets",
                &json!({"name": "All events", "notify_by": "event", "events": codes}),
            )
            .await?;
        let rules = format!("api/v1/integrations/{integration}/rules");
        let rule = self
            .made(&rules, &json!({"name": "Everything", "event_set_id": set}))
            .await?;
        let mapping = json!({"companies": "all", "rules": [rule], "create_webhook_alert": true});
        self.api
            .put(
                &format!("api/v1/integrations/{integration}/mappings"),
                &mapping,
            )
            .await?;
        Ok(())
    }

    /// Makes something; answers its id.
    async fn made(&self, path: &str, body: &Value) -> Result<String, Failure> {
        let answer = self.api.post(path, body).await?;
        match text(&answer, "/id") {
            "" => Err(odd(path, &answer)),
            id => Ok(id.to_owned()),
        }
    }
}

/// An answer that a demo cannot go on with.
pub(super) fn odd(what: &str, answer: &Value) -> Failure {
    Failure::new(
        Code::Software,
        format!("{what} answered what the demo cannot go on with: {answer}"),
    )
}
