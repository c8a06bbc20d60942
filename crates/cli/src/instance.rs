//! One running Alertwire: the crates below, put together by the configuration. `serve` runs one of them, `demo` two.

mod disk;
mod first_start;
mod tls;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alertwire_catalogue::Catalogue;
use dispatch::Dispatcher;
use domain::{Clock, Dice};
use egress::Egress;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use receive::Receiver;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::clock;
use crate::commands::kinds;
use crate::config::{Settings, folder};
use crate::exit::{Code, Failure};

pub(crate) use first_start::new_key;
pub(crate) use tls::check as check_tls;

/// What all instances of a process share.
#[derive(Debug, Clone)]
pub(crate) struct Wiring {
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    metrics: PrometheusHandle,
}

impl Wiring {
    /// The real clock, real randomness and the metrics of the process.
    pub(crate) fn real() -> Result<Self, Failure> {
        let metrics = PrometheusBuilder::new()
            .install_recorder()
            .map_err(Failure::software)?;
        Ok(Self {
            clock: clock::real(),
            dice: clock::dice()?,
            metrics,
        })
    }
}

/// A running instance.
pub(crate) struct Instance {
    base: String,
    /// The admin key that the first start made, to be told once; with it the first user is made.
    pub(crate) setup_token: Option<String>,
    /// The key file was made just now.
    pub(crate) fresh_key_file: bool,
    tls: Option<tls::Certificate>,
    store: Store,
    stopping: watch::Sender<bool>,
    server: Option<JoinHandle<io::Result<()>>>,
    dispatcher: Option<Dispatcher>,
    grace: Duration,
}

impl Instance {
    /// Starts everything that the node's roles ask for. When this answers, the server listens.
    pub(crate) async fn start(settings: Settings, wiring: &Wiring) -> Result<Self, Failure> {
        let catalogue = kinds::of_folder(settings.catalogue_folder.as_deref())?;
        let egress = door(&settings)?;
        let tls = settings
            .tls
            .as_ref()
            .map(tls::Certificate::load)
            .transpose()?;
        // A port that is taken is told before anything is made.
        let listener = if settings.roles.web {
            Some(listen(settings.listen).await?)
        } else {
            None
        };
        folder::prepare(&settings.state_folder)?;
        let (key, fresh_key_file) = folder::sealing_key(&settings.key_file)?;
        let store = open_store(&settings, catalogue, key, wiring).await?;
        let setup_token =
            first_start::first_key(&store, settings.setup_key.as_ref(), wiring).await?;
        let (stopping, stopped) = watch::channel(false);
        // One for the intake and for imports, so that a company's quota is one.
        let (clock, dice) = (wiring.clock.clone(), wiring.dice.clone());
        let receiver = Receiver::new(store.clone(), clock, dice, settings.intake.clone());
        let mut instance = Self {
            base: String::new(),
            setup_token,
            fresh_key_file,
            tls,
            store,
            stopping,
            server: None,
            dispatcher: None,
            grace: settings.shutdown_grace,
        };
        if let Some(listener) = listener {
            instance.serve(listener, &settings, &egress, &receiver, wiring, stopped)?;
        }
        if settings.roles.dispatch {
            let dispatching = dispatch::Settings {
                in_flight: settings.egress.connections,
                retention: settings.retention.clone(),
                ..dispatch::Settings::default()
            };
            let (clock, dice) = (wiring.clock.clone(), wiring.dice.clone());
            instance.dispatcher = Some(Dispatcher::start(
                instance.store.clone(),
                receiver,
                egress,
                clock,
                dice,
                dispatching,
            ));
        }
        Ok(instance)
    }

    fn serve(
        &mut self,
        listener: TcpListener,
        settings: &Settings,
        egress: &Egress,
        receiver: &Receiver,
        wiring: &Wiring,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let address = listener
            .local_addr()
            .map_err(|error| cannot_listen(settings.listen, &error))?;
        let web_settings = web_settings(settings, address)?;
        self.base = web_settings.public_url.as_str().to_owned();
        let (clock, dice) = (wiring.clock.clone(), wiring.dice.clone());
        let app = web::App::new(web::Parts {
            store: self.store.clone(),
            egress: egress.clone(),
            receiver: receiver.clone(),
            clock,
            dice,
            settings: web_settings,
            metrics: wiring.metrics.clone(),
            disk: disk::of(settings.state_folder.clone()),
        });
        let tls = self.tls.as_ref().map(tls::Certificate::served);
        self.server = Some(tokio::spawn(web::serve(app, listener, tls, async move {
            // An instance that is gone without a word stops as well.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })));
        Ok(())
    }

    /// Where others reach it.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Where the first user is made with this token.
    pub(crate) fn setup_url(&self, token: &str) -> String {
        format!("{}/setup?token={token}", self.base)
    }

    /// Ends only when the server does; without one, never.
    pub(crate) async fn broken(&mut self) -> Failure {
        match &mut self.server {
            None => std::future::pending().await,
            Some(server) => {
                let ended = server.await;
                self.server = None;
                match ended {
                    Ok(Ok(())) => Failure::software("the HTTP server ended by itself"),
                    Ok(Err(error)) => {
                        Failure::new(Code::Io, format!("the HTTP server broke: {error}"))
                    }
                    Err(error) => Failure::software(format!("the HTTP server broke: {error}")),
                }
            }
        }
    }

    /// Reads the certificate again; a bad one is refused and the old one stays.
    pub(crate) fn reload(&mut self) {
        let Some(tls) = &mut self.tls else {
            return info!("there is nothing to reload: the server has no certificate of its own");
        };
        match tls.reload() {
            Ok(()) => info!("the certificate is reloaded"),
            Err(failure) => warn!("the old certificate stays: {failure}"),
        }
    }

    /// Reads the certificate again when its files have changed.
    pub(crate) fn renew(&mut self) {
        if self.tls.as_ref().is_some_and(tls::Certificate::is_outdated) {
            self.reload();
        }
    }

    /// Takes no more, finishes what is in flight within the grace, leaves the rest in the store, and closes that.
    pub(crate) async fn stop(self) {
        // Nobody listens any more when the server has broken.
        let _ = self.stopping.send(true);
        let serving = async {
            if let Some(server) = self.server
                && tokio::time::timeout(self.grace, server).await.is_err()
            {
                warn!(
                    "requests were still in flight after {}",
                    domain::time::format_duration(self.grace)
                );
            }
        };
        let dispatching = async {
            if let Some(dispatcher) = self.dispatcher {
                dispatcher.stop(self.grace).await;
            }
        };
        tokio::join!(serving, dispatching);
        self.store.close().await;
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// The one door out, as the configuration has it.
pub(crate) fn door(settings: &Settings) -> Result<Egress, Failure> {
    Egress::new(settings.egress.clone())
        .map_err(|error| Failure::config(format!("`egress.ca`: {error}")))
}

/// The store that the configuration names; its folder and its key have to be there.
pub(crate) async fn open_store(
    settings: &Settings,
    catalogue: Arc<Catalogue>,
    key: store::SealingKey,
    wiring: &Wiring,
) -> Result<Store, Failure> {
    let node = folder::node_id(&settings.state_folder, &wiring.clock, &wiring.dice)?;
    let pools = settings.pools;
    let opening = store::Settings {
        readers: pools.readers,
        writers: pools.writers,
        queue: pools.queue,
        commit_batch: pools.commit_batch,
        catalogue,
        ..store::Settings::new(settings.database.clone(), node, key, clock::random()?)
    };
    Store::open(opening, wiring.clock.now(), clock::random()?)
        .await
        .map_err(|error| unopened(settings, &error))
}

fn unopened(settings: &Settings, error: &StoreError) -> Failure {
    let message = format!("cannot open {:?}: {error}", settings.database);
    match error {
        StoreError::WrongKey => Failure::config(message).help(format!(
            "the key file in use is {}; name the right one with --key-file",
            settings.key_file.display()
        )),
        StoreError::NewerSchema { .. }
        | StoreError::AlteredSchema { .. }
        | StoreError::BadDatabase(_) => Failure::config(message),
        StoreError::Unavailable(_) | StoreError::Overloaded => Failure::unavailable(message)
            .help("is the database there, is the disk full, and may this user write to it?"),
        _ => Failure::software(message),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = |code| Failure::new(code, format!("cannot listen on {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure(Code::Unavailable)
            .help("another program uses this port (another Alertwire?); stop it, or take another with --listen 127.0.0.1:8081"),
        io::ErrorKind::PermissionDenied => failure(Code::Permission)
            .help("ports under 1024 need a right; take a higher one with --listen, or give the right with CAP_NET_BIND_SERVICE"),
        io::ErrorKind::AddrNotAvailable => failure(Code::Config).help("this machine has no such address; see `ip address`"),
        _ => failure(Code::Unavailable),
    }
}

fn web_settings(settings: &Settings, address: SocketAddr) -> Result<web::Settings, Failure> {
    let mut web_settings = web::Settings::new(address);
    if let Some(url) = &settings.public_url {
        web_settings.public_url = web::PublicUrl::parse(url.as_str()).map_err(Failure::config)?;
    } else if settings.tls.is_some() {
        let secure = web_settings
            .public_url
            .as_str()
            .replacen("http:", "https:", 1);
        web_settings.public_url = web::PublicUrl::parse(&secure).map_err(Failure::config)?;
    }
    web_settings.trusted_proxies = settings.trusted_proxies.clone();
    web_settings.egress_addresses = settings.egress_addresses.clone();
    web_settings.intake_bytes = settings.limits.intake;
    web_settings.events_bytes = settings.limits.events;
    web_settings.head_bytes = settings.limits.head;
    web_settings.header_timeout = settings.limits.head_timeout;
    web_settings.body_timeout = settings.limits.body_timeout;
    web_settings.body_rate = settings.limits.body_rate;
    web_settings.connections = settings.limits.connections;
    web_settings.connections_per_address = settings.limits.connections_per_address;
    web_settings.drain = settings.shutdown_grace;
    Ok(web_settings)
}
