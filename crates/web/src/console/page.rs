//! What a page's handler answers.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::{self, HeaderValue};

use super::text::visible;
use super::told::{self, Told};
use crate::problem::Problem;
use crate::read::Posted;

/// Rows of a page of a list, unless the URL says otherwise.
pub(crate) const ROWS: u16 = 50;

/// A page that is shown, or why it is not.
pub(crate) type Page = Result<Response, Problem>;

/// A page that was made as it should be.
pub(crate) fn page(view: &impl Template) -> Page {
    page_with(StatusCode::OK, view)
}

/// The same with the status of what went wrong with a form.
pub(crate) fn page_with(status: StatusCode, view: &impl Template) -> Page {
    let html = view
        .render()
        .map_err(|error| Problem::internal(format!("a page cannot be made: {error}")))?;
    Ok((status, Html(html)).into_response())
}

/// After a form was taken: the page that shows what came of it, and a reload sends nothing again.
pub(crate) fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// The same page, which says what was done.
pub(crate) fn see_told(path: &str, told: Told) -> Response {
    see(&told::path(path, told))
}

/// After a form was taken, with a cookie set or taken away.
pub(crate) fn see_with_cookie(path: &str, cookie: &str) -> Page {
    let mut response = see(path);
    let cookie = HeaderValue::from_str(cookie)
        .map_err(|error| Problem::internal(format!("a cookie cannot be written: {error}")))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Whether somebody typed the name of what is to go, as it is or as pages show it.
pub(crate) fn is_typed(posted: &Posted, name: &str) -> bool {
    let typed = posted.text("typed").trim();
    typed == name || typed == visible(name)
}

/// The HTML of every sample of a page.
#[cfg(test)]
pub(super) fn rendered<T: Template>(samples: Vec<T>) -> Vec<String> {
    assert!(!samples.is_empty());
    let rendered = samples.iter().map(|sample| sample.render());
    rendered.map(Result::unwrap).collect()
}
