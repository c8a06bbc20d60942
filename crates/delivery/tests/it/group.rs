use alertwire_delivery::group::GroupKey;
use domain::event_set::NotifyBy;
use domain::{CompanyId, IntegrationId, RuleId};

use crate::{at, rng};

#[test]
fn each_part_tells_groups_apart_and_equal_parts_share_one() {
    let mut rng = rng(3);
    let integrations = [0, 1].map(|_| IntegrationId::new(at(0), &mut rng));
    let rules = [0, 1].map(|_| RuleId::new(at(0), &mut rng));
    let companies = [0, 1].map(|_| CompanyId::new(at(0), &mut rng));
    let shared = [
        None,
        Some("hostname=a"),
        Some("hostname=b"),
        Some("hostname=a/b"),
        Some(""),
    ];
    let mut keys = Vec::new();
    for integration in integrations {
        for rule in rules {
            for company in companies {
                for kind in ["system.asset_added", "system.asset"] {
                    for by in NotifyBy::ALL {
                        for shared in shared {
                            let key =
                                || GroupKey::new(integration, rule, kind, company, by, shared);
                            assert_eq!(key(), key());
                            keys.push(key().to_string());
                        }
                    }
                }
            }
        }
    }
    let made = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), made);
}

#[test]
fn whatever_a_message_says_a_key_fits_an_index() {
    let mut rng = rng(3);
    let (integration, rule) = (
        IntegrationId::new(at(0), &mut rng),
        RuleId::new(at(0), &mut rng),
    );
    let company = CompanyId::new(at(0), &mut rng);
    let hostile = "\0\u{1f}/".repeat(100_000);
    let key = GroupKey::new(
        integration,
        rule,
        "system.asset_added",
        company,
        NotifyBy::Asset,
        Some(&hostile),
    );
    assert!(key.as_str().len() < 300);
    assert!(key.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
}
