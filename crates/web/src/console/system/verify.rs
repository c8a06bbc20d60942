use axum::extract::State;

use crate::App;
use crate::api::journal::verify::quietly;
use crate::console::page::see;
use crate::console::{Page, Visitor};
use crate::problem::Problem;
use crate::read::Posted;

/// Begins to prove the journal; the page of the system tells how it goes on, also after a reload.
pub(super) async fn verify(app: State<App>, visitor: Visitor, posted: Posted) -> Page {
    visitor.admin(&posted)?;
    if app.verifications().available_permits() == 0 {
        return Err(Problem::wrong_state(
            "the journal is being verified already; wait for its end",
        ));
    }
    // Before the page is shown again, so that it has something to tell.
    app.verification().begin(app.now());
    let own = app.0.clone();
    tokio::spawn(async move {
        // What it found, or why it was broken off, is kept for whoever looks.
        let _ = quietly(&own).await;
    });
    Ok(see("/system#journal"))
}
