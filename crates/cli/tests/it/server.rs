//! The HTTP API, as a test calls it.

use std::time::Duration;

use egress::{Egress, Request};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::support::{LOOK_EVERY, PATIENCE};

#[derive(Debug, Clone)]
pub struct Api {
    egress: Egress,
    pub base: String,
    key: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null when it is no JSON.
    pub body: Value,
    pub bytes: Vec<u8>,
}

impl Api {
    pub fn new(base: &str, key: &str) -> Self {
        let settings = egress::Settings {
            allow: vec!["127.0.0.1".parse().unwrap()],
            response_bytes: 64 * 1024 * 1024,
            ..Default::default()
        };
        Self {
            egress: Egress::new(settings).unwrap(),
            base: base.to_owned(),
            key: key.to_owned(),
        }
    }

    /// The same server, asked by another key.
    pub fn by(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// An exchange; `None` when there was no answer.
    pub async fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> Option<Answer> {
        let body = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        self.send(method, path, body, &[("content-type", "application/json")])
            .await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.insert(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        all.insert(
            "authorization",
            HeaderValue::try_from(format!("Bearer {}", self.key)).unwrap(),
        );
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}/{path}", self.base)
        };
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            url: self.egress.target(&url, &[]).unwrap(),
            headers: all,
            body: body.into(),
            timeout: PATIENCE,
        };
        let exchange = self.egress.http(request).await.ok()?;
        let body = serde_json::from_slice(&exchange.body).unwrap_or(Value::Null);
        Some(Answer {
            status: exchange.status.as_u16(),
            headers: exchange.headers,
            body,
            bytes: exchange.body.to_vec(),
        })
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body)
            .await
            .unwrap_or_else(|| panic!("{method} {path} was not answered"))
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Makes something; answers its id.
    pub async fn made(&self, path: &str, body: Value) -> String {
        let answer = self.call("POST", path, Some(body)).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Posts an event; answers its id.
    pub async fn raise(&self, event: Value) -> String {
        let answer = self.call("POST", "api/v1/events", Some(event)).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Looks at an endpoint until this sees what it wants.
    pub async fn until<T>(&self, path: &str, mut see: impl FnMut(&Value) -> Option<T>) -> T {
        self.within(PATIENCE, path, &mut see).await
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        path: &str,
        see: &mut impl FnMut(&Value) -> Option<T>,
    ) -> T {
        let looking = async {
            loop {
                let body = self.get(path).await;
                if let Some(seen) = see(&body) {
                    return seen;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(deadline, looking)
            .await
            .unwrap_or_else(|_| panic!("waited {deadline:?} in vain at {path}"))
    }

    /// Waits until nothing is pending any more.
    pub async fn settled(&self) {
        self.until("api/v1/deliveries?status=pending&limit=1", |page| {
            page["items"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
    }
}
