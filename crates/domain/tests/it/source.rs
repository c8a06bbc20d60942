use std::time::Duration;

use alertwire_domain::source::{
    Authentication, CompanyRule, Live, Source, SourceLimits, Spoken, When,
};
use alertwire_domain::{CompanyId, SourceId};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::house::{House, NOW};

fn source(
    companies: &[CompanyId],
    company: Option<CompanyId>,
    rules: &[(When, CompanyId)],
) -> Source {
    Source {
        id: SourceId::new(NOW, &mut StdRng::seed_from_u64(3)),
        name: "Vendor".to_owned(),
        companies: companies.to_vec(),
        company,
        company_rules: rules
            .iter()
            .map(|(when, company)| CompanyRule {
                when: when.clone(),
                company: *company,
            })
            .collect(),
        authentication: Authentication::default(),
        dedup_window: None,
        limits: SourceLimits::default(),
        created_at: NOW,
    }
}

#[test]
fn what_a_body_says_never_reaches_beyond_the_sources_companies() {
    let mut house = House::new();
    let (acme, other) = (house.company("Acme"), house.company("Other"));
    let configuration = house.configuration();
    let says_other = Spoken {
        company: Some("OTHER  gmbh"),
        ..Spoken::default()
    };
    assert_eq!(
        source(&[], Some(acme), &[]).company_of(&says_other, &configuration),
        Some(other)
    );
    assert_eq!(
        source(&[acme], Some(acme), &[]).company_of(&says_other, &configuration),
        Some(acme)
    );
    assert_eq!(
        source(&[acme], None, &[]).company_of(&says_other, &configuration),
        None
    );
    let rule = (When::BodyCompany("other gmbh".to_owned()), other);
    assert_eq!(
        source(&[acme], None, &[rule]).company_of(&says_other, &configuration),
        None
    );
}

#[test]
fn an_operators_rules_choose_in_their_order() {
    let mut house = House::new();
    let (acme, other) = (house.company("Acme"), house.company("Other"));
    let configuration = house.configuration();
    let rules = [
        (When::Hostname("*.acme.example".to_owned()), acme),
        (When::Address("10.2.0.0/16".parse().unwrap()), other),
    ];
    let source = source(&[], None, &rules);
    let spoken = |hostname, address: &str| Spoken {
        company: None,
        hostname,
        address: address.parse().ok(),
    };
    assert_eq!(
        source.company_of(&spoken(Some("db.ACME.example"), "10.2.0.1"), &configuration),
        Some(acme)
    );
    assert_eq!(
        source.company_of(&spoken(Some("db.example"), "10.2.0.1"), &configuration),
        Some(other)
    );
    assert_eq!(
        source.company_of(&spoken(None, "10.3.0.1"), &configuration),
        None
    );
}

#[test]
fn a_former_secret_ends_by_itself_at_its_time() {
    let mut live = Live::one("old");
    let until = NOW.after(Duration::from_secs(60));
    live.rotate("new", Some(until));
    assert_eq!(live.at(NOW), ["new", "old"]);
    assert_eq!(live.at(until), ["new"]);
    live.rotate("newest", Some(until));
    assert_eq!(live.secrets, ["newest", "new"], "at most two are live");
    live.rotate("alone", None);
    assert_eq!((live.at(NOW), live.former_until), (&["alone"][..], None));
    live.rotate("other", Some(until));
    live.end_former();
    assert_eq!((live.at(NOW), live.former_until), (&["other"][..], None));
}

#[test]
fn a_former_secret_without_an_end_stays_until_a_person_ends_it() {
    let live = Live {
        secrets: vec!["new", "old"],
        former_until: None,
    };
    let late = NOW.after(Duration::from_secs(86_400 * 365));
    assert_eq!(live.at(late), ["new", "old"]);
}
