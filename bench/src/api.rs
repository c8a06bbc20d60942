//! The public API as a user calls it, for the set-up and the questions of a measurement.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::alerts;
use crate::wire::{JSON, Wire, request};

/// The admin key of every instance that is measured.
pub const KEY: &str = "bench-key-0123456789abcdef";
/// Header key and value by which the sender of the load authenticates.
const HEADER: (&str, &str) = ("x-alert-key", "bench-sender-secret-0123456789");

/// Lanes that are set up at the same time.
const AT_ONCE: usize = 16;

/// A caller with the admin key.
#[derive(Debug, Clone)]
pub struct Api {
    address: SocketAddr,
    headers: String,
}

/// One company with its source and its integration: the way of one alert.
#[derive(Debug, Clone)]
pub struct Lane {
    pub company: String,
    /// Path of the source's intake.
    pub intake: String,
    pub integration: String,
}

/// Header lines of a sender at an intake.
pub fn sender() -> String {
    format!("{JSON}{}: {}\r\n", HEADER.0, HEADER.1)
}

/// Header lines of an API call.
pub fn bearer() -> String {
    format!("authorization: Bearer {KEY}\r\n")
}

impl Api {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            headers: format!("{JSON}{}", bearer()),
        }
    }

    /// Calls by a connection of its own, for the server closes idle ones, and expects success.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let mut text = Vec::new();
        request(method, path, &self.headers, &body, &mut text);
        let mut wire = Wire::connect(self.address).await?;
        let (status, answer) = wire
            .exchange(&text)
            .await
            .with_context(|| format!("{method} {path}"))?;
        let said = String::from_utf8_lossy(answer);
        ensure!(
            (200..300).contains(&status),
            "{method} {path}: {status} {said}"
        );
        Ok(serde_json::from_str(&said).unwrap_or_default())
    }

    async fn make(&self, path: &str, body: Value) -> Result<String> {
        let made = self.call("POST", path, &body).await?;
        Ok(made["id"]
            .as_str()
            .with_context(|| format!("POST {path} answered without an id: {made}"))?
            .to_owned())
    }

    /// One lane a target, all by one event set.
    pub async fn set_up(&self, targets: &[String], concurrency: usize) -> Result<Vec<Lane>> {
        let set = json!({"name": "Everything", "notify_by": "event", "events": [alerts::KIND]});
        let set = self.make("/api/v1/event-sets", set).await?;
        let mut lanes = Vec::with_capacity(targets.len());
        let places: Vec<(usize, &String)> = targets.iter().enumerate().collect();
        for some in places.chunks(AT_ONCE) {
            let tasks: Vec<_> = some
                .iter()
                .map(|(place, target)| {
                    let (api, set) = (self.clone(), set.clone());
                    let (place, target) = (*place, (*target).clone());
                    tokio::spawn(async move { api.lane(place, &target, &set, concurrency).await })
                })
                .collect();
            for task in tasks {
                lanes.push(task.await??);
            }
        }
        Ok(lanes)
    }

    async fn lane(
        &self,
        place: usize,
        target: &str,
        set: &str,
        concurrency: usize,
    ) -> Result<Lane> {
        let company = self
            .make(
                "/api/v1/companies",
                json!({"name": format!("Company {place}")}),
            )
            .await?;
        let (key, value) = HEADER;
        let source = json!({
            "name": format!("Source {place}"), "company": company,
            "authentication": {"header": {"key": key, "value": value}},
        });
        let source = self.make("/api/v1/sources", source).await?;
        let integration = json!({
            "connector": "webhook", "name": format!("Target {place}"), "companies": [company],
            "credentials": {"webhook_url": target}, "delivery": {"concurrency": concurrency},
        });
        let integration = self.make("/api/v1/integrations", integration).await?;
        let rule = json!({"name": "Everything", "event_set_id": set});
        let rule = self
            .make(&format!("/api/v1/integrations/{integration}/rules"), rule)
            .await?;
        let mapping = json!({"rules": [rule], "create_webhook_alert": true});
        self.call(
            "PUT",
            &format!("/api/v1/integrations/{integration}/mappings/{company}"),
            &mapping,
        )
        .await?;
        Ok(Lane {
            company,
            intake: format!("/intake/{source}"),
            integration,
        })
    }

    /// A further source of the lane's company; answers the path of its intake.
    pub async fn source(
        &self,
        lane: &Lane,
        authentication: Value,
        window: Value,
    ) -> Result<String> {
        let source = json!({
            "name": "Another source", "company": lane.company,
            "authentication": authentication, "dedup_window": window,
        });
        let source = self.make("/api/v1/sources", source).await?;
        Ok(format!("/intake/{source}"))
    }

    /// A person's switch.
    pub async fn switch(&self, lane: &Lane, enabled: bool) -> Result<()> {
        let path = format!("/api/v1/integrations/{}", lane.integration);
        self.call("PATCH", &path, &json!({"enabled": enabled}))
            .await
            .map(drop)
    }

    /// Whether no delivery waits any more: each attempt is on record.
    pub async fn is_done(&self) -> Result<bool> {
        let list = self
            .call(
                "GET",
                "/api/v1/deliveries?status=pending&limit=1",
                &Value::Null,
            )
            .await?;
        Ok(list["items"]
            .as_array()
            .context("a list without items")?
            .is_empty())
    }
}
