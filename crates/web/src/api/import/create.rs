use std::net::{IpAddr, Ipv4Addr};

use axum::Json;
use axum::extract::{Request, State};
use domain::CompanyId;
use domain::finding::Scanner;
use http::StatusCode;
use scan::{FILE_BYTES, Format, Named};
use serde::Deserialize;
use store::JobKind;
use utoipa::IntoParams;

use super::ImportView;
use super::upload::Upload;
use crate::App;
use crate::api::event::create::idempotency_key;
use crate::api::find_company;
use crate::api::job::find;
use crate::problem::Problem;
use crate::read::{Caller, Operator, Params, Query, body};

/// Longest name of an asset, in bytes.
const NAME_BYTES: usize = 255;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// `nmap` (its XML, `-oX`) or `trivy` (its JSON, `--format json`).
    #[param(value_type = String)]
    pub(crate) format: Option<String>,
    /// Id or name of the company that was scanned.
    #[param(value_type = String)]
    pub(crate) company: Option<String>,
    /// nmap: the ports were seen from outside; they are New Open Port Discovered (External Scan).
    #[param(value_type = Option<bool>)]
    pub(crate) external: Option<String>,
    /// Trivy: what the asset is called; else what Trivy calls it.
    pub(crate) hostname: Option<String>,
    /// Trivy: address of the asset; 0.0.0.0 when it has none, as an image.
    pub(crate) ip: Option<String>,
    /// Raise nothing, and count what would be new.
    #[param(value_type = Option<bool>)]
    pub(crate) dry_run: Option<String>,
}

/// What is asked for, in types.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) company: CompanyId,
    pub(crate) format: Format,
    pub(crate) dry_run: bool,
}

/// Import what a scanner found: the body is the file as the scanner wrote it, at most 256 MiB.
///
/// What it found is listed now, and raised in the order of the file by a job: only what the company is not known to have
/// becomes an event. A file that cannot be read is refused whole; a scan of nmap that was killed is imported as far as its hosts
/// are whole.
#[utoipa::path(post, path = "/api/v1/imports", tag = "events",
    params(ImportQuery, ("Idempotency-Key" = Option<String>, Header, description = "Quoted or bare; kept as long as the import is.")),
    request_body(content((String = "application/octet-stream"), (String = "application/xml"), (String = "application/json"))),
    responses((status = 202, description = "It has begun.", body = ImportView),
        (status = 503, body = crate::problem::ProblemView, description = "Other files are being read; come again after Retry-After.")))]
pub(crate) async fn create(
    app: State<App>,
    Operator(caller): Operator,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Result<(StatusCode, Json<ImportView>), Problem> {
    let wanted = query.parse(&caller)?;
    let (parts, body) = request.into_parts();
    let key = idempotency_key(&parts.headers)?;
    // What the length header says is known before anything is read.
    if http_body::Body::size_hint(&body).lower() > FILE_BYTES {
        body::discard(body).await;
        return Err(Problem::too_large(
            usize::try_from(FILE_BYTES).unwrap_or(usize::MAX),
        ));
    }
    let upload = Upload::begin(&app, &caller, wanted, key)?;
    let id = upload.whole(body).await?;
    let job = find(&app, &caller, JobKind::Import, id).await?;
    let view = ImportView::of(&job, &app, &caller)?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}

impl ImportQuery {
    pub(crate) fn parse(&self, caller: &Caller) -> Result<Wanted, Problem> {
        let mut params = Params::default();
        let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
        let scanner: Option<Scanner> = params.read("format", self.format.as_deref());
        if text(&self.format).is_none() {
            params.error("format", "is nmap or trivy");
        }
        let company = params.with("company", self.company.as_deref(), |text| {
            find_company(text, caller)
        });
        if text(&self.company).is_none() {
            params.error("company", "names the company that was scanned");
        }
        let external: Option<bool> = params.read("external", self.external.as_deref());
        let dry_run: Option<bool> = params.read("dry_run", self.dry_run.as_deref());
        let ip: Option<IpAddr> = params.with("ip", self.ip.as_deref(), |text| {
            text.trim()
                .parse()
                .map_err(|_| "is an address, such as 192.0.2.10".to_owned())
        });
        let hostname = params.with("hostname", self.hostname.as_deref(), |text| {
            match text.len() <= NAME_BYTES {
                true => Ok(text.trim().to_owned()),
                false => Err(format!("has at most {NAME_BYTES} characters")),
            }
        });
        match scanner {
            Some(Scanner::Trivy) if external == Some(true) => {
                params.error("external", "goes with format=nmap");
            }
            Some(Scanner::Nmap) => {
                for (name, value) in [("hostname", &self.hostname), ("ip", &self.ip)] {
                    if text(value).is_some() {
                        params.error(name, "goes with format=trivy; nmap names its hosts itself");
                    }
                }
            }
            Some(Scanner::Trivy) | None => {}
        }
        params.finish()?;
        let (Some(scanner), Some(company)) = (scanner, company) else {
            return Err(Problem::field("?format", "is nmap or trivy"));
        };
        Ok(Wanted {
            company,
            format: match scanner {
                Scanner::Nmap => Format::Nmap {
                    external: external.unwrap_or(false),
                },
                Scanner::Trivy => Format::Trivy(Named {
                    hostname,
                    ip: ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                }),
            },
            dry_run: dry_run.unwrap_or(false),
        })
    }
}
