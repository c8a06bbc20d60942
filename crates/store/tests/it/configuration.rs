//! The configuration: what is changed is what the snapshot says.

use domain::access::{ApiKey, Role, Scope};
use domain::mapping::{CompanyMapping, MappedTo};
use domain::{CompanyId, IntegrationId, KeyId, RuleId, SourceId};
use store::{Change, Notice, PageAt, SealingKey, Store, StoreError};

use crate::world::{ACTOR, MINUTE, World, company, secrets};

on_both!(
    the_snapshot_holds_what_was_stored,
    each_change_raises_the_epoch_and_leaves_an_audit_row,
    a_refused_change_changes_nothing,
    several_changes_are_one_step_or_none,
    changes_worked_out_on_an_older_epoch_are_not_made,
    a_name_is_taken_once,
    what_is_named_must_be_there,
    what_is_used_stays_and_what_is_owned_goes,
    secrets_are_kept_until_others_are_given,
    a_check_sets_and_clears_what_it_found,
    a_mapping_takes_the_place_of_the_one_before,
    a_key_s_use_is_written_once_a_minute,
    another_sealing_key_is_refused,
    a_restart_finds_the_same_instance_and_configuration,
);

async fn refused(world: &World, change: Change) -> StoreError {
    world
        .store
        .change(change, &ACTOR, world.now)
        .await
        .unwrap_err()
}

async fn the_snapshot_holds_what_was_stored(world: World) {
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(snapshot.instance, world.store.instance());
    assert_eq!(
        **snapshot.company(world.company).unwrap(),
        company(world.company, "Contoso", world.now)
    );
    let (found, made) = (
        snapshot.source(world.source).unwrap(),
        world.a_source(world.source, "Scanner"),
    );
    assert_eq!(
        (found.name.as_str(), found.company, found.dedup_window),
        ("Scanner", made.company, made.dedup_window)
    );
    assert_eq!(
        found.authentication.signature,
        made.authentication.signature
    );
    assert_eq!(
        found.authentication.addresses,
        made.authentication.addresses
    );
    let mut integration = world.an_integration(world.integration, "Tickets");
    integration.secrets_set = [("password".to_owned(), "orse".to_owned())].into();
    assert_eq!(
        **snapshot.integration(world.integration).unwrap(),
        integration
    );
    assert_eq!(
        **snapshot.rule(world.rule).unwrap(),
        world.a_rule(world.rule, "Everything")
    );
    assert_eq!(
        snapshot.event_set(world.set).unwrap().events,
        ["asset.discovered"]
    );
}

async fn each_change_raises_the_epoch_and_leaves_an_audit_row(mut world: World) {
    let before = world.store.configuration().await.unwrap().epoch;
    let mut notices = world.store.notices();
    let id = CompanyId::new(world.now, &mut world.rng);
    let epoch = world
        .change(Change::InsertCompany(company(id, "Fabrikam", world.now)))
        .await;
    assert_eq!(epoch, before + 1);
    assert_eq!(world.store.configuration().await.unwrap().epoch, epoch);
    loop {
        if notices.recv().await.unwrap() == Notice::Configuration(epoch) {
            break;
        }
    }
    let page = world
        .store
        .audit(&Default::default(), &PageAt::new(Some(1), None))
        .await
        .unwrap();
    let row = &page.items[0];
    assert_eq!(
        (row.action.as_str(), row.what.as_str(), row.epoch),
        ("insert", "company", epoch)
    );
    assert_eq!(
        (row.id.clone(), &row.actor, &row.detail["name"]),
        (id.to_string(), &ACTOR, &"Fabrikam".into())
    );
    let older = world
        .store
        .audit(&Default::default(), &PageAt::new(Some(100), page.next))
        .await
        .unwrap();
    assert!(older.items.iter().all(|older| older.number < row.number));
}

async fn a_refused_change_changes_nothing(mut world: World) {
    let before = world.store.configuration().await.unwrap().epoch;
    let audit = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await
        .unwrap()
        .items
        .len();
    let id = RuleId::new(world.now, &mut world.rng);
    let mut rule = world.a_rule(id, "Other");
    rule.event_set = domain::EventSetId::from_bytes([3; 16]);
    refused(&world, Change::InsertRule(rule.clone())).await;
    world.restart(None).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!((snapshot.epoch, snapshot.rule(rule.id)), (before, None));
    assert_eq!(
        world
            .store
            .audit(&Default::default(), &PageAt::default())
            .await
            .unwrap()
            .items
            .len(),
        audit
    );
}

async fn several_changes_are_one_step_or_none(mut world: World) {
    let before = world.store.configuration().await.unwrap().epoch;
    let companies = ["Fabrikam", "Tailspin"].map(|name| {
        let id = CompanyId::new(world.now, &mut world.rng);
        Change::InsertCompany(company(id, name, world.now))
    });
    let twice = [companies.to_vec(), companies.to_vec()].concat();
    world
        .store
        .change_all(twice[..3].to_vec(), &ACTOR, world.now)
        .await
        .unwrap();
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(snapshot.epoch, before + 1);
    assert!(snapshot.company_named("tailspin").is_some());
    let taken = CompanyId::new(world.now, &mut world.rng);
    let changes = vec![
        Change::RemoveCompany(snapshot.company_named("fabrikam").unwrap().id),
        Change::InsertCompany(company(taken, "Tailspin", world.now)),
    ];
    let refused = world.store.change_all(changes, &ACTOR, world.now).await;
    assert!(
        matches!(refused, Err(StoreError::NameTaken { .. })),
        "{refused:?}"
    );
    let after = world.store.newest_configuration().await.unwrap();
    assert_eq!(after.epoch, before + 1);
    assert!(after.company_named("fabrikam").is_some());
    let audit = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await
        .unwrap()
        .items;
    assert_eq!(
        audit.iter().filter(|row| row.epoch == before + 1).count(),
        3,
        "{audit:?}"
    );
    let nothing = world.store.change_all(Vec::new(), &ACTOR, world.now).await;
    assert_eq!(nothing.unwrap(), before + 1);
}

async fn changes_worked_out_on_an_older_epoch_are_not_made(mut world: World) {
    let seen = world.store.configuration().await.unwrap().epoch;
    let id = CompanyId::new(world.now, &mut world.rng);
    let change = Change::InsertCompany(company(id, "Fabrikam", world.now));
    let made = |epoch| {
        let changes = vec![change.clone()];
        world.store.change_all_at(epoch, changes, &ACTOR, world.now)
    };
    world.change(Change::RemoveRule(world.rule)).await;
    assert!(matches!(made(seen).await, Err(StoreError::Moved)));
    let snapshot = world.store.newest_configuration().await.unwrap();
    assert!(snapshot.company(id).is_none());
    assert_eq!(snapshot.epoch, seen + 1);
    assert_eq!(made(seen + 1).await.unwrap(), seen + 2);
}

async fn a_name_is_taken_once(mut world: World) {
    let id = CompanyId::new(world.now, &mut world.rng);
    let error = refused(
        &world,
        Change::InsertCompany(company(id, " CONTOSO ", world.now)),
    )
    .await;
    assert!(
        matches!(
            error,
            StoreError::NameTaken {
                what: "company",
                ..
            }
        ),
        "{error}"
    );
    world
        .change(Change::UpdateCompany(company(
            world.company,
            "contoso",
            world.now,
        )))
        .await;
    let id = RuleId::new(world.now, &mut world.rng);
    let rule = world.a_rule(id, "everything");
    assert!(matches!(
        refused(&world, Change::InsertRule(rule)).await,
        StoreError::NameTaken { what: "rule", .. }
    ));
}

async fn what_is_named_must_be_there(world: World) {
    let id = [3; 16];
    let mut source = world.a_source(SourceId::from_bytes(id), "Other");
    source.company = Some(CompanyId::from_bytes(id));
    let error = refused(&world, Change::InsertSource(source.clone())).await;
    assert!(
        matches!(
            error,
            StoreError::NoSuch {
                what: "company",
                ..
            }
        ),
        "{error}"
    );
    source.company = None;
    for change in [
        Change::UpdateSource(source),
        Change::RemoveSource(SourceId::from_bytes(id)),
        Change::RemoveKey(KeyId::from_bytes(id)),
        Change::SetEnabled {
            id: IntegrationId::from_bytes(id),
            enabled: true,
        },
        Change::ReleaseGate {
            id: IntegrationId::from_bytes(id),
        },
        Change::RemoveMapping {
            integration: world.integration,
            company: MappedTo::All,
        },
    ] {
        let error = refused(&world, change.clone()).await;
        assert!(
            matches!(error, StoreError::NotFound { .. }),
            "{change:?}: {error}"
        );
    }
    assert!(matches!(
        world
            .store
            .secrets(IntegrationId::from_bytes(id))
            .await
            .unwrap_err(),
        StoreError::NotFound {
            what: "integration",
            ..
        }
    ));
}

fn mapping(world: &World, company: MappedTo, on: bool) -> CompanyMapping {
    CompanyMapping {
        integration: world.integration,
        company,
        rules: vec![world.rule],
        create_webhook_alert: on,
    }
}

async fn what_is_used_stays_and_what_is_owned_goes(world: World) {
    let own = MappedTo::Company(world.company);
    world
        .change(Change::PutMappings(vec![
            mapping(&world, own, true),
            mapping(&world, MappedTo::All, true),
        ]))
        .await;
    let in_use = [
        (Change::RemoveCompany(world.company), "source"),
        (Change::RemoveEventSet(world.set), "rule"),
        (Change::RemoveRule(world.rule), "mapping"),
    ];
    for (change, user) in in_use {
        let error = refused(&world, change).await;
        assert!(
            matches!(error, StoreError::InUse { by, .. } if by == user),
            "{error}"
        );
    }
    world.change(Change::RemoveSource(world.source)).await;
    world.change(Change::RemoveCompany(world.company)).await;
    let snapshot = world.store.configuration().await.unwrap();
    let left: Vec<_> = snapshot.mappings_of(world.integration).collect();
    assert_eq!(left, [&mapping(&world, MappedTo::All, true)]);
    world
        .change(Change::RemoveIntegration(world.integration))
        .await;
    world.change(Change::RemoveEventSet(world.set)).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(
        (
            snapshot.rule(world.rule),
            snapshot.mappings_of(world.integration).count()
        ),
        (None, 0)
    );
}

async fn secrets_are_kept_until_others_are_given(world: World) {
    assert_eq!(
        world.store.secrets(world.integration).await.unwrap(),
        secrets("password", "correct horse")
    );
    let integration = world.an_integration(world.integration, "Renamed");
    world
        .change(Change::UpdateIntegration {
            integration: integration.clone(),
            secrets: None,
        })
        .await;
    assert_eq!(
        world.store.secrets(world.integration).await.unwrap(),
        secrets("password", "correct horse")
    );
    let found = world.store.configuration().await.unwrap();
    let found = found.integration(world.integration).unwrap();
    assert_eq!(
        (found.version, found.secrets_set["password"].as_str()),
        (2, "orse")
    );
    let others = Some(secrets("header_value", "battery staple"));
    world
        .change(Change::UpdateIntegration {
            integration,
            secrets: others,
        })
        .await;
    assert_eq!(
        world.store.secrets(world.integration).await.unwrap(),
        secrets("header_value", "battery staple")
    );
    let found = world.store.configuration().await.unwrap();
    let found = found.integration(world.integration).unwrap();
    assert_eq!(
        (
            found.version,
            found.secrets_set.keys().next().unwrap().as_str()
        ),
        (3, "header_value")
    );
}

async fn a_check_sets_and_clears_what_it_found(world: World) {
    let report = serde_json::json!({ "steps": [] });
    for ok in [true, false] {
        let at = world.now.after(MINUTE);
        world
            .change(Change::Checked {
                id: world.integration,
                at,
                ok,
                report: report.clone(),
            })
            .await;
        let snapshot = world.store.configuration().await.unwrap();
        let found = snapshot.integration(world.integration).unwrap();
        assert_eq!(
            (found.checked_at, found.authenticated_at),
            (Some(at), ok.then_some(at))
        );
        assert_eq!(found.last_check.as_ref(), Some(&report));
    }
}

async fn a_mapping_takes_the_place_of_the_one_before(world: World) {
    let own = MappedTo::Company(world.company);
    for on in [false, true] {
        world
            .change(Change::PutMappings(vec![mapping(&world, own, on)]))
            .await;
        let snapshot = world.store.configuration().await.unwrap();
        assert_eq!(
            snapshot.mappings_for(world.company).collect::<Vec<_>>(),
            [&mapping(&world, own, on)]
        );
    }
    world
        .change(Change::RemoveMapping {
            integration: world.integration,
            company: own,
        })
        .await;
    assert_eq!(
        world
            .store
            .configuration()
            .await
            .unwrap()
            .mappings_for(world.company)
            .count(),
        0
    );
}

async fn a_key_s_use_is_written_once_a_minute(mut world: World) {
    let key = ApiKey {
        id: KeyId::new(world.now, &mut world.rng),
        name: "CI".to_owned(),
        role: Role::Operator,
        scope: Scope::Companies(vec![world.company]),
        digest: world.store.keyed_digest("key", b"secret"),
        created_at: world.now,
        last_used_at: None,
    };
    world.change(Change::InsertKey(key.clone())).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(**snapshot.key(&key.digest).unwrap(), key);
    let first = world.now;
    for (wait, expected) in [(0, first), (30, first), (30, first.after(MINUTE))] {
        world.pass(std::time::Duration::from_secs(wait));
        world.store.touch_key(key.id, world.now).await.unwrap();
        assert_eq!(world.store.key_uses().await.unwrap()[&key.id], expected);
    }
    world.change(Change::RemoveKey(key.id)).await;
    assert!(world.store.key_uses().await.unwrap().is_empty());
}

async fn another_sealing_key_is_refused(mut world: World) {
    world.store.clone().close().await;
    world.settings.key = SealingKey::from_bytes([8; 32]);
    let outcome = Store::open(world.settings.clone(), world.now, [7; 32]).await;
    assert_eq!(outcome.unwrap_err(), StoreError::WrongKey);
}

async fn a_restart_finds_the_same_instance_and_configuration(mut world: World) {
    let (instance, before) = (
        world.store.instance().to_owned(),
        world.store.configuration().await.unwrap(),
    );
    world.settings.instance_seed = [9; 16];
    world.restart(None).await;
    assert_eq!(world.store.instance(), instance);
    let after = world.store.configuration().await.unwrap();
    assert_eq!(
        (after.epoch, after.company(world.company)),
        (before.epoch, before.company(world.company))
    );
}
