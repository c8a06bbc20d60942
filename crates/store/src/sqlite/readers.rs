//! A few connections that read, each for one caller at a time.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{blocking, open};
use crate::StoreError;

#[derive(Debug)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path, count: NonZeroUsize) -> Result<Self, StoreError> {
        let idle = (0..count.get())
            .map(|_| open::reading(path))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            permits: Arc::new(Semaphore::new(count.get())),
        })
    }

    /// Reads in one transaction, so that all it sees is of one instant.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit =
            permit.map_err(|_| StoreError::Unavailable("the store is closing".to_owned()))?;
        let idle = Arc::clone(&self.idle);
        blocking(move || {
            let conn = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn =
                conn.ok_or_else(|| StoreError::Unavailable("a reader was lost".to_owned()))?;
            let outcome = in_transaction(&conn, work);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(conn);
            drop(permit);
            outcome
        })
        .await
    }
}

fn in_transaction<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    super::run(conn, "BEGIN", [])?;
    let outcome = work(conn);
    super::run(conn, "COMMIT", [])?;
    outcome
}
