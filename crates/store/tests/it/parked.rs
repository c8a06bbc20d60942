//! What waits for a person spends no attempt and is not overdue.

use domain::DeliveryId;
use domain::access::Scope;
use store::{Change, Standing};

use crate::world::World;

on_both!(what_is_for_an_integration_that_is_not_authenticated_is_parked,);

async fn standing(world: &World, id: DeliveryId) -> Standing {
    let found = world.store.delivery(&Scope::All, id).await;
    found.unwrap().unwrap().standing
}

async fn what_is_for_an_integration_that_is_not_authenticated_is_parked(mut world: World) {
    let (_, id) = world.accepted("web").await;
    let checked = |world: &World, ok| Change::Checked {
        id: world.integration,
        at: world.now,
        ok,
        report: serde_json::json!({"ok": ok}),
    };
    world.change(checked(&world, false)).await;
    assert_eq!(standing(&world, id).await, Standing::Parked);
    assert_eq!(world.store.health(world.now).await.oldest_due, None);
    for (enabled, ok, wanted) in [
        (false, true, Standing::Parked),
        (true, true, Standing::Pending),
        (true, false, Standing::Parked),
    ] {
        let switch = Change::SetEnabled {
            id: world.integration,
            enabled,
        };
        world.change(switch).await;
        world.change(checked(&world, ok)).await;
        assert_eq!(standing(&world, id).await, wanted, "{enabled} {ok}");
    }
    let mut changed = world.an_integration(world.integration, "Tickets");
    changed.authenticated_at = None;
    let change = Change::UpdateIntegration {
        integration: changed,
        secrets: None,
    };
    world.change(checked(&world, true)).await;
    world.change(change).await;
    assert_eq!(standing(&world, id).await, Standing::Parked);
}
