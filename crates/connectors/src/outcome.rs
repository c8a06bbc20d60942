//! What an exchange means, in the words of `delivery`.

use delivery::{Cause, HoldReason, Outcome, retry_after};
use domain::Timestamp;
use egress::{Exchange, Failure};
use http::header::{LOCATION, RETRY_AFTER};

use crate::webhook::LoginFault;

/// Most characters of a redirect's target that are kept.
const LOCATION_CHARS: usize = 512;

/// 2xx alone is success. `mask` takes our secrets out of what the target says.
pub(crate) fn of_exchange(
    exchange: &Exchange,
    now: Timestamp,
    mask: impl Fn(String) -> String,
) -> Outcome {
    let status_code = exchange.status.as_u16();
    if exchange.status.is_success() {
        return Outcome::Delivered { status_code };
    }
    let header = |name| {
        exchange
            .headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let cause = if exchange.status.is_redirection() {
        Cause::Redirect {
            location: mask(header(LOCATION).unwrap_or_default())
                .chars()
                .take(LOCATION_CHARS)
                .collect(),
        }
    } else {
        Cause::Status(status_code)
    };
    Outcome::Failed {
        cause,
        retry_after: header(RETRY_AFTER).and_then(|value| retry_after::parse(&value, now)),
    }
}

/// No answer. A refused address spends no attempt: nothing that the receiver does would change it.
pub(crate) fn of_failure(failure: &Failure) -> Outcome {
    match cause(failure.cause, &failure.detail) {
        Cause::Blocked => Outcome::Held(HoldReason::BlockedAddress),
        cause => Outcome::Failed {
            cause,
            retry_after: None,
        },
    }
}

pub(crate) fn cause(cause: egress::Cause, detail: &str) -> Cause {
    match cause {
        egress::Cause::Dns => Cause::Dns,
        egress::Cause::Blocked => Cause::Blocked,
        egress::Cause::Connect => Cause::Connect,
        egress::Cause::Tls => Cause::Tls(detail.to_owned()),
        egress::Cause::ClientCertificate => Cause::ClientCertificate(detail.to_owned()),
        egress::Cause::Timeout => Cause::Timeout,
        egress::Cause::Reset => Cause::Reset,
        egress::Cause::Protocol => Cause::Protocol,
        egress::Cause::TooLarge => Cause::ResponseTooLarge,
    }
}

/// A step of a connection that was not good: what a delivery would have come to.
pub(crate) fn of_step(cause: Cause, is_login: bool) -> Outcome {
    match cause {
        Cause::Blocked => Outcome::Held(HoldReason::BlockedAddress),
        _ if is_login => Outcome::Held(HoldReason::Login),
        cause => Outcome::Failed {
            cause,
            retry_after: None,
        },
    }
}

/// A login that gave no token.
pub(crate) fn of_login(fault: &LoginFault) -> Outcome {
    of_step(fault.cause.clone(), true)
}
