//! `alertwire serve`.

use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::Session;
use crate::arguments::SettingFlags;
use crate::config::{Settings, folder};
use crate::exit::{Code, Ending, Failure};
use crate::instance::{Instance, Wiring};
use crate::log;

/// How often the files of the certificate are looked at.
const RENEWAL: Duration = Duration::from_secs(10);

pub(super) fn run(flags: SettingFlags, session: &mut Session<'_>) -> Ending {
    let layers = session.layers(flags.flags())?;
    let settings = Settings::read(&layers)?;
    let wiring = Wiring::real()?;
    log::start(&settings.log, &wiring.clock);
    for variable in &layers.ignored {
        warn!("{variable} is no setting and is ignored");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::software)?;
    let ended = runtime.block_on(serve(settings, &wiring, session));
    // What the grace was too short for must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended
}

async fn serve(settings: Settings, wiring: &Wiring, session: &mut Session<'_>) -> Ending {
    let mut signals = Signals::new()?;
    let mut instance = Instance::start(settings.clone(), wiring).await?;
    warn_of_open_files(&settings);
    announce(&settings, &mut instance, session)?;
    let mut renewal = tokio::time::interval(RENEWAL);
    let broken = loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break None,
                Asked::Reload => instance.reload(),
            },
            _ = renewal.tick() => instance.renew(),
            failure = instance.broken() => break Some(failure),
        }
    };
    info!(
        "stopping; what is in flight may take {}",
        domain::time::format_duration(settings.shutdown_grace)
    );
    tokio::select! {
        () = instance.stop() => info!("stopped"),
        () = signals.stop() => warn!("stopped at once; what was in flight will be made again"),
    }
    broken.map_or(Ok(Code::Ok), Err)
}

/// Tells where the server is, and at the first start what has to be known; on stdout, for whoever starts it reads that.
fn announce(
    settings: &Settings,
    instance: &mut Instance,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let token = instance.setup_token.take();
    let out = &mut session.out;
    if out.json {
        let setup_url = token.as_deref().map(|token| instance.setup_url(token));
        out.value(&json!({"url": instance.base(), "setup_url": setup_url, "setup_token": token, "state_dir": settings.state_folder, "key_file": settings.key_file}))?;
        return Ok(out.flush()?);
    }
    if instance.base().is_empty() {
        out.line(format!(
            "Alertwire {} delivers (no HTTP server: its only role is dispatch)",
            env!("CARGO_PKG_VERSION")
        ))?;
    } else {
        out.line(format!(
            "Alertwire {} listens on {}",
            env!("CARGO_PKG_VERSION"),
            instance.base()
        ))?;
    }
    if let Some(token) = token {
        if !instance.base().is_empty() {
            out.line(format!("set up: {}", instance.setup_url(&token)))?;
            out.line("  Open it in a browser to make the first user; that ends the token.")?;
        }
        out.line(format!("set-up token: {token}"))?;
        out.line("  Until then it is an admin API key as well, shown this once: ALERTWIRE_API_KEY for the command line, `Authorization: Bearer …` for the API.")?;
    }
    if instance.fresh_key_file {
        out.line(format!("state folder: {}", settings.state_folder.display()))?;
        out.line(format!("key file: {}", settings.key_file.display()))?;
        out.line("  Back up the key file: without it stored secrets are lost.")?;
    }
    Ok(out.flush()?)
}

fn warn_of_open_files(settings: &Settings) {
    for path in [&settings.state_folder, &settings.key_file] {
        if folder::is_open_to_others(path).unwrap_or(false) {
            warn!(
                "others on this machine can reach {}; `chmod go= {}` shuts them out",
                path.display(),
                path.display()
            );
        }
    }
    for entry in &settings.egress.allow {
        info!("deliveries may reach {entry}, by `egress.allow`");
    }
}

/// What a signal asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals that a service is steered by.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::software(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            reload: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.reload.recv() => Asked::Reload,
        }
    }

    /// SIGTERM or SIGINT.
    async fn stop(&mut self) {
        while self.next().await == Asked::Reload {}
    }
}
