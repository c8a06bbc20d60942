use axum::Json;
use domain::CompanyId;

use super::{CompanyView, find};
use crate::api::Answer;
use crate::read::{Id, Viewer};

/// One company.
#[utoipa::path(get, path = "/api/v1/companies/{id}", tag = "companies", params(("id" = String, Path)),
    responses((status = 200, body = CompanyView)))]
pub(crate) async fn get(Viewer(caller): Viewer, Id(id): Id<CompanyId>) -> Answer<CompanyView> {
    let company = find(id, &caller)?;
    Ok(Json(CompanyView::new(company, &caller.configuration)))
}
