//! Figures: each thing is counted once, by one node, and seen by whoever sees its company.

use std::time::Duration;

use domain::CompanyId;
use domain::access::Scope;
use domain::event::Match;
use store::{DeadNow, Figures, RetentionClass, Span, WaitingNow};

use crate::world::{MINUTE, Settle, World, elsewhere};

on_both!(
    events_and_attempts_are_counted_once,
    the_slower_of_two_nodes_adds_nothing,
    figures_outlive_what_they_count,
    numbers_that_are_given_again_are_counted_again,
    each_span_has_its_own_sums,
    the_busiest_companies_come_first,
    what_waits_and_what_is_dead_is_told_as_it_is,
);

/// Counts all. On PostgreSQL attempts are counted once every transaction of their time is over, and others test beside us.
async fn count(world: &World) {
    while world.store.uncounted().await.unwrap().is_some() {
        world.store.count_figures(world.now, 100).await.unwrap();
    }
}

async fn figures(world: &World, scope: &Scope, company: Option<CompanyId>) -> Figures {
    let since = world.now.before(30 * MINUTE);
    let figures = world.store.figures(scope, company, Span::Minute, since);
    figures.await.unwrap()
}

async fn unknown(world: &mut World) {
    let mut acceptance = world.acceptance("Nobody knows this").await;
    let event = &mut acceptance.events[0].event;
    (event.company, event.kind, event.category) = (None, None, None);
    event.reading.matched = Match::None;
    acceptance.events[0].deliveries.clear();
    world.store.accept(acceptance).await.unwrap();
}

async fn fail(world: &mut World, delivery: domain::DeliveryId) {
    let lease = world.lease().await;
    let state = delivery::Delivery {
        attempts: 1,
        ..delivery::Delivery::new(world.now.after(MINUTE))
    };
    let settlement = world.settlement(delivery, state, Some("timeout"));
    let settled = world.store.settle(&lease, vec![settlement], None).await;
    assert!(settled.unwrap());
}

async fn events_and_attempts_are_counted_once(mut world: World) {
    assert_eq!(world.store.uncounted().await.unwrap(), None);
    let begun = world.now;
    let (_, brought) = world.accepted("web-1").await;
    let (_, given_up) = world.accepted("web-2").await;
    unknown(&mut world).await;
    assert_eq!(world.store.uncounted().await.unwrap(), Some(begun));
    fail(&mut world, brought).await;
    world.pass(Duration::from_secs(2));
    world.deliver(brought).await;
    world.bury(given_up).await;
    count(&world).await;
    assert_eq!(world.store.count_figures(world.now, 100).await.unwrap(), 0);

    let all = figures(&world, &Scope::All, None).await;
    let total = all.total();
    // Nobody reads in this world, so nothing is recognised.
    assert_eq!((total.events, total.unknown, total.unassigned), (3, 3, 1));
    assert_eq!((total.delivered, total.failed, total.dead), (1, 1, 1));
    assert_eq!(total.lags.count(), 1);
    let lag = total.lags.quantile(50).unwrap().as_secs_f64();
    assert!((1.6..2.9).contains(&lag), "{lag}");
    let categories: Vec<_> = all.categories.into_iter().collect();
    assert_eq!(categories, [(String::new(), 1), ("assets".to_owned(), 2)]);

    let own = Scope::Companies(vec![world.company]);
    assert_eq!(figures(&world, &own, None).await.total().events, 2);
    let of_company = figures(&world, &Scope::All, Some(world.company)).await;
    assert_eq!(of_company, figures(&world, &own, None).await);
    for (scope, company) in [(elsewhere(), None), (elsewhere(), Some(world.company))] {
        assert_eq!(figures(&world, &scope, company).await, Figures::default());
    }
}

async fn the_slower_of_two_nodes_adds_nothing(mut world: World) {
    for number in 0..20 {
        world.accepted(&format!("web-{number}")).await;
    }
    let other = world.another_node().await;
    let (one, two) = tokio::join!(
        world.store.count_figures(world.now, 7),
        other.count_figures(world.now, 7),
    );
    assert!(one.is_ok() && two.is_ok());
    count(&world).await;
    let figures = figures(&world, &Scope::All, None).await;
    assert_eq!(figures.total().events, 20);
    other.close().await;
}

async fn figures_outlive_what_they_count(mut world: World) {
    let (_, delivery) = world.accepted("web-1").await;
    world.deliver(delivery).await;
    count(&world).await;
    world.pass(Duration::from_secs(3 * 86_400));
    for class in [RetentionClass::Delivered, RetentionClass::Messages] {
        let pruned = world.store.prune(class, world.now, 10, world.now);
        assert_eq!(pruned.await.unwrap(), 1);
    }
    // The next thing to be counted is also what forgets what is too old for its span.
    world.accepted("web-2").await;
    count(&world).await;
    let since = world.now.before(Duration::from_secs(7 * 86_400));
    let days = world.store.figures(&Scope::All, None, Span::Day, since);
    let total = days.await.unwrap().total();
    assert_eq!((total.events, total.delivered), (2, 1));
    let minutes = world.store.figures(&Scope::All, None, Span::Minute, since);
    assert_eq!(minutes.await.unwrap().total().events, 1);
}

async fn numbers_that_are_given_again_are_counted_again(mut world: World) {
    for _ in 0..2 {
        for number in 0..3 {
            let (_, delivery) = world.accepted(&format!("web-{number}")).await;
            world.deliver(delivery).await;
        }
        count(&world).await;
        world.pass(Duration::from_secs(60));
        for class in [RetentionClass::Delivered, RetentionClass::Messages] {
            let pruned = world.store.prune(class, world.now, 10, world.now);
            assert_eq!(pruned.await.unwrap(), 3);
        }
    }
    let total = figures(&world, &Scope::All, None).await.total();
    assert_eq!((total.events, total.delivered), (6, 6));
}

async fn each_span_has_its_own_sums(mut world: World) {
    for _ in 0..3 {
        world.accepted("web-1").await;
        world.pass(30 * MINUTE);
    }
    count(&world).await;
    let since = world.now.before(Duration::from_secs(86_400));
    let mut slots = Vec::new();
    for span in Span::ALL {
        let figures = world.store.figures(&Scope::All, None, span, since);
        let figures = figures.await.unwrap();
        assert_eq!(figures.total().events, 3, "{span:?}");
        assert!(figures.slots.keys().all(|at| span.begin(*at) == *at));
        slots.push(figures.slots.len());
    }
    // At 02:00, 02:30 and 03:00.
    assert_eq!(slots, [3, 2, 1, 1]);
}

async fn the_busiest_companies_come_first(mut world: World) {
    unknown(&mut world).await;
    for _ in 0..2 {
        world.accepted("web-1").await;
    }
    count(&world).await;
    let since = world.now.before(MINUTE);
    let busiest = async |scope: Scope, most| {
        let found = world.store.busiest(&scope, Span::Minute, since, most);
        found.await.unwrap()
    };
    let own = (Some(world.company), 2);
    assert_eq!(busiest(Scope::All, 10).await, [own, (None, 1)]);
    assert_eq!(busiest(Scope::All, 1).await, [own]);
    let seen = Scope::Companies(vec![world.company]);
    assert_eq!(busiest(seen, 10).await, [own]);
    assert_eq!(busiest(elsewhere(), 10).await, []);
}

async fn what_waits_and_what_is_dead_is_told_as_it_is(mut world: World) {
    let now = async |world: &World, scope: Scope, company| {
        let waiting = world.store.waiting_now(&scope, company).await.unwrap();
        let dead = world.store.dead_now(&scope, company).await.unwrap();
        (waiting, dead)
    };
    let begun = world.now;
    let (_, first) = world.accepted("web-1").await;
    world.pass(MINUTE);
    world.accepted("web-2").await;
    let (_, dying) = world.accepted("web-3").await;
    world.bury(dying).await;
    fail(&mut world, first).await;
    let (waiting, dead) = now(&world, Scope::All, None).await;
    assert_eq!((waiting.count, waiting.parked), (2, 0));
    assert_eq!(waiting.oldest, Some(begun));
    assert!(!waiting.is_more && !dead.is_more);
    assert_eq!(dead.by_integration, [(world.integration, 1)]);
    let nothing = (WaitingNow::default(), DeadNow::default());
    assert_eq!(now(&world, elsewhere(), None).await, nothing);
    let other = Some(CompanyId::from_bytes([9; 16]));
    assert_eq!(now(&world, Scope::All, other).await, nothing);
    // Once it is switched off, what waits is parked.
    world.batch("UPDATE owner SET enabled = false").await;
    let (waiting, _) = now(&world, Scope::All, Some(world.company)).await;
    assert_eq!(
        (waiting.count, waiting.parked, waiting.oldest),
        (0, 2, None)
    );
}
