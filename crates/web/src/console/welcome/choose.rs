use askama::Template;

use crate::console::{Frame, Here, Page, Visitor, page};

#[derive(Debug, Template)]
#[template(path = "welcome/choose.html")]
pub(super) struct ChoosePage {
    frame: Frame,
}

/// Which way alerts go first; the other one can be set up any time.
pub(super) async fn show(visitor: Visitor) -> Page {
    page(&ChoosePage {
        frame: Frame::new(&visitor, Here::Welcome, "Welcome", None),
    })
}

impl ChoosePage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        vec![Self {
            frame: Frame::sample(Here::Welcome),
        }]
    }
}
