//! What keeps one company, one owner or one clock from standing in the way of the others.

use std::collections::HashSet;

use delivery::{Delivery, Gate, HoldReason};
use domain::access::Scope;
use domain::{CompanyId, DeliveryId, IntegrationId};
use store::{Ahead, Change, Lease, Look, Others, Settling, Store};

use crate::world::{MINUTE, Settle, World};

on_both!(
    whoever_waits_behind_a_flood_is_found,
    a_look_goes_on_where_the_last_one_ended,
    no_company_gets_more_than_its_share_of_a_look,
    several_owners_settle_at_once_and_a_stale_one_changes_nothing,
    a_gate_that_a_person_opened_meanwhile_stays_open,
    what_has_piled_up_is_counted_and_dated,
    what_a_clock_that_was_set_back_left_in_the_future_is_found,
    what_a_person_opens_is_told_to_its_owner,
);

/// Accepts so many due deliveries of a company in one message.
async fn flood(world: &mut World, company: CompanyId, count: usize) -> Vec<DeliveryId> {
    let mut all = world.acceptance("flood-0").await;
    for number in 1..count {
        let mut next = world.acceptance(&format!("flood-{number}")).await;
        next.events[0].event.message = all.message.id;
        all.events.append(&mut next.events);
    }
    let mut ids = Vec::with_capacity(count);
    for accepted in &mut all.events {
        accepted.deliveries[0].company = company;
        ids.push(accepted.deliveries[0].id);
    }
    world.store.accept(all).await.unwrap();
    ids
}

fn company(number: u8) -> CompanyId {
    CompanyId::from_bytes([number; 16])
}

async fn look(
    world: &World,
    ahead: Ahead,
    (limit, each): (usize, usize),
    skip: &[DeliveryId],
    crowded: &[CompanyId],
) -> Others {
    let look = Look {
        integration: world.integration,
        now: world.now,
        ahead,
        limit,
        each,
        skip: &skip.iter().copied().collect(),
        crowded: &crowded.iter().copied().collect(),
    };
    world.store.due_of_others(look).await.unwrap()
}

fn ids(others: &Others) -> Vec<DeliveryId> {
    others.items.iter().map(|due| due.id).collect()
}

async fn whoever_waits_behind_a_flood_is_found(mut world: World) {
    let (noisy, quiet) = (company(1), company(2));
    flood(&mut world, noisy, 600).await;
    world.pass(MINUTE);
    let waiting = flood(&mut world, quiet, 2).await;
    let page = world
        .store
        .due(world.integration, world.now, 512, &HashSet::new())
        .await
        .unwrap();
    assert!(page.items.iter().all(|due| due.company == noisy));
    let others = look(&world, Ahead::default(), (256, 128), &[], &[noisy]).await;
    assert_eq!(ids(&others), waiting);
    assert_eq!(others.items[0].company, quiet);
    assert!(others.items[0].alert.is_some(), "it comes with its bytes");
    assert_eq!((others.at_end, others.passed), (true, [noisy].into()));
    // What is in flight is not taken again, and what came since is found from where the look ended.
    let again = look(&world, Ahead::default(), (256, 128), &waiting, &[noisy]).await;
    assert_eq!(ids(&again), []);
    let nothing = look(&world, others.ahead, (256, 128), &[], &[noisy]).await;
    assert_eq!(
        (ids(&nothing), nothing.passed, nothing.ahead),
        (vec![], HashSet::new(), others.ahead)
    );
    world.pass(MINUTE);
    let later = flood(&mut world, quiet, 1).await;
    let found = look(&world, nothing.ahead, (256, 128), &[], &[noisy]).await;
    assert_eq!(ids(&found), later);
}

async fn a_look_goes_on_where_the_last_one_ended(mut world: World) {
    let (noisy, quiet) = (company(1), company(2));
    for _ in 0..3 {
        flood(&mut world, noisy, Store::LOOK_AHEAD / 2).await;
        world.pass(MINUTE);
    }
    let waiting = flood(&mut world, quiet, 1).await;
    let first = look(&world, Ahead::default(), (256, 128), &[], &[noisy]).await;
    assert_eq!((ids(&first), first.at_end), (vec![], false));
    let second = look(&world, first.ahead, (256, 128), &[], &[noisy]).await;
    assert_eq!((ids(&second), second.at_end), (waiting, true));
}

async fn no_company_gets_more_than_its_share_of_a_look(mut world: World) {
    let companies = [company(1), company(2), company(3)];
    for company in companies {
        flood(&mut world, company, 10).await;
        world.pass(MINUTE);
    }
    let others = look(&world, Ahead::default(), (100, 4), &[], &[]).await;
    for company in companies {
        let of = others.items.iter().filter(|due| due.company == company);
        assert_eq!(of.count(), 4);
    }
    assert_eq!(others.passed, companies.into());
    assert!(others.at_end);
    // A look that has taken all it may goes on from there.
    let first = look(&world, Ahead::default(), (6, 4), &[], &[]).await;
    assert_eq!((first.items.len(), first.at_end), (6, false));
    let rest = look(&world, first.ahead, (100, 4), &ids(&first), &[]).await;
    assert!(rest.items.iter().any(|due| due.company == companies[2]));
}

async fn a_gate_that_a_person_opened_meanwhile_stays_open(world: World) {
    let lease = world.lease().await;
    let id = world.integration;
    let save = async |settling: Settling| {
        let saved = world.store.settle_all(vec![settling]).await;
        assert_eq!(saved.unwrap(), [true]);
        world.store.gate(id).await.unwrap()
    };
    let held = Gate::Held {
        reason: HoldReason::Gone,
        since: world.now,
        probe_at: None,
        probes: 0,
    };
    let settling = |gate: &Gate| Settling::new(lease, Vec::new(), Some(gate.clone()));
    assert_eq!(save(settling(&held)).await, held);
    world.change(store::Change::ReleaseGate { id }).await;
    assert_eq!(
        save(settling(&held)).await,
        Gate::Opened { since: world.now },
        "its owner had not heard"
    );
    let open = Gate::default();
    assert_eq!(save(settling(&open).heard()).await, open);
}

async fn several_owners_settle_at_once_and_a_stale_one_changes_nothing(mut world: World) {
    let mine = world.accepted("web-1").await.1;
    let lease = world.lease().await;
    let (other, theirs) = another(&mut world).await;
    let stale = take(&world, other).await;
    take(&world, other).await;
    let gate = Gate::Opened { since: world.now };
    let batch = |world: &mut World, lease, id| {
        let state = Delivery {
            attempts: 1,
            ..Delivery::new(world.now.after(MINUTE))
        };
        let settlement = world.settlement(id, state, Some("status_503"));
        Settling::new(lease, vec![settlement], Some(gate.clone()))
    };
    let batches = vec![
        batch(&mut world, stale, theirs),
        batch(&mut world, lease, mine),
    ];
    assert_eq!(
        world.store.settle_all(batches).await.unwrap(),
        [false, true]
    );
    for (id, integration, attempts) in [(mine, world.integration, 1), (theirs, other, 0)] {
        let row = world.store.delivery(&Scope::All, id).await.unwrap();
        assert_eq!(row.unwrap().attempts, attempts);
        let kept = world.store.attempts(&Scope::All, id).await.unwrap();
        assert_eq!(kept.len(), usize::try_from(attempts).unwrap());
        let saved = world.store.gate(integration).await.unwrap();
        assert_eq!(saved == gate, attempts == 1);
    }
    let fresh = take(&world, other).await;
    let both = vec![
        batch(&mut world, lease, mine),
        batch(&mut world, fresh, theirs),
    ];
    assert_eq!(world.store.settle_all(both).await.unwrap(), [true, true]);
    let numbers: Vec<_> = world
        .store
        .attempts(&Scope::All, mine)
        .await
        .unwrap()
        .iter()
        .map(|attempt| attempt.number)
        .collect();
    assert_eq!(numbers, [1, 2]);
    assert!(world.store.settle_all(Vec::new()).await.unwrap().is_empty());
}

/// A second integration with a delivery of its own.
async fn another(world: &mut World) -> (IntegrationId, DeliveryId) {
    let id = IntegrationId::new(world.now, &mut world.rng);
    let integration = world.an_integration(id, "Chat");
    world
        .change(Change::InsertIntegration {
            integration,
            secrets: crate::world::secrets("password", "correct horse"),
        })
        .await;
    let mut acceptance = world.acceptance("web-2").await;
    acceptance.events[0].deliveries[0].integration = id;
    let delivery = acceptance.events[0].deliveries[0].id;
    world.store.accept(acceptance).await.unwrap();
    (id, delivery)
}

async fn take(world: &World, integration: IntegrationId) -> Lease {
    let leases = world
        .store
        .take_leases(&[integration], MINUTE, world.now)
        .await
        .unwrap();
    leases[0]
}

async fn what_has_piled_up_is_counted_and_dated(mut world: World) {
    let empty = world.store.backlog(world.integration).await.unwrap();
    assert_eq!((empty.count, empty.oldest), (0, None));
    let since = world.now;
    let tried = world.accepted("web-1").await.1;
    world.accepted("web-2").await;
    world.pass(MINUTE);
    world.accepted("web-3").await;
    let lease = world.lease().await;
    let state = Delivery {
        attempts: 1,
        ..Delivery::new(world.now.after(MINUTE))
    };
    let settlement = world.settlement(tried, state, Some("status_503"));
    world
        .store
        .settle(&lease, vec![settlement], None)
        .await
        .unwrap();
    let backlog = world.store.backlog(world.integration).await.unwrap();
    assert_eq!((backlog.count, backlog.oldest), (3, Some(since)));
}

async fn what_a_clock_that_was_set_back_left_in_the_future_is_found(mut world: World) {
    let before = world.now;
    let old = world.accepted("web-1").await.1;
    world.pass(60 * MINUTE);
    let made_later = world.accepted("web-2").await.1;
    let find = |now| world.store.made_later(world.integration, now, 10);
    assert_eq!(find(world.now).await.unwrap(), []);
    assert_eq!(find(before).await.unwrap(), [made_later]);
    let earlier = before.before(MINUTE);
    assert_eq!(find(earlier).await.unwrap(), [old, made_later]);
    let one = world.store.made_later(world.integration, earlier, 1).await;
    assert_eq!(one.unwrap(), [old], "no more than were asked for");
}

async fn what_a_person_opens_is_told_to_its_owner(world: World) {
    let id = world.integration;
    let switch = |enabled| Change::SetEnabled { id, enabled };
    let gate = async || world.store.gate(id).await.unwrap();
    world.change(switch(true)).await;
    assert_eq!(gate().await, Gate::default(), "it was on already");
    world.change(switch(false)).await;
    assert_eq!(gate().await, Gate::default());
    world.change(switch(true)).await;
    assert_eq!(gate().await, Gate::Opened { since: world.now });
    let lease = world.lease().await;
    let held = Gate::Held {
        reason: HoldReason::Gone,
        since: world.now.before(MINUTE),
        probe_at: None,
        probes: 0,
    };
    let settling = Settling::new(lease, Vec::new(), Some(held.clone())).heard();
    world.store.settle_all(vec![settling]).await.unwrap();
    world.change(switch(false)).await;
    world.change(switch(true)).await;
    assert_eq!(gate().await, held, "the switch opens no gate");
    world.change(Change::ReleaseGate { id }).await;
    let since = world.now.before(MINUTE);
    assert_eq!(gate().await, Gate::Opened { since });
}
