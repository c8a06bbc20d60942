//! The server shell: a listener, connections with their limits, and an orderly end.

mod body;
mod connection;
mod guests;
mod tls;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::{App, router};
use guests::Guests;

pub(crate) use body::TooSlow;
pub use tls::{Tls, TlsError};

/// How often the figures are folded together; samples that nobody scrapes would pile up else.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long accepting pauses when the system has no more sockets to give.
const NO_SOCKETS: Duration = Duration::from_millis(20);

/// Serves until `shutdown` comes: then no connection is taken any more, those that are open finish what they are at, and
/// whoever is not done by then is cut off.
pub async fn serve(
    app: App,
    listener: TcpListener,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, tls = tls.is_some(), "listening on {address}");
    let guests = Arc::new(Guests::new(app.settings()));
    let router = router(app.clone());
    let mut connections = JoinSet::new();
    let mut upkeep = interval(UPKEEP);
    upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = upkeep.tick() => {
                app.metrics().run_upkeep();
                continue;
            }
            () = &mut shutdown => break,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let Some(guest) = guests.admit(peer.ip().to_canonical()) else {
                    continue;
                };
                prepare(&stream);
                connections.spawn(connection::run(
                    app.clone(),
                    router.clone(),
                    stream,
                    peer,
                    tls.clone(),
                    guest,
                ));
            }
            // The system is out of sockets: whoever has waited longest makes room.
            Err(error) if !is_of_one_connection(&error) => {
                tracing::warn!(%error, "no connection can be accepted just now");
                guests.make_room();
                sleep(NO_SOCKETS).await;
            }
            Err(_) => {}
        }
    }
    drop(listener);
    app.closing().cancel();
    guests.see_off();
    let drained = timeout(app.settings().drain, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
    if drained.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections that did not finish in time are cut off"
        );
        connections.shutdown().await;
    }
    Ok(())
}

fn prepare(stream: &TcpStream) {
    // A small answer must not wait for an acknowledgement; where this cannot be set, it only takes longer.
    let _ = stream.set_nodelay(true);
}

/// The peer gave up before it was taken; the next one knows nothing of it.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
