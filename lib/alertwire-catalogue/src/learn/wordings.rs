//! What an `[[extend]]` entry adds to a kind, as something that can be added to.

use super::Proposal;
use super::proposal::{example_tables, quoted};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::kind::Example;

/// Further subjects and wordings of a kind: one entry, which grows with each wording that is taught.
///
/// ```
/// use alertwire_catalogue::{Catalogue, Proposal, Wordings};
/// let proposal = Proposal::of("Found device {ip:ip}", &["Found device 10.0.0.7"]).unwrap();
/// let mut wordings = Wordings::of("system.asset_added");
/// wordings.add(&proposal, Some("Device Found"));
/// let file = wordings.to_file();
/// assert_eq!(Catalogue::builtin().check_entry(&[], ("taught", &file)), []);
/// assert_eq!(Wordings::read("taught", &file).unwrap().variants, ["Found device {ip:ip}"]);
/// ```
#[derive(Clone, Debug)]
pub struct Wordings {
    pub code: String,
    pub aliases: Vec<String>,
    pub variants: Vec<String>,
    pub examples: Vec<Example>,
}

impl Wordings {
    /// None yet.
    pub fn of(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            aliases: Vec::new(),
            variants: Vec::new(),
            examples: Vec::new(),
        }
    }

    /// Those of a file with a single `[[extend]]`.
    pub fn read(name: &str, source: &str) -> Result<Self, Vec<Diagnostic>> {
        let (file, found) = files::load(0, name, source, false);
        if !found.is_empty() {
            return Err(found);
        }
        let mut extensions = file.extensions.into_iter();
        match (extensions.next(), extensions.next()) {
            (Some(extension), None) => Ok(extension.into_wordings()),
            _ => Err(vec![Diagnostic::new(
                name,
                source,
                0..0,
                "the file holds no single `[[extend]]`",
            )]),
        }
    }

    /// Adds a learned wording, and the subject under which it came when the kind does not know that.
    pub fn add(&mut self, proposal: &Proposal, alias: Option<&str>) {
        if !self.variants.contains(&proposal.template) {
            self.variants.push(proposal.template.clone());
            self.examples.extend(proposal.read_examples());
        }
        if let Some(alias) = alias.filter(|alias| !self.aliases.iter().any(|known| known == alias))
        {
            self.aliases.push(alias.to_owned());
        }
    }

    /// The text of the file.
    pub fn to_file(&self) -> String {
        let list = |texts: &[String]| {
            let texts: Vec<String> = texts
                .iter()
                .map(|text| format!("    {},\n", quoted(text)))
                .collect();
            format!("[\n{}]", texts.concat())
        };
        let mut file = format!("[[extend]]\ncode     = {}\n", quoted(&self.code));
        if !self.aliases.is_empty() {
            file.push_str(&format!("aliases  = {}\n", list(&self.aliases)));
        }
        if !self.variants.is_empty() {
            file.push_str(&format!("variants = {}\n", list(&self.variants)));
        }
        file.push_str(&example_tables("extend", &self.examples));
        file
    }
}
