//! `alertwire healthcheck`: 0 when the server is ready, 69 when it is not; for containers, which have no `curl`.

use http::Method;

use super::Session;
use crate::arguments::ServerFlags;
use crate::exit::{Code, Ending};
use crate::output::talk;

pub(super) async fn run(server: &ServerFlags, session: &mut Session<'_>) -> Ending {
    let answer = session
        .api(server)?
        .exchange(Method::GET, "readyz", None, &[])
        .await?;
    if session.out.json {
        session.out.value(&answer.body)?;
    }
    if answer.status.is_success() {
        return Ok(Code::Ok);
    }
    talk(format!("not ready: {} {}", answer.status, answer.body));
    Ok(Code::Unavailable)
}
