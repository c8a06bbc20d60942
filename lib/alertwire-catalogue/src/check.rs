//! `alertwire catalog check`: what a catalogue file must not hold, found before it reads its first alert.

mod crossing;
pub(crate) mod structure;

use std::ops::Range;

use crate::catalogue::{Catalogue, Sources, load_all};
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;
use crate::files::{Loaded, Places, Spot, place_in_text};
use crate::kind::{Example, Kind};
use crate::limits::Limits;
use crate::nearest::nearest;
use crate::reading::Match;

/// Checks files together with the built-in ones: the templates' structure, their examples, and that no two kinds of a
/// subject read each other's text. An empty answer means that the files are good.
///
/// ```
/// let file = "category = 'X'\n[[event]]\ncode = 'x.y'\nsubject = 'Y'\nbody = 'Y {a:text}{b:text}'\n";
/// let found = alertwire_catalogue::check(&[("x.toml", file)]);
/// assert_eq!((found[0].line, found[0].column), (5, 19));
/// assert!(found[0].message.contains("free"));
/// ```
pub fn check(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    check_sources(&Sources::new(files, &[]), |_| true)
}

impl Catalogue {
    /// Checks an entry before it is added by [`Catalogue::extended`], beside those that are there: as [`check`], but only
    /// the kind that it is about and its subjects. What else is wrong with the others is not told again.
    ///
    /// ```
    /// let entry = "[[extend]]\ncode = 'system.asset_added'\nvariants = ['Seen {a:text}{b:text}']\n";
    /// let found = alertwire_catalogue::Catalogue::builtin().check_entry(&[], ("taught", entry));
    /// assert!(found[0].message.contains("free"));
    /// ```
    pub fn check_entry(&self, known: &[(&str, &str)], entry: (&str, &str)) -> Vec<Diagnostic> {
        let about = match Entry::read(entry.0, entry.1) {
            Ok(about) => about.code,
            Err(found) => return found,
        };
        let (_, left_out) = self.extended(known);
        let mut entries: Vec<_> = known.to_vec();
        entries.retain(|(name, _)| left_out.iter().all(|finding| finding.file != *name));
        entries.push(entry);
        let sources = Sources::new(&self.files(), &entries);
        check_sources(&sources, |kind| kind.code == about)
    }
}

fn check_sources(sources: &Sources<'_>, wanted: impl Fn(&Kind) -> bool) -> Vec<Diagnostic> {
    let (loaded, mut found) = load_all(sources);
    if !found.is_empty() {
        return found;
    }
    let mut places = Vec::new();
    let mut kinds = Vec::new();
    for Loaded {
        kind,
        file,
        places: kind_places,
    } in loaded
    {
        places.push(Place {
            sources: &sources.list,
            file,
            places: kind_places,
        });
        kinds.push(kind);
    }
    let catalogue = Catalogue::build(kinds);
    for (kind, place) in catalogue.kinds().iter().zip(&places) {
        if wanted(kind) {
            structure::check(kind, place, &mut found);
            check_alternatives(&catalogue, kind, place, &mut found);
            check_examples(&catalogue, kind, place, &mut found);
        }
    }
    crossing::check(&catalogue, &places, wanted, &mut found);
    found
}

/// Where a kind stands.
struct Place<'a> {
    sources: &'a [(&'a str, &'a str)],
    file: usize,
    places: Places,
}

impl Place<'_> {
    /// A finding at a place in the kind's own file.
    fn at(&self, span: &Range<usize>, message: impl Into<String>) -> Diagnostic {
        let spot = Spot {
            file: self.file,
            span: span.clone(),
        };
        self.at_spot(&spot, message)
    }

    fn at_spot(&self, spot: &Spot, message: impl Into<String>) -> Diagnostic {
        let (name, source) = self.sources[spot.file];
        Diagnostic::new(name, source, spot.span.clone(), message)
    }

    /// A finding at a place inside the text of a template.
    fn in_template(
        &self,
        kind: &Kind,
        index: usize,
        inside: &Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        let text = std::iter::once(&kind.body)
            .chain(&kind.variants)
            .nth(index)
            .map_or("", String::as_str);
        let Some(Spot { file, span }) = self.places.templates.get(index) else {
            return self.at(&(0..0), message);
        };
        let span = place_in_text(self.sources[*file].1, span, text, inside);
        self.at_spot(&Spot { file: *file, span }, message)
    }
}

fn check_alternatives(
    catalogue: &Catalogue,
    kind: &Kind,
    place: &Place<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (code, span) in kind.alternatives.iter().zip(&place.places.alternatives) {
        if catalogue.kind(code).is_some() {
            continue;
        }
        let finding = place.at(span, format!("there is no event kind `{code}`"));
        found.push(
            match nearest(
                code,
                catalogue.kinds().iter().map(|kind| kind.code.as_str()),
            ) {
                Some(near) => finding.with_help(format!("did you mean `{near}`?")),
                None => finding,
            },
        );
    }
}

fn check_examples(
    catalogue: &Catalogue,
    kind: &Kind,
    place: &Place<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for (example, spot) in kind.examples.iter().zip(&place.places.examples) {
        if let Err(why) = check_example(catalogue, kind, example) {
            found.push(place.at_spot(spot, format!("the example fails: {why}")));
        }
    }
}

fn check_example(catalogue: &Catalogue, kind: &Kind, example: &Example) -> Result<(), String> {
    let read = catalogue.read_alert(&kind.subject, &example.body, &Limits::default());
    if read.matched != Match::Full {
        let rest = if read.matched == Match::Partial {
            format!(", left over is {:?}", read.remainder())
        } else {
            String::new()
        };
        return Err(format!("the match is `{}`{rest}", read.matched.as_str()));
    }
    if let Some(other) = read.kind.filter(|other| other.code != kind.code) {
        return Err(format!("it is read as `{}`", other.code));
    }
    if let Some(ambiguity) = read.ambiguous.first() {
        let [one, two] = ambiguity.readings.each_ref().map(|value| {
            value.as_ref().map_or("nothing".to_owned(), |value| {
                format!("{:?}", value.to_text())
            })
        });
        return Err(format!(
            "`{}` can be read as {one} and as {two}",
            ambiguity.field
        ));
    }
    if read.records != example.records {
        let got = serde_json::to_string(&read.records).unwrap_or_default();
        return Err(format!("it reads as {got}"));
    }
    Ok(())
}
