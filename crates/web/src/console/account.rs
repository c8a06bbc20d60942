//! One's own user, and another password for it.

use askama::Template;
use axum::extract::State;
use domain::access::{Role, Scope};
use domain::user::{PASSWORD_CHARS, Password, User};
use http::StatusCode;
use store::Change;

use super::page::{page_with, see_with_cookie};
use super::sign_in::Way;
use super::text::visible;
use super::{Frame, Here, Page, Visitor, page};
use crate::App;
use crate::door;
use crate::problem::Problem;
use crate::read::{Client, Posted};

/// Most companies that the page names.
const NAMED: usize = 100;

#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    frame: Frame,
    /// None is all.
    companies: Option<Vec<String>>,
    least: usize,
    error: Option<String>,
}

pub(crate) async fn show(visitor: Visitor) -> Page {
    page(&AccountPage::new(&visitor, None))
}

/// Ends all sessions of the user, this one too, and begins a new one by the new password.
pub(crate) async fn change_password(
    app: State<App>,
    Way(cookie): Way,
    Client(address): Client,
    visitor: Visitor,
    posted: Posted,
) -> Page {
    visitor.expect(&posted, Role::Viewer)?;
    let refused = |error: String| {
        let view = AccountPage::new(&visitor, Some(error));
        page_with(StatusCode::UNPROCESSABLE_ENTITY, &view)
    };
    let name = visitor.caller.name();
    if posted.text("password") != posted.text("again") {
        return refused("the two new passwords are not the same".to_owned());
    }
    let password = match Password::parse(posted.secret("password"), name) {
        Ok(password) => password,
        Err(error) => return refused(format!("the new password {error}")),
    };
    let user = match door::prove(&app, name, posted.secret("current"), address).await {
        Ok(user) => user,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            return refused("the present password is not right".to_owned());
        }
        Err(problem) => return Err(problem),
    };
    let hash = door::hash(&app, password).await?;
    let changed = User {
        password: hash,
        ..user
    };
    let epoch = app.store().newest_configuration().await?;
    // Whoever was changed meanwhile is not put back to what they were.
    let is_same = epoch.user(changed.id).is_some_and(|stored| {
        User {
            password: changed.password.clone(),
            ..(**stored).clone()
        } == changed
    });
    if !is_same {
        return Err(Problem::wrong_state(
            "your user was changed meanwhile; try again",
        ));
    }
    let changes = vec![Change::UpdateUser(changed)];
    app.store()
        .change_all_at(epoch.epoch, changes, &visitor.caller.actor(), app.now())
        .await?;
    let token = door::sign_in(&app, name, posted.secret("password"), address).await?;
    see_with_cookie("/account", &cookie.written(token.reveal()))
}

impl AccountPage {
    fn new(visitor: &Visitor, error: Option<String>) -> Self {
        let caller = &visitor.caller;
        let companies = match caller.scope() {
            Scope::All => None,
            Scope::Companies(ids) => {
                let known = ids
                    .iter()
                    .filter_map(|id| caller.configuration.company(*id));
                let mut names: Vec<_> = known.map(|company| visible(&company.name)).collect();
                names.sort_unstable();
                names.truncate(NAMED);
                Some(names)
            }
        };
        Self {
            frame: Frame::new(visitor, Here::Account, "Account", None),
            companies,
            least: PASSWORD_CHARS,
            error,
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |companies, error| Self {
            frame: Frame::sample(Here::Account),
            companies,
            least: PASSWORD_CHARS,
            error,
        };
        vec![
            page(None, None),
            page(
                Some(vec!["<img src=x onerror=alert(1)>".to_owned()]),
                Some("<script>alert(1)</script>".to_owned()),
            ),
        ]
    }
}
