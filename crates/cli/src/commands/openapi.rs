//! `alertwire openapi`: the description of the HTTP API, as the server serves it.

use super::Session;
use crate::exit::{Code, Ending};

pub(super) fn run(session: &mut Session<'_>) -> Ending {
    session.out.value(&web::openapi())?;
    Ok(Code::Ok)
}
