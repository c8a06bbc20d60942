//! Which node works an integration.

use domain::{IntegrationId, NodeId};
use store::{Change, Lease, NewDelivery};

use crate::world::{MINUTE, Settle, World};

on_both!(
    a_lease_is_one_node_s_until_it_ends,
    a_restarted_node_takes_its_own_back_at_once,
    a_released_lease_is_free_at_once,
    a_renewed_lease_lasts_and_a_lost_one_does_not,
    an_unknown_integration_has_no_lease,
    integrations_with_work_come_in_the_order_of_due_times,
);

async fn take(world: &World) -> Vec<Lease> {
    world
        .store
        .take_leases(&[world.integration], MINUTE, world.now)
        .await
        .unwrap()
}

/// The leases of PostgreSQL end by its own clock, which a test cannot move: there only a release frees one.
async fn end(world: &mut World, lease: Lease) {
    if world.store.is_postgres() {
        world.store.release_leases(&[lease]).await.unwrap();
    }
    world.pass(2 * MINUTE);
}

fn other() -> NodeId {
    NodeId::from_bytes([3; 16])
}

async fn a_lease_is_one_node_s_until_it_ends(mut world: World) {
    let lease = take(&world).await[0];
    assert_eq!(
        (lease.integration, lease.until),
        (world.integration, world.now.after(MINUTE))
    );
    world.restart(Some(other())).await;
    assert!(take(&world).await.is_empty());
    end(&mut world, lease).await;
    let theirs = take(&world).await[0];
    assert!(theirs.number > lease.number);
}

async fn a_restarted_node_takes_its_own_back_at_once(mut world: World) {
    let before = take(&world).await[0];
    world.restart(None).await;
    let after = take(&world).await[0];
    assert!(after.number > before.number);
    assert!(!world.store.settle(&before, Vec::new(), None).await.unwrap());
    assert!(world.store.settle(&after, Vec::new(), None).await.unwrap());
}

async fn a_released_lease_is_free_at_once(mut world: World) {
    let lease = take(&world).await[0];
    world.store.release_leases(&[lease]).await.unwrap();
    assert!(!world.store.settle(&lease, Vec::new(), None).await.unwrap());
    world.restart(Some(other())).await;
    assert_eq!(take(&world).await.len(), 1);
}

async fn a_renewed_lease_lasts_and_a_lost_one_does_not(mut world: World) {
    let lease = take(&world).await[0];
    world.pass(MINUTE / 2);
    let renewed = world
        .store
        .renew_leases(&[lease], MINUTE, world.now)
        .await
        .unwrap();
    assert_eq!(
        renewed,
        [Lease {
            until: world.now.after(MINUTE),
            ..lease
        }]
    );
    end(&mut world, lease).await;
    world.restart(Some(other())).await;
    assert_eq!(take(&world).await.len(), 1);
    assert!(
        world
            .store
            .renew_leases(&renewed, MINUTE, world.now)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn an_unknown_integration_has_no_lease(world: World) {
    let wanted = [IntegrationId::from_bytes([3; 16])];
    assert!(
        world
            .store
            .take_leases(&wanted, MINUTE, world.now)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn integrations_with_work_come_in_the_order_of_due_times(mut world: World) {
    let late = IntegrationId::new(world.now, &mut world.rng);
    let integration = world.an_integration(late, "Late");
    world
        .change(Change::InsertIntegration {
            integration,
            secrets: Default::default(),
        })
        .await;
    assert!(
        world
            .store
            .with_work(world.now, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let due_at = world.now.after(MINUTE);
    let mut acceptance = world.acceptance("web-1").await;
    let first = acceptance.events[0].deliveries[0].clone();
    let second = NewDelivery {
        integration: late,
        due_at,
        id: domain::DeliveryId::new(world.now, &mut world.rng),
        ..first
    };
    acceptance.events[0].deliveries.push(second);
    world.store.accept(acceptance).await.unwrap();
    let work = world.store.with_work(world.now, 10).await.unwrap();
    assert_eq!(work, [(world.integration, world.now), (late, due_at)]);
    assert_eq!(world.store.with_work(world.now, 1).await.unwrap().len(), 1);
}
