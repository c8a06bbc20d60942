//! Sole reader of files and environment: everything that an operator may set, in one table, from four layers.
//!
//! Start reading at [`key::KEYS`] (what there is), then [`layers`] (who wins), then [`settings`] (text becomes types).

pub(crate) mod client;
pub(crate) mod document;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod key;
pub(crate) mod layers;
pub(crate) mod places;
pub(crate) mod read;
pub(crate) mod sample;
pub(crate) mod settings;

pub(crate) use layers::Layers;
pub(crate) use settings::{LogFormat, Settings};
