//! What a stream of the server tells, an item a line, until it was enough or somebody presses Ctrl-C.

use super::{Session, text};
use crate::api::Api;
use crate::exit::Failure;

/// Follows a stream for so many items. Of each the texts at these JSON pointers are printed, as far as it has them.
pub(super) async fn follow(
    api: &Api,
    path: &str,
    count: u64,
    pointers: &[&str],
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let mut items = api.events(path).await?;
    for _ in 0..count {
        let next = tokio::select! {
            next = items.next() => next?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let Some(item) = next else {
            return Err(Failure::unavailable("the server ended the stream"));
        };
        if session.out.json {
            session.out.value(&item)?;
        } else {
            let words = pointers.iter().map(|pointer| text(&item, pointer));
            let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
            session.out.line(words.join("  "))?;
        }
        session.out.flush()?;
    }
    Ok(())
}
