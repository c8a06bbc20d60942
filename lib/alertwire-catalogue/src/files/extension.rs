//! `[[extend]]`: further wordings and subjects of a kind that stands elsewhere, such as a built-in one.

use std::ops::Range;

use super::{Example, Loaded, Loader, Spot, Table, only_texts};
use crate::diagnostic::Diagnostic;
use crate::learn::Wordings;
use crate::nearest::nearest;
use crate::template::Compiled;

const EXTENSION_KEYS: [&str; 4] = ["code", "aliases", "variants", "example"];

/// What is added to the kind of a code.
#[derive(Debug)]
pub(crate) struct Extension {
    code: String,
    place: Spot,
    aliases: Vec<String>,
    variants: Vec<(String, Spot)>,
    templates: Vec<Compiled>,
    examples: Vec<(Example, Spot)>,
}

impl Loader<'_> {
    pub(super) fn extension(
        &mut self,
        table: &Table<'_>,
        place: Range<usize>,
    ) -> Option<Extension> {
        let before = self.found.len();
        self.check_keys(table, &EXTENSION_KEYS);
        let code = self.required(table, "code", &place);
        let aliases = self.texts(table, "aliases");
        let variants = self.texts(table, "variants");
        let templates = self.templates(&variants);
        let examples = self.examples(table);
        if aliases.is_empty() && variants.is_empty() && self.found.len() == before {
            self.report(place, "the extension adds nothing").help =
                Some("write `aliases` (further subjects) or `variants` (further wordings)".into());
        }
        let (code, span) = code?;
        (self.found.len() == before).then(|| Extension {
            code,
            place: self.spot(&span),
            aliases: only_texts(aliases),
            variants: variants
                .into_iter()
                .map(|(text, span)| (text, self.spot(&span)))
                .collect(),
            templates,
            examples,
        })
    }
}

impl Extension {
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    pub(crate) fn into_wordings(self) -> Wordings {
        Wordings {
            code: self.code,
            aliases: self.aliases,
            variants: self.variants.into_iter().map(|(text, _)| text).collect(),
            examples: self.examples.into_iter().map(|(one, _)| one).collect(),
        }
    }

    /// Adds to the kind of its code; the finding when there is none.
    pub(crate) fn apply(
        self,
        kinds: &mut [Loaded],
        sources: &[(&str, &str)],
    ) -> Result<(), Diagnostic> {
        let Some(index) = kinds
            .iter()
            .position(|loaded| loaded.kind.code == self.code)
        else {
            let codes = kinds.iter().map(|loaded| loaded.kind.code.as_str());
            let near = nearest(&self.code, codes);
            let (name, source) = sources[self.place.file];
            let message = format!("there is no event kind `{}` to extend", self.code);
            let mut finding = Diagnostic::new(name, source, self.place.span, message);
            finding.help = near.map(|near| format!("did you mean `{near}`?"));
            return Err(finding);
        };
        let Loaded { kind, places, .. } = &mut kinds[index];
        kind.extended = true;
        for alias in self.aliases {
            if !kind.aliases.contains(&alias) {
                kind.aliases.push(alias);
            }
        }
        for (text, spot) in self.variants {
            kind.variants.push(text);
            places.templates.push(spot);
        }
        kind.variant_templates.extend(self.templates);
        for (example, spot) in self.examples {
            kind.examples.push(example);
            places.examples.push(spot);
        }
        Ok(())
    }
}
