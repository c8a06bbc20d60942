//! A delivery from its making to its forgetting, and a configuration that changes under it.

use std::collections::HashSet;
use std::time::Duration;

use delivery::{DeadReason, Delivery, Gate, HoldReason, Status};
use domain::access::Scope;
use domain::alert::Alert;
use domain::mapping::{CompanyMapping, MappedTo};
use domain::{CompanyId, DeliveryId, KeyId, RuleId};
use store::{Change, DeliveryQuery, PageAt, RetentionClass, Retried, Standing, StoreError};

use crate::world::{ACTOR, MINUTE, Settle, World, company, elsewhere, secrets, stored};

on_both!(
    what_is_due_comes_by_lanes_and_without_what_is_in_flight,
    a_failed_attempt_waits_and_can_be_pulled_forward,
    a_due_time_beyond_the_longest_wait_is_clamped,
    a_group_is_closed_sealed_and_sent_as_one,
    a_stale_lease_writes_nothing,
    a_held_gate_parks,
    a_retry_by_hand_is_due_now_and_a_replay_has_a_new_id,
    a_removed_integration_ends_its_deliveries,
    what_is_in_use_or_missing_or_taken_is_refused,
    secrets_and_uses_of_keys_are_kept,
    old_things_are_forgotten_and_counted,
    health_tells_what_waits,
);

fn query(standing: Standing) -> DeliveryQuery {
    DeliveryQuery {
        standing: Some(standing),
        ..DeliveryQuery::default()
    }
}

async fn standing(world: &World, id: DeliveryId) -> Standing {
    world
        .store
        .delivery(&Scope::All, id)
        .await
        .unwrap()
        .unwrap()
        .standing
}

async fn what_is_due_comes_by_lanes_and_without_what_is_in_flight(mut world: World) {
    let (_, first) = world.accepted("first").await;
    world.pass(MINUTE);
    let mut critical = world.acceptance("critical").await;
    critical.events[0].deliveries[0].critical = true;
    let critical_id = critical.events[0].deliveries[0].id;
    world.store.accept(critical).await.unwrap();
    let mut later = world.acceptance("later").await;
    later.events[0].deliveries[0].due_at = world.now.after(MINUTE);
    world.store.accept(later).await.unwrap();
    let page = world
        .store
        .due(world.integration, world.now, 10, &HashSet::new())
        .await
        .unwrap();
    let ids: Vec<_> = page.items.iter().map(|due| due.id).collect();
    assert_eq!(
        (ids, page.next_due),
        (vec![critical_id, first], Some(world.now.after(MINUTE)))
    );
    assert!(page.items.iter().all(|due| due.alert.is_some()));
    let page = world
        .store
        .due(
            world.integration,
            world.now,
            10,
            &HashSet::from([critical_id]),
        )
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    let page = world
        .store
        .due(world.integration, world.now, 1, &HashSet::new())
        .await
        .unwrap();
    assert_eq!(
        (
            page.items[0].id,
            page.next_due.is_some_and(|due| due <= world.now)
        ),
        (critical_id, true)
    );
    let work = world.store.with_work(world.now, 10).await.unwrap();
    assert_eq!(work.len(), 1);
    assert!(work[0].1 < world.now);
}

async fn a_failed_attempt_waits_and_can_be_pulled_forward(mut world: World) {
    let (_, id) = world.accepted("web").await;
    let lease = world.lease().await;
    let (due_at, not_before) = (world.now.after(10 * MINUTE), world.now.after(2 * MINUTE));
    let state = Delivery {
        attempts: 1,
        due_at,
        not_before: Some(not_before),
        ..Delivery::new(world.now)
    };
    for _ in 0..2 {
        let settlement = world.settlement(id, state.clone(), Some("status_503"));
        assert!(
            world
                .store
                .settle(&lease, vec![settlement], None)
                .await
                .unwrap()
        );
    }
    let numbers: Vec<_> = world
        .store
        .attempts(&Scope::All, id)
        .await
        .unwrap()
        .iter()
        .map(|attempt| attempt.number)
        .collect();
    assert_eq!(numbers, [1, 2]);
    assert!(
        world
            .store
            .attempts(&elsewhere(), id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        world
            .store
            .waiting(world.integration, world.now, 10)
            .await
            .unwrap(),
        [(id, due_at)]
    );
    let failed = DeliveryQuery {
        cause: Some("status_503".to_owned()),
        ..query(Standing::Pending)
    };
    assert_eq!(
        world
            .store
            .count_deliveries(&Scope::All, &failed, 10)
            .await
            .unwrap(),
        1
    );
    assert!(
        world
            .store
            .pull_forward(&lease, vec![(id, world.now)])
            .await
            .unwrap()
    );
    assert_eq!(
        world
            .store
            .delivery(&Scope::All, id)
            .await
            .unwrap()
            .unwrap()
            .due_at,
        not_before
    );
}

async fn a_due_time_beyond_the_longest_wait_is_clamped(mut world: World) {
    let (_, id) = world.accepted("web").await;
    let lease = world.lease().await;
    let far = world.now.after(1_000 * MINUTE);
    let state = Delivery {
        attempts: 1,
        due_at: far,
        not_before: Some(far),
        ..Delivery::new(world.now)
    };
    let settlement = world.settlement(id, state, Some("timeout"));
    world
        .store
        .settle(&lease, vec![settlement], None)
        .await
        .unwrap();
    assert_eq!(
        world
            .store
            .clamp_due(&lease, world.now, MINUTE)
            .await
            .unwrap(),
        1
    );
    let row = world
        .store
        .delivery(&Scope::All, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.due_at, row.not_before),
        (world.now.after(MINUTE), Some(world.now.after(MINUTE)))
    );
}

async fn a_group_is_closed_sealed_and_sent_as_one(mut world: World) {
    let first = world.joinable("one", "group", 1, 10).await;
    let second = world.joinable("two", "group", 1, 10).await;
    let id = first.events[0].deliveries[0].id;
    let one = stored(world.store.accept(first).await.unwrap());
    let two = stored(world.store.accept(second).await.unwrap());
    assert_eq!(
        world
            .store
            .retry(&Scope::All, id, world.now, &ACTOR)
            .await
            .unwrap(),
        Retried::Grouping
    );
    let lease = world.lease().await;
    let closed = world.store.close_groups(&lease, &[id]).await.unwrap();
    let events: Vec<_> = closed[0].1.iter().map(|event| event.id).collect();
    assert_eq!((closed[0].0, events), (id, vec![one, two]));
    let alert = Alert {
        body: b"{}".to_vec(),
        headers: vec![("a".to_owned(), "b".to_owned())],
        hash: [3; 32],
    };
    let sealed = world.store.seal(&lease, vec![(id, alert.clone())]).await;
    assert!(sealed.unwrap().is_some());
    let other = Alert {
        body: b"other".to_vec(),
        headers: Vec::new(),
        hash: [4; 32],
    };
    world.store.seal(&lease, vec![(id, other)]).await.unwrap();
    assert_eq!(
        world.store.alert(&Scope::All, id).await.unwrap(),
        Some(alert),
        "sealed once, for good"
    );
    world.deliver(id).await;
    let Retried::Replayed(again) = world
        .store
        .retry(&Scope::All, id, world.now, &ACTOR)
        .await
        .unwrap()
    else {
        panic!("it had been delivered")
    };
    let row = world
        .store
        .delivery(&Scope::All, again)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.events, row.replay_of, row.sealed),
        (vec![one, two], Some(id), true)
    );
    for event in [one, two] {
        let carriers = world
            .store
            .deliveries_of_event(&Scope::All, event)
            .await
            .unwrap();
        assert_eq!(
            carriers
                .iter()
                .map(|carrier| carrier.delivery)
                .collect::<Vec<_>>(),
            [id, again]
        );
    }
}

async fn a_stale_lease_writes_nothing(mut world: World) {
    let (_, id) = world.accepted("web").await;
    let old = world.lease().await;
    let new = world.lease().await;
    assert!(new.number > old.number);
    let alert = Alert {
        body: Vec::new(),
        headers: Vec::new(),
        hash: [3; 32],
    };
    let settlement = world.settlement(
        id,
        Delivery {
            attempts: 1,
            ..Delivery::new(world.now)
        },
        Some("dns"),
    );
    assert!(
        !world
            .store
            .settle(&old, vec![settlement], Some(Gate::default()))
            .await
            .unwrap()
    );
    assert_eq!(
        world.store.seal(&old, vec![(id, alert)]).await.unwrap(),
        None
    );
    assert!(
        !world
            .store
            .pull_forward(&old, vec![(id, world.now)])
            .await
            .unwrap()
    );
    assert!(
        world
            .store
            .close_groups(&old, &[id])
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        world
            .store
            .clamp_due(&old, world.now.before(MINUTE), Duration::ZERO)
            .await
            .unwrap(),
        0
    );
    assert!(
        world
            .store
            .attempts(&Scope::All, id)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_held_gate_parks(mut world: World) {
    let (_, id) = world.accepted("web").await;
    let lease = world.lease().await;
    let mut held = Gate::default();
    held.hold(HoldReason::Gone, world.now);
    assert!(
        world
            .store
            .settle(&lease, Vec::new(), Some(held.clone()))
            .await
            .unwrap()
    );
    assert_eq!(world.store.gate(world.integration).await.unwrap(), held);
    assert_eq!(
        world.store.gates().await.unwrap().get(&world.integration),
        Some(&held)
    );
    assert_eq!(standing(&world, id).await, Standing::Parked);
    assert_eq!(
        world
            .store
            .count_deliveries(&Scope::All, &query(Standing::Parked), 10)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        world
            .store
            .count_deliveries(&Scope::All, &query(Standing::Pending), 10)
            .await
            .unwrap(),
        0
    );
    assert_eq!(world.store.health(world.now).await.oldest_due, None);
    world
        .change(Change::ReleaseGate {
            id: world.integration,
        })
        .await;
    assert_eq!(standing(&world, id).await, Standing::Pending);
    world
        .change(Change::SetEnabled {
            id: world.integration,
            enabled: false,
        })
        .await;
    assert_eq!(standing(&world, id).await, Standing::Parked);
}

async fn a_retry_by_hand_is_due_now_and_a_replay_has_a_new_id(mut world: World) {
    let (_, id) = world.accepted("web").await;
    world.bury(id).await;
    assert_eq!(standing(&world, id).await, Standing::Dead);
    let dead = world
        .store
        .deliveries(&Scope::All, &query(Standing::Dead), &PageAt::default())
        .await
        .unwrap();
    assert_eq!(
        dead.items[0].reason.as_deref(),
        Some(DeadReason::Exhausted.as_str())
    );
    assert_eq!(
        world
            .store
            .retry(&elsewhere(), id, world.now, &ACTOR)
            .await
            .unwrap(),
        Retried::NotFound
    );
    world.pass(MINUTE);
    assert_eq!(
        world
            .store
            .retry(&Scope::All, id, world.now, &ACTOR)
            .await
            .unwrap(),
        Retried::Due(id)
    );
    let due = world
        .store
        .due(world.integration, world.now, 10, &HashSet::new())
        .await
        .unwrap();
    assert_eq!(
        (due.items[0].id, due.items[0].state.status),
        (id, Status::Pending)
    );
    let audit = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await
        .unwrap();
    assert_eq!(
        (audit.items[0].action.as_str(), audit.items[0].id.clone()),
        ("retry", id.to_string())
    );
}

async fn a_removed_integration_ends_its_deliveries(mut world: World) {
    let (_, id) = world.accepted("web").await;
    let lease = world.lease().await;
    world
        .change(Change::RemoveIntegration(world.integration))
        .await;
    let row = world
        .store
        .delivery(&Scope::All, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.standing, row.reason.as_deref()),
        (Standing::Dead, Some(DeadReason::Removed.as_str()))
    );
    let settlement = world.settlement(id, Delivery::new(world.now), None);
    assert!(
        !world
            .store
            .settle(&lease, vec![settlement], None)
            .await
            .unwrap()
    );
    let configuration = world.store.configuration().await.unwrap();
    assert!(configuration.integration(world.integration).is_none());
    assert!(
        configuration.rule(world.rule).is_none(),
        "its rules go with it"
    );
    assert_eq!(
        world
            .store
            .retry(&Scope::All, id, world.now, &ACTOR)
            .await
            .unwrap(),
        Retried::NotFound
    );
}

async fn what_is_in_use_or_missing_or_taken_is_refused(mut world: World) {
    let epoch = world.store.configuration().await.unwrap().epoch;
    let refused = |change| world.store.change(change, &ACTOR, world.now);
    assert!(matches!(
        refused(Change::RemoveCompany(world.company)).await,
        Err(StoreError::InUse { .. })
    ));
    assert!(matches!(
        refused(Change::RemoveEventSet(world.set)).await,
        Err(StoreError::InUse { .. })
    ));
    let twin = company(CompanyId::from_bytes([5; 16]), "  contoso ", world.now);
    assert!(matches!(
        refused(Change::InsertCompany(twin)).await,
        Err(StoreError::NameTaken { .. })
    ));
    let missing = company(CompanyId::from_bytes([5; 16]), "Fabrikam", world.now);
    assert!(matches!(
        refused(Change::UpdateCompany(missing.clone())).await,
        Err(StoreError::NotFound { .. })
    ));
    let mapping = |company, rules| CompanyMapping {
        integration: world.integration,
        company,
        rules,
        create_webhook_alert: true,
    };
    let unknown = mapping(MappedTo::All, vec![RuleId::from_bytes([5; 16])]);
    assert!(matches!(
        refused(Change::PutMappings(vec![unknown])).await,
        Err(StoreError::NoSuch { .. })
    ));
    assert_eq!(
        world.store.configuration().await.unwrap().epoch,
        epoch,
        "a refused change changes nothing"
    );
    let own = mapping(MappedTo::Company(world.company), vec![world.rule]);
    let all = mapping(MappedTo::All, vec![world.rule]);
    world
        .change(Change::PutMappings(vec![own.clone(), all]))
        .await;
    world.change(Change::PutMappings(vec![own])).await;
    assert_eq!(
        world
            .store
            .configuration()
            .await
            .unwrap()
            .mappings_of(world.integration)
            .count(),
        2
    );
    assert!(matches!(
        world
            .store
            .change(Change::RemoveRule(world.rule), &ACTOR, world.now)
            .await,
        Err(StoreError::InUse { .. })
    ));
    world
        .change(Change::RemoveMapping {
            integration: world.integration,
            company: MappedTo::All,
        })
        .await;
    assert_eq!(
        world
            .store
            .configuration()
            .await
            .unwrap()
            .mappings_of(world.integration)
            .count(),
        1
    );
    world.pass(MINUTE);
    world.change(Change::InsertCompany(missing)).await;
    assert_eq!(
        world
            .store
            .audit(&Default::default(), &PageAt::new(Some(1), None))
            .await
            .unwrap()
            .items[0]
            .what,
        "company"
    );
}

async fn secrets_and_uses_of_keys_are_kept(mut world: World) {
    assert_eq!(
        world.store.secrets(world.integration).await.unwrap(),
        secrets("password", "correct horse")
    );
    let mut integration = world.an_integration(world.integration, "Tickets");
    integration.name = "Renamed".to_owned();
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
    let id = world.integration;
    world
        .change(Change::Checked {
            id,
            at: world.now,
            ok: false,
            report: serde_json::json!({"ok": false}),
        })
        .await;
    let read = world
        .store
        .configuration()
        .await
        .unwrap()
        .integration(id)
        .unwrap()
        .clone();
    assert_eq!(
        (read.name.as_str(), read.authenticated_at, read.version),
        ("Renamed", None, 3)
    );
    let key = KeyId::new(world.now, &mut world.rng);
    world.store.touch_key(key, world.now).await.unwrap();
    assert_eq!(
        world.store.key_uses().await.unwrap().get(&key),
        Some(&world.now)
    );
}

async fn old_things_are_forgotten_and_counted(mut world: World) {
    let mut kept = world.acceptance("kept").await;
    kept.message.webhook_id = Some("msg_1".to_owned());
    let waiting = (kept.message.id, kept.events[0].deliveries[0].id);
    world.store.accept(kept).await.unwrap();
    let (delivered_event, delivered) = world.accepted("delivered").await;
    let (_, dead) = world.accepted("dead").await;
    world.deliver(delivered).await;
    world.bury(dead).await;
    assert_eq!(world.store.index_search(10).await.unwrap(), 3);
    world.pass(60 * 24 * MINUTE);
    let before = world.now.before(MINUTE);
    let prune = async |class| {
        world
            .store
            .prune(class, before, 10, world.now)
            .await
            .unwrap()
    };
    assert_eq!(
        prune(RetentionClass::Messages).await,
        2,
        "what is pending keeps its message"
    );
    assert!(
        world
            .store
            .message(&Scope::All, waiting.0)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        world
            .store
            .event(&Scope::All, delivered_event)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(prune(RetentionClass::Delivered).await, 1);
    assert!(
        world
            .store
            .delivery(&Scope::All, delivered)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(prune(RetentionClass::Dead).await, 1);
    assert_eq!(standing(&world, waiting.1).await, Standing::Pending);
    assert!(prune(RetentionClass::Audit).await > 0);
    assert_eq!(prune(RetentionClass::WebhookIds).await, 1);
    assert_eq!(prune(RetentionClass::IdempotencyKeys).await, 0);
    assert_eq!(prune(RetentionClass::Fingerprints).await, 0);
    let rows = world.store.pruned(10).await.unwrap();
    let messages = rows.iter().find(|row| row.class == "messages").unwrap();
    assert_eq!((messages.count, messages.hash != [0; 32]), (2, true));
}

async fn health_tells_what_waits(mut world: World) {
    world.accepted("web").await;
    let health = world.store.health(world.now).await;
    assert_eq!(
        (health.writable, health.oldest_due, health.pending),
        (Ok(()), Some(world.now), 1)
    );
}
