//! What the configuration was: told by the audit log, read by other nodes, kept and forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::access::{ApiKey, Role, Scope};
use domain::configuration::Configuration;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::{CompanyId, IntegrationId, KeyId, SourceId};
use serde_json::json;
use store::{AuditActor, AuditQuery, AuditRow, Change, PageAt, RetentionClass, Store};

use crate::rollback::told;
use crate::world::{ACTOR, MINUTE, World, company, secrets};

on_both!(
    the_audit_log_tells_old_and_new,
    what_goes_along_has_a_row_of_its_own,
    the_audit_log_is_narrowed_by_what_is_asked,
    a_secret_is_in_no_row_that_is_read,
    a_snapshot_follows_by_what_is_new,
    a_snapshot_that_is_too_old_is_read_whole,
    what_holds_is_never_forgotten,
    revisions_begin_with_what_was_there,
);

/// Everything that can be asked of a snapshot, in an order of its own. Versions and checks are left out: they only rise.
pub fn all(configuration: &Configuration) -> BTreeSet<String> {
    let integrations = configuration.integrations().map(|found| {
        let (name, secrets) = (&found.name, &found.secrets_set);
        format!("{name} {:?} {secrets:?} {:?}", found.fields, found.enabled)
    });
    let companies = configuration.companies().map(|found| format!("{found:?}"));
    let sources = configuration.sources().map(|found| format!("{found:?}"));
    let sets = configuration.event_sets().map(|found| format!("{found:?}"));
    let rules = configuration.rules().map(|found| format!("{found:?}"));
    let mappings = configuration.mappings().map(|found| format!("{found:?}"));
    let silences = configuration.silences().map(|found| format!("{found:?}"));
    let keys = configuration.keys().map(|found| format!("{found:?}"));
    integrations
        .chain(companies)
        .chain(sources)
        .chain(sets)
        .chain(rules)
        .chain(mappings)
        .chain(silences)
        .chain(keys)
        .collect()
}

pub async fn newest(store: &Store) -> Arc<Configuration> {
    store.newest_configuration().await.unwrap()
}

pub async fn audit(world: &World, query: AuditQuery) -> Vec<AuditRow> {
    let page = PageAt::new(Some(1_000), None);
    world.store.audit(&query, &page).await.unwrap().items
}

pub fn mapping(world: &World, company: MappedTo, on: bool) -> CompanyMapping {
    CompanyMapping {
        integration: world.integration,
        company,
        rules: vec![world.rule],
        create_webhook_alert: on,
    }
}

pub fn a_key(world: &mut World, name: &str, scope: Scope) -> ApiKey {
    ApiKey {
        id: KeyId::new(world.now, &mut world.rng),
        name: name.to_owned(),
        role: Role::Operator,
        scope,
        digest: world.store.keyed_digest("key", name.as_bytes()),
        created_at: world.now,
        last_used_at: None,
    }
}

/// Changes of every kind, each by itself; answers the epoch before them.
pub async fn upheaval(world: &mut World) -> u64 {
    let own = MappedTo::Company(world.company);
    let mappings = vec![
        mapping(world, own, false),
        mapping(world, MappedTo::All, true),
    ];
    world.change(Change::PutMappings(mappings)).await;
    let before = newest(&world.store).await.epoch;
    let id = CompanyId::new(world.now, &mut world.rng);
    let mut renamed = company(world.company, "Contoso", world.now);
    renamed.domain = Some("contoso.example".to_owned());
    let mut source = world.a_source(world.source, "Scanner");
    source.authentication.signature =
        domain::source::Live::one(domain::Secret::new(b"another".to_vec()));
    let fabrikam = world.an_integration(IntegrationId::from_bytes([5; 16]), "Fabrikam's");
    for change in [
        Change::InsertCompany(company(id, "Fabrikam", world.now)),
        Change::UpdateCompany(renamed),
        Change::UpdateSource(source),
        Change::InsertIntegration {
            integration: fabrikam,
            secrets: secrets("password", "battery staple"),
        },
        Change::RemoveMapping {
            integration: world.integration,
            company: own,
        },
        Change::PutMappings(vec![mapping(world, MappedTo::Company(id), true)]),
        Change::SetEnabled {
            id: world.integration,
            enabled: false,
        },
    ] {
        world.change(change).await;
    }
    before
}

async fn the_audit_log_tells_old_and_new(world: World) {
    let renamed = company(world.company, "Fabrikam", world.now);
    world.change(Change::UpdateCompany(renamed)).await;
    let mut integration = world.an_integration(world.integration, "Tickets");
    integration.fields =
        serde_json::from_value(json!({"webhook_url": "https://new.example"})).unwrap();
    world
        .change(Change::UpdateIntegration {
            integration,
            secrets: Some(secrets("password", "battery staple")),
        })
        .await;
    let gate = Change::ReleaseGate {
        id: world.integration,
    };
    world.change(gate).await;
    let rows = audit(&world, AuditQuery::default()).await;
    assert_eq!(
        (rows[0].action.as_str(), &rows[0].detail),
        ("release", &json!({"name": "Tickets", "changes": {}}))
    );
    let changes = json!({
        "/fields/webhook_url": {"old": "https://tickets.example/hook", "new": "https://new.example"},
        "/secrets/password": {"old": "set", "new": "changed"},
    });
    assert_eq!(
        rows[1].detail,
        json!({"name": "Tickets", "changes": changes})
    );
    let changes = json!({
        "/aliases": {"old": ["Contoso Ltd"], "new": ["Fabrikam Ltd"]},
        "/name": {"old": "Contoso", "new": "Fabrikam"},
    });
    assert_eq!(
        rows[2].detail,
        json!({"name": "Fabrikam", "changes": changes})
    );
    let made = rows.iter().find(|row| row.what == "source").unwrap();
    assert_eq!(
        made.detail["changes"]["/signature/secret"],
        json!({"old": null, "new": "set"})
    );
}

async fn what_goes_along_has_a_row_of_its_own(world: World) {
    let mappings = vec![mapping(&world, MappedTo::All, true)];
    world.change(Change::PutMappings(mappings)).await;
    let removal = Change::RemoveIntegration(world.integration);
    let epoch = world.change(removal).await;
    let rows = audit(
        &world,
        AuditQuery {
            epoch: Some(epoch),
            ..AuditQuery::default()
        },
    )
    .await;
    let mut whats: Vec<_> = rows.iter().map(|row| row.what.as_str()).collect();
    assert_eq!(whats[0], "integration", "what was asked for stands on top");
    whats.sort_unstable();
    assert_eq!(whats, ["integration", "mapping", "rule"]);
    assert!(rows.iter().all(|row| row.action == "remove"), "{rows:?}");
    let name = json!({"old": "Tickets", "new": null});
    assert_eq!(rows[0].detail["changes"]["/name"], name);
    let password = json!({"old": "set", "new": "removed"});
    assert_eq!(rows[0].detail["changes"]["/secrets/password"], password);
    let all = format!("{}/all", world.integration);
    assert!(rows.iter().any(|row| row.id == all), "{rows:?}");
}

async fn the_audit_log_is_narrowed_by_what_is_asked(mut world: World) {
    let key = a_key(&mut world, "CI \"local\"", Scope::All);
    let actor = domain::access::Actor::Key {
        id: key.id,
        name: key.name.clone(),
    };
    world.pass(MINUTE);
    let later = world.now;
    let change = Change::InsertKey(key.clone());
    let epoch = world.store.change(change, &actor, later).await.unwrap();
    let everything = audit(&world, AuditQuery::default()).await.len();
    let none = AuditQuery::default;
    let text = |text: &str| Some(text.to_owned());
    for (query, count) in [
        (
            AuditQuery {
                what: text("company"),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                target: text(&world.rule.to_string()),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                target: text("nothing"),
                ..none()
            },
            0,
        ),
        (
            AuditQuery {
                action: text("insert"),
                ..none()
            },
            everything,
        ),
        (
            AuditQuery {
                action: text("remove"),
                ..none()
            },
            0,
        ),
        (
            AuditQuery {
                since: Some(later),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                until: Some(later),
                ..none()
            },
            everything - 1,
        ),
        (
            AuditQuery {
                epoch: Some(epoch),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                epoch: Some(u64::MAX),
                ..none()
            },
            0,
        ),
        (
            AuditQuery {
                actor: Some(AuditActor::Local),
                ..none()
            },
            everything - 1,
        ),
        (
            AuditQuery {
                actor: Some(AuditActor::System),
                ..none()
            },
            0,
        ),
        (
            AuditQuery {
                actor: Some(AuditActor::Key(key.id)),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                actor: Some(AuditActor::Named(key.name.clone())),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                actor: Some(AuditActor::Named("local".to_owned())),
                ..none()
            },
            0,
        ),
        (
            AuditQuery {
                what: text("key"),
                since: Some(later),
                ..none()
            },
            1,
        ),
        (
            AuditQuery {
                what: text("company"),
                since: Some(later),
                ..none()
            },
            0,
        ),
    ] {
        assert_eq!(audit(&world, query.clone()).await.len(), count, "{query:?}");
    }
    let query = AuditQuery {
        action: text("insert"),
        ..none()
    };
    let page = world
        .store
        .audit(&query, &PageAt::new(Some(2), None))
        .await
        .unwrap();
    let rest = PageAt::new(Some(1_000), page.next);
    let rest = world.store.audit(&query, &rest).await.unwrap();
    assert_eq!(page.items.len() + rest.items.len(), everything);
}

/// What stands in the rows of history, as text.
pub async fn history(world: &World) -> String {
    const ROWS: &str = "SELECT document FROM revision UNION ALL SELECT detail FROM audit";
    world.texts(ROWS).await.concat()
}

async fn a_secret_is_in_no_row_that_is_read(world: World) {
    const CANARY: &str = "canary-9f3a-q7zx";
    let integration = world.an_integration(world.integration, "Tickets");
    for value in [CANARY, "other secret 123", CANARY] {
        world
            .change(Change::UpdateIntegration {
                integration: integration.clone(),
                secrets: Some(secrets("password", value)),
            })
            .await;
    }
    let mut source = world.a_source(world.source, "Scanner");
    source.authentication.signature = domain::source::Live::one(domain::Secret::new(CANARY.into()));
    let epoch = world.change(Change::UpdateSource(source)).await;
    world
        .change(Change::RemoveIntegration(world.integration))
        .await;
    let back = world
        .store
        .roll_back(epoch, &ACTOR, world.now)
        .await
        .unwrap();
    assert!(!format!("{back:?}").contains(CANARY), "{back:?}");
    let rows = history(&world).await;
    assert!(rows.contains("/secrets/password"), "{rows}");
    assert!(!rows.contains(CANARY), "{rows}");
    // The last four characters are shown to who may see the integration, and nowhere in the log.
    let log = audit(&world, AuditQuery::default()).await;
    assert!(!format!("{log:?}").contains("q7zx"), "{log:?}");
}

async fn a_snapshot_follows_by_what_is_new(mut world: World) {
    let other = world.another_node().await;
    let known = newest(&other).await;
    let key = a_key(&mut world, "CI", Scope::All);
    let silence = world.a_silence(&[]);
    world.change(Change::InsertSilence(silence.clone())).await;
    upheaval(&mut world).await;
    world.change(Change::InsertKey(key.clone())).await;
    world.store.touch_key(key.id, world.now).await.unwrap();
    let followed = newest(&other).await;
    let whole = newest(&world.another_node().await).await;
    assert_eq!((followed.epoch, all(&followed)), (whole.epoch, all(&whole)));
    assert_eq!(
        followed.key(&key.digest).unwrap().last_used_at,
        Some(world.now)
    );
    let (old, new) = (known.rule(world.rule), followed.rule(world.rule));
    assert!(
        Arc::ptr_eq(old.unwrap(), new.unwrap()),
        "what did not change was not read again"
    );
    world
        .change(Change::RemoveIntegration(world.integration))
        .await;
    world.change(Change::RemoveKey(key.id)).await;
    world.change(Change::RemoveSilence(silence.id)).await;
    let followed = newest(&other).await;
    let whole = newest(&world.another_node().await).await;
    assert_eq!((followed.epoch, all(&followed)), (whole.epoch, all(&whole)));
    assert!(followed.rule(world.rule).is_none() && followed.key(&key.digest).is_none());
}

async fn a_snapshot_that_is_too_old_is_read_whole(mut world: World) {
    let other = world.another_node().await;
    let known = newest(&other).await;
    let before = upheaval(&mut world).await;
    world.pass(MINUTE);
    forget(&world).await;
    let followed = newest(&other).await;
    assert!(followed.epoch > before);
    assert_eq!(
        all(&followed),
        all(&*newest(&world.another_node().await).await)
    );
    let (old, new) = (known.rule(world.rule), followed.rule(world.rule));
    assert!(!Arc::ptr_eq(old.unwrap(), new.unwrap()));
}

/// Forgets all that retention may forget now, a row at a time.
pub async fn forget(world: &World) {
    let class = RetentionClass::Revisions;
    while world
        .store
        .prune(class, world.now, 1, world.now)
        .await
        .unwrap()
        > 0
    {}
}

async fn what_holds_is_never_forgotten(mut world: World) {
    let settled = newest(&world.store).await;
    world.pass(MINUTE);
    let edge = world.now;
    let renamed = company(world.company, "Renamed", world.now);
    world.change(Change::UpdateCompany(renamed)).await;
    world.pass(MINUTE);
    let class = RetentionClass::Revisions;
    while world.store.prune(class, edge, 2, world.now).await.unwrap() > 0 {}
    let preview = world.store.rollback_preview(settled.epoch).await.unwrap();
    assert_eq!(
        (preview.total, preview.changes[0].name.as_str()),
        (1, "Contoso"),
        "the first change that is kept can be undone"
    );
    assert!(
        world
            .store
            .rollback_preview(settled.epoch - 1)
            .await
            .is_err()
    );
    forget(&world).await;
    let is = newest(&world.store).await;
    assert!(world.store.rollback_preview(settled.epoch).await.is_err());
    assert_eq!(all(&is), all(&*newest(&world.another_node().await).await));
    world.change(Change::RemoveSource(world.source)).await;
    let back = world
        .store
        .roll_back(is.epoch, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!(told(&back.changes, "source", "Scanner").action, "insert");
    let count = world.store.pruned(10).await.unwrap();
    assert!(
        count
            .iter()
            .any(|row| row.class == "revisions" && row.count > 0)
    );
}

async fn revisions_begin_with_what_was_there(mut world: World) {
    let before = newest(&world.store).await;
    let sql = match world.store.is_postgres() {
        true => include_str!("../../migrations/postgres/0004_revision.sql"),
        false => include_str!("../../migrations/sqlite/0004_revision.sql"),
    };
    let undone = "DROP TABLE revision; DROP TABLE epoch_at; DROP INDEX audit_of_thing; DROP INDEX audit_of_epoch;";
    world.batch(&format!("{undone}{sql}")).await;
    world.change(Change::RemoveSource(world.source)).await;
    let id = SourceId::new(world.now, &mut world.rng);
    world
        .change(Change::InsertSource(world.a_source(id, "Scanner")))
        .await;
    assert!(
        world
            .store
            .rollback_preview(before.epoch - 1)
            .await
            .is_err()
    );
    world
        .store
        .roll_back(before.epoch, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!(all(&*newest(&world.store).await), all(&before));
}
