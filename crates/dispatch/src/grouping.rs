//! Sealing of joined alerts: the first claim of a group closes it, renders its events as one, and freezes the bytes.

use domain::alert::Alert;
use domain::{DeliveryId, configuration::Configuration};
use store::{FrozenAlert, Lease, StoreError};

use crate::Shared;

/// Closes and seals groups whose window is over; one that was cancelled in between is not among them. None when the lease was
/// lost meanwhile.
pub(crate) async fn seal(
    shared: &Shared,
    configuration: &Configuration,
    lease: &Lease,
    ids: &[DeliveryId],
) -> Result<Option<Vec<(DeliveryId, FrozenAlert)>>, StoreError> {
    let closed = shared.store.close_groups(lease, ids).await?;
    let sealed: Vec<_> = closed
        .iter()
        .filter_map(|(id, events)| {
            let alert = Alert::of_events(events, configuration)?;
            Some((*id, alert))
        })
        .collect();
    let written = shared.store.seal(lease, sealed.clone()).await?;
    Ok(written.map(|written| {
        let sealed = sealed.into_iter();
        sealed.filter(|(id, _)| written.contains(id)).collect()
    }))
}
