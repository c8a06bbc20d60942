//! `alertwire render CODE field=value …`: prints the payload that would be sent.

use alertwire_catalogue::{Kind, Record};
use serde_json::json;

use super::{Session, fields, kinds};
use crate::arguments::RenderArguments;
use crate::exit::{Code, Ending, Failure};
use crate::output::talk;

/// The field that a wording names the company in.
const COMPANY: &str = "company";

pub(super) fn run(arguments: RenderArguments, session: &mut Session<'_>) -> Ending {
    let catalogue = kinds::configured(&session.layers(arguments.catalogue.flags())?)?;
    fields::check_code(&catalogue, &arguments.event.code)?;
    let mut records = fields::records(&arguments.event)?;
    if let (Some(company), Some(kind)) = (&arguments.company, catalogue.kind(&arguments.event.code))
    {
        name_company(company, kind, &mut records)?;
    }
    let rendered = catalogue
        .render(&arguments.event.code, &records)
        .map_err(fields::refused)?;
    if rendered.fields_header.is_some() {
        talk(
            "note: a value was altered in the text, for it would not have come back; the truth travels in the alertwire-fields header",
        );
    }
    session
        .out
        .value(&json!({"subject": rendered.subject, "body": rendered.body}))?;
    Ok(Code::Ok)
}

fn name_company(company: &str, kind: &Kind, records: &mut [Record]) -> Result<(), Failure> {
    if !kind.has_field(COMPANY) {
        talk(format!(
            "note: the wording of {} names no company; it travels in the alertwire-company header",
            kind.code
        ));
        return Ok(());
    }
    for record in records {
        match record.text(COMPANY) {
            Some(other) if other != company => {
                return Err(Failure::usage(format!(
                    "the field `company` says `{other}`, and --company `{company}`"
                )));
            }
            _ => drop(record.insert(COMPANY, company)),
        }
    }
    Ok(())
}
