//! The catalogue: event kinds by category.

use alertwire_catalogue::Kind;
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::read::Viewer;

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

/// All event kinds by category.
#[utoipa::path(get, path = "/api/v1/catalog", tag = "catalogue", responses((status = 200, body = CatalogView)))]
pub(crate) async fn get(Viewer(caller): Viewer) -> Answer<CatalogView> {
    let category = |(name, kinds): (&str, Vec<&Kind>)| CategoryView {
        name: name.to_owned(),
        events: kinds.into_iter().map(KindView::from).collect(),
    };
    Ok(Json(CatalogView {
        categories: caller
            .configuration
            .catalogue()
            .categories()
            .into_iter()
            .map(category)
            .collect(),
    }))
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
