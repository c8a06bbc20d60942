//! S1: odd spellings. All are refused at save; what a name hides is refused at send.

use egress::{BLOCKED, Cause, Egress, Settings, Target, TargetError};

use url::Host;

use crate::support::{Scripted, post, settings};

/// Refused at save by a door without an allow list.
const REFUSED: &[&str] = &[
    // Loopback in all its spellings.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0x7F.0x0.0x0.0x1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.1./",
    "https://127.0.0.1:443/hook",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:1::]/",
    // Private, link-local, shared, special.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://192.168.257/",
    "https://169.254.1.1/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[5f00::1]/",
    "https://[2001:db8::1]/",
    // Metadata.
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://[fd00:ec2::254]/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::ffff:0:a9fe:a9fe]/",
    "https://[64:ff9b::169.254.169.254]/",
    // Not a URL that we send to.
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "unix:/run/x",
    "https:example.com",
    "https:/example.com",
    "https:///example.com",
    "https://",
    "https:///",
    "//example.com/",
    "example.com",
    "https://user@example.com/",
    "https://user:pw@example.com/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://example.com/#x",
    "https://example.com/#",
    "https://exa\tmple.com/",
    "https://exa\nmple.com/",
    " https://example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com /",
    "https://exam ple.com/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:22/",
    "https://example.com:6379/",
    "https://[fe80::1%25eth0]/",
    "https://[::1",
    "https://a..b\u{0}/",
    "",
];

fn closed() -> Egress {
    Egress::new(Settings::default()).unwrap()
}

#[test]
fn each_odd_url_is_refused_at_save() {
    let door = closed();
    assert!(REFUSED.len() >= 60);
    for url in REFUSED {
        assert!(door.target(url, &[443]).is_err(), "{url:?}");
    }
    assert!(matches!(
        door.target(&format!("https://e.com/{}", "a".repeat(3_000)), &[443]),
        Err(TargetError::TooLong)
    ));
}

#[test]
fn a_good_url_is_kept() {
    let door = closed();
    for url in [
        "https://example.com",
        "https://example.com/hook?a=b&c={d}",
        "HTTPS://Example.COM/Hook",
        "https://bücher.example/ü",
        "https://example.com:443/",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
        "https://under_score.example/",
        "https://example.com./",
        "https://example.com/a@b",
    ] {
        assert!(
            door.target(url, &[443]).is_ok(),
            "{url}: {:?}",
            door.target(url, &[443])
        );
    }
}

#[test]
fn a_port_has_to_be_standard_or_opened_by_the_operator() {
    let door = Egress::new(settings(&["psa.corp:9443", "10.0.0.0/8:7443"])).unwrap();
    let ports: &[u16] = &[443, 8443];
    assert!(door.target("https://example.com:8443/", ports).is_ok());
    assert_eq!(
        door.target("https://example.com:9443/", ports).unwrap_err(),
        TargetError::Port(9443)
    );
    assert!(door.target("https://psa.corp:9443/", ports).is_ok());
    assert!(door.target("http://psa.corp:9443/", ports).is_ok());
    assert_eq!(
        door.target("http://psa.corp:8443/", ports).unwrap_err(),
        TargetError::PlainHttp
    );
    assert!(door.target("https://10.1.1.1:7443/", ports).is_ok());
    assert_eq!(
        door.target("https://10.1.1.1/", ports).unwrap_err(),
        TargetError::Blocked
    );
    // It may resolve into the range; its addresses are judged at the connection.
    assert!(door.target("https://inside.example:7443/", ports).is_ok());
}

#[test]
fn the_text_of_a_refused_address_says_nothing_more() {
    let error = closed().target("https://10.0.0.1/", &[443]).unwrap_err();
    assert_eq!(error.to_string(), BLOCKED);
}

#[tokio::test]
async fn each_refused_literal_is_refused_at_send_too_and_nothing_is_sent() {
    let canary = testkit::Target::start().await;
    // Made by a door with another list: what was saved once may be refused later.
    let generous: Vec<egress::AllowEntry> = ["0.0.0.0/0", "::/0", "localhost"]
        .iter()
        .map(|entry| entry.parse().unwrap())
        .collect();
    let door = closed();
    let mut tried = 0;
    for url in REFUSED.iter().filter(|url| url.starts_with("https://")) {
        let with_port = url.trim_end_matches('/').to_owned() + &format!(":{}/", canary.port());
        for url in [
            (*url).to_owned(),
            with_port.clone(),
            with_port.replace("https", "http"),
        ] {
            let Ok(target) = Target::parse(&url, &generous, &[443]) else {
                continue;
            };
            if !matches!(target.host(), Host::Domain(_)) {
                tried += 1;
                let failure = door.http(post(&target)).await.unwrap_err();
                assert_eq!(failure.cause, Cause::Blocked, "{url}");
                assert_eq!(failure.detail, BLOCKED);
                assert_eq!(failure.peer, None);
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn a_name_for_each_refused_address_is_refused_at_send() {
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "168.63.129.16",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
    ] {
        let resolver = Scripted::new(&[&[address]]);
        let door = Egress::new(Settings {
            resolver,
            ..Settings::default()
        })
        .unwrap();
        let target = door.target("https://harmless.example/", &[443]).unwrap();
        let failure = door.http(post(&target)).await.unwrap_err();
        assert_eq!(
            (failure.cause, failure.detail.as_str()),
            (Cause::Blocked, BLOCKED),
            "{address}"
        );
    }
}
