//! Transactions and the three ways of running a statement.

use std::ops::Deref;

use deadpool_postgres::{Client, Object};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Failure;

/// An open transaction. Dropped without an end (its caller went away in the middle), it takes its connection
/// out of the pool with it, so that nobody goes on inside it.
#[derive(Debug)]
pub(crate) struct Work(Option<Client>);

/// Why a transaction always has its connection.
const OPEN: &str = "the connection is taken only by what ends the transaction";

impl Work {
    pub(super) async fn begin(client: Client, begin: &str) -> Result<Self, Failure> {
        let work = Self(Some(client));
        work.batch_execute(begin).await?;
        Ok(work)
    }

    /// A transaction that its user begins himself, together with its first statements.
    pub(crate) fn open(client: Client) -> Self {
        Self(Some(client))
    }

    /// Its user has ended it, together with its last statements.
    pub(crate) fn committed(mut self) {
        drop(self.0.take());
    }

    pub(crate) async fn commit(mut self) -> Result<(), Failure> {
        self.batch_execute("COMMIT").await?;
        // It has ended, so the connection goes back to the pool.
        drop(self.0.take());
        Ok(())
    }

    /// Commits what was written, or leaves no trace of it and says why.
    pub(crate) async fn end<T>(self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        match outcome {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(failure) => {
                self.undo().await?;
                Err(failure)
            }
        }
    }

    /// Ends the transaction without a trace and keeps the connection.
    pub(crate) async fn undo(mut self) -> Result<(), Failure> {
        self.batch_execute("ROLLBACK").await?;
        drop(self.0.take());
        Ok(())
    }
}

impl Deref for Work {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.0.as_ref().expect(OPEN)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A row or none, by a statement that is prepared once for each connection.
pub(crate) async fn one<T>(
    client: &Client,
    sql: &str,
    params: Params<'_>,
    read: impl FnOnce(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Option<T>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    let row = client.query_opt(&statement, params).await?;
    Ok(row.as_ref().map(read).transpose()?)
}

/// All rows, by a statement that is prepared once for each connection. The statement bounds how many.
pub(crate) async fn all<T>(
    client: &Client,
    sql: &str,
    params: Params<'_>,
    read: impl FnMut(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Vec<T>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, params).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Runs a statement that is prepared once for each connection; answers how many rows it changed.
pub(crate) async fn run(client: &Client, sql: &str, params: Params<'_>) -> Result<u64, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, params).await?)
}
