//! Going back to what the configuration was at an epoch.

use std::collections::BTreeSet;

use domain::access::Scope;
use domain::mapping::MappedTo;
use domain::{CompanyId, IntegrationId, RuleId};
use serde_json::json;
use store::{AuditQuery, Change, Restored, Standing, StoreError};

use crate::history::{a_key, all, audit, forget, history, mapping, newest, upheaval};
use crate::world::{ACTOR, MINUTE, World, company, secrets};

on_both!(
    going_back_restores_what_was,
    going_back_can_be_gone_back_on,
    a_preview_says_the_same_and_changes_nothing,
    names_that_were_swapped_are_swapped_back,
    an_integration_whose_credentials_differ_comes_back_unauthenticated,
    an_integration_whose_credentials_are_equal_stays_authenticated,
    a_removed_integration_comes_back_with_a_higher_version,
    going_back_on_an_integration_ends_its_deliveries,
    api_keys_are_not_gone_back_on,
    silences_are_not_gone_back_on,
    only_epochs_that_are_kept_can_be_gone_back_to,
);

pub fn told<'a>(changes: &'a [Restored], what: &str, name: &str) -> &'a Restored {
    let found = changes
        .iter()
        .find(|change| change.what == what && change.name == name);
    found.unwrap_or_else(|| panic!("{what} {name} is not told: {changes:#?}"))
}

async fn going_back_restores_what_was(mut world: World) {
    let before = upheaval(&mut world).await;
    let expected = {
        // What the world was: the same steps, without the upheaval.
        let own = MappedTo::Company(world.company);
        [
            mapping(&world, own, false),
            mapping(&world, MappedTo::All, true),
        ]
    };
    let now = newest(&world.store).await.epoch;
    let back = world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!((back.epoch, back.total), (now + 1, back.changes.len()));
    let is = newest(&world.store).await;
    let mappings: BTreeSet<_> = is.mappings().map(|found| format!("{found:?}")).collect();
    assert_eq!(
        mappings,
        expected.iter().map(|one| format!("{one:?}")).collect()
    );
    assert!(is.company_named("fabrikam").is_none());
    assert_eq!(is.company(world.company).unwrap().domain, None);
    assert!(is.integration(world.integration).unwrap().enabled);
    let signature = &is.source(world.source).unwrap().authentication.signature;
    assert_eq!(signature.secrets[0].reveal(), b"signing secret");
    let changes = &back.changes;
    let tickets = told(changes, "integration", "Tickets");
    assert_eq!(
        (tickets.action, tickets.fields[0].pointer.as_str()),
        ("update", "/enabled")
    );
    assert_eq!(told(changes, "company", "Fabrikam").action, "remove");
    assert_eq!(
        told(changes, "mapping", "Tickets / Contoso").action,
        "insert"
    );
    assert_eq!(
        told(changes, "mapping", "Tickets / Fabrikam").action,
        "remove"
    );
    assert_eq!(
        told(changes, "source", "Scanner").fields[0].new,
        json!("changed")
    );
    let query = AuditQuery {
        epoch: Some(back.epoch),
        ..AuditQuery::default()
    };
    let rows = audit(&world, query).await;
    assert_eq!(
        rows.len(),
        back.total + 1,
        "one for each thing and one for the whole"
    );
    assert_eq!(
        (
            rows[0].what.as_str(),
            rows[0].id.clone(),
            &rows[0].detail["to"]
        ),
        ("configuration", before.to_string(), &json!(before))
    );
    assert!(
        rows.iter()
            .all(|row| row.action == "rollback" && row.detail["to"] == before)
    );
    // What was put back is there for those who start anew, and can be referred to.
    assert_eq!(all(&is), all(&*newest(&world.another_node().await).await));
    let id = RuleId::new(world.now, &mut world.rng);
    let rule = world.a_rule(id, "Second");
    world.change(Change::InsertRule(rule)).await;
}

async fn going_back_can_be_gone_back_on(mut world: World) {
    let before = upheaval(&mut world).await;
    let changed = newest(&world.store).await;
    world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    assert_ne!(all(&*newest(&world.store).await), all(&changed));
    world
        .store
        .roll_back(changed.epoch, &ACTOR, world.now)
        .await
        .unwrap();
    let again = newest(&world.store).await;
    assert_eq!(all(&again), all(&changed));
    let same = world
        .store
        .roll_back(changed.epoch, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!(
        (same.epoch, same.total),
        (again.epoch, 0),
        "nothing differs, nothing is written"
    );
}

async fn a_preview_says_the_same_and_changes_nothing(mut world: World) {
    let before = upheaval(&mut world).await;
    let rows = history(&world).await;
    let now = newest(&world.store).await;
    let preview = world.store.rollback_preview(before).await.unwrap();
    assert_eq!(preview.epoch, now.epoch);
    assert_eq!(history(&world).await, rows);
    assert_eq!(all(&*newest(&world.store).await), all(&now));
    let done = world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!(preview.changes, done.changes);
    let nothing = world.store.rollback_preview(done.epoch).await.unwrap();
    assert_eq!((nothing.epoch, nothing.total), (done.epoch, 0));
}

async fn names_that_were_swapped_are_swapped_back(mut world: World) {
    let other = CompanyId::new(world.now, &mut world.rng);
    let now = world.now;
    let before = world
        .change(Change::InsertCompany(company(other, "Fabrikam", now)))
        .await;
    for (id, name) in [
        (world.company, "Between"),
        (other, "Contoso"),
        (world.company, "Fabrikam"),
    ] {
        world
            .change(Change::UpdateCompany(company(id, name, now)))
            .await;
    }
    world.store.roll_back(before, &ACTOR, now).await.unwrap();
    let is = newest(&world.store).await;
    assert_eq!(is.company_named("contoso").unwrap().id, world.company);
    assert_eq!(is.company_named("fabrikam").unwrap().id, other);
}

async fn an_integration_whose_credentials_differ_comes_back_unauthenticated(world: World) {
    let before = newest(&world.store).await.epoch;
    let integration = world.an_integration(world.integration, "Tickets");
    world
        .change(Change::UpdateIntegration {
            integration,
            secrets: Some(secrets("password", "battery staple")),
        })
        .await;
    let back = world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    assert!(
        back.changes[0].warnings[0].contains("not authenticated"),
        "{back:?}"
    );
    let is = newest(&world.store).await;
    let found = is.integration(world.integration).unwrap();
    assert_eq!((found.authenticated_at, found.version), (None, 3));
    assert_eq!(found.secrets_set["password"], "orse");
    let kept = world.store.secrets(world.integration).await.unwrap();
    assert_eq!(kept, secrets("password", "correct horse"));
}

async fn an_integration_whose_credentials_are_equal_stays_authenticated(world: World) {
    let before = newest(&world.store).await.epoch;
    let integration = world.an_integration(world.integration, "Renamed");
    // The same secret sealed anew is the same secret.
    world
        .change(Change::UpdateIntegration {
            integration,
            secrets: Some(secrets("password", "correct horse")),
        })
        .await;
    let at = world.now.after(MINUTE);
    let (id, report) = (world.integration, json!({}));
    let checked = Change::Checked {
        id,
        at,
        ok: true,
        report,
    };
    world.change(checked).await;
    let back = world.store.roll_back(before, &ACTOR, at).await.unwrap();
    assert!(back.changes[0].warnings.is_empty(), "{back:?}");
    let is = newest(&world.store).await;
    let found = is.integration(world.integration).unwrap();
    assert_eq!(
        (found.name.as_str(), found.authenticated_at),
        ("Tickets", Some(at))
    );
    assert_eq!(found.version, 4);
    let (report, ok) = (json!({}), false);
    world.change(Change::Checked { id, at, ok, report }).await;
    let same = world.store.rollback_preview(is.epoch).await.unwrap();
    assert_eq!(
        same.total, 0,
        "what a check finds out is nothing to go back on"
    );
}

async fn a_removed_integration_comes_back_with_a_higher_version(world: World) {
    let before = newest(&world.store).await.epoch;
    for enabled in [false, true] {
        let id = world.integration;
        world.change(Change::SetEnabled { id, enabled }).await;
    }
    world
        .change(Change::RemoveIntegration(world.integration))
        .await;
    let back = world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!(told(&back.changes, "rule", "Everything").action, "insert");
    let is = newest(&world.store).await;
    let found = is.integration(world.integration).unwrap();
    assert_eq!((found.version, found.authenticated_at), (4, None));
    assert!(is.rule(world.rule).is_some());
    // It has an owner again: its deliveries can be leased.
    world.lease().await;
}

async fn going_back_on_an_integration_ends_its_deliveries(mut world: World) {
    let before = newest(&world.store).await.epoch;
    let (integration, rule) = (world.integration, world.rule);
    world.integration = IntegrationId::new(world.now, &mut world.rng);
    world.rule = RuleId::new(world.now, &mut world.rng);
    let second = world.an_integration(world.integration, "Second");
    world
        .change(Change::InsertIntegration {
            integration: second,
            secrets: secrets("password", "correct horse"),
        })
        .await;
    world
        .change(Change::InsertRule(world.a_rule(world.rule, "Second")))
        .await;
    let (_, delivery) = world.accepted("web").await;
    let preview = world.store.rollback_preview(before).await.unwrap();
    let warning = "its pending deliveries (1) end as dead";
    assert_eq!(
        told(&preview.changes, "integration", "Second").warnings,
        [warning]
    );
    world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    let row = world
        .store
        .delivery(&Scope::All, delivery)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.standing, row.reason.as_deref()),
        (Standing::Dead, Some("removed"))
    );
    let is = newest(&world.store).await;
    assert!(is.integration(integration).is_some() && is.rule(rule).is_some());
    assert!(is.integration(world.integration).is_none());
}

async fn api_keys_are_not_gone_back_on(mut world: World) {
    let id = CompanyId::new(world.now, &mut world.rng);
    let old = a_key(&mut world, "Old", Scope::All);
    world.change(Change::InsertKey(old.clone())).await;
    let before = newest(&world.store).await.epoch;
    let now = world.now;
    world
        .change(Change::InsertCompany(company(id, "Fabrikam", now)))
        .await;
    let new = a_key(&mut world, "New", Scope::Companies(vec![id]));
    world.change(Change::InsertKey(new.clone())).await;
    world.change(Change::RemoveKey(old.id)).await;
    let back = world.store.roll_back(before, &ACTOR, now).await.unwrap();
    assert_eq!(back.total, 1);
    let warning = "the API key `New` is limited to it and stays";
    assert_eq!(
        told(&back.changes, "company", "Fabrikam").warnings,
        [warning]
    );
    let is = newest(&world.store).await;
    assert!(is.key(&old.digest).is_none() && is.key(&new.digest).is_some());
}

async fn silences_are_not_gone_back_on(mut world: World) {
    let before = newest(&world.store).await.epoch;
    let id = CompanyId::new(world.now, &mut world.rng);
    let made = company(id, "Fabrikam", world.now);
    world.change(Change::InsertCompany(made)).await;
    let (stays, goes) = (world.a_silence(&[world.company]), world.a_silence(&[id]));
    for silence in [&stays, &goes] {
        world.change(Change::InsertSilence(silence.clone())).await;
    }
    let preview = world.store.rollback_preview(before).await.unwrap();
    let back = world
        .store
        .roll_back(before, &ACTOR, world.now)
        .await
        .unwrap();
    assert_eq!(preview.changes, back.changes);
    let whats: Vec<_> = back.changes.iter().map(|change| change.what).collect();
    assert_eq!(
        whats,
        ["silence", "company"],
        "what is owned by what goes, goes along"
    );
    let is = newest(&world.store).await;
    assert!(is.silence(stays.id).is_some() && is.silence(goes.id).is_none());
    let both = world.a_silence(&[world.company, id]);
    let made = company(id, "Fabrikam", world.now);
    world.change(Change::InsertCompany(made)).await;
    world.change(Change::InsertSilence(both)).await;
    let refused = world.store.rollback_preview(before).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::InUse { by: "silence", .. }),
        "{refused}"
    );
}

async fn only_epochs_that_are_kept_can_be_gone_back_to(mut world: World) {
    let newest = newest(&world.store).await.epoch;
    let back = async |world: &World, to| world.store.roll_back(to, &ACTOR, world.now).await;
    for to in [0, newest + 1, u64::MAX] {
        let error = back(&world, to).await.unwrap_err();
        let oldest = 1;
        assert_eq!(error, StoreError::NoEpoch { to, oldest, newest });
    }
    back(&world, 1).await.unwrap();
    assert_eq!(all(&*crate::history::newest(&world.store).await).len(), 0);
    world.pass(MINUTE);
    forget(&world).await;
    let preview = world.store.rollback_preview(newest).await;
    assert!(matches!(preview, Err(StoreError::NoEpoch { oldest, .. }) if oldest == newest + 1));
}
