//! Records as the command line gives them.

use alertwire_catalogue::{Catalogue, Record, RenderError, Value};

use crate::arguments::EventFields;
use crate::exit::{Code, Failure};

/// The records of `field=value …` or of `--records`.
pub(super) fn records(event: &EventFields) -> Result<Vec<Record>, Failure> {
    if let Some(json) = &event.records {
        return serde_json::from_str(json).map_err(|error| {
            Failure::usage(format!(
                "--records is not a JSON array of objects of fields: {error}"
            ))
            .help(r#"write it as '[{"ip": "10.0.0.5", "port": 443}]'"#)
        });
    }
    let mut record = Record::new();
    for (name, value) in &event.fields {
        if record
            .insert(name.clone(), Value::from(value.as_str()))
            .is_some()
        {
            return Err(Failure::usage(format!("the field `{name}` is given twice"))
                .help("several records go in --records"));
        }
    }
    Ok(vec![record])
}

/// A kind by its code.
pub(super) fn check_code(catalogue: &Catalogue, code: &str) -> Result<(), Failure> {
    match catalogue.kind(code) {
        Some(_) => Ok(()),
        None => Err(refused(RenderError::UnknownKind {
            code: code.to_owned(),
            nearest: catalogue.nearest(code).map(str::to_owned),
        })),
    }
}

/// Why an event cannot be rendered: a name that is not there is a usage error, a value that does not fit is bad data.
pub(super) fn refused(error: RenderError) -> Failure {
    let code = match error {
        RenderError::UnknownKind { .. }
        | RenderError::UnknownField { .. }
        | RenderError::MissingField { .. } => Code::Usage,
        RenderError::BadValue { .. }
        | RenderError::TooManyRecords { .. }
        | RenderError::NotOneHeading { .. } => Code::Data,
    };
    let failure = Failure::new(code, &error);
    match error {
        RenderError::UnknownKind { .. } => failure.help("`alertwire catalog list` shows all codes"),
        _ => failure,
    }
}
