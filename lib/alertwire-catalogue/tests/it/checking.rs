//! `catalog check`: each fault is found, with its place.

use std::collections::BTreeSet;

use alertwire_catalogue::{Catalogue, Limits, Match, check};

/// A file with one kind whose template is this.
fn file(subject: &str, body: &str) -> String {
    format!(
        "category = 'Mine'\n\n[[event]]\ncode = 'mine.event'\nsubject = '{subject}'\nbody = '{body}'\n"
    )
}

/// The one finding, as `line:column message`.
fn finding(source: &str) -> String {
    let found = check(&[("mine.toml", source)]);
    assert_eq!(found.len(), 1, "{found:#?}\n{source}");
    assert!(found[0].render_caret(source).contains('^'));
    format!("{}:{} {}", found[0].line, found[0].column, found[0].message)
}

fn check_body(body: &str, expected: &str) {
    assert_eq!(finding(&file("Mine", body)), expected, "{body}");
}

#[test]
fn a_good_file_passes() {
    let source = file(
        "Backup Failed",
        "Backup of {target:host} failed[ on server {server:text}]. Error: {error:text}[ at {timestamp:timestamp}]",
    );
    assert_eq!(check(&[("mine.toml", &source)]), []);
    let catalogue = Catalogue::with_files(&[("mine.toml", &source)]).unwrap();
    let alert = catalogue.read_alert(
        "backup failed",
        "Backup of db-1 failed on server A. Error: disk full",
        &Limits::default(),
    );
    assert_eq!(alert.matched, Match::Full);
    assert_eq!(alert.records[0].text("error"), Some("disk full"));
}

#[test]
fn two_free_fields_side_by_side_are_refused() {
    check_body(
        "A {a:text}{b:user}",
        "6:19 two free fields stand side by side: `a` and `b`",
    );
    check_body(
        "A {a:text}[{b:text}] and more",
        "6:20 two free fields stand side by side: `a` and `b`",
    );
}

#[test]
fn a_short_introducer_behind_free_text_is_refused() {
    check_body(
        "A {a:text}[. {b:ip}]",
        "6:19 the free field `a` stands before an optional segment whose introducer \". \" is too short",
    );
    check_body(
        "A {a:text}[ in {b:text}]",
        "6:19 the free field `a` stands before an optional segment whose introducer \" in \" is too short",
    );
}

#[test]
fn a_segment_that_nothing_reaches_is_refused() {
    check_body(
        "A {a:ip}[.]",
        "6:17 nothing reaches this segment: it holds no field, so it is never rendered",
    );
    check_body(
        "A {a:word}[/{b:int}] x",
        "6:19 nothing reaches this segment: what stands before it takes its text",
    );
}

#[test]
fn mistakes_in_the_language_are_refused() {
    check_body("A {a:text", "6:11 this `{` is never closed");
    check_body("A [b", "6:11 this `[` is never closed");
    check_body("A b]", "6:12 this `]` closes nothing");
    check_body("A {a}", "6:11 a field is written `{name:type}`");
    check_body("A {a:txt}", "6:14 `txt` is no type");
    check_body("A {a:ip} {a:ip}", "6:18 the field `a` stands here twice");
    check_body(
        "A {A:ip}",
        "6:12 a field name is 1 to 64 of a-z, 0-9 and _, and begins with no digit",
    );
    check_body(
        "A {a:text,+}",
        "6:11 a list needs a tight type, for a free one would swallow its commas",
    );
    check_body("A \\x {a:ip}", "6:11 unknown escape");
    check_body(
        "(A)+",
        "6:9 the repeat holds no field, so it could go on for ever",
    );
    check_body("(A {a:ip})+ {b:ip}", "6:21 a field stands behind a repeat");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    let source = file("Mine", "A {a:ip}").replace("subject", "subjct");
    let found = check(&[("mine.toml", &source)]);
    assert_eq!(
        found[0].to_string(),
        "mine.toml:5:1: unknown key `subjct` (did you mean `subject`?)"
    );
    assert_eq!(
        found[0].render_caret(&source),
        "error: unknown key `subjct`\n --> mine.toml:5:1\n  |\n5 | subjct = 'Mine'\n  | ^^^^^^\n  = help: did you mean `subject`?\n"
    );
}

#[test]
fn an_example_that_fails_is_refused() {
    let source = file("Mine", "A {a:ip}")
        + "[[event.example]]\nbody = 'A 10.0.0.5'\nfields = [{ a = '10.0.0.6' }]\n";
    assert_eq!(
        finding(&source),
        "8:8 the example fails: it reads as [{\"a\":\"10.0.0.5\"}]"
    );
    let source = file("Mine", "A {a:ip}")
        + "[[event.example]]\nbody = 'A 10.0.0.5.'\nfields = [{ a = '10.0.0.5' }]\n";
    assert_eq!(
        finding(&source),
        "8:8 the example fails: the match is `partial`, left over is \".\""
    );
}

#[test]
fn kinds_of_one_subject_that_read_each_others_text_are_refused() {
    let clash = finding(&file(
        "asset ports",
        "Open Port {port:port} Discovered for Asset {ip:host}",
    ));
    assert!(
        clash.starts_with("4:8 `mine.event` reads the text of `system.port_open_probe`"),
        "{clash}"
    );
    let apart = file(
        "Asset Ports",
        "Closed Port {port:port} seen on Asset {ip:ip}",
    );
    assert_eq!(check(&[("mine.toml", &apart)]), []);
    let declared = file(
        "Asset Ports",
        "Open Port {port:port} Discovered for Asset {ip:ip}",
    ) + "alternatives = ['system.port_open_probe']\n";
    assert_eq!(check(&[("mine.toml", &declared)]), []);
}

#[test]
fn a_users_kind_takes_the_place_of_a_built_in_one() {
    let source =
        file("New Asset(s) Added", "Found {ip:ip}").replace("mine.event", "system.asset_added");
    assert_eq!(check(&[("mine.toml", &source)]), []);
    let catalogue = Catalogue::with_files(&[("mine.toml", &source)]).unwrap();
    assert_eq!(catalogue.kinds().len(), Catalogue::builtin().kinds().len());
    assert_eq!(
        catalogue.kind("system.asset_added").unwrap().category,
        "Mine"
    );
    assert_eq!(
        catalogue
            .read_alert("New Asset(s) Added", "Found 10.0.0.5", &Limits::default())
            .matched,
        Match::Full
    );
}

#[test]
fn other_faults_of_a_file_are_refused() {
    for (source, expected) in [
        ("category = 'X'\nx", "2:2"),
        ("category = 7\n", "1:12 `category` is a text"),
        ("category = 'X'\nevent = 7\n", "2:9 `event` is a list"),
        (
            "category = 'X'\n[[event]]\nsubject = 'S'\nbody = 'B {a:ip}'\n",
            "2:1 the event has no `code`",
        ),
        (
            "category = 'X'\n[[event]]\ncode = 'Bad'\nsubject = 'S'\nbody = 'B {a:ip}'\n",
            "3:8 `Bad` is no code",
        ),
        (
            "[[event]]\ncode = 'a.b'\nsubject = 'S'\nbody = 'B {a:ip}'\n",
            "1:1 the event has no category",
        ),
        (
            "category = 'X'\n[[event]]\ncode = 'a.b'\nsubject = 'S'\nbody = 'B {a:ip}'\nseverity = 'bad'\n",
            "6:12 `severity` is one of",
        ),
        (
            "category = 'X'\n[[event]]\ncode = 'a.b'\nsubject = 'S'\nbody = 'B {a:ip}'\nkey = ['ip']\n",
            "6:8 no template of the event has a field `ip`",
        ),
        (
            "category = 'X'\n[[event]]\ncode = 'a.b'\nsubject = 'S'\nbody = 'B {a:ip}'\nalternatives = ['a.c']\n",
            "6:17 there is no event kind `a.c`",
        ),
    ] {
        let finding = finding(source);
        assert!(finding.starts_with(expected), "{finding} for {source}");
    }
    let twice = file("Mine", "A {a:ip}");
    let found = check(&[("one.toml", &twice), ("two.toml", &twice)]);
    assert_eq!(
        found[0].to_string(),
        "two.toml:4:8: the code `mine.event` is taken already"
    );
}

const TAUGHT: &str = "[[extend]]
code = 'system.asset_added'
aliases = ['Device Found']
variants = ['Found device {ip:ip} called {hostname:host}']
[[extend.example]]
body = 'Found device 10.0.0.7 called db-1'
fields = [{ ip = '10.0.0.7', hostname = 'db-1' }]
";

#[test]
fn an_extension_adds_a_wording_and_a_subject_to_a_kind_and_leaves_its_rendering() {
    let builtin = Catalogue::builtin();
    assert!(builtin.check_entry(&[], ("taught", TAUGHT)).is_empty());
    let (catalogue, left_out) = builtin.extended(&[("taught", TAUGHT)]);
    assert!(left_out.is_empty());
    let limits = Limits::default();
    for subject in ["device found", "New Asset(s) Added"] {
        let read = catalogue.read_alert(subject, "Found device 10.0.0.7 called db-1", &limits);
        assert_eq!(read.kind.unwrap().code, "system.asset_added");
        assert_eq!(read.matched, Match::Full);
        assert_eq!(read.records[0].text("hostname"), Some("db-1"));
    }
    let kind = catalogue.kind("system.asset_added").unwrap();
    let rendered = catalogue.render(&kind.code, &kind.examples[0].records);
    assert_eq!(rendered.unwrap().subject, "New Asset(s) Added");
}

#[test]
fn a_finding_in_an_extension_stands_in_its_own_file() {
    let broken = TAUGHT.replace("db-1' }", "db-2' }");
    let found = Catalogue::builtin().check_entry(&[], ("taught", &broken));
    assert_eq!((found[0].file.as_str(), found[0].line), ("taught", 6));
    assert!(found[0].message.contains("the example fails"));
}

#[test]
fn an_entry_that_does_not_fit_is_left_out_with_what_depends_on_it() {
    let kind = "category = 'X'\n[[event]]\ncode = 'x.y'\nsubject = 'Y'\nbody = 'Y {a:nonsense}'\n";
    let depends = "[[extend]]\ncode = 'x.y'\naliases = ['Z']\n";
    let entries = [("kind", kind), ("depends", depends), ("taught", TAUGHT)];
    let (catalogue, left_out) = Catalogue::builtin().extended(&entries);
    let files: Vec<&str> = left_out.iter().map(|found| found.file.as_str()).collect();
    assert_eq!(files, ["kind", "depends"]);
    assert!(catalogue.kind("x.y").is_none());
    assert!(catalogue.by_subject("device found").next().is_some());
}

#[test]
fn an_entry_takes_the_place_of_a_file_and_a_file_that_of_a_built_in_kind() {
    let named = |name: &str| {
        format!(
            "category = 'X'\n[[event]]\ncode = 'system.asset_added'\nname = '{name}'\nsubject = 'Y'\nbody = 'Y {{ip:ip}}'\n"
        )
    };
    let (file, entry) = (named("of a file"), named("of an entry"));
    let catalogue = Catalogue::with_files(&[("file", &file)]).unwrap();
    assert_eq!(
        catalogue.kind("system.asset_added").unwrap().name,
        "of a file"
    );
    let (catalogue, left_out) = catalogue.extended(&[("entry", &entry)]);
    assert!(left_out.is_empty());
    let kind = catalogue.kind("system.asset_added").unwrap();
    assert_eq!(
        (kind.name.as_str(), kind.is_built_in()),
        ("of an entry", false)
    );
}

#[test]
fn an_extension_that_adds_nothing_or_extends_nothing_is_refused() {
    let found = check(&[("a", "[[extend]]\ncode = 'system.asset_added'\n")]);
    assert!(found[0].message.contains("adds nothing"));
    let found = check(&[(
        "a",
        "[[extend]]\ncode = 'system.aset_added'\naliases = ['A']\n",
    )]);
    assert_eq!(
        found[0].help.as_deref(),
        Some("did you mean `system.asset_added`?")
    );
}

#[test]
fn an_entry_is_checked_beside_those_that_are_there_and_blamed_for_itself_alone() {
    let kind = |code: &str, body: &str| {
        format!("category = 'X'\n[[event]]\ncode = '{code}'\nsubject = 'Y'\nbody = '{body}'\n")
    };
    let one = kind("x.one", "Saw {ip:ip}");
    let broken = kind("x.broken", "Saw {ip:nonsense}");
    let known = [("one", one.as_str()), ("broken", broken.as_str())];
    let builtin = Catalogue::builtin();
    let twin = kind("x.two", "Saw {address:ip}");
    let found = builtin.check_entry(&known, ("two", &twin));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("reads the text of"));
    let other = kind("x.two", "Lost {address:ip}");
    assert!(builtin.check_entry(&known, ("two", &other)).is_empty());
}

/// Ports bring a field along that the template does not name; a record still has each field once.
#[test]
fn two_ports_and_a_protocol_of_its_own_make_no_field_twice() {
    for (template, text, record) in [
        (
            "From {source_port:port} to {port:port}",
            "From 53/udp to 443/tcp",
            r#"{"source_port":53,"protocol":"udp","port":443}"#,
        ),
        (
            "Port {port:port} by {protocol:word}",
            "Port 443/tcp by quic",
            r#"{"port":443,"protocol":"quic"}"#,
        ),
    ] {
        let file = file("Mine", template);
        let catalogue = Catalogue::with_files(&[("mine.toml", &file)]).unwrap();
        let alert = catalogue.read_alert("Mine", text, &Limits::default());
        assert_eq!(serde_json::to_string(&alert.records[0]).unwrap(), record);
        assert_eq!(alert.spans.len(), alert.records[0].len());
        let kind = catalogue.kind("mine.event").unwrap();
        let named = kind.fields().into_iter().map(|field| field.name);
        assert_eq!(named.collect::<BTreeSet<_>>().len(), kind.fields().len());
        let rendered = catalogue.render("mine.event", &alert.records).unwrap();
        assert_eq!(
            (rendered.records, rendered.fields_header),
            (alert.records, None)
        );
    }
}
