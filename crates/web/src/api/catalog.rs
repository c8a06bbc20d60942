//! The catalogue: event kinds by category.

pub(crate) mod export;

use alertwire_catalogue::Kind;
use axum::Json;
use domain::configuration::Configuration;
use domain::event_kind::Adds;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::console::text::visible;
use crate::read::{Listing, Query, Viewer};

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CatalogQuery {
    /// Words that the code, the name, the subject or an alias holds.
    pub(crate) text: Option<String>,
    /// Name of a category.
    pub(crate) category: Option<String>,
    /// `info`, `low`, `medium`, `high` or `critical`.
    pub(crate) severity: Option<String>,
    /// `documented` or `proposed`.
    pub(crate) wording: Option<String>,
    /// `built_in`, `extended` (built in, with subjects or wordings that were taught) or `added`.
    pub(crate) origin: Option<String>,
}

/// Where a kind comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    BuiltIn,
    /// It is built in, and further subjects or wordings were taught.
    Extended,
    Added,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CatalogView {
    categories: Vec<CategoryView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CategoryView {
    name: String,
    events: Vec<KindView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KindView {
    code: String,
    name: String,
    subject: String,
    aliases: Vec<String>,
    #[schema(value_type = String)]
    severity: &'static str,
    /// It comes with the program, perhaps with further wordings that were taught.
    built_in: bool,
    /// `documented` or `proposed`.
    #[schema(value_type = String)]
    wording: &'static str,
    /// What the event speaks of, and what happened to it: they choose what it is in the formats of SIEMs.
    class: String,
    action: String,
    fields: Vec<FieldView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldView {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    optional: bool,
}

/// A kind in a file.
#[derive(Debug, Serialize)]
struct KindLine {
    #[serde(flatten)]
    view: KindView,
    category: String,
    origin: &'static str,
}

/// All event kinds by category.
#[utoipa::path(get, path = "/api/v1/catalog", tag = "catalogue", params(CatalogQuery),
    responses((status = 200, body = CatalogView)))]
pub(crate) async fn get(
    Viewer(caller): Viewer,
    Query(query): Query<CatalogQuery>,
) -> Answer<CatalogView> {
    let category = |(name, kinds): (&str, Vec<&Kind>)| CategoryView {
        name: name.to_owned(),
        events: kinds.into_iter().map(KindView::from).collect(),
    };
    let categories = query.categories(&caller.configuration);
    Ok(Json(CatalogView {
        categories: categories.into_iter().map(category).collect(),
    }))
}

/// The same for a file.
async fn lines(
    Viewer(caller): Viewer,
    Query(query): Query<CatalogQuery>,
) -> Answer<Listing<KindLine>> {
    let configuration = &caller.configuration;
    let kinds = query.categories(configuration);
    let kinds = kinds.into_iter().flat_map(|(_, kinds)| kinds);
    let line = |kind: &Kind| KindLine {
        category: kind.category.clone(),
        origin: Origin::of(kind, configuration).as_str(),
        view: KindView::from(kind),
    };
    Ok(Json(Listing {
        items: kinds.map(line).collect(),
        next: None,
    }))
}

impl CatalogQuery {
    /// The kinds that fit, by category; a category that has none is not there.
    pub(crate) fn categories<'a>(
        &self,
        configuration: &'a Configuration,
    ) -> Vec<(&'a str, Vec<&'a Kind>)> {
        let mut categories = configuration.catalogue().categories();
        for (_, kinds) in &mut categories {
            kinds.retain(|kind| self.wants(kind, configuration));
        }
        categories.retain(|(_, kinds)| !kinds.is_empty());
        categories
    }

    /// Whether a kind fits all that is asked for. A category may be asked for as pages show it.
    fn wants(&self, kind: &Kind, configuration: &Configuration) -> bool {
        let is = |asked: &Option<String>, value: &str| {
            asked
                .as_deref()
                .is_none_or(|asked| asked.is_empty() || asked == value)
        };
        let has_words = || {
            let said = [&kind.code, &kind.name, &kind.subject];
            let said: Vec<String> = said
                .into_iter()
                .chain(&kind.aliases)
                .map(|text| text.to_lowercase())
                .collect();
            let words = self.text.as_deref().unwrap_or_default().to_lowercase();
            words
                .split_whitespace()
                .all(|word| said.iter().any(|text| text.contains(word)))
        };
        (is(&self.category, &kind.category) || is(&self.category, &visible(&kind.category)))
            && is(&self.severity, kind.severity.as_str())
            && is(&self.wording, kind.wording.as_str())
            && is(&self.origin, Origin::of(kind, configuration).as_str())
            && has_words()
    }
}

impl Origin {
    pub(crate) fn of(kind: &Kind, configuration: &Configuration) -> Self {
        let is_extended = || {
            configuration
                .event_kinds()
                .any(|entry| entry.adds == Adds::Wordings && entry.code == kind.code)
        };
        match kind.is_built_in() {
            false => Self::Added,
            true if is_extended() => Self::Extended,
            true => Self::BuiltIn,
        }
    }

    /// As the URL has it.
    fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Extended => "extended",
            Self::Added => "added",
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Extended => "built-in, extended",
            Self::Added => "added",
        }
    }
}

impl From<&Kind> for KindView {
    fn from(kind: &Kind) -> Self {
        let field = |field: alertwire_catalogue::FieldInfo| FieldView {
            name: field.name,
            type_name: field.type_name,
            optional: field.optional,
        };
        Self {
            code: kind.code.clone(),
            name: kind.name.clone(),
            subject: kind.subject.clone(),
            aliases: kind.aliases.clone(),
            severity: kind.severity.as_str(),
            built_in: kind.is_built_in(),
            wording: kind.wording.as_str(),
            class: kind.class.clone(),
            action: kind.action.clone(),
            fields: kind.fields().into_iter().map(field).collect(),
        }
    }
}
