//! Global > Settings > Integrations: a tile for each connector there is.

use askama::Template;
use axum::extract::State as Shared;

use super::tabs::State;
use crate::App;
use crate::api::integration::seen;
use crate::console::{Frame, Here, Page, Visitor, page};

#[derive(Debug, Template)]
#[template(path = "integration/tiles.html")]
pub(super) struct TilesPage {
    frame: Frame,
    tiles: Vec<Tile>,
}

/// A connector, with the worst state of what is set up of it.
#[derive(Debug)]
struct Tile {
    connector: &'static str,
    word: &'static str,
    says: &'static str,
    class: &'static str,
    glyph: &'static str,
    state: &'static str,
    count: usize,
}

pub(super) async fn show(app: Shared<App>, visitor: Visitor) -> Page {
    let gates = app.store().gates().await?;
    let configuration = &visitor.caller.configuration;
    let tile = |connector: &&'static str| {
        let of_kind = configuration.integrations();
        let own = of_kind.filter(|one| one.connector == *connector && seen(one, &visitor.caller));
        let states: Vec<_> = own
            .map(|one| State::of(one, &gates.get(&one.id).cloned().unwrap_or_default()))
            .collect();
        Tile::new(connector, &states)
    };
    page(&TilesPage {
        frame: Frame::new(&visitor, Here::Integrations, "Integrations", None),
        tiles: connectors::known().iter().map(tile).collect(),
    })
}

impl Tile {
    fn new(connector: &'static str, states: &[State]) -> Self {
        // The one that asks for a person first.
        let worst = ["Failing", "Incomplete", "Active", "Switched off"];
        let worst = worst
            .iter()
            .find_map(|word| states.iter().find(|state| state.word == *word));
        let (class, glyph, state) = match worst {
            Some(state) => (state.class, state.glyph, state.word),
            None => ("held", "○", "Not set up"),
        };
        Self {
            connector,
            word: word(connector),
            says: "HTTP POST of each alert to a URL of your choosing.",
            class,
            glyph,
            state,
            count: states.len(),
        }
    }
}

/// A connector in the words of pages.
pub(in crate::console) fn word(connector: &str) -> &'static str {
    match connector {
        "webhook" => "Webhook",
        _ => "Integration",
    }
}

impl TilesPage {
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let page = |states: &[State]| Self {
            frame: Frame::sample(Here::Integrations),
            tiles: vec![Tile::new("webhook", states)],
        };
        let state = State {
            class: "bad",
            glyph: "✕",
            word: "Failing",
            reason: None,
        };
        vec![page(&[]), page(&[state])]
    }
}
