//! The REST API: a folder for each noun, a file for each endpoint with its form and view types.

pub(crate) mod audit;
pub(crate) mod catalog;
pub(crate) mod company;
pub(crate) mod configuration;
pub(crate) mod csv;
pub(crate) mod dead_letter;
pub(crate) mod delivery;
pub(crate) mod event;
pub(crate) mod event_kind;
pub(crate) mod event_set;
pub(crate) mod import;
pub(crate) mod integration;
pub(crate) mod journal;
pub(crate) mod key;
pub(crate) mod lesson;
pub(crate) mod mapping;
pub(crate) mod parse;
pub(crate) mod render;
pub(crate) mod replay;
pub(crate) mod reread;
pub(crate) mod rule;
pub(crate) mod silence;
pub(crate) mod source;
pub(crate) mod user;
pub(crate) mod what_if;
pub(crate) mod whitelisting;

pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod file;
mod given;
pub(crate) mod job;
pub(crate) mod live;
mod named;
mod uses;

pub(crate) use fields::find_company;
pub(crate) use named::{Named, called};

use axum::Json;
use http::StatusCode;

use crate::problem::Problem;

/// What a handler answers.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// 201 with what was made.
pub(crate) type Made<T> = Result<(StatusCode, Json<T>), Problem>;

fn made<T>(view: T) -> Made<T> {
    Ok((StatusCode::CREATED, Json(view)))
}
