//! What credentials may be, and how a broken rule is named.

use connectors::{change, parse};
use egress::{Egress, Settings};
use serde_json::{Value, json};

use crate::support::{OLD_SECRET, SECRET, object};

fn closed() -> Egress {
    Egress::new(Settings::default()).unwrap()
}

/// The pointers of what is wrong with these credentials, and the texts.
fn faults(credentials: Value) -> Vec<(String, String)> {
    match parse("webhook", &object(credentials), &closed()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .into_iter()
            .map(|error| (error.pointer, error.detail))
            .collect(),
    }
}

fn pointers(credentials: Value) -> Vec<String> {
    faults(credentials)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect()
}

const URL: &str = "https://psa.example/hook";
const LOGIN: &str = "https://login.example/token";

#[test]
fn good_credentials_are_parted_into_fields_and_secrets() {
    let parsed = parse(
        "webhook",
        &object(json!({
            "webhook_url": " https://psa.example/hook\n", "authentication_url": LOGIN, "username": "u", "password": "pass word",
            "header_key": "X-API-Key", "header_value": "k", "signing_secret": SECRET, "signing_secret_previous": OLD_SECRET,
            "login": {"method": "form", "username_field": "user", "token_pointer": "/data/jwt", "expires_unit": "minutes"},
        })),
        &closed(),
    )
    .unwrap();
    let fields: Vec<_> = parsed.fields.keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "webhook_url",
            "authentication_url",
            "username",
            "header_key",
            "login"
        ]
    );
    assert_eq!(parsed.fields["webhook_url"], URL);
    let secrets: Vec<_> = parsed.secrets.keys().map(String::as_str).collect();
    assert_eq!(
        secrets,
        [
            "header_value",
            "password",
            "signing_secret",
            "signing_secret_previous"
        ]
    );
    assert_eq!(parsed.secrets["password"].reveal(), "pass word");
}

#[test]
fn empty_and_null_are_as_if_not_there() {
    let credentials = json!({"webhook_url": URL, "authentication_url": "", "username": null, "password": "", "header_key": ""});
    assert_eq!(faults(credentials), []);
}

#[test]
fn each_broken_rule_has_its_pointer() {
    let account = |more: Value| {
        let mut whole = object(json!({"webhook_url": URL, "username": "u", "password": "p"}));
        whole.extend(object(more));
        Value::Object(whole)
    };
    for (credentials, expected) in [
        (json!({}), "/credentials/webhook_url"),
        (json!({"webhook_url": ""}), "/credentials/webhook_url"),
        (json!({"webhook_url": 7}), "/credentials/webhook_url"),
        (
            json!({"webhook_url": "http://psa.example/"}),
            "/credentials/webhook_url",
        ),
        (
            json!({"webhook_url": "https://u:p@psa.example/"}),
            "/credentials/webhook_url",
        ),
        (
            json!({"webhook_url": "https://psa.example/#x"}),
            "/credentials/webhook_url",
        ),
        (
            json!({"webhook_url": "https://"}),
            "/credentials/webhook_url",
        ),
        (
            json!({"webhook_url": "ftp://psa.example/"}),
            "/credentials/webhook_url",
        ),
        (
            json!({"webhook_url": "https://psa.example:6379/"}),
            "/credentials/webhook_url",
        ),
        (
            account(json!({"authentication_url": "http://login.example"})),
            "/credentials/authentication_url",
        ),
        (
            account(json!({"authentication_url": "https://169.254.169.254/"})),
            "/credentials/authentication_url",
        ),
        (
            json!({"webhook_url": URL, "authentication_url": LOGIN}),
            "/credentials/username",
        ),
        (
            json!({"webhook_url": URL, "username": "u"}),
            "/credentials/password",
        ),
        (
            json!({"webhook_url": URL, "password": "p"}),
            "/credentials/username",
        ),
        (
            json!({"webhook_url": URL, "header_key": "X-Key"}),
            "/credentials/header_value",
        ),
        (
            json!({"webhook_url": URL, "header_value": "v"}),
            "/credentials/header_key",
        ),
        (
            json!({"webhook_url": URL, "header_key": "Host", "header_value": "v"}),
            "/credentials/header_key",
        ),
        (
            json!({"webhook_url": URL, "header_key": "X Key", "header_value": "v"}),
            "/credentials/header_key",
        ),
        (
            json!({"webhook_url": URL, "header_key": "X-Key", "header_value": "v\r\nHost: evil"}),
            "/credentials/header_value",
        ),
        (
            json!({"webhook_url": URL, "header_key": "X-Key", "header_value": "{token}"}),
            "/credentials/header_value",
        ),
        (
            account(json!({"header_key": "authorization", "header_value": "k"})),
            "/credentials/header_key",
        ),
        (
            account(
                json!({"authentication_url": LOGIN, "header_key": "Authorization", "header_value": "k"}),
            ),
            "/credentials/header_key",
        ),
        (
            json!({"webhook_url": URL, "username": "a:b", "password": "p"}),
            "/credentials/username",
        ),
        (
            json!({"webhook_url": URL, "username": "a\nb", "password": "p"}),
            "/credentials/username",
        ),
        (
            json!({"webhook_url": URL, "signing_secret": "short"}),
            "/credentials/signing_secret",
        ),
        (
            json!({"webhook_url": URL, "login": "form"}),
            "/credentials/login",
        ),
        (
            account(json!({"authentication_url": LOGIN, "login": 7})),
            "/credentials/login",
        ),
        (
            account(json!({"authentication_url": LOGIN, "login": {"method": "jsn"}})),
            "/credentials/login/method",
        ),
        (
            account(json!({"authentication_url": LOGIN, "login": {"token_pointer": "a.b"}})),
            "/credentials/login/token_pointer",
        ),
        (
            account(json!({"authentication_url": LOGIN, "login": {"token_header": "a b"}})),
            "/credentials/login/token_header",
        ),
        (
            account(json!({"authentication_url": LOGIN, "login": {"expires_unit": "days"}})),
            "/credentials/login/expires_unit",
        ),
        (
            json!({"webhook_url": URL, "header_key": "X-Key", "header_value": "a".repeat(5_000)}),
            "/credentials/header_value",
        ),
    ] {
        assert!(
            pointers(credentials.clone()).contains(&expected.to_owned()),
            "{credentials}: {:?}",
            faults(credentials.clone())
        );
    }
}

#[test]
fn all_broken_rules_are_told_at_once() {
    let credentials = json!({"webhook_url": "http://a.example", "header_key": "Host", "header_value": "a\n", "signing_secret": "x"});
    let expected = [
        "webhook_url",
        "signing_secret",
        "header_key",
        "header_value",
    ]
    .map(|field| format!("/credentials/{field}"));
    assert_eq!(pointers(credentials), expected);
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_name() {
    let credentials = json!({"webhook_url": URL, "webhok_url": "x"});
    assert_eq!(
        faults(credentials),
        [(
            "/credentials/webhok_url".to_owned(),
            "is not a field; did you mean `webhook_url`?".to_owned()
        )]
    );
    let credentials = json!({"webhook_url": URL, "zebra/~": "x"});
    let (pointer, detail) = faults(credentials).remove(0);
    assert_eq!(pointer, "/credentials/zebra~1~0");
    assert!(detail.contains("the fields are webhook_url, "), "{detail}");
    let error = parse("webhok", &object(json!({})), &closed())
        .unwrap_err()
        .remove(0);
    assert_eq!(
        (error.pointer.as_str(), error.detail.as_str()),
        (
            "/connector",
            "`webhok` is no connector; did you mean `webhook`?"
        )
    );
}

#[test]
fn a_refused_address_says_only_that() {
    for url in [
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://169.254.169.254/",
    ] {
        let expected = (
            "/credentials/webhook_url".to_owned(),
            "blocked by egress policy".to_owned(),
        );
        assert_eq!(faults(json!({"webhook_url": url})), [expected], "{url}");
    }
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let first = parse(
        "webhook",
        &object(
            json!({"webhook_url": URL, "username": "u", "password": "p", "signing_secret": SECRET}),
        ),
        &closed(),
    );
    let first = first.unwrap();
    let patch = object(json!({"webhook_url": "https://psa.example/other?x=1", "username": "v"}));
    let second = change("webhook", &first.fields, &first.secrets, &patch, &closed()).unwrap();
    assert_eq!(second.fields["username"], "v");
    assert_eq!(second.secrets, first.secrets);
    let patch = object(json!({"username": null, "password": null}));
    let third = change(
        "webhook",
        &second.fields,
        &second.secrets,
        &patch,
        &closed(),
    )
    .unwrap();
    assert_eq!(third.secrets.keys().collect::<Vec<_>>(), ["signing_secret"]);
}

#[test]
fn another_host_gets_no_secret_that_was_typed_for_the_old_one() {
    let first = parse(
        "webhook",
        &object(json!({"webhook_url": URL, "header_key": "X-Key", "header_value": "secret", "signing_secret": SECRET})),
        &closed(),
    )
    .unwrap();
    for url in ["https://psb.example/hook", "https://psa.example:8443/hook"] {
        let patch = object(json!({"webhook_url": url}));
        let errors =
            change("webhook", &first.fields, &first.secrets, &patch, &closed()).unwrap_err();
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/credentials/header_value", "/credentials/signing_secret"],
            "{url}"
        );
        let patch =
            object(json!({"webhook_url": url, "header_value": "new", "signing_secret": null}));
        let second = change("webhook", &first.fields, &first.secrets, &patch, &closed()).unwrap();
        assert_eq!(second.secrets["header_value"].reveal(), "new");
        assert!(!second.secrets.contains_key("signing_secret"));
    }
}
