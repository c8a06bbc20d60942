//! One entry of a catalogue: a file that holds a single kind, or a single extension of one.

use crate::diagnostic::Diagnostic;
use crate::files;

/// What a file with a single `[[event]]` or `[[extend]]` is about.
///
/// ```
/// use alertwire_catalogue::Entry;
/// let entry = Entry::read("taught", "[[extend]]\ncode = 'system.asset_added'\naliases = ['Device Found']\n").unwrap();
/// assert_eq!((entry.code.as_str(), entry.extends), ("system.asset_added", true));
/// assert!(Entry::read("empty", "").unwrap_err()[0].message.contains("one"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `system.asset_added`.
    pub code: String,
    /// It adds to a kind that stands elsewhere.
    pub extends: bool,
}

impl Entry {
    /// Reads the text of a file; `name` is what findings call it. Whether it fits a catalogue is for
    /// [`Catalogue::check_entry`](crate::Catalogue::check_entry) to say.
    pub fn read(name: &str, source: &str) -> Result<Self, Vec<Diagnostic>> {
        let (file, found) = files::load(0, name, source, false);
        if !found.is_empty() {
            return Err(found);
        }
        match (&*file.kinds, &*file.extensions) {
            ([loaded], []) => Ok(Self {
                code: loaded.kind.code.clone(),
                extends: false,
            }),
            ([], [extension]) => Ok(Self {
                code: extension.code().to_owned(),
                extends: true,
            }),
            (kinds, extensions) => {
                let count = kinds.len() + extensions.len();
                let message =
                    format!("an entry is one `[[event]]` or one `[[extend]]`; here are {count}");
                Err(vec![Diagnostic::new(name, source, 0..0, message)])
            }
        }
    }
}
