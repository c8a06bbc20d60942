//! What the causes of failures mean and what to do about them.

use askama::Template;
use delivery::Cause;

use crate::console::{Frame, Here, Page, Visitor, page};

#[derive(Debug, Template)]
#[template(path = "help/causes.html")]
pub(super) struct CausesPage {
    frame: Frame,
    causes: Vec<Explained>,
}

#[derive(Debug)]
struct Explained {
    class: &'static str,
    sentence: String,
    remedies: Vec<(Option<u16>, &'static str)>,
}

/// Answers that have a remedy of their own.
const STATUSES: [u16; 9] = [400, 401, 403, 404, 410, 413, 422, 429, 500];

pub(super) async fn show(visitor: Visitor) -> Page {
    page(&CausesPage {
        frame: Frame::new(&visitor, Here::Help, "Causes of failures", None),
        causes: explained(),
    })
}

fn explained() -> Vec<Explained> {
    let explain = |class: &'static str| {
        let of_class = |status: &u16| Cause::Status(*status).class() == class;
        let mut remedies: Vec<_> = STATUSES
            .into_iter()
            .filter(of_class)
            .map(|status| (Some(status), Cause::Status(status).remedy()))
            .collect();
        if remedies.is_empty() {
            remedies.extend(remedy(class, None).map(|remedy| (None, remedy)));
        }
        Explained {
            class,
            sentence: sentence(class),
            remedies,
        }
    };
    Cause::CLASSES.into_iter().map(explain).collect()
}

/// What to do about a cause by its class, and by the status of the answer where there was one.
pub(in crate::console) fn remedy(class: &str, status: Option<u16>) -> Option<&'static str> {
    cause(class, status).map(|cause| cause.remedy())
}

fn sentence(class: &str) -> String {
    match class {
        "http_4xx" => "the receiver refuses the alert".to_owned(),
        "http_5xx" => "the receiver failed".to_owned(),
        "http_other" => "the receiver answered with a status that says nothing good".to_owned(),
        "tls" => "no TLS, or a certificate that is not good".to_owned(),
        "login" => "the authentication URL gave no token".to_owned(),
        class => cause(class, None).map_or_else(String::new, |cause| cause.to_string()),
    }
}

fn cause(class: &str, status: Option<u16>) -> Option<Cause> {
    Some(match class {
        "dns" => Cause::Dns,
        "blocked" => Cause::Blocked,
        "connect" => Cause::Connect,
        "tls" => Cause::Tls(String::new()),
        "timeout" => Cause::Timeout,
        "reset" => Cause::Reset,
        "redirect" => Cause::Redirect {
            location: String::new(),
        },
        "http_4xx" | "http_5xx" | "http_other" => Cause::Status(status.unwrap_or(0)),
        "response_too_large" => Cause::ResponseTooLarge,
        "protocol" => Cause::Protocol,
        "login" => Cause::Login(String::new()),
        _ => return None,
    })
}

impl CausesPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Help),
            causes: explained(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_sentence_and_a_remedy() {
        for cause in explained() {
            assert!(!cause.sentence.is_empty(), "{}", cause.class);
            assert!(!cause.remedies.is_empty(), "{}", cause.class);
        }
    }
}
