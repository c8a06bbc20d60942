use askama::Template;
use axum::extract::{Request, State};
use domain::access::Role;
use domain::finding::Scanner;
use http::StatusCode;
use serde::Deserialize;

use crate::App;
use crate::api::import::create::ImportQuery;
use crate::api::import::upload::Upload;
use crate::console::form::Faults;
use crate::console::page::{page_with, see};
use crate::console::{Frame, Here, Page, Visitor};
use crate::problem::Problem;
use crate::read::file_form::{self, PostedFile};
use crate::read::{Posted, Query};

/// Each format with what it is.
const FORMATS: [(Scanner, &str); 2] = [
    (
        Scanner::Nmap,
        "XML of a scan, by nmap -oX scan.xml. Hosts, open ports, and what its script vulners found.",
    ),
    (
        Scanner::Trivy,
        "JSON of a report, by trivy … --format json. One asset and its vulnerabilities.",
    ),
];

#[derive(Debug, Template)]
#[template(path = "job/import_new.html")]
pub(super) struct NewPage {
    frame: Frame,
    typed: Typed,
    faults: Faults,
}

/// What is in the form, or in the URL that leads to it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    company: String,
    format: String,
    hostname: String,
    ip: String,
    external: String,
    dry_run: String,
}

pub(super) async fn show(visitor: Visitor, Query(mut typed): Query<Typed>) -> Page {
    visitor.caller.expect_role(Role::Operator)?;
    let frame = Frame::new(&visitor, Here::Jobs, "Import scanner results", None);
    if let ([only], "") = (frame.companies.as_slice(), typed.company.as_str()) {
        typed.company.clone_from(only);
    }
    NewPage {
        frame,
        typed,
        faults: Faults::none(),
    }
    .shown()
}

/// Takes the file. Who posts it is known, and that the form is theirs, before a byte of the file is looked at.
pub(super) async fn post(app: State<App>, visitor: Visitor, request: Request) -> Page {
    let (parts, body) = request.into_parts();
    let (posted, file) = file_form::open(&parts, body).await?;
    visitor.expect(&posted, Role::Operator)?;
    let typed = Typed::of(&posted);
    match taken(&app, &visitor, &typed, file).await {
        Ok(path) => Ok(see(&path)),
        Err(problem) => NewPage {
            frame: Frame::new(&visitor, Here::Jobs, "Import scanner results", None),
            typed,
            faults: Faults::of(problem)?,
        }
        .shown(),
    }
}

/// Where the import is shown that came of the file.
async fn taken(
    app: &App,
    visitor: &Visitor,
    typed: &Typed,
    file: Option<PostedFile>,
) -> Result<String, Problem> {
    let wanted = typed.query().parse(&visitor.caller);
    let (wanted, mut file) = match (wanted, file) {
        (Ok(wanted), Some(file)) => (wanted, file),
        (Ok(_), None) => return Err(Problem::field("", "choose the file that the scanner wrote")),
        (Err(problem), file) => {
            if let Some(file) = file {
                file.discard().await;
            }
            return Err(problem);
        }
    };
    let upload = match Upload::begin(app, &visitor.caller, wanted, None) {
        Ok(upload) => upload,
        Err(problem) => {
            file.discard().await;
            return Err(problem);
        }
    };
    while let Some(piece) = file.next().await? {
        if !upload.take(piece).await {
            let ended = upload.end().await;
            file.discard().await;
            return ended.map(|id| format!("/imports/{id}"));
        }
    }
    upload.end().await.map(|id| format!("/imports/{id}"))
}

impl Typed {
    fn of(posted: &Posted) -> Self {
        let text = |name| posted.text(name).trim().to_owned();
        Self {
            company: text("company"),
            format: text("format"),
            hostname: text("hostname"),
            ip: text("ip"),
            external: text("external"),
            dry_run: text("dry_run"),
        }
    }

    /// As the API has it. What belongs to the other format is left where it is.
    fn query(&self) -> ImportQuery {
        let is = |scanner: Scanner| self.format == scanner.as_str();
        let ticked = |text: &str| (!text.is_empty()).then(|| "true".to_owned());
        ImportQuery {
            format: Some(self.format.clone()),
            company: Some(self.company.clone()),
            external: ticked(&self.external).filter(|_| is(Scanner::Nmap)),
            hostname: is(Scanner::Trivy).then(|| self.hostname.clone()),
            ip: is(Scanner::Trivy).then(|| self.ip.clone()),
            dry_run: ticked(&self.dry_run),
        }
    }

    fn is(&self, scanner: &Scanner) -> bool {
        self.format == scanner.as_str()
            // The first one, until one is chosen.
            || (self.format.is_empty() && *scanner == Scanner::Nmap)
    }
}

impl NewPage {
    fn shown(&self) -> Page {
        let status = match self.faults.is_none() {
            true => StatusCode::OK,
            false => self.faults.status(),
        };
        page_with(status, self)
    }

    /// What is wrong with what has no field of its own.
    fn beside(&self) -> Vec<String> {
        let shown = ["?format", "?company", "?hostname", "?ip"];
        let mut shown = shown.to_vec();
        if !self.faults.at("").is_empty() {
            shown.push("");
        }
        self.faults.beside(&shown)
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let hostile = "\"><script>alert(1)</script>";
        let page = |format: &str, faults| Self {
            frame: Frame::sample(Here::Jobs),
            typed: Typed {
                company: hostile.to_owned(),
                format: format.to_owned(),
                hostname: hostile.to_owned(),
                ip: hostile.to_owned(),
                external: "on".to_owned(),
                dry_run: "on".to_owned(),
            },
            faults,
        };
        vec![
            Self {
                frame: Frame::sample(Here::Jobs),
                typed: Typed::default(),
                faults: Faults::none(),
            },
            page("nmap", Faults::field("?company", hostile)),
            page("trivy", Faults::field("?ip", hostile)),
            page(hostile, Faults::field("?format", hostile)),
            page("trivy", Faults::field("", hostile)),
        ]
    }
}
