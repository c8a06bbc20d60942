//! What a receiver's firewall has to let in, as a page that can be sent to whoever runs it.

use askama::Template;
use axum::extract::State;

use crate::App;
use crate::api::whitelisting::{self, WhitelistingView};
use crate::console::{Frame, Here, Page, Visitor, page};
use crate::read::Viewer;

#[derive(Debug, Template)]
#[template(path = "help/whitelisting.html")]
pub(super) struct WhitelistingPage {
    frame: Frame,
    view: WhitelistingView,
}

pub(super) async fn show(app: State<App>, visitor: Visitor) -> Page {
    let view = whitelisting::get(app, Viewer(visitor.caller.clone())).await?;
    page(&WhitelistingPage {
        frame: Frame::new(&visitor, Here::Help, "Whitelisting", None),
        view: view.0,
    })
}

impl WhitelistingPage {
    /// The addresses of one family, as its firewall wants them.
    fn of_family(&self, is_six: bool) -> Vec<&str> {
        let addresses = self.view.addresses.iter().map(String::as_str);
        addresses
            .filter(|address| address.contains(':') == is_six)
            .collect()
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |addresses: &[&str]| Self {
            frame: Frame::sample(Here::Help),
            view: WhitelistingView {
                user_agent: "Alertwire/0",
                method: "POST",
                content_type: "application/json",
                headers: &["webhook-id"],
                addresses: addresses.iter().map(|one| (*one).to_owned()).collect(),
                note: "let these addresses in",
                ports: &[443],
                guide: "docs/whitelisting.md",
                allow: vec!["<img src=x onerror=alert(1)>".to_owned()],
            },
        };
        vec![page(&[]), page(&["192.0.2.7", "2001:db8::/48"])]
    }
}
