//! The catalogue: all kinds, compiled, and the ways to find one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};

use crate::diagnostic::Diagnostic;
use crate::files::{self, Loaded};
use crate::hash::QuickMap;
use crate::kind::Kind;
use crate::nearest::nearest;
use crate::template::Piece;

/// The built-in files: one for each category, in the order of the event sets.
pub(crate) const BUILT_IN: [(&str, &str); 8] = [
    (
        "system_changes.toml",
        include_str!("../kinds/system_changes.toml"),
    ),
    ("problems.toml", include_str!("../kinds/problems.toml")),
    ("solutions.toml", include_str!("../kinds/solutions.toml")),
    (
        "entra_id_audit.toml",
        include_str!("../kinds/entra_id_audit.toml"),
    ),
    (
        "entra_id_error.toml",
        include_str!("../kinds/entra_id_error.toml"),
    ),
    ("ad_audit.toml", include_str!("../kinds/ad_audit.toml")),
    ("job_failed.toml", include_str!("../kinds/job_failed.toml")),
    (
        "certificate_expire.toml",
        include_str!("../kinds/certificate_expire.toml"),
    ),
];

/// A longer subject names no kind.
const LONGEST_SUBJECT: usize = 1024;

/// Openings of templates that are looked at in one text, and kinds that are tried for them.
const MOST_OPENINGS: usize = 64;
const MOST_SUGGESTIONS: usize = 16;

/// All event kinds, compiled. Immutable: share it by `Arc`.
///
/// ```
/// use alertwire_catalogue::Catalogue;
/// let catalogue = Catalogue::builtin();
/// assert_eq!(catalogue.kind("system.asset_added").unwrap().subject, "New Asset(s) Added");
/// assert_eq!(catalogue.nearest("system.aset_added"), Some("system.asset_added"));
/// ```
#[derive(Debug)]
pub struct Catalogue {
    /// The further files that it was built of, by name.
    files: Vec<(String, String)>,
    kinds: Vec<Kind>,
    codes: HashMap<String, usize>,
    /// The kinds of a subject, in order: those that bear it, then those of which it is an alias.
    subjects: Vec<Subject>,
    exact: QuickMap<String, usize>,
    normalised: QuickMap<String, usize>,
    /// Finds what templates begin with, for suggestions.
    openings: AhoCorasick,
    opening_kinds: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kinds: Vec<usize>,
    /// No user's kind has a part in it: that its kinds do not read each other's text was proved when this was built.
    pub(crate) proved: bool,
}

impl Catalogue {
    /// The kinds that come with the crate, compiled once for the whole program.
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Catalogue>> = OnceLock::new();
        let build = || {
            Self::with_files(&[])
                .expect("the built-in files are checked by the tests of this crate")
        };
        BUILTIN.get_or_init(|| Arc::new(build())).clone()
    }

    /// The built-in kinds with those of further files: a kind of a known code takes the place of the old one, another
    /// is added at the end.
    ///
    /// ```
    /// use alertwire_catalogue::Catalogue;
    /// let file = "category = 'Backups'\n[[event]]\ncode = 'backup.failed'\nsubject = 'Backup Failed'\nbody = 'Backup of {target:host} failed'\n";
    /// let catalogue = Catalogue::with_files(&[("backups.toml", file)]).unwrap();
    /// assert!(catalogue.kind("backup.failed").is_some());
    /// ```
    pub fn with_files(files: &[(&str, &str)]) -> Result<Self, Vec<Diagnostic>> {
        let (loaded, found) = load_all(&Sources::new(files, &[]));
        if !found.is_empty() {
            return Err(found);
        }
        let mut catalogue = Self::build(loaded.into_iter().map(|loaded| loaded.kind).collect());
        catalogue.files = files
            .iter()
            .map(|(name, source)| ((*name).to_owned(), (*source).to_owned()))
            .collect();
        Ok(catalogue)
    }

    /// This catalogue with entries that were added later: their kinds take the place of those of the same code, their
    /// extensions add to what is there. An entry that does not fit, and what depends on it, is left out and told.
    ///
    /// ```
    /// use alertwire_catalogue::Catalogue;
    /// let entry = "[[extend]]\ncode = 'system.asset_added'\naliases = ['Device Found']\nvariants = ['Found device {ip:ip}']\n";
    /// let (catalogue, findings) = Catalogue::builtin().extended(&[("taught", entry), ("broken", "[[extend]]\n")]);
    /// assert_eq!(catalogue.by_subject("device found").next().unwrap().code, "system.asset_added");
    /// assert_eq!(findings[0].file, "broken");
    /// ```
    pub fn extended(&self, entries: &[(&str, &str)]) -> (Self, Vec<Diagnostic>) {
        let (files, mut kept, mut left_out) = (self.files(), entries.to_vec(), Vec::new());
        loop {
            let (loaded, found) = load_all(&Sources::new(&files, &kept));
            let at_fault = |name: &str| found.iter().any(|finding| finding.file == name);
            let before = kept.len();
            kept.retain(|(name, _)| !at_fault(name));
            // Findings in the catalogue's own files cannot be: it was built of them.
            let done = found.is_empty() || kept.len() == before;
            left_out.extend(found);
            if done {
                let mut catalogue =
                    Self::build(loaded.into_iter().map(|loaded| loaded.kind).collect());
                catalogue.files = self.files.clone();
                return (catalogue, left_out);
            }
        }
    }

    /// The further files that it was built of.
    pub(crate) fn files(&self) -> Vec<(&str, &str)> {
        self.files
            .iter()
            .map(|(name, source)| (name.as_str(), source.as_str()))
            .collect()
    }

    pub(crate) fn build(kinds: Vec<Kind>) -> Self {
        let codes = kinds
            .iter()
            .enumerate()
            .map(|(index, kind)| (kind.code.clone(), index))
            .collect();
        let mut catalogue = Self {
            files: Vec::new(),
            codes,
            subjects: Vec::new(),
            exact: QuickMap::default(),
            normalised: QuickMap::default(),
            openings: AhoCorasick::new([""; 0])
                .expect("no pattern at all makes no large automaton"),
            opening_kinds: Vec::new(),
            kinds,
        };
        catalogue.index_subjects();
        catalogue.index_openings();
        catalogue
    }

    fn index_subjects(&mut self) {
        for alias in [false, true] {
            for index in 0..self.kinds.len() {
                let kind = &self.kinds[index];
                let names = if alias {
                    kind.aliases.clone()
                } else {
                    vec![kind.subject.clone()]
                };
                for name in names {
                    self.index_subject(&name, index);
                }
            }
        }
    }

    fn index_subject(&mut self, name: &str, kind: usize) {
        let fresh = self.subjects.len();
        let subject = *self.normalised.entry(normalised(name)).or_insert(fresh);
        if subject == fresh {
            self.subjects.push(Subject {
                kinds: Vec::new(),
                proved: true,
            });
        }
        self.exact.insert(name.to_owned(), subject);
        let entry = &mut self.subjects[subject];
        if !entry.kinds.contains(&kind) {
            entry.kinds.push(kind);
        }
        entry.proved &= self.kinds[kind].is_untouched();
    }

    fn index_openings(&mut self) {
        let mut patterns = Vec::new();
        for (index, kind) in self.kinds.iter().enumerate() {
            for opening in kind
                .templates()
                .filter_map(|compiled| opening(&compiled.template.pieces))
            {
                patterns.push(opening);
                self.opening_kinds.push(index);
            }
        }
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns);
        if let Ok(openings) = built {
            self.openings = openings;
        }
    }

    /// All kinds, in the order of the files.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kinds by category, in the order of the files.
    ///
    /// ```
    /// let catalogue = alertwire_catalogue::Catalogue::builtin();
    /// let names: Vec<&str> = catalogue.categories().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names[0], "System Changes");
    /// assert_eq!(names.len(), 8);
    /// ```
    pub fn categories(&self) -> Vec<(&str, Vec<&Kind>)> {
        let mut categories: Vec<(&str, Vec<&Kind>)> = Vec::new();
        for kind in &self.kinds {
            match categories
                .iter_mut()
                .find(|(name, _)| *name == kind.category)
            {
                Some((_, kinds)) => kinds.push(kind),
                None => categories.push((&kind.category, vec![kind])),
            }
        }
        categories
    }

    pub fn kind(&self, code: &str) -> Option<&Kind> {
        self.codes.get(code).map(|index| &self.kinds[*index])
    }

    /// The code that is most like `code`, for error messages.
    pub fn nearest(&self, code: &str) -> Option<&str> {
        nearest(code, self.kinds.iter().map(|kind| kind.code.as_str()))
    }

    /// The kinds that a subject names: exactly, as an alias, or in another case or spacing.
    ///
    /// ```
    /// let catalogue = alertwire_catalogue::Catalogue::builtin();
    /// let codes: Vec<&str> = catalogue.by_subject("critical  vulnerabilities found").map(|kind| kind.code.as_str()).collect();
    /// assert_eq!(codes, ["problem.critical"]);
    /// ```
    pub fn by_subject(&self, subject: &str) -> impl Iterator<Item = &Kind> {
        self.candidates(subject)
            .into_iter()
            .flat_map(|subject| &subject.kinds)
            .map(|index| &self.kinds[*index])
    }

    pub(crate) fn candidates(&self, subject: &str) -> Option<&Subject> {
        let index = self.exact.get(subject).or_else(|| {
            let fits = subject.len() <= LONGEST_SUBJECT;
            fits.then(|| self.normalised.get(&normalised(subject)))
                .flatten()
        })?;
        Some(&self.subjects[*index])
    }

    /// The kinds whose templates begin with something that stands in the text, those it begins with first.
    pub(crate) fn opened_by<'a>(&'a self, text: &'a str) -> Vec<usize> {
        let mut seen = HashSet::new();
        self.openings
            .find_iter(text)
            .take(MOST_OPENINGS)
            .flat_map(|found| {
                let pattern = found.pattern().as_usize();
                // Kinds of one wording share their opening; the automaton names only the first of them.
                let written = text[found.range()].to_ascii_lowercase();
                self.opening_kinds
                    .iter()
                    .enumerate()
                    .filter(move |(index, _)| {
                        *index == pattern || self.opens_with(*index, &written)
                    })
                    .map(|(_, kind)| *kind)
            })
            .filter(|kind| seen.insert(*kind))
            .take(MOST_SUGGESTIONS)
            .collect()
    }

    fn opens_with(&self, pattern: usize, written: &str) -> bool {
        let kind = &self.kinds[self.opening_kinds[pattern]];
        kind.templates()
            .filter_map(|compiled| opening(&compiled.template.pieces))
            .any(|opening| opening.to_ascii_lowercase() == written)
    }
}

/// The literal that a template begins with, when it is long enough to tell something.
fn opening(pieces: &[Piece]) -> Option<&str> {
    match pieces.first()? {
        Piece::Literal { text } => (text.trim().len() >= 5).then(|| text.trim_end()),
        Piece::Repeat { pieces, .. } => opening(pieces),
        _ => None,
    }
}

/// A subject as it is compared: lower case, single blanks, without the `(Success)` of audit labels and a full stop.
pub(crate) fn normalised(subject: &str) -> String {
    let mut text = String::with_capacity(subject.len());
    for word in subject.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(word.chars().flat_map(char::to_lowercase));
    }
    let bare = text.trim_end_matches(['.', ':', ' ']);
    let bare = bare.strip_suffix("(success)").unwrap_or(bare).trim_end();
    bare.to_owned()
}

/// All files that a catalogue is made of: the built-in ones, further ones, and entries that were added later.
pub(crate) struct Sources<'a> {
    pub(crate) list: Vec<(&'a str, &'a str)>,
    entries_from: usize,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(files: &[(&'a str, &'a str)], entries: &[(&'a str, &'a str)]) -> Self {
        Self {
            list: BUILT_IN
                .iter()
                .chain(files)
                .chain(entries)
                .copied()
                .collect(),
            entries_from: BUILT_IN.len() + files.len(),
        }
    }

    /// What a file may take the place of: anything of a lower rank.
    fn rank(&self, file: usize) -> u8 {
        match file {
            file if file < BUILT_IN.len() => 0,
            file if file < self.entries_from => 1,
            _ => 2,
        }
    }
}

/// Loads all files: kinds in the place of those of the same code and a lower rank, then the extensions.
pub(crate) fn load_all(sources: &Sources<'_>) -> (Vec<Loaded>, Vec<Diagnostic>) {
    let mut kinds: Vec<Loaded> = Vec::new();
    let mut extensions = Vec::new();
    let mut found = Vec::new();
    for (index, (name, source)) in sources.list.iter().enumerate() {
        let (file, diagnostics) = files::load(index, name, source, sources.rank(index) == 0);
        found.extend(diagnostics);
        extensions.extend(file.extensions);
        for fresh in file.kinds {
            match kinds
                .iter_mut()
                .find(|old| old.kind.code == fresh.kind.code)
            {
                Some(old) if sources.rank(old.file) < sources.rank(fresh.file) => *old = fresh,
                Some(old) => {
                    let message = format!("the code `{}` is taken already", old.kind.code);
                    found.push(Diagnostic::new(name, source, fresh.places.code, message));
                }
                None => kinds.push(fresh),
            }
        }
    }
    for extension in extensions {
        found.extend(extension.apply(&mut kinds, &sources.list).err());
    }
    (kinds, found)
}
