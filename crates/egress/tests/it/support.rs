//! What the tests share: a door with some settings, requests, a resolver that says what it is told.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use egress::resolve::Lookup;
use egress::{Egress, Request, Resolve, Settings, Target};
use http::{HeaderMap, Method};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);
/// Any port, so that tests can use the listener's.
pub(crate) fn target(egress: &Egress, url: &str) -> Target {
    egress
        .target(url, &[443])
        .unwrap_or_else(|error| panic!("{url}: {error}"))
}

pub(crate) fn settings(allow: &[&str]) -> Settings {
    Settings {
        allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
        ..Settings::default()
    }
}

/// A door that may reach 127.0.0.1.
pub(crate) fn local() -> Egress {
    Egress::new(settings(&["127.0.0.1"])).unwrap()
}

pub(crate) fn post(url: &Target) -> Request {
    Request {
        method: Method::POST,
        url: url.clone(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"subject\":\"Asset Ports\",\"body\":\"x\"}"),
        timeout: TIMEOUT,
    }
}

/// Gives its answers in turn, the last one for ever.
#[derive(Debug)]
pub(crate) struct Scripted(Mutex<VecDeque<Vec<IpAddr>>>);

impl Scripted {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Self(Mutex::new(answers.collect())))
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
        Box::pin(async {
            let mut answers = self.0.lock().unwrap();
            let answer = if answers.len() > 1 {
                answers.pop_front()
            } else {
                answers.front().cloned()
            };
            answer
                .filter(|answer| !answer.is_empty())
                .ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }
}
