//! Where people sign in: who may try a password now, how many are hashed at once, and what a session begins with.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::session::Session;
use domain::sign_in::SignIns;
use domain::user::Password;
use domain::{Secret, Timestamp};
use rand::Rng as _;
use tokio::sync::Semaphore;

use crate::App;
use crate::blocking::blocking;
use crate::hex::hex;
use crate::problem::Problem;
use crate::read::session::digest;

/// The same whatever was wrong: it must not be told who has an account (security.md I13).
const WRONG: &str = "the name or the password is not right";

/// What sign-ins of this node share.
#[derive(Debug)]
pub(crate) struct Door {
    sign_ins: Mutex<SignIns>,
    hashing: Semaphore,
    waiting: Semaphore,
}

impl Door {
    pub(crate) fn new(hashings: usize, waiting: usize) -> Self {
        Self {
            sign_ins: Mutex::default(),
            hashing: Semaphore::new(hashings),
            waiting: Semaphore::new(hashings + waiting),
        }
    }

    /// Runs what hashes away from the runtime's threads, few at once.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::too_many("too many people sign in just now; try again", 1);
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let _turn = self.hashing.acquire().await.map_err(|_| busy())?;
        blocking(work).await
    }

    fn admit(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        self.lock().admit(name, address, now)
    }

    fn succeeded(&self, name: &str, address: IpAddr, now: Timestamp) {
        self.lock().succeeded(name, address, now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SignIns> {
        self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash of a password that somebody chose.
pub(crate) async fn hash(app: &App, password: Password) -> Result<Secret<String>, Problem> {
    let mut salt = [0_u8; 16];
    app.dice().roll(|rng| rng.fill_bytes(&mut salt));
    app.door()
        .hashing(move || receive::hash_password(&password, salt))
        .await
}

/// Whether this is the password of the user of this name; answers the user as they were then.
pub(crate) async fn prove(
    app: &App,
    name: &str,
    password: Secret<String>,
    address: IpAddr,
) -> Result<domain::user::User, Problem> {
    let now = app.clock().now();
    app.door().admit(name, address, now).map_err(|wait| {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let detail = format!("too many tries; the next one counts in {seconds} s");
        Problem::too_many(detail, seconds.max(1))
    })?;
    let configuration = app.store().newest_configuration().await?;
    let user = configuration.user_named(name).filter(|user| user.enabled);
    let hash = user.map(|user| user.password.clone());
    let right = app
        .door()
        .hashing(move || receive::is_password(&password, hash.as_ref()))
        .await?;
    match user {
        Some(user) if right => {
            app.door().succeeded(name, address, app.clock().now());
            Ok((**user).clone())
        }
        _ => {
            metrics::counter!("alertwire_failed_sign_ins_total").increment(1);
            Err(Problem::unauthorized(None, WRONG))
        }
    }
}

/// Signs in: answers the token of a session that is new, whatever the browser brought.
pub(crate) async fn sign_in(
    app: &App,
    name: &str,
    password: Secret<String>,
    address: IpAddr,
) -> Result<Secret<String>, Problem> {
    let user = prove(app, name, password, address).await?;
    let mut token = [0_u8; 32];
    app.dice().roll(|rng| rng.fill_bytes(&mut token));
    let token = Secret::new(hex(&token));
    let now = app.clock().now();
    let session = Session {
        user: user.id,
        digest: digest(token.reveal()),
        made_at: now,
        seen_at: now,
        address,
    };
    let begun = app.store().begin_session(session, &user, app.now()).await?;
    if begun {
        Ok(token)
    } else {
        Err(Problem::unauthorized(None, WRONG))
    }
}
