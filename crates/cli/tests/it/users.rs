//! People who sign in: from the first start's URL to the console, and past it on the command line.

use serde_json::Value;

use crate::server::Answer;
use crate::support::{Ended, Place, Server, alertwire, run_with};

const PASSWORD: &str = "correct horse battery";

async fn page(server: &Server, path: &str, cookie: &str) -> Answer {
    let headers = [("cookie", cookie)];
    let answer = server.api().send("GET", path, Vec::new(), &headers).await;
    answer.expect("the server answers")
}

async fn posted(server: &Server, path: &str, form: String) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    let answer = server
        .api()
        .send("POST", path, form.into_bytes(), &headers)
        .await;
    answer.expect("the server answers")
}

async fn signed_in(server: &Server, name: &str) -> Answer {
    let form = format!("name={name}&password={}", PASSWORD.replace(' ', "+"));
    posted(server, "sign-in", form).await
}

fn cookie(answer: &Answer) -> String {
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_start_s_url_makes_the_first_user_once() {
    let place = Place::new();
    let mut command = place.serve();
    command.env_remove("ALERTWIRE_SETUP__API_KEY");
    let server = Server::start(command, place.folder.path());
    let url = server.said["setup_url"].as_str().unwrap().to_owned();
    let token = server.said["setup_token"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("{}/setup?token={token}", server.url));
    assert_eq!(page(&server, &url, "").await.status, 200);
    assert_eq!(page(&server, "setup", "").await.status, 403);
    let password = PASSWORD.replace(' ', "+");
    let form = format!("token={token}&name=anna&password={password}&again={password}");
    let made = posted(&server, "setup", form.clone()).await;
    assert_eq!(made.status, 303);
    let first = page(&server, "events", &cookie(&made)).await;
    assert_eq!(first.status, 200);
    assert!(String::from_utf8_lossy(&first.bytes).contains("No events yet"));
    assert_eq!(posted(&server, "setup", form).await.status, 404);
    assert_eq!(page(&server, &url, "").await.status, 404);
    let by_token = server.api().by(&token);
    let call = by_token.call("GET", "api/v1/companies", None).await;
    assert_eq!(call.status, 401, "the token has ended as a key too");
    assert_eq!(signed_in(&server, "anna").await.status, 303);
    let log = server.log();
    assert!(!log.contains(PASSWORD) && !log.contains(&token));
}

fn user(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = alertwire(&["user"]);
    command
        .args(arguments)
        .env("ALERTWIRE_STATE_DIR", place.state())
        .env("ALERTWIRE_LOG__LEVEL", "error");
    run_with(command, format!("{PASSWORD}\n").as_bytes())
}

#[tokio::test]
async fn users_are_made_and_removed_beside_a_running_server() {
    let place = Place::new();
    let server = place.start();
    assert_eq!(signed_in(&server, "anna").await.status, 401);
    let file = place.folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let file = file.to_str().unwrap();
    let made = user(
        &place,
        &["create", "Anna", "--password-file", file, "--json"],
    );
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(made.lines()[0]["role"], "admin");
    let anna = signed_in(&server, "anna").await;
    assert_eq!(anna.status, 303);
    let anna = cookie(&anna);
    let piped = user(&place, &["create", "Ben", "--role", "viewer"]);
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    let ben = cookie(&signed_in(&server, "Ben").await);
    assert_eq!(page(&server, "events", &ben).await.status, 200);
    assert_eq!(user(&place, &["create", "ben"]).code, 65);
    assert_eq!(
        user(&place, &["remove", "Anna"]).code,
        65,
        "she is the last admin"
    );
    let listed = user(&place, &["list", "--json"]).lines();
    let names: Vec<_> = listed.iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["Anna", "Ben"]);
    assert_ne!(listed[1]["last_signed_in_at"], Value::Null);
    assert_eq!(user(&place, &["password", "Anna"]).code, 0);
    assert_eq!(page(&server, "events", &anna).await.status, 303);
    assert_eq!(signed_in(&server, "anna").await.status, 303);
    assert_eq!(user(&place, &["remove", "ben"]).code, 0);
    assert_eq!(page(&server, "events", &ben).await.status, 303);
    assert_eq!(signed_in(&server, "ben").await.status, 401);
}

#[test]
fn a_short_password_is_refused_and_never_repeated() {
    let place = Place::new();
    let file = place.folder.path().join("password");
    std::fs::write(&file, "hush hush\n").unwrap();
    let refused = user(
        &place,
        &["create", "anna", "--password-file", file.to_str().unwrap()],
    );
    assert_eq!(refused.code, 65);
    assert!(
        refused.stderr.contains("12 characters"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("hush"));
}
