use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn whitelisting_names_addresses_ports_and_the_page() {
    let bare = Server::start().await;
    let view = bare.get("/api/v1/whitelisting").await.expect(200).json();
    assert_eq!(
        (&view["addresses"], &view["ports"]),
        (&json!([]), &json!([443, 8443]))
    );
    assert!(view["note"].as_str().unwrap().contains("egress.addresses"));
    assert!(
        view["guide"]
            .as_str()
            .unwrap()
            .ends_with("docs/whitelisting.md")
    );
    let server = Server::start_with(|settings| {
        settings.egress_addresses = vec![
            "203.0.113.7/32".parse().unwrap(),
            "2001:db8::/48".parse().unwrap(),
        ];
    })
    .await;
    let view = server.get("/api/v1/whitelisting").await.expect(200).json();
    assert_eq!(view["addresses"], json!(["203.0.113.7", "2001:db8::/48"]));
    assert!(
        view["user_agent"]
            .as_str()
            .unwrap()
            .starts_with("alertwire/")
    );
}
