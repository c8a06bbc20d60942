//! The console: pages that are made on the server and read without JavaScript.
//!
//! A page's file holds its handler and its view; the view has `samples()`, and one test renders every page with every
//! sample. Text of alerts is hostile: it reaches a template only through [`text`], which shows what cannot be seen.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod delivery;
pub(crate) mod event;
mod filters;
pub(crate) mod frame;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod text;
pub(crate) mod visitor;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub(crate) use frame::{Frame, Here};
pub(crate) use page::{Page, page};
pub(crate) use visitor::Visitor;

use crate::App;

/// Every page, what its forms post to, and what it is drawn with.
pub(crate) fn routes(app: App) -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_out::sign_out))
        .route("/setup", get(setup::show).post(setup::set_up))
        .route("/events", get(event::list::show))
        .route("/events/{id}", get(event::detail::show))
        .route("/deliveries", get(delivery::list::show))
        .route("/deliveries/{id}", get(delivery::detail::show))
        .route("/deliveries/{id}/retry", post(delivery::retry::retry))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route("/help/causes", get(help::causes))
        .layer(from_fn_with_state(app, problem::as_page))
        .route("/assets/{name}", get(assets::get))
}

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::{account, delivery, event, help, problem, setup, sign_in};

    /// What the samples are full of may only come out as text; and nothing on a page may need what the policy forbids.
    fn check<T: Template>(samples: Vec<T>) {
        assert!(!samples.is_empty());
        for sample in samples {
            let html = sample.render().unwrap();
            assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<html lang=\"en\">"));
            assert!(html.contains("<main id=\"content\""), "{html}");
            for harmful in [
                "<img src=x",
                "<script>",
                "<i>Globex",
                "<b>\"",
                "style=",
                "onclick=",
                "javascript:",
                "\u{202e}",
            ] {
                assert!(!html.contains(harmful), "{harmful} in {html}");
            }
            for place in ["src=\"", "href=\"", "action=\""] {
                for rest in html.split(place).skip(1) {
                    let own = rest.starts_with(['/', '#', '"']) && !rest.starts_with("//");
                    assert!(own, "{place}{}", &rest[..rest.len().min(60)]);
                }
            }
            for form in html.split("<form").skip(1) {
                let is_post = form[..form.find('>').unwrap()].contains("post");
                let form = &form[..form.find("</form>").unwrap()];
                let proves = ["form_token", "name=\"token\"", "name=\"next\""];
                assert!(
                    !is_post || proves.iter().any(|one| form.contains(one)),
                    "{form}"
                );
            }
        }
    }

    #[test]
    fn every_page_is_made_of_every_sample() {
        check(sign_in::SignInPage::samples());
        check(setup::SetupPage::samples());
        check(problem::ProblemPage::samples());
        check(help::CausesPage::samples());
        check(account::AccountPage::samples());
        check(event::list::EventsPage::samples());
        check(event::detail::EventPage::samples());
        check(delivery::list::DeliveriesPage::samples());
        check(delivery::detail::DeliveryPage::samples());
    }
}
