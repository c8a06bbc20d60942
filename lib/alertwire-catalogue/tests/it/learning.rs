//! What bodies teach: the words they share stay, what differs becomes a field, and nothing is claimed that is not read.

use alertwire_catalogue::{
    Catalogue, FieldInfo, Kind, Limits, MOST_BODIES, Match, NewKind, Proposal, Record, Severity,
    Value, check, learn,
};
use proptest::prelude::*;

/// The only proposal for bodies that are all read by it.
fn only(bodies: &[&str]) -> Proposal {
    let learned = learn(bodies);
    assert_eq!(learned.unread, [0_usize; 0], "{learned:#?}");
    assert_eq!(learned.proposals.len(), 1, "{learned:#?}");
    let proposal = learned.proposals[0].clone();
    assert_eq!(
        (proposal.bodies, proposal.uncertain),
        (bodies.len(), 0),
        "{learned:#?}"
    );
    proposal
}

fn check_template(bodies: &[&str], expected: &str) {
    assert_eq!(only(bodies).template, expected);
}

#[test]
fn constant_words_stay_and_typed_values_become_fields() {
    check_template(
        &[
            "Backup of db-1.corp.example (10.0.0.5) failed at 2024-01-15 10:30:00 UTC. Reason: disk full",
            "Backup of web.corp.example (10.0.0.6) failed at 2024-01-16 10:30:00 UTC. Reason: no route to host",
            "Backup of mail.corp.example (10.0.0.7) failed at 2024-01-17 10:31:00 UTC. Reason: timed out",
        ],
        "Backup of {hostname:host} \\({ip:ip}\\) failed at {timestamp:timestamp}. Reason: {reason:text}",
    );
}

#[test]
fn a_typed_value_is_a_field_also_when_it_never_differs() {
    check_template(
        &[
            "Malware Emotet found on 10.0.0.5",
            "Malware Qakbot found on 10.0.0.5",
            "Malware Trickbot found on 10.0.0.5",
        ],
        "Malware {malware:word} found on {ip:ip}",
    );
}

#[test]
fn one_body_teaches_its_typed_values() {
    check_template(
        &["Quarantined mail for jane@acme.example from 203.0.113.9, severity: High"],
        "Quarantined mail for {mail:word} from {ip:ip}, severity: {severity:severity}",
    );
}

#[test]
fn a_second_value_of_a_type_is_named_by_the_word_before_it() {
    check_template(
        &[
            "Blocked source 10.0.0.5 destination 203.0.113.9 port 443",
            "Blocked source 10.0.0.6 destination 203.0.113.8 port 80",
        ],
        "Blocked source {ip:ip} destination {destination:ip} port {port:port}",
    );
}

#[test]
fn what_stands_in_some_bodies_only_is_optional() {
    check_template(
        &[
            "Agent offline: probe-1. Last seen 2024-01-15 10:30:00 UTC",
            "Agent offline: probe-2",
            "Agent offline: probe-3. Last seen 2024-01-16 11:30:00 UTC",
            "Agent offline: mail",
        ],
        "Agent offline: {offline:word}[. Last seen {timestamp:timestamp}]",
    );
}

#[test]
fn few_values_that_come_back_often_are_an_enumeration() {
    let bodies: Vec<String> = (0..12)
        .map(|n| {
            let state = ["started", "stopped"][n % 2];
            format!("Service sync-{n} {state} on 10.0.0.{n}")
        })
        .collect();
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    check_template(
        &bodies,
        "Service {service:word} {value:enum(started|stopped)} on {ip:ip}",
    );
}

#[test]
fn values_with_commas_between_them_are_a_list() {
    check_template(
        &[
            "Package openssl needs CVE-2022-3602, CVE-2022-3786",
            "Package curl needs CVE-2023-38545",
        ],
        "Package {package:word} needs {vul_id:cve,+}",
    );
}

#[test]
fn lines_that_begin_alike_are_a_repeat() {
    check_template(
        &[
            "Disk sda on db-1.corp.example is at 91%\nDisk sdb on db-1.corp.example is at 97%",
            "Disk sda on web.corp.example is at 93%",
        ],
        "(Disk {disk:word} on {hostname:host} is at {number:int}%)+",
    );
}

#[test]
fn several_wordings_of_one_subject_are_told_apart() {
    let learned = learn(&[
        "Backup of db-1.corp.example failed: disk full",
        "The tape robot has no cleaning cartridge left in slot 4",
        "Backup of web.corp.example failed: no route",
        "The tape robot has no cleaning cartridge left in slot 9",
        "Backup of mail.corp.example failed: time is up",
    ]);
    let templates: Vec<&str> = learned
        .proposals
        .iter()
        .map(|proposal| proposal.template.as_str())
        .collect();
    assert_eq!(
        templates,
        [
            "Backup of {hostname:host} failed: {failed:text}",
            "The tape robot has no cleaning cartridge left in slot {slot:int}"
        ]
    );
    assert!(learned.unread.is_empty());
}

#[test]
fn a_short_body_of_another_wording_does_not_spoil_a_long_one() {
    let learned = learn(&[
        "Backup of db-1.corp.example failed at 2024-01-15 10:30:00 UTC. Reason: disk full",
        "No backup of db-1.corp.example",
        "Backup of web.corp.example failed at 2024-01-16 10:30:00 UTC. Reason: no route",
    ]);
    let templates: Vec<&str> = learned
        .proposals
        .iter()
        .map(|proposal| proposal.template.as_str())
        .collect();
    assert_eq!(
        templates,
        [
            "Backup of {hostname:host} failed at {timestamp:timestamp}. Reason: {reason:text}",
            "No backup of {hostname:host}"
        ]
    );
}

#[test]
fn a_body_that_came_twice_counts_twice() {
    let learned = learn(&["Fan 1 stopped", "Fan 2 stopped", "Fan 1 stopped"]);
    assert_eq!(learned.proposals[0].bodies, 3);
}

#[test]
fn marks_of_the_template_language_are_escaped() {
    let proposal = only(&[
        "Rule {deny} [prod] hit by 10.0.0.5 (C:\\temp)",
        "Rule {deny} [prod] hit by 10.0.0.6 (C:\\temp)",
    ]);
    assert_eq!(
        proposal.template,
        "Rule \\{deny\\} \\[prod\\] hit by {ip:ip} \\(C:\\\\temp\\)"
    );
}

#[test]
fn a_learned_kind_is_a_good_catalogue_file() {
    let proposal = only(&[
        "Backup of db-1.corp.example failed at 2024-01-15 10:30:00 UTC. Reason: \"disk\" full",
        "Backup of web.corp.example failed at 2024-01-16 10:30:00 UTC. Reason: C:\\temp is gone",
    ]);
    let proposal = proposal
        .rename(&[("hostname", "target"), ("reason", "error")])
        .unwrap();
    let kind = NewKind {
        code: "backup.failed".into(),
        category: "Backups".into(),
        name: "Backup Failed".into(),
        subject: "Backup Failed".into(),
        severity: Severity::High,
        class: Some("job".into()),
    };
    let file = proposal.kind_file(&kind);
    assert_eq!(check(&[("learned.toml", &file)]), [], "{file}");
    let catalogue = Catalogue::with_files(&[("learned.toml", &file)]).unwrap();
    let body = "Backup of x.corp.example failed at 2024-02-01 00:00:00 UTC. Reason: none given";
    let alert = catalogue.read_alert("backup failed", body, &Limits::default());
    assert_eq!(alert.matched, Match::Full);
    assert_eq!(alert.records[0].text("error"), Some("none given"));
    assert_eq!(alert.records[0].text("target"), Some("x.corp.example"));
}

#[test]
fn names_that_cannot_be_are_refused() {
    let proposal = only(&["Fan 1 on 10.0.0.5 stopped", "Fan 2 on 10.0.0.6 stopped"]);
    assert_eq!(
        proposal.rename(&[("fn", "x")]).unwrap_err().to_string(),
        "the template has no field `fn`"
    );
    assert!(proposal.rename(&[("fan", "ip")]).is_err());
    assert!(proposal.rename(&[("fan", "No Name")]).is_err());
    let swapped = proposal.rename(&[("fan", "ip"), ("ip", "fan")]).unwrap();
    assert_eq!(swapped.template, "Fan {ip:int} on {fan:ip} stopped");
}

#[test]
fn what_is_beyond_a_bound_is_left_out_and_named() {
    let long = "x".repeat(70_000);
    let wordy = "word ".repeat(600);
    let learned = learn(&["Fan 1 stopped", &long, &wordy, ""]);
    assert_eq!(learned.left_out, [1, 2, 3]);
    let many: Vec<String> = (0..MOST_BODIES + 5)
        .map(|n| format!("Fan {n} stopped"))
        .collect();
    let learned = learn(&many);
    assert_eq!(learned.left_out.len(), 5);
    assert_eq!(learned.proposals[0].bodies, MOST_BODIES);
}

/// Values that no template's words stand in.
fn value(field: &FieldInfo, kind: &str) -> BoxedStrategy<Value> {
    let names =
        |names: &'static [&'static str]| prop::sample::select(names).prop_map(Value::from).boxed();
    match field.type_name.as_str() {
        "ip" => any::<std::net::Ipv4Addr>()
            .prop_map(|ip| Value::from(ip.to_string()))
            .boxed(),
        "port" => (1..=65_535_i64).prop_map(Value::from).boxed(),
        "mac" => "([0-9A-F]{2}:){5}[0-9A-F]{2}".prop_map(Value::from).boxed(),
        "cve" | "advisory" => "CVE-20[0-2][0-9]-[0-9]{4,6}".prop_map(Value::from).boxed(),
        "severity" => names(&["info", "low", "medium", "high", "critical"]),
        "timestamp" => "20[0-9]{2}-0[1-9]-1[0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]Z"
            .prop_map(Value::from)
            .boxed(),
        "date" => "20[0-9]{2}-0[1-9]-1[0-9]".prop_map(Value::from).boxed(),
        "host" => "[a-z]{3,8}-[0-9]{1,2}\\.[a-z]{3,8}\\.example"
            .prop_map(Value::from)
            .boxed(),
        "int" => (0..100_000_i64).prop_map(Value::from).boxed(),
        "word" => names(&["4711", "job-7", "a/b"]),
        "decimal" => (0..1000_u32)
            .prop_map(|number| Value::from(f64::from(number) + 0.5))
            .boxed(),
        name if name.starts_with("enum(") => {
            let choice = name["enum(".len()..name.len() - 1]
                .split('|')
                .next()
                .unwrap_or(kind);
            Just(Value::from(choice)).boxed()
        }
        _ => names(&[
            "Zeta",
            "Omega Kappa",
            "Lambda",
            "Sigma Tau Phi",
            "Rho",
            "Nu Xi",
            "Theta",
            "Epsilon",
            "Iota Pi",
            "Alpha",
            "Beta Gamma",
            "Delta",
            "Eta",
            "Mu",
            "Omicron",
            "Upsilon Chi",
            "Psi",
            "Digamma",
            "Stigma",
            "Koppa San",
            "Sampi",
            "Yot",
            "Sho",
            "Heta",
            "Qoph",
            "Resh",
            "Tsade",
            "Nun Samekh",
            "Ayin",
            "Lamedh",
        ]),
    }
}

fn record(kind: &'static Kind) -> impl Strategy<Value = Record> {
    let fields = kind.fields();
    let values: Vec<_> = fields
        .iter()
        .map(|field| (value(field, &kind.code), prop::bool::weighted(0.7)))
        .collect();
    values.prop_map(move |values| {
        fields
            .iter()
            .zip(values)
            .filter(|(field, (_, present))| !field.optional || *present)
            .map(|(field, (value, _))| (field.name.clone(), value))
            .collect()
    })
}

fn kind() -> NewKind {
    NewKind {
        code: "learned.kind".into(),
        category: "Learned".into(),
        name: "Learned".into(),
        subject: "A subject of its own".into(),
        severity: Severity::Info,
        class: None,
    }
}

/// Bodies of one built-in kind, and the values of its checked types in each.
fn bodies() -> impl Strategy<Value = (&'static str, Vec<String>, Vec<Vec<Value>>)> {
    static KINDS: std::sync::LazyLock<std::sync::Arc<Catalogue>> =
        std::sync::LazyLock::new(Catalogue::builtin);
    (0..KINDS.kinds().len()).prop_flat_map(|index| {
        let kind = &KINDS.kinds()[index];
        prop::collection::vec(record(kind), 40..60).prop_map(move |records| {
            let (mut bodies, mut values) = (Vec::new(), Vec::new());
            for record in records {
                let rendered = KINDS
                    .render(&kind.code, std::slice::from_ref(&record))
                    .expect("the values are of the types of their fields");
                let tight = |name: &str| {
                    kind.fields().iter().any(|field| {
                        field.name == name
                            && matches!(
                                field.type_name.as_str(),
                                "ip" | "port"
                                    | "mac"
                                    | "cve"
                                    | "host"
                                    | "timestamp"
                                    | "date"
                                    | "severity"
                            )
                    })
                };
                values.push(
                    record
                        .iter()
                        .filter(|(name, _)| tight(name))
                        .map(|(_, value)| value.clone())
                        .collect(),
                );
                bodies.push(rendered.body);
            }
            (kind.code.as_str(), bodies, values)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, rng_seed: proptest::test_runner::RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wordings_of_the_catalogue_are_learned_from_their_bodies((code, bodies, values) in bodies()) {
        let learned = learn(&bodies);
        prop_assert_eq!(&learned.unread, &Vec::<usize>::new(), "{} {:#?} {:#?}", code, learned, bodies);
        let catalogues: Vec<Catalogue> = learned
            .proposals
            .iter()
            .map(|proposal| Catalogue::with_files(&[("learned.toml", &proposal.kind_file(&kind()))]).unwrap())
            .collect();
        for (body, values) in bodies.iter().zip(&values) {
            let read = catalogues.iter().find_map(|catalogue| {
                let alert = catalogue.read_alert("A Subject of its own", body, &Limits::default());
                (alert.matched == Match::Full && alert.ambiguous.is_empty()).then(|| alert.records.clone())
            });
            let read = read.expect("a body that counts as read is read");
            for value in values {
                let found = read.iter().any(|record| record.iter().any(|(_, read)| read == value));
                prop_assert!(found, "{code}: {value:?} of {body:?} is in none of {read:?}\n{:#?}", learned.proposals);
            }
        }
    }

    #[test]
    fn any_bodies_are_learned_from_without_panic_or_false_claim(bodies in prop::collection::vec("[a-c10.:\\\\\n é,{}\\[\\]()N/A-]{0,24}|\\PC{0,24}|(Fan|CPU) [0-9]{1,2} (is|on) [a-z]{1,6}\\.?", 0..20)) {
        let learned = learn(&bodies);
        let read: usize = learned.proposals.iter().map(|proposal| proposal.bodies).sum();
        prop_assert!(read + learned.unread.len() + learned.left_out.len() >= bodies.len());
        for proposal in &learned.proposals {
            let again = Proposal::of(&proposal.template, &bodies);
            prop_assert!(again.is_ok_and(|again| again.bodies >= proposal.bodies), "{:?}", proposal);
        }
    }
}
