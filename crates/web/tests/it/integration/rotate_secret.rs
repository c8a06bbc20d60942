//! One signing secret follows another over the API.

use std::time::Duration;

use connectors::signature::{Signer, header};
use domain::access::{Role, Scope};
use http::Method;
use serde_json::{Value, json};
use testkit::{Received, Target};

use crate::support::{Server, id};

const FIRST: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SECOND: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn signing(server: &Server, target: &Target) -> String {
    let credentials = json!({"webhook_url": target.url("/hook"), "signing_secret": FIRST});
    let form = json!({"connector": "webhook", "name": "Hook", "credentials": credentials});
    let made = server.made("/api/v1/integrations", form).await;
    format!("/api/v1/integrations/{made}")
}

/// Whether the request is signed by these, in this order, and by nobody else.
fn is_signed(request: &Received, secrets: &[&str]) -> bool {
    let signers: Vec<_> = secrets
        .iter()
        .map(|secret| Signer::parse(secret).unwrap())
        .collect();
    let id = request.header("webhook-id").unwrap();
    let timestamp = request
        .header("webhook-timestamp")
        .unwrap()
        .parse()
        .unwrap();
    let expected = header(&signers, id, timestamp, &request.body);
    request.header("webhook-signature") == Some(expected.as_str())
}

async fn check(server: &Server, path: &str, target: &Target) -> Received {
    server
        .call_as(&server.admin, Method::POST, &format!("{path}/check"), None)
        .await
        .expect(200);
    target.received().pop().unwrap()
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_the_former_signs_until_the_overlap_ends() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = signing(&server, &target).await;
    let rotate = format!("{path}/signing-secret");
    let made = server
        .post(&rotate, json!({"overlap": "1h"}))
        .await
        .expect(201)
        .json();
    let secret = made["signing_secret"].as_str().unwrap();
    assert!(Signer::parse(secret).is_ok() && secret != FIRST);
    let until = server.clock.now().after(Duration::from_secs(3_600));
    assert_eq!(made["signing_secret_previous_until"], until.to_string());
    let view = server.get(&path).await.json();
    assert_eq!(view["status"], "authenticated", "{view}");
    assert_eq!(target.received().len(), 1, "nothing was sent for it");
    assert_eq!(
        view["credentials"]["signing_secret_previous_until"],
        until.to_string()
    );
    assert_eq!(view["credentials"]["signing_secret_previous"]["set"], true);
    for place in [path.as_str(), "/api/v1/audit"] {
        let text = server.get(place).await.text();
        assert!(!text.contains(secret) && !text.contains(FIRST), "{place}");
    }
    assert!(is_signed(
        &check(&server, &path, &target).await,
        &[secret, FIRST]
    ));
    server.clock.set(until);
    assert!(is_signed(&check(&server, &path, &target).await, &[secret]));
    // The next change drops what signs no longer.
    let patch = json!({"credentials": {"header_key": "X-Key", "header_value": "v"}});
    let view = server.patch(&path, patch).await.expect(200).json();
    assert_eq!(view["credentials"].get("signing_secret_previous"), None);
    assert_eq!(
        view["credentials"].get("signing_secret_previous_until"),
        None
    );
    assert!(is_signed(target.received().last().unwrap(), &[secret]));
}

#[tokio::test]
async fn the_overlap_can_be_ended_and_be_left_out() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = signing(&server, &target).await;
    let (rotate, end) = (
        format!("{path}/signing-secret"),
        format!("{path}/signing-secret/previous"),
    );
    let given = server
        .post(&rotate, json!({"signing_secret": SECOND}))
        .await
        .expect(201)
        .json();
    assert_eq!(
        given.get("signing_secret"),
        None,
        "what was given is not repeated"
    );
    assert!(given["signing_secret_previous_until"].is_string());
    assert!(is_signed(
        &check(&server, &path, &target).await,
        &[SECOND, FIRST]
    ));
    let delete = async || {
        server
            .call_as(&server.admin, Method::DELETE, &end, None)
            .await
    };
    delete().await.expect(204);
    assert!(is_signed(&check(&server, &path, &target).await, &[SECOND]));
    delete().await.problem(404);
    let made = server
        .post(&rotate, json!({"overlap": "0s"}))
        .await
        .expect(201)
        .json();
    assert_eq!(made["signing_secret_previous_until"], Value::Null);
    let secret = made["signing_secret"].as_str().unwrap();
    assert!(is_signed(&check(&server, &path, &target).await, &[secret]));
}

#[tokio::test]
async fn a_secret_that_is_set_by_a_change_takes_the_place_at_once() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = signing(&server, &target).await;
    let patch = json!({"credentials": {"signing_secret": SECOND}});
    server.patch(&path, patch).await.expect(200);
    assert!(is_signed(target.received().last().unwrap(), &[SECOND]));
}

#[tokio::test]
async fn a_bad_rotation_is_named_and_others_may_not() {
    let (server, target) = (Server::start().await, Target::start().await);
    let path = signing(&server, &target).await;
    let rotate = format!("{path}/signing-secret");
    for (form, pointer, words) in [
        (json!({"overlap": "31d"}), "/overlap", "30d"),
        (json!({"overlap": "soon"}), "/overlap", "duration"),
        (
            json!({"signing_secret": "short"}),
            "/signing_secret",
            "whsec_",
        ),
        (
            json!({"signing_secret": FIRST}),
            "/signing_secret",
            "signs already",
        ),
        (
            json!({"overlp": "1h"}),
            "/overlp",
            "did you mean `overlap`?",
        ),
    ] {
        server.post(&rotate, form).await.field(pointer, words);
    }
    let operator = server.key(Role::Operator, Scope::All).await;
    let empty = json!({});
    server
        .call_as(&operator, Method::POST, &rotate, Some(&empty))
        .await
        .problem(403);
    let nobody = path.replace(char::is_numeric, "0");
    server
        .post(&format!("{nobody}/signing-secret"), json!({}))
        .await
        .problem(404);
    assert_eq!(
        id(&server.get(&path).await.json()).len(),
        path.len() - "/api/v1/integrations/".len()
    );
}
