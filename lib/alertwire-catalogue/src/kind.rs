//! An event kind: an entry of the catalogue.

use crate::severity::{Severity, Wording};
use crate::template::Compiled;
use crate::types::FieldType;
use crate::value::Record;

/// An event kind: how its alerts are named and worded, and what of a record tells two of them apart.
///
/// ```
/// let catalogue = alertwire_catalogue::Catalogue::builtin();
/// let kind = catalogue.kind("system.asset_added").unwrap();
/// assert_eq!(kind.subject, "New Asset(s) Added");
/// assert_eq!((kind.class.as_str(), kind.action.as_str()), ("asset", "asset-added"));
/// ```
#[derive(Debug)]
pub struct Kind {
    /// `system.asset_added`.
    pub code: String,
    /// `System Changes`.
    pub category: String,
    /// As the event set lists it: `New Asset Added`.
    pub name: String,
    /// As it stands on the wire: `New Asset(s) Added`.
    pub subject: String,
    /// Other subjects that mean it.
    pub aliases: Vec<String>,
    /// When the body carries none.
    pub severity: Severity,
    pub wording: Wording,
    /// What the event speaks of (asset, port, vulnerability, login, …): drives the projections. Data, not an enumeration.
    pub class: String,
    /// What happened to that (`asset-added`, `login-failure`, `user-deleted`, …), for the projections too.
    pub action: String,
    /// The fields that identify the asset: the first that is present does.
    pub key: Vec<String>,
    /// Further fields that tell two records of one asset apart.
    pub identity: Vec<String>,
    /// The fields that name the product, for grouping.
    pub product: Vec<String>,
    /// Kinds that the same alert may mean when nothing in it decides.
    pub alternatives: Vec<String>,
    /// The template that renders it, as written.
    pub body: String,
    /// Other wordings: read, never rendered.
    pub variants: Vec<String>,
    pub examples: Vec<Example>,
    pub(crate) template: Compiled,
    pub(crate) variant_templates: Vec<Compiled>,
    /// It came with this crate.
    pub(crate) built_in: bool,
    /// Other files added wordings or subjects to it.
    pub(crate) extended: bool,
}

/// A body, and the records that it reads as.
#[derive(Clone, Debug)]
pub struct Example {
    pub body: String,
    pub records: Vec<Record>,
}

/// A field that a kind's template names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    pub name: String,
    /// The type, as the template language writes it: `ip`, `enum(a|b)`.
    pub type_name: String,
    pub optional: bool,
    /// Free text rather than a type that is checked.
    pub free: bool,
}

impl Kind {
    /// The fields of the rendered wording, in the order of the text.
    pub fn fields(&self) -> Vec<FieldInfo> {
        let mut fields = Vec::new();
        for field in self
            .template
            .template
            .fields
            .iter()
            .filter(|field| field.is_kept())
        {
            fields.push(FieldInfo {
                name: field.name.to_string(),
                type_name: field.kind.name(),
                optional: field.optional,
                free: field.kind.is_free(),
            });
            let named = |known: &FieldInfo| known.name == "protocol";
            if field.kind == FieldType::Port
                && !self.template.template.names_protocol()
                && !fields.iter().any(named)
            {
                fields.push(FieldInfo {
                    name: "protocol".into(),
                    type_name: "enum(tcp|udp|sctp|icmp)".into(),
                    optional: true,
                    free: false,
                });
            }
        }
        fields
    }

    /// Whether it came with this crate, perhaps with further wordings of the user's.
    pub fn is_built_in(&self) -> bool {
        self.built_in
    }

    /// Whether it stands as this crate has it: then nothing about it is left to be checked.
    pub(crate) fn is_untouched(&self) -> bool {
        self.built_in && !self.extended
    }

    /// The rendered wording first, then the variants.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Compiled> {
        std::iter::once(&self.template).chain(&self.variant_templates)
    }

    /// The same as they are written.
    pub(crate) fn written(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.body)
            .chain(&self.variants)
            .map(String::as_str)
    }

    /// Whether the alerts of this kind can be told apart in this field.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields().iter().any(|field| field.name == name)
    }
}
