//! How well the newest events are read by the catalogue as it is.

use std::sync::Arc;

use alertwire_catalogue::Catalogue;
use domain::event::{Event, Match};
use domain::message::Decode;

use super::{is_unread, permit, walk};
use crate::App;
use crate::api::what_if::last_days;
use crate::problem::Problem;
use crate::read::Caller;

/// Events that are looked at.
pub(crate) const COVERED: u64 = 1_000;
/// How far back they are looked for.
const DAYS: u16 = 30;

/// The newest events by how much of them is read; together they are those that were looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) full: u64,
    pub(crate) partial: u64,
    pub(crate) none: u64,
    /// No JSON that could be made sense of: nothing that a template could mend.
    pub(crate) quarantined: u64,
}

impl Coverage {
    pub(crate) fn events(self) -> u64 {
        self.full + self.partial + self.none + self.quarantined
    }
}

pub(crate) async fn coverage(app: &App, caller: &Caller) -> Result<Coverage, Problem> {
    let _permit = permit(app)?;
    let counting = Counting {
        catalogue: Arc::clone(caller.configuration.catalogue()),
        coverage: Coverage::default(),
    };
    let over = last_days(DAYS, app.now());
    let (counting, _) = walk(app, caller.scope(), over, counting, Counting::see).await?;
    Ok(counting.coverage)
}

struct Counting {
    catalogue: Arc<Catalogue>,
    coverage: Coverage,
}

impl Counting {
    /// What was read in full when it came counts as that, whatever taught since reads it as.
    fn see(&mut self, event: &Event) -> bool {
        let coverage = &mut self.coverage;
        let place = if event.reading.decode == Decode::Failed {
            &mut coverage.quarantined
        } else if !is_unread(event, &self.catalogue) {
            &mut coverage.full
        } else if event.reading.matched == Match::Partial {
            &mut coverage.partial
        } else {
            &mut coverage.none
        };
        *place += 1;
        coverage.events() < COVERED
    }
}
