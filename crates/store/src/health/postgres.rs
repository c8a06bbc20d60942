//! Health on PostgreSQL.

use domain::Timestamp;

use super::Health;
use crate::StoreError;
use crate::postgres::{Postgres, one, run};

const OLDEST: &str = "SELECT min(d.due_at) FROM owner o CROSS JOIN unnest(ARRAY[0, 1, 2]::smallint[]) AS l (lane) \
     CROSS JOIN LATERAL (SELECT due_at FROM delivery WHERE integration = o.integration AND lane = l.lane \
     AND status = 'pending' ORDER BY due_at LIMIT 1) d WHERE o.enabled AND NOT o.held";
const PENDING: &str =
    "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE status = 'pending' LIMIT $1) AS counted";
const WRITE: &str = "INSERT INTO kept VALUES ('written', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

pub(super) async fn health(db: &Postgres, now: Timestamp) -> Health {
    let writable = write(db, now).await.map_err(|error| error.to_string());
    match read(db).await {
        Ok((oldest, pending)) => Health {
            writable,
            oldest_due: oldest.map(Timestamp::from_micros),
            pending: pending.unsigned_abs(),
        },
        Err(error) => Health {
            writable: Err(error.to_string()),
            oldest_due: None,
            pending: 0,
        },
    }
}

async fn write(db: &Postgres, now: Timestamp) -> Result<(), StoreError> {
    run(&db.client().await?, WRITE, &[&now.to_string()]).await?;
    Ok(())
}

async fn read(db: &Postgres) -> Result<(Option<i64>, i64), StoreError> {
    let client = db.client().await?;
    let oldest: Option<Option<i64>> = one(&client, OLDEST, &[], |row| row.try_get(0)).await?;
    let pending = one(&client, PENDING, &[&Health::COUNTED.cast_signed()], |row| {
        row.try_get(0)
    })
    .await?;
    Ok((oldest.flatten(), pending.unwrap_or(0)))
}
