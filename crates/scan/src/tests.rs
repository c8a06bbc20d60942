//! What scanners write, beside what is made of it: `tests/cases/NAME.xml` or `NAME.json` beside `NAME.expected`.
//! `UPDATE_EXPECT=1` rewrites the expectations.

use std::fmt::Write as _;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;

fn cases(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        writeln!(text, "{} {}", finding.sort.as_str(), finding.event("Acme")).unwrap();
    }
    text
}

fn check(case: &Path, read: Result<String, ScanError>) {
    let text = read.unwrap_or_else(|error| match error.help() {
        Some(help) => format!("error: {error}\n  help: {help}\n"),
        None => format!("error: {error}\n"),
    });
    expect_test::expect_file![case.with_extension("expected")].assert_eq(&text);
}

fn of_nmap(xml: impl std::io::BufRead, external: bool) -> Result<String, ScanError> {
    let catalogue = Catalogue::builtin();
    let mut scan = nmap::Scan::new(xml);
    let mut text = String::new();
    while let Some(host) = scan.next_host()? {
        text.push_str(&lines(&host.findings(&catalogue, external)));
    }
    for (what, count) in scan.passed_over() {
        writeln!(text, "passed over: {count} {what}").unwrap();
    }
    if let Some(why) = scan.broken() {
        writeln!(text, "broken: {why}").unwrap();
    }
    Ok(text)
}

#[test]
fn a_scan_of_nmap_is_hosts_ports_and_vulnerabilities() {
    for case in cases("xml") {
        let xml = std::fs::read(&case).unwrap();
        let external = case
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .contains("external");
        check(&case, of_nmap(xml.as_slice(), external));
    }
}

#[test]
fn a_report_of_trivy_is_an_asset_and_its_vulnerabilities() {
    for case in cases("json") {
        let json = std::fs::read(&case).unwrap();
        let named = Named {
            hostname: None,
            ip: "0.0.0.0".parse().unwrap(),
        };
        let read = trivy::read(json.as_slice()).and_then(|report| {
            let mut text = lines(&report.findings(&Catalogue::builtin(), &named)?);
            for (what, count) in report.passed_over() {
                writeln!(text, "passed over: {count} {what}").unwrap();
            }
            Ok(text)
        });
        check(&case, read);
    }
}

#[test]
fn every_finding_of_the_cases_can_be_raised() {
    let catalogue = Catalogue::builtin();
    for case in cases("xml") {
        let xml = std::fs::read(&case).unwrap();
        let mut scan = nmap::Scan::new(xml.as_slice());
        while let Ok(Some(host)) = scan.next_host() {
            for finding in host.findings(&catalogue, false) {
                catalogue.render(&finding.kind, &[finding.record]).unwrap();
            }
        }
    }
}

/// A scan whose one script says this much.
fn scan(output: impl std::io::Read) -> impl std::io::BufRead {
    let begin = r#"<nmaprun><host><status state="up"/><address addr="10.0.0.1" addrtype="ipv4"/></host><host comment=""#;
    let end = r#""></host></nmaprun>"#;
    BufReader::new(begin.as_bytes().chain(output).chain(end.as_bytes()))
}

#[test]
fn a_part_has_a_bound_and_a_file_has_one() {
    let long = |bytes: u64| std::io::repeat(b'x').take(bytes);
    let read = of_nmap(scan(long(1_000_000)), false).unwrap();
    assert!(
        read.starts_with("hosts ") && !read.contains("broken"),
        "{read}"
    );
    let failure = of_nmap(scan(long(17 * 1024 * 1024)), false).unwrap_err();
    assert!(
        failure.to_string().contains("longer than 16 MiB"),
        "{failure}"
    );
    let mut block = vec![b' '; 15 * 1024 * 1024];
    block.extend_from_slice(b"<!---->");
    let empty: Box<dyn Read + '_> = Box::new(std::io::empty());
    let blocks = (0..18).fold(empty, |before, _| Box::new(before.chain(block.as_slice())));
    let file = "<nmaprun>".as_bytes().chain(blocks);
    let failure = of_nmap(BufReader::new(file), false).unwrap_err();
    assert!(
        failure.to_string().contains("larger than 256 MiB"),
        "{failure}"
    );
}

#[test]
fn a_host_has_bounds() {
    let port = r#"<port protocol="tcp" portid="22"><state state="open"/></port>"#;
    let ports = port.repeat(200_001);
    let failure = of_nmap(format!("<nmaprun><host>{ports}").as_bytes(), false).unwrap_err();
    assert!(
        failure.to_string().contains("more than 200000 open ports"),
        "{failure}"
    );
    let rows = "<table><elem key=\"id\">CVE-2021-44228</elem></table>".repeat(10_001);
    let xml = format!(r#"<nmaprun><host><port portid="1"><script id="vulners">{rows}"#);
    let failure = of_nmap(xml.as_bytes(), false).unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("more than 10000 vulnerabilities"),
        "{failure}"
    );
}

#[test]
fn a_document_of_any_depth_is_read_in_bounded_memory() {
    let deep = "<table>".repeat(100_000);
    let xml = format!(r#"<nmaprun><host><ports><port portid="1"><script id="vulners">{deep}"#);
    let read = of_nmap(xml.as_bytes(), false).unwrap();
    assert!(read.contains("it ends before the scan does"), "{read}");
}

#[test]
fn nothing_that_a_scan_could_be_makes_it_panic() {
    const SEED: u64 = 7;
    let mut rng = StdRng::seed_from_u64(SEED);
    for case in cases("xml") {
        let xml = std::fs::read(&case).unwrap();
        for _ in 0..300 {
            let mut xml = xml.clone();
            for _ in 0..rng.random_range(1..8) {
                let Some(last) = xml.len().checked_sub(1) else {
                    break;
                };
                let at = rng.random_range(0..=last);
                match rng.random_range(0..3) {
                    0 => xml.truncate(at),
                    1 => xml[at] = rng.random(),
                    _ => drop(xml.remove(at)),
                }
            }
            drop(of_nmap(xml.as_slice(), false));
        }
    }
}

const TWICE: &str = r#"<nmaprun><host><status state="up"/><address addr="10.0.0.5" addrtype="ipv4"/></host>
    <host><status state="up"/><address addr="10.0.0.5" addrtype="ipv4"/></host>
    <host><status state="up"/><address addr="10.0.0.6" addrtype="ipv4"/></host></nmaprun>"#;

fn taken(xml: &str, most: usize) -> (usize, Result<Scanned, ScanError>) {
    let mut taken = 0;
    let format = Format::Nmap { external: false };
    let read = read(xml.as_bytes(), &format, &Catalogue::builtin(), &mut |_| {
        taken += 1;
        taken < most
    });
    (taken, read)
}

#[test]
fn what_a_file_tells_twice_is_handed_on_once() {
    let (taken, read) = taken(TWICE, usize::MAX);
    assert_eq!((taken, read.unwrap()), (2, Scanned::default()));
}

#[test]
fn whoever_takes_the_findings_may_have_had_enough() {
    let (taken, read) = taken(TWICE, 1);
    assert_eq!(taken, 1);
    assert!(matches!(read, Err(ScanError::Stopped)), "{read:?}");
}

#[test]
fn a_file_that_does_not_come_is_not_one_that_was_cut() {
    struct Gone;
    impl std::io::Read for Gone {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
    }
    let begun = r#"<nmaprun><host><status state="up"/>"#;
    let input = || BufReader::new(std::io::Read::chain(begun.as_bytes(), Gone));
    let scan = of_nmap(input(), false).unwrap_err();
    assert!(matches!(scan, ScanError::Input(_)), "{scan:?}");
    let report = BufReader::new(std::io::Read::chain(&b"{\"SchemaVersion\": 2,"[..], Gone));
    let report = trivy::read(report).unwrap_err();
    assert!(matches!(report, ScanError::Input(_)), "{report:?}");
}
