//! Who is signed in: sessions, known by the hash of their token.

mod postgres;
mod sqlite;

use std::collections::HashMap;

use domain::session::Session;
use domain::user::User;
use domain::{Timestamp, UserId};

use crate::codec::{fixed, hex, of_json};
use crate::configuration::UserDocument;
use crate::{Backend, Store, StoreError};

pub(crate) use postgres::end_all as end_all_postgres;
pub(crate) use sqlite::end_all as end_all_sqlite;

/// A row as both databases give it.
#[derive(Debug)]
struct SessionRow {
    digest: Vec<u8>,
    account: Vec<u8>,
    made_at: i64,
    seen_at: i64,
    address: String,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let address = row.address.parse().map_err(|error| {
            // The digest is no secret that opens anything, but its beginning is enough to find the row.
            StoreError::corrupt(
                "session",
                hex(&row.digest[..row.digest.len().min(4)]),
                error,
            )
        })?;
        Ok(Self {
            user: UserId::from_bytes(fixed("session", &row.account, &row.account)?),
            digest: fixed("session", &row.account, &row.digest)?,
            made_at: Timestamp::from_micros(row.made_at),
            seen_at: Timestamp::from_micros(row.seen_at),
            address,
        })
    }
}

/// Whether the stored user still is the one whose password was found good.
fn is_same(user: &User, document: Option<String>) -> Result<bool, StoreError> {
    let Some(document) = document else {
        return Ok(false);
    };
    let id = user.id.to_bytes();
    let stored = of_json::<UserDocument>("user", &id, &document)?.read(id);
    Ok(stored.enabled && stored == *user)
}

impl Store {
    /// Begins a session of the user as they were when their password was found good; false when they were changed or
    /// removed since, for then nothing says that it still is. Of very many sessions the one that was used longest ago ends.
    pub async fn begin_session(
        &self,
        session: Session,
        user: &User,
        signed_in_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let user = user.clone();
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::begin(db, session, user, signed_in_at).await,
            Backend::Postgres(db) => postgres::begin(db, session, user, signed_in_at).await,
        }
    }

    /// The session of a token's hash, whether or not it still holds.
    pub async fn session(&self, digest: [u8; 32]) -> Result<Option<Session>, StoreError> {
        let row = match &self.0.backend {
            Backend::Sqlite(db) => sqlite::find(db, digest).await?,
            Backend::Postgres(db) => postgres::find(db, digest).await?,
        };
        row.map(Session::try_from).transpose()
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, digest: [u8; 32], at: Timestamp) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::touch(db, digest, at).await,
            Backend::Postgres(db) => postgres::touch(db, digest, at).await,
        }
    }

    /// Ends a session; one that is not there has ended.
    pub async fn end_session(&self, digest: [u8; 32]) -> Result<(), StoreError> {
        match &self.0.backend {
            Backend::Sqlite(db) => sqlite::end(db, digest).await,
            Backend::Postgres(db) => postgres::end(db, digest).await,
        }
    }

    /// When each user last signed in.
    pub async fn sign_ins(&self) -> Result<HashMap<UserId, Timestamp>, StoreError> {
        let uses = self.key_uses().await?;
        Ok(uses
            .into_iter()
            .map(|(id, at)| (UserId::from_bytes(id.to_bytes()), at))
            .collect())
    }
}
