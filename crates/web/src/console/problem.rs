//! What went wrong, as a page.

use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri, header};

use super::assets::{self, Assets};
use crate::App;
use crate::problem::Problem;
use crate::router::{RequestId, log_failure};

#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub(super) struct ProblemPage {
    assets: &'static Assets,
    status: u16,
    title: String,
    detail: String,
    errors: Vec<(String, String)>,
    request_id: String,
    /// The list without the filter that was no good.
    list: Option<String>,
}

impl ProblemPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |status, title: &str, detail: &str, errors: &[(&str, &str)]| Self {
            assets: assets::all(),
            status,
            title: title.to_owned(),
            detail: detail.to_owned(),
            errors: errors
                .iter()
                .map(|(name, detail)| ((*name).to_owned(), (*detail).to_owned()))
                .collect(),
            request_id: "00f1".to_owned(),
            list: (status == 422).then(|| "/events".to_owned()),
        };
        vec![
            page(404, "Not Found", "there is no such event", &[]),
            page(
                422,
                "Unprocessable Content",
                "2 fields are not good; errors names each",
                &[("?severity", "is one of <b>"), ("?since", "is not a time")],
            ),
        ]
    }
}

/// Where programs ask, and read what is wrong as JSON.
const API: &str = "/api/";

/// What is asked for at no path that there is.
pub(super) async fn nowhere(uri: Uri) -> Problem {
    if uri.path().starts_with(API) {
        Problem::not_found("path; GET /api/v1/openapi.json lists those there are")
    } else {
        Problem::not_found("page")
    }
}

/// Writes the problems of pages as pages.
pub(super) async fn as_page(_: State<App>, request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>();
    let request_id = request_id.map_or_else(String::new, |id| id.0.clone());
    let path = request.uri().path().to_owned();
    let is_list = request.method() == Method::GET && request.uri().query().is_some();
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    if path.starts_with(API) {
        return response;
    }
    let view = ProblemPage {
        assets: assets::all(),
        status: problem.status().as_u16(),
        title: title(&problem).to_owned(),
        detail: problem.detail().to_owned(),
        errors: problem
            .errors()
            .map(|(name, detail)| (name.to_owned(), detail.to_owned()))
            .collect(),
        request_id: request_id.clone(),
        list: (is_list && problem.status() == StatusCode::UNPROCESSABLE_ENTITY).then_some(path),
    };
    let Ok(html) = view.render() else {
        // The outermost layer writes it as JSON.
        return response;
    };
    log_failure(&problem, &request_id);
    let mut page = (problem.status(), axum::response::Html(html)).into_response();
    for (name, value) in problem.headers() {
        if name != header::CONTENT_TYPE {
            page.headers_mut().insert(name.clone(), value.clone());
        }
    }
    page
}

/// What the API calls by the names of HTTP, for people.
fn title(problem: &Problem) -> &str {
    match problem.status() {
        StatusCode::UNPROCESSABLE_ENTITY => "That does not fit",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not there",
        StatusCode::CONFLICT => "Not now",
        StatusCode::SERVICE_UNAVAILABLE => "Not available just now",
        _ => problem.title(),
    }
}
