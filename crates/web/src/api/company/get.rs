use axum::Json;
use domain::CompanyId;

use super::CompanyView;
use crate::api::Answer;
use crate::problem::Problem;
use crate::read::{Id, Viewer};

/// One company.
#[utoipa::path(get, path = "/api/v1/companies/{id}", tag = "companies", params(("id" = String, Path)),
    responses((status = 200, body = CompanyView)))]
pub(crate) async fn get(Viewer(caller): Viewer, Id(id): Id<CompanyId>) -> Answer<CompanyView> {
    let company = caller
        .configuration
        .company(id)
        .filter(|_| caller.sees(id))
        .ok_or_else(|| Problem::not_found("company"))?;
    Ok(Json(CompanyView::from(&**company)))
}
