//! The most that a durable intake on PostgreSQL allows here: four connections, each with one multi-row statement that
//! inserts the messages of a group and their outbox rows, answered after its commit.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::routing::post;
use tokio::sync::{Mutex, mpsc};
use tokio_postgres::{Client, NoTls};

use super::{GROUP, QUEUE, Waiting};

const WRITERS: usize = 4;

const INSERT: &str = "
    WITH stored AS (INSERT INTO message (received_at, raw) SELECT $1, raw FROM unnest($2::bytea[]) AS raw RETURNING id)
    INSERT INTO outbox (message, due_at) SELECT id, $1 FROM stored";

pub async fn run(url: &str) -> Result<()> {
    connect(url)
        .await?
        .batch_execute(
            "CREATE TABLE message (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at BIGINT NOT NULL, raw BYTEA NOT NULL);
             CREATE TABLE outbox (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message BIGINT NOT NULL, due_at BIGINT NOT NULL);",
        )
        .await?;
    let (queue, waiting) = mpsc::channel(QUEUE);
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..WRITERS {
        let (client, waiting) = (connect(url).await?, Arc::clone(&waiting));
        tokio::spawn(async move {
            if let Err(error) = write(&client, &waiting).await {
                eprintln!("bench limit-postgres: {error:#}");
                std::process::exit(1);
            }
        });
    }
    super::serve(
        Router::new()
            .route("/intake", post(super::limit_sqlite::store))
            .with_state(queue),
    )
    .await
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn write(client: &Client, waiting: &Mutex<mpsc::Receiver<Waiting>>) -> Result<()> {
    let insert = client.prepare(INSERT).await?;
    let mut group = Vec::with_capacity(GROUP);
    loop {
        if waiting.lock().await.recv_many(&mut group, GROUP).await == 0 {
            return Ok(());
        }
        let bodies: Vec<&[u8]> = group.iter().map(|(body, _)| &body[..]).collect();
        client
            .execute(&insert, &[&crate::load::wall(), &bodies])
            .await?;
        for (_, done) in group.drain(..) {
            // Whoever hung up does not wait for the answer.
            let _ = done.send(());
        }
    }
}
