//! The console: pages that are made on the server and read without JavaScript.
//!
//! A page's file holds its handler and its view; the view has `samples()`, and one test renders every page with every
//! sample. Text of alerts is hostile: it reaches a template only through [`text`], which shows what cannot be seen.

pub(crate) mod account;
pub(crate) mod assets;
mod audit;
mod by_name;
mod catalogue;
mod chart;
mod company;
mod dashboard;
pub(crate) mod delivery;
pub(crate) mod event;
mod filters;
mod following;
mod form;
pub(crate) mod frame;
mod help;
mod integration;
mod job;
mod key;
mod nav;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod query;
mod reach;
mod rule;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
mod silence;
mod source;
mod system;
pub(crate) mod text;
mod told;
mod user;
pub(crate) mod visitor;
mod welcome;

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
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_out::sign_out))
        .route("/setup", get(setup::show).post(setup::set_up))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .merge(welcome::routes())
        .merge(dashboard::routes())
        .merge(event::routes())
        .merge(delivery::routes())
        .merge(job::routes())
        .merge(integration::routes())
        .merge(rule::routes())
        .merge(source::routes())
        .merge(catalogue::routes())
        .merge(silence::routes())
        .merge(company::routes())
        .merge(user::routes())
        .merge(key::routes())
        .merge(audit::routes())
        .merge(system::routes())
        .merge(help::routes())
        .fallback(problem::nowhere)
        .layer(from_fn_with_state(app, problem::as_page))
        .route("/assets/{name}", get(assets::get))
}

#[cfg(test)]
mod tests {
    use super::page::rendered;
    use super::{
        account, audit, catalogue, company, dashboard, delivery, event, help, integration, job,
        key, problem, rule, setup, sign_in, silence, source, system, user, welcome,
    };

    /// What the samples are full of may only come out as text; and nothing on a page may need what the policy forbids.
    fn check(html: &str) {
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<html lang=\"en\">"));
        assert!(html.contains("<main id=\"content\""), "{html}");
        for harmful in [
            "<img src=x",
            "<script>",
            "<i>Globex",
            "<b>\"",
            " style=",
            " onclick=",
            "javascript:",
            "\u{202e}",
        ] {
            assert!(!html.contains(harmful), "{harmful} in {html}");
        }
        for place in [" src=\"", " href=\"", " action=\""] {
            for rest in html.split(place).skip(1) {
                let own = rest.starts_with(['/', '#', '"', '?']) && !rest.starts_with("//");
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

    #[test]
    fn every_page_is_made_of_every_sample() {
        let pages = [
            rendered(sign_in::SignInPage::samples()),
            rendered(setup::SetupPage::samples()),
            rendered(problem::ProblemPage::samples()),
            rendered(account::AccountPage::samples()),
            welcome::rendered(),
            dashboard::rendered(),
            event::rendered(),
            delivery::rendered(),
            job::rendered(),
            integration::rendered(),
            rule::rendered(),
            source::rendered(),
            catalogue::rendered(),
            silence::rendered(),
            company::rendered(),
            user::rendered(),
            key::rendered(),
            audit::rendered(),
            system::rendered(),
            help::rendered(),
        ];
        pages.iter().flatten().for_each(|html| check(html));
    }
}
