//! What pages are drawn with: embedded, and named by their content, so that browsers may keep them for good.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;
use sha2::{Digest as _, Sha256};

use crate::hex::hex;
use crate::problem::Problem;

/// One sheet and one script for all pages: what is common first, then what rooms have of their own.
const CSS: &str = concat!(
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/event.css"),
    include_str!("../../assets/css/rule.css"),
    include_str!("../../assets/css/chart.css"),
    include_str!("../../assets/css/delivery.css"),
    include_str!("../../assets/css/job.css"),
    include_str!("../../assets/css/welcome.css"),
    include_str!("../../assets/css/catalogue.css"),
    include_str!("../../assets/css/silence.css"),
    include_str!("../../assets/css/integration.css"),
    include_str!("../../assets/css/administration.css"),
);
const JS: &str = concat!(
    include_str!("../../assets/js/base.js"),
    include_str!("../../assets/js/tail.js"),
    include_str!("../../assets/js/event.js"),
    include_str!("../../assets/js/delivery.js"),
    include_str!("../../assets/js/event-set.js"),
    include_str!("../../assets/js/integration.js"),
);
const ICON: &str = include_str!("../../assets/icon.svg");

/// The URLs of the files.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) icon: String,
}

/// Where each file is now.
pub(crate) fn all() -> &'static Assets {
    static ALL: OnceLock<Assets> = OnceLock::new();
    ALL.get_or_init(|| Assets {
        css: url("console", CSS, "css"),
        js: url("console", JS, "js"),
        icon: url("icon", ICON, "svg"),
    })
}

fn url(name: &str, text: &str, ending: &str) -> String {
    let hash = hex(&Sha256::digest(text)[..8]);
    format!("/assets/{name}-{hash}.{ending}")
}

/// A file by its name. One of another version is not there: the page that names it is an old one.
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response, Problem> {
    let all = all();
    let path = format!("/assets/{name}");
    let files = [
        (&all.css, CSS, "text/css; charset=utf-8"),
        (&all.js, JS, "text/javascript; charset=utf-8"),
        (&all.icon, ICON, "image/svg+xml"),
    ];
    let found = files.into_iter().find(|(url, ..)| **url == path);
    let (_, text, kind) = found.ok_or_else(|| Problem::not_found("file"))?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The class that a rule is about when it is about one alone, such as `.card {`.
    fn class(line: &str) -> Option<&str> {
        let (name, _) = line.strip_prefix('.')?.split_once(" {")?;
        let is_class = |c: char| c.is_ascii_alphanumeric() || c == '-';
        name.chars().all(is_class).then_some(name)
    }

    #[test]
    fn every_sheet_is_served_and_a_class_has_one_home() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/css");
        let mut homes = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let sheet = std::fs::read_to_string(&path).unwrap();
            assert!(CSS.contains(&sheet), "{} is not served", path.display());
            for name in sheet.lines().filter_map(class) {
                let home = homes.insert(name.to_owned(), path.clone());
                assert!(
                    home.as_ref().is_none_or(|home| *home == path),
                    "{name}: {home:?}, {path:?}"
                );
            }
        }
    }
}
