//! PostgreSQL's errors in the words of the store.

use std::borrow::Cow;
use std::error::Error as _;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::StoreError;

/// How often a transaction is run again that lost against another one.
pub(crate) const TRIES: u32 = 8;

/// An error, and whether running the transaction again may go better.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    /// It lost against another transaction: a deadlock, a serialisation failure, or a group that another node opened.
    pub(crate) again: bool,
    /// The server itself refused a statement; the connection is sound and other work may go through.
    pub(crate) refused: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            again: false,
            refused: false,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(cause) = error.as_db_error() else {
            return Self::from(of_client(&error));
        };
        let code = cause.code();
        let lost = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(code);
        // Two nodes opened the same group: the loser joins it when it runs again.
        let late = *code == SqlState::UNIQUE_VIOLATION
            && cause.constraint() == Some("delivery_open_group");
        let text = format!("{} ({})", cause.message(), code.code());
        let error = match *code {
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
                StoreError::corrupt("database", "unknown", text)
            }
            _ => StoreError::Unavailable(text),
        };
        Self {
            error,
            again: lost || late,
            refused: !ends_connection(code),
        }
    }
}

/// Shutdown of the server and its like (class 57P), lack of resources (53) and I/O errors (58) hit every write.
fn ends_connection(code: &SqlState) -> bool {
    ["57P", "53", "58", "08"]
        .iter()
        .any(|class| code.code().starts_with(class))
}

/// An error that the server did not send: the connection is lost, or a column has another type than it should.
fn of_client(error: &tokio_postgres::Error) -> StoreError {
    let cause = error
        .source()
        .map_or_else(String::new, |cause| format!(": {cause}"));
    let text = format!("{error}{cause}");
    match error.source().is_some_and(|cause| {
        cause.is::<tokio_postgres::types::WrongType>()
            || cause.is::<tokio_postgres::types::WasNull>()
    }) {
        true => StoreError::corrupt("row", "unknown", text),
        false => StoreError::Unavailable(text),
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Failure::from(error).error
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self {
                refused: false,
                ..Self::from(error)
            },
            // Every connection is at work and stays so: the caller should come again.
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => {
                Self::from(StoreError::Overloaded)
            }
            error => Self::from(StoreError::Unavailable(error.to_string())),
        }
    }
}

/// Text as PostgreSQL can hold it: it alone cannot hold U+0000, which becomes U+FFFD. Raw messages are bytes and stay.
pub(crate) fn sound(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Runs a transaction again, a bounded number of times, when it lost against another one.
macro_rules! retried {
    ($attempt:expr) => {{
        let mut left = $crate::postgres::TRIES;
        loop {
            match $attempt.await {
                Err(failure) if failure.again && left > 1 => left -= 1,
                outcome => {
                    break outcome.map_err(|failure: $crate::postgres::Failure| failure.error);
                }
            }
        }
    }};
}
pub(crate) use retried;
