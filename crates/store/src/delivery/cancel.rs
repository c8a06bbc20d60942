//! Deliveries that a person wants no more: they end as dead, and an attempt that is in flight still says how it ended.

use delivery::{DeadReason, Status};
use domain::access::{Actor, Scope};
use domain::{DeliveryId, Timestamp};
use serde_json::json;

use super::row::read_status;
use super::{postgres, sqlite};
use crate::audit::NewAudit;
use crate::{Backend, Store, StoreError};

/// What became of one that was to be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// It will not be sent any more.
    Done,
    /// It had been cancelled before.
    Before,
    /// It had been delivered, or was dead for another reason.
    Ended,
    /// There is none in the caller's scope.
    NotFound,
}

/// A delivery as both databases find it before it is cancelled.
#[derive(Debug)]
pub(super) struct CancelRow {
    pub(super) status: String,
    pub(super) reason: Option<String>,
}

impl CancelRow {
    pub(super) fn cancel(&self, id: DeliveryId) -> Result<Cancel, StoreError> {
        let was_cancelled = self.reason.as_deref() == Some(DeadReason::Cancelled.as_str());
        Ok(match read_status(&id.to_bytes(), &self.status)? {
            Status::Pending => Cancel::Done,
            Status::Dead if was_cancelled => Cancel::Before,
            Status::Dead | Status::Delivered => Cancel::Ended,
        })
    }
}

/// The line that tells who cancelled it.
pub(super) fn line(id: DeliveryId, now: Timestamp, actor: &Actor) -> NewAudit {
    NewAudit::new(now, actor, "cancel", "delivery", id.to_string(), &json!({}))
}

impl Store {
    /// How often deliveries were cancelled, as far as this node knows. Who holds pending ones in memory and sees it move asks
    /// [`Self::still_pending`] before it sends any of them.
    #[must_use]
    pub fn recalls(&self) -> u64 {
        match &self.0.backend {
            Backend::Sqlite(db) => db.notices.recalls(),
            Backend::Postgres(db) => db.notices.recalls(),
        }
    }

    /// Most deliveries that are cancelled at once.
    pub const CANCELLED_AT_ONCE: usize = 1_000;

    /// Cancels those that have not ended, all at once, and says for each what came of it, in their order. Once it has answered,
    /// no attempt of them begins at this node, and none at another that has heard of it. Of more than
    /// [`Self::CANCELLED_AT_ONCE`] the others are left as they are and have no answer.
    pub async fn cancel(
        &self,
        scope: &Scope,
        ids: &[DeliveryId],
        now: Timestamp,
        actor: &Actor,
    ) -> Result<Vec<Cancel>, StoreError> {
        let ids = &ids[..ids.len().min(Self::CANCELLED_AT_ONCE)];
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::cancel(db, scope, ids, now, actor).await,
            Backend::Postgres(db) => postgres::cancel(db, scope, ids, now, actor).await,
        }
    }
}
