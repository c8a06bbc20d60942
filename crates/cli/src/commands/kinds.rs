//! The catalogue of a command: the built-in kinds and those of the configured folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alertwire_catalogue::{Catalogue, Diagnostic};

use crate::config::files;
use crate::config::layers::Layers;
use crate::exit::Failure;

/// Longest catalogue file, in bytes, and most files of a folder.
const LONGEST: u64 = 4 * 1024 * 1024;
const FILES: usize = 1_000;

/// Catalogue files as they stand.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<(String, String)>);

impl Sources {
    /// Files, and all `*.toml` of folders.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut sources = Vec::new();
        for path in paths {
            let paths = if path.is_dir() {
                files::in_folder(path, "toml", FILES)?
            } else {
                vec![path.clone()]
            };
            for path in paths {
                sources.push((path.display().to_string(), files::text(&path, LONGEST)?));
            }
        }
        Ok(Self(sources))
    }

    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        self.0
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect()
    }

    /// A finding with its line and a caret.
    pub(super) fn caret(&self, finding: &Diagnostic) -> String {
        let source = self.0.iter().find(|(name, _)| *name == finding.file);
        source.map_or_else(
            || finding.to_string(),
            |(_, text)| finding.render_caret(text),
        )
    }
}

/// The catalogue that the configuration asks for.
pub(crate) fn configured(layers: &Layers) -> Result<Arc<Catalogue>, Failure> {
    let folder = Some(layers.get("catalogue_dir").0).filter(|folder| !folder.is_empty());
    of_folder(folder.map(Path::new))
}

/// The built-in kinds with those of a folder.
pub(crate) fn of_folder(folder: Option<&Path>) -> Result<Arc<Catalogue>, Failure> {
    let Some(folder) = folder else {
        return Ok(Catalogue::builtin());
    };
    if !folder.is_dir() {
        return Err(Failure::config(format!(
            "the catalogue folder {} is not there",
            folder.display()
        )));
    }
    let sources = Sources::read(&[folder.to_owned()]).map_err(Failure::of_config)?;
    Catalogue::with_files(&sources.pairs())
        .map(Arc::new)
        .map_err(|findings| {
            let carets: Vec<String> = findings
                .iter()
                .map(|finding| sources.caret(finding))
                .collect();
            Failure::config(format!(
                "the catalogue folder {} has errors\n{}",
                folder.display(),
                carets.join("\n")
            ))
            .help("`alertwire catalog check` lists them all")
        })
}
