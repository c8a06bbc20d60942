//! Which header a person may set, and what may stand in it (security.md S11).

/// Most bytes of a header's name.
const LONGEST_NAME: usize = 128;
/// Most bytes of a header's value.
pub(crate) const LONGEST_VALUE: usize = 4 * 1_024;

/// Headers that frame the message, speak to the hops between, or are ours to say.
const REFUSED: [&str; 16] = [
    "host",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "cookie",
    "http2-settings",
    "traceparent",
    "tracestate",
    "user-agent",
    "accept-encoding",
    "range",
    "set-cookie",
];
/// The same for families; the last three unlock metadata services.
const REFUSED_FAMILIES: [&str; 7] = [
    "content-",
    "proxy-",
    "webhook-",
    "alertwire-",
    "metadata",
    "x-aws-ec2-",
    "x-google-metadata",
];

/// What is wrong with a header's name; none when it is good.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    if name.len() > LONGEST_NAME {
        return Some(format!("has more than {LONGEST_NAME} characters"));
    }
    if name.is_empty() || !name.bytes().all(is_token) {
        return Some("is a header name: letters, digits and !#$%&'*+-.^_`|~, no spaces".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    if REFUSED.contains(&lower.as_str())
        || REFUSED_FAMILIES
            .iter()
            .any(|family| lower.starts_with(family))
    {
        return Some(format!(
            "cannot be `{name}`; that header is set by Alertwire or by the connection itself"
        ));
    }
    None
}

/// What is wrong with a header's value; none when it is good.
pub(crate) fn value_fault(value: &str) -> Option<String> {
    if value.len() > LONGEST_VALUE {
        return Some(format!("has more than {LONGEST_VALUE} bytes"));
    }
    // Spaces inside are as common as `Bearer abc`; at the ends they would be lost on the way.
    let visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if value.is_empty() || !visible || value.starts_with(' ') || value.ends_with(' ') {
        return Some("is visible ASCII without spaces at its ends".to_owned());
    }
    None
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_person_may_set_pass() {
        for name in [
            "Authorization",
            "X-API-Key",
            "x_auth.token",
            "apikey",
            "X-Forwarded-Client",
            "!#$%&'*+-.^_`|~",
        ] {
            assert_eq!(name_fault(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_frame_or_are_ours_are_refused() {
        for name in [
            "Host",
            "HOST",
            "Content-Length",
            "content-type",
            "Content-Encoding",
            "Transfer-Encoding",
            "Connection",
            "TE",
            "Upgrade",
            "Expect",
            "Cookie",
            "Proxy-Authorization",
            "Proxy-Connection",
            "webhook-id",
            "Webhook-Signature",
            "traceparent",
            "Metadata-Flavor",
            "Metadata",
            "X-aws-ec2-metadata-token",
            "X-Google-Metadata-Request",
            "alertwire-via",
            "Trailer",
            "Keep-Alive",
            "User-Agent",
            "",
            " ",
            "X Key",
            "X-Key:",
            "X-Key\r\nHost",
            "X-Key\n",
            "\u{e9}",
            "X-Key\0",
            "(x)",
            "a\tb",
        ] {
            assert!(name_fault(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn values_are_visible_ascii() {
        for value in ["k", "Bearer abc.def", "a,b;c=\"d\"", "{token}"] {
            assert_eq!(value_fault(value), None, "{value}");
        }
        for value in [
            "",
            " a",
            "a ",
            "a\r\nHost: evil",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\tb",
            "\u{e9}",
            "a\u{7f}",
            "a\u{2028}",
        ] {
            assert!(value_fault(value).is_some(), "{value:?}");
        }
        assert!(value_fault(&"a".repeat(LONGEST_VALUE)).is_none());
        assert!(value_fault(&"a".repeat(LONGEST_VALUE + 1)).is_some());
    }
}
