//! The way out: look up, judge every address, connect to a judged one, speak TLS. All sockets come this way.
//!
//! There is no check apart from the connection: the addresses that were judged are the ones that are connected to, so a name
//! that changes its mind between the two gains nothing.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tracing::{info, warn};
use url::Host;

use crate::address::{Standing, classify};
use crate::allow::{AllowEntry, permits};
use crate::failure::{Cause, Failure, Fault, Step, Timings};
use crate::identity::Identity;
use crate::resolve::Resolve;
use crate::stream::{Socket, Stream};
use crate::target::borrowed;
use crate::tls;

/// Addresses of one name that are judged; a name with more is refused, for we could not say that all are good.
const ADDRESSES: usize = 64;
/// Addresses of one name that are tried, one after the other.
const TRIES: usize = 4;
/// Allowed places whose first use was logged; beyond it each use is.
const NOTED: usize = 1_024;

pub(crate) struct Dialler {
    pub(crate) allow: Vec<AllowEntry>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) step_timeout: Duration,
    pub(crate) tls: TlsConnector,
    noted: Mutex<HashSet<SocketAddr>>,
}

/// Where to, as `dial` needs it.
pub(crate) struct Place<'a> {
    pub(crate) host: &'a Host<String>,
    pub(crate) port: u16,
    /// Plain HTTP, which only the allow list permits, even to public addresses.
    pub(crate) plain_http: bool,
    pub(crate) server_name: Option<&'a ServerName<'static>>,
    /// In the place of the door's own TLS side.
    pub(crate) identity: Option<&'a Identity>,
}

/// What has been done so far; outlives a future that a deadline cut off.
pub(crate) struct Trace<'a> {
    begun: Instant,
    pub(crate) timings: Timings,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) steps: Vec<Step>,
    /// Hears of each step as it ends.
    told: Option<&'a mut (dyn FnMut(&Step) + Send)>,
    /// What is being done now, for the sentence of a time-out.
    pub(crate) doing: &'static str,
}

impl<'a> Trace<'a> {
    pub(crate) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            timings: Timings::default(),
            peer: None,
            steps: Vec::new(),
            told: None,
            doing: "waiting for a free connection",
        }
    }

    pub(crate) fn telling(told: &'a mut (dyn FnMut(&Step) + Send)) -> Self {
        Self {
            told: Some(told),
            ..Self::begin()
        }
    }

    pub(crate) fn note(&mut self, step: Step) {
        if let Some(told) = &mut self.told {
            told(&step);
        }
        self.steps.push(step);
    }

    pub(crate) fn deadline(&self, timeout: Duration) -> Instant {
        self.begun + timeout
    }

    pub(crate) fn finish(&mut self) -> Timings {
        self.timings.total = self.begun.elapsed();
        self.timings
    }

    pub(crate) fn fail(mut self, fault: Fault) -> Failure {
        let timings = Box::new(self.finish());
        Failure {
            cause: fault.cause,
            detail: fault.detail,
            peer: self.peer,
            timings,
        }
    }
}

impl Dialler {
    pub(crate) fn new(
        allow: Vec<AllowEntry>,
        resolver: Arc<dyn Resolve>,
        step_timeout: Duration,
        tls: TlsConnector,
    ) -> Self {
        for entry in &allow {
            info!("egress: {entry} may be reached although it is not public");
        }
        Self {
            allow,
            resolver,
            step_timeout,
            tls,
            noted: Mutex::default(),
        }
    }

    /// A connection to the place, every step of it traced.
    pub(crate) async fn dial(
        &self,
        place: &Place<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Stream, Fault> {
        let addresses = self.locate(place, trace).await?;
        let (socket, peer) = self
            .step(trace, "tcp", "connecting", self.connect(&addresses))
            .await?;
        trace.peer = Some(peer);
        trace.timings.connect = last_duration(trace);
        let socket = match place.server_name {
            None => Socket::Plain(socket),
            Some(name) => {
                let socket = self
                    .step(
                        trace,
                        "tls",
                        "agreeing on TLS",
                        self.secure(name, place.identity, socket),
                    )
                    .await?;
                trace.timings.tls = last_duration(trace);
                Socket::Tls(Box::new(socket))
            }
        };
        Ok(Stream {
            socket,
            peer,
            turn: None,
        })
    }

    /// The judged addresses of the place, in the order in which to try them; never none.
    pub(crate) async fn locate(
        &self,
        place: &Place<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Vec<SocketAddr>, Fault> {
        let found = self
            .step(
                trace,
                "dns",
                "looking the name up",
                self.look_up(place.host),
            )
            .await?;
        trace.timings.dns = last_duration(trace);
        self.step(trace, "policy", "judging the addresses", async {
            self.judge(place, &found)
        })
        .await
    }

    async fn look_up(&self, host: &Host<String>) -> Result<Done<Vec<IpAddr>>, Fault> {
        let name = match host {
            Host::Ipv4(address) => {
                return Done::with(vec![IpAddr::V4(*address)], "an address, nothing to look up");
            }
            Host::Ipv6(address) => {
                return Done::with(vec![IpAddr::V6(*address)], "an address, nothing to look up");
            }
            Host::Domain(name) => name,
        };
        let found = self.resolver.resolve(name).await;
        let found =
            found.map_err(|_| Fault::new(Cause::Dns, "the host name was not found (DNS)"))?;
        if found.is_empty() {
            return Err(Fault::new(Cause::Dns, "the host name has no address (DNS)"));
        }
        // The addresses themselves are not told: they could be those of an inner network.
        let detail = if found.len() == 1 {
            "1 address".to_owned()
        } else {
            format!("{} addresses", found.len())
        };
        Done::with(found, detail)
    }

    /// Refuses the name when any of its addresses is not good.
    fn judge(&self, place: &Place<'_>, found: &[IpAddr]) -> Result<Done<Vec<SocketAddr>>, Fault> {
        if found.len() > ADDRESSES {
            return Err(Fault::blocked());
        }
        let mut by_list = false;
        for address in found {
            match self.judge_one(place, *address) {
                Ok(listed) => by_list |= listed,
                Err(why) => {
                    warn!(
                        "egress: refused {address} ({why}) for {}:{}",
                        place.host, place.port
                    );
                    return Err(Fault::blocked());
                }
            }
        }
        let addresses = in_order(found, place.port);
        if by_list {
            self.note(place, &addresses);
        }
        Done::with(
            addresses,
            if by_list {
                "allowed by the operator's list"
            } else {
                "public"
            },
        )
    }

    /// Whether the address may be reached; true when only the list says so.
    fn judge_one(&self, place: &Place<'_>, address: IpAddr) -> Result<bool, &'static str> {
        let listed = || permits(&self.allow, borrowed(place.host), address, place.port);
        match classify(address) {
            Standing::Metadata => Err("cloud metadata"),
            Standing::Public if !place.plain_http => Ok(false),
            Standing::Public | Standing::NotPublic(_) if listed() => Ok(true),
            Standing::Public => Err("plain http, not in the allow list"),
            Standing::NotPublic(why) => Err(why),
        }
    }

    /// Says in the log, once for each, that something was reached by the list alone.
    fn note(&self, place: &Place<'_>, addresses: &[SocketAddr]) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for address in addresses {
            if !noted.contains(address) {
                info!(
                    "egress: reaching {}:{} at {address}, allowed by the operator's list",
                    place.host, place.port
                );
                if noted.len() < NOTED {
                    noted.insert(*address);
                }
            }
        }
    }

    async fn connect(
        &self,
        addresses: &[SocketAddr],
    ) -> Result<Done<(TcpStream, SocketAddr)>, Fault> {
        let tries = addresses.len().min(TRIES);
        let share = self.step_timeout / u32::try_from(tries.max(1)).unwrap_or(1);
        let mut last = Fault::new(Cause::Connect, "the host name has no address (DNS)");
        for address in &addresses[..tries] {
            match tokio::time::timeout(share, connect_to(*address)).await {
                Ok(Ok(socket)) => {
                    return Done::with((socket, *address), format!("connected to {address}"));
                }
                Ok(Err(fault)) => last = fault,
                Err(_) => {
                    last = Fault::new(Cause::Connect, "no answer to the attempt to connect (TCP)")
                }
            }
        }
        Err(last)
    }

    async fn secure(
        &self,
        name: &ServerName<'static>,
        identity: Option<&Identity>,
        socket: TcpStream,
    ) -> Result<Done<tokio_rustls::client::TlsStream<TcpStream>>, Fault> {
        let tls = identity.map_or(&self.tls, Identity::tls);
        let stream = tls.connect(name.clone(), socket).await;
        let stream = stream.map_err(|error| tls::fault(&error))?;
        let version = match stream.get_ref().1.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS 1.3",
        };
        Done::with(stream, format!("{version}, certificate good"))
    }

    /// Runs one step under its time limit and writes it down.
    async fn step<T>(
        &self,
        trace: &mut Trace<'_>,
        name: &'static str,
        doing: &'static str,
        work: impl Future<Output = Result<Done<T>, Fault>>,
    ) -> Result<T, Fault> {
        trace.doing = doing;
        let begun = Instant::now();
        let outcome = tokio::time::timeout(self.step_timeout, work)
            .await
            .unwrap_or_else(|_| {
                let cause = match name {
                    "dns" => Cause::Dns,
                    "tcp" => Cause::Connect,
                    _ => Cause::Timeout,
                };
                Err(Fault::new(
                    cause,
                    format!("not done within {:?} ({doing})", self.step_timeout),
                ))
            });
        let millis = begun.elapsed().as_secs_f64() * 1_000.0;
        match outcome {
            Ok(done) => {
                trace.note(Step {
                    name,
                    ok: true,
                    detail: done.detail,
                    millis,
                    cause: None,
                });
                Ok(done.value)
            }
            Err(fault) => {
                trace.note(Step {
                    name,
                    ok: false,
                    detail: fault.detail.clone(),
                    millis,
                    cause: Some(fault.cause),
                });
                Err(fault)
            }
        }
    }
}

/// What a step gave, and the words for it.
struct Done<T> {
    value: T,
    detail: String,
}

impl<T> Done<T> {
    fn with(value: T, detail: impl Into<String>) -> Result<Self, Fault> {
        Ok(Self {
            value,
            detail: detail.into(),
        })
    }
}

fn last_duration(trace: &Trace<'_>) -> Option<Duration> {
    trace
        .steps
        .last()
        .map(|step| Duration::from_secs_f64(step.millis / 1_000.0))
}

/// The two families in turn, so that a broken one costs one try; wrapped IPv4 is unwrapped, for that is what would be reached.
fn in_order(found: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let canonical = found
        .iter()
        .map(|address| SocketAddr::new(address.to_canonical(), port));
    let (mut first, mut second): (Vec<_>, Vec<_>) = canonical.partition(SocketAddr::is_ipv4);
    if found.first().is_some_and(IpAddr::is_ipv6) {
        std::mem::swap(&mut first, &mut second);
    }
    let mut order = Vec::with_capacity(found.len());
    for turn in 0..first.len().max(second.len()) {
        order.extend(first.get(turn));
        order.extend(second.get(turn));
    }
    order
}

async fn connect_to(address: SocketAddr) -> Result<TcpStream, Fault> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where outgoing sockets are opened, to a judged address"
    )]
    let socket = TcpStream::connect(address).await;
    let socket = socket.map_err(|error| Fault::new(Cause::Connect, explain_connect(&error)))?;
    expect_peer(socket.peer_addr().ok(), address)?;
    // Alerts are small and each is awaited; a failure costs latency alone.
    let _ = socket.set_nodelay(true);
    Ok(socket)
}

/// A peer other than the judged one would mean that somebody rewrites our connections.
fn expect_peer(peer: Option<SocketAddr>, judged: SocketAddr) -> Result<(), Fault> {
    if peer == Some(judged) {
        Ok(())
    } else {
        Err(Fault::blocked())
    }
}

fn explain_connect(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "the connection was refused (TCP)",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "there is no way to the host (TCP)"
        }
        io::ErrorKind::TimedOut => "no answer to the attempt to connect (TCP)",
        _ => "no connection (TCP)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_was_not_judged_is_refused() {
        let judged: SocketAddr = "93.184.216.34:443".parse().unwrap();
        assert!(expect_peer(Some(judged), judged).is_ok());
        for peer in [
            "127.0.0.1:443",
            "93.184.216.34:80",
            "[::ffff:93.184.216.34]:443",
        ] {
            assert_eq!(
                expect_peer(peer.parse().ok(), judged).unwrap_err().cause,
                Cause::Blocked,
                "{peer}"
            );
        }
        assert!(expect_peer(None, judged).is_err());
    }

    #[test]
    fn the_families_take_turns_and_wrapped_addresses_are_unwrapped() {
        let found: Vec<IpAddr> = ["2a00::1", "2a00::2", "1.1.1.1", "::ffff:8.8.8.8"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let order: Vec<_> = in_order(&found, 443)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            order,
            [
                "[2a00::1]:443",
                "1.1.1.1:443",
                "[2a00::2]:443",
                "8.8.8.8:443"
            ]
        );
    }
}
