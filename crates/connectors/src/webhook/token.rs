//! The token of one integration: cached until shortly before it ends, asked for by one login at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delivery::Cause;
use delivery::login::{Login, LoginStep};
use domain::{Clock, Secret, Timestamp};
use egress::Failure;
use http::{HeaderName, HeaderValue};
use tokio::sync::Notify;

use super::login::Granted;
use crate::outcome;

/// A token as it is sent.
pub(crate) struct Token {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    secret: Secret<String>,
    /// As the server said.
    lifetime: Option<Duration>,
}

impl Token {
    pub(crate) fn new(name: HeaderName, value: HeaderValue, granted: Granted) -> Self {
        Self {
            name,
            value,
            secret: granted.token,
            lifetime: granted.lifetime,
        }
    }

    pub(crate) fn secret(&self) -> &Secret<String> {
        &self.secret
    }
}

/// How far a login came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Login,
    Token,
}

/// A login that gave no token.
#[derive(Debug, Clone)]
pub(crate) struct LoginFault {
    pub(crate) stage: Stage,
    /// Why no answer came, or that it was not good.
    pub(crate) cause: Cause,
    /// A plain sentence without anything of the answer.
    pub(crate) detail: String,
}

impl LoginFault {
    pub(crate) fn of_login(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            stage: Stage::Login,
            cause: Cause::Login(detail.clone()),
            detail,
        }
    }

    /// The deadline came first.
    pub(crate) fn unfinished() -> Self {
        Self::of_login("the login did not end within the time of the attempt")
    }

    pub(crate) fn of_token(detail: impl Into<String>) -> Self {
        Self {
            stage: Stage::Token,
            ..Self::of_login(detail)
        }
    }

    pub(crate) fn of_failure(failure: &Failure) -> Self {
        Self {
            cause: outcome::cause(failure.cause, &failure.detail),
            ..Self::of_login(format!("the login failed: {}", failure.detail))
        }
    }
}

/// The cache, and who may log in. When to do what is `delivery::login`'s to say.
#[derive(Default)]
pub(crate) struct Tokens {
    state: Mutex<State>,
    /// Rung at the end of each login.
    ended: Notify,
}

#[derive(Default)]
struct State {
    login: Login,
    token: Option<Arc<Token>>,
    /// What the last login failed by.
    fault: Option<LoginFault>,
}

impl Tokens {
    /// The cached token, or the one that `log_in` gives. While one login is under way all others wait for it, and share its
    /// failure too: a hundred waiting alerts do not knock a hundred times.
    pub(crate) async fn get<F: Future<Output = Result<Token, LoginFault>>>(
        &self,
        clock: &Clock,
        log_in: impl FnOnce() -> F,
    ) -> Result<Arc<Token>, LoginFault> {
        loop {
            // Enrolled before the look, so that an end between the two is not missed.
            let ended = self.ended.notified();
            match self.next(clock) {
                Next::Token(token) => return Ok(token),
                Next::Failing(fault) => return Err(fault),
                Next::Join => ended.await,
                Next::LogIn => break,
            }
        }
        let turn = Turn {
            tokens: self,
            clock,
            ended: false,
        };
        let answer = log_in().await;
        turn.end(answer)
    }

    fn next(&self, clock: &Clock) -> Next {
        let mut state = self.state();
        match (state.login.next(clock.now()), &state.token) {
            (LoginStep::UseToken, Some(token)) => Next::Token(Arc::clone(token)),
            (LoginStep::Join, _) => Next::Join,
            (LoginStep::Hold { .. }, _) => {
                Next::Failing(state.fault.clone().unwrap_or_else(LoginFault::unfinished))
            }
            (LoginStep::LogIn | LoginStep::UseToken, _) => Next::LogIn,
        }
    }

    /// Forgets a token that was refused, unless another has come since.
    pub(crate) fn discard(&self, refused: &Arc<Token>) {
        let mut state = self.state();
        if state
            .token
            .as_ref()
            .is_some_and(|token| Arc::ptr_eq(token, refused))
        {
            state.login.refused();
        }
    }

    /// Forgets what is known, so that the next login is tried at once; one that is under way is waited for.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        if !matches!(state.login, Login::UnderWay { .. }) {
            *state = State::default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next {
    Token(Arc<Token>),
    LogIn,
    Join,
    Failing(LoginFault),
}

/// The login under way. When its future is dropped by a deadline it has failed, so that nobody waits for it for ever.
struct Turn<'a> {
    tokens: &'a Tokens,
    clock: &'a Clock,
    ended: bool,
}

impl Turn<'_> {
    fn end(mut self, answer: Result<Token, LoginFault>) -> Result<Arc<Token>, LoginFault> {
        self.ended = true;
        let now = self.clock.now();
        let mut state = self.tokens.state();
        let answer = answer.map(Arc::new);
        match &answer {
            Ok(token) => {
                state.login.succeeded(now, token.lifetime);
                state.token = Some(Arc::clone(token));
                state.fault = None;
            }
            Err(fault) => state.fail(fault.clone(), now),
        }
        drop(state);
        self.tokens.ended.notify_waiters();
        answer
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tokens
                .state()
                .fail(LoginFault::unfinished(), self.clock.now());
            self.tokens.ended.notify_waiters();
        }
    }
}

impl State {
    fn fail(&mut self, fault: LoginFault, now: Timestamp) {
        self.login.failed(now);
        self.token = None;
        self.fault = Some(fault);
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}
