//! A connection that listens, and connects again when it is lost.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use domain::NodeId;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client};
use tracing::{info, warn};

use super::connect::{Stream, Target};
use super::news::{CHANNEL, News, Work};
use crate::notices::Notices;
use crate::{Notice, StoreError};

/// The first wait before connecting again; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The task that listens.
#[derive(Debug)]
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    /// Answers when the first connection listens.
    pub(super) async fn start(
        target: Target,
        node: NodeId,
        notices: Arc<Notices>,
    ) -> Result<Self, StoreError> {
        let listening = listen(&target).await?;
        Ok(Self(tokio::spawn(hear(target, node, notices, listening))))
    }

    pub(super) fn stop(&self) {
        self.0.abort();
    }
}

/// A connection that listens. The client is kept, for without it the connection ends.
struct Listening {
    _client: Client,
    connection: tokio_postgres::Connection<tokio_postgres::Socket, Stream>,
    /// What was heard while `LISTEN` ran.
    heard: Vec<String>,
    epoch: u64,
}

/// Hears until the task is stopped.
async fn hear(target: Target, node: NodeId, notices: Arc<Notices>, mut listening: Listening) {
    loop {
        listening
            .heard
            .drain(..)
            .for_each(|text| tell(&text, node, &notices));
        notices.moved(listening.epoch);
        while let Some(message) =
            poll_fn(|context| listening.connection.poll_message(context)).await
        {
            match message {
                Ok(AsyncMessage::Notification(notification)) => {
                    tell(notification.payload(), node, &notices)
                }
                Ok(_) => {}
                Err(error) => {
                    warn!(%error, "the listening connection was lost: {error}");
                    break;
                }
            }
        }
        listening = listen_again(&target).await;
        // What was sent in the meantime is lost, so everyone looks for himself.
        notices.missed();
    }
}

/// Tries until it listens again.
async fn listen_again(target: &Target) -> Listening {
    let mut wait = FIRST_WAIT;
    loop {
        tokio::time::sleep(wait).await;
        match listen(target).await {
            Ok(listening) => {
                info!("the listening connection is back");
                return listening;
            }
            Err(error) => warn!(%error, "the database cannot be listened to yet: {error}"),
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Connects and listens; the connection is driven here while the two statements run.
async fn listen(target: &Target) -> Result<Listening, StoreError> {
    let (client, mut connection) = target.connect().await?;
    let mut heard = Vec::new();
    let epoch = {
        let begin = async {
            client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
            client
                .query_one("SELECT number FROM epoch", &[])
                .await?
                .try_get::<_, i64>(0)
        };
        tokio::pin!(begin);
        loop {
            tokio::select! {
                epoch = &mut begin => break epoch?,
                message = poll_fn(|context| connection.poll_message(context)) => match message {
                    Some(Ok(AsyncMessage::Notification(notification))) => heard.push(notification.payload().to_owned()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(StoreError::Unavailable("the listening connection was closed".to_owned())),
                },
            }
        }
    };
    Ok(Listening {
        _client: client,
        connection,
        heard,
        epoch: epoch.cast_unsigned(),
    })
}

/// Passes on what another node told; what this node did it knows already.
fn tell(text: &str, node: NodeId, notices: &Notices) {
    let Some(news) = News::read(text).filter(|news| news.node != node) else {
        return;
    };
    match news.work {
        Work::Everywhere => notices.bell().ring_all(),
        Work::At(integrations) => notices.bell().ring(integrations),
    }
    if news.events {
        notices.tell(Notice::Events);
    }
    if news.recalls {
        notices.recall();
    }
    if news.jobs {
        notices.ring_jobs();
    }
    if let Some(epoch) = news.epoch {
        notices.moved(epoch);
    }
}
