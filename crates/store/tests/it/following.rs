//! What happens to deliveries, for whoever follows them.

use domain::DeliveryId;
use store::UpTo;

use crate::world::{MINUTE, World};

on_both!(what_happens_to_deliveries_is_followed_in_its_order,);

async fn followed(world: &World, since: UpTo, expected: &[DeliveryId]) -> UpTo {
    let (mut at, mut found) = (since, Vec::new());
    while found.len() < expected.len() {
        let followed = world.store.followed(at).await.unwrap();
        assert!(!followed.is_more);
        found.extend(followed.deliveries);
        at = followed.up_to;
        tokio::task::yield_now().await;
    }
    assert_eq!(found, expected);
    at
}

async fn what_happens_to_deliveries_is_followed_in_its_order(mut world: World) {
    let begin = world.store.up_to(None).await.unwrap();
    let before = world.now;
    let first = world.accepted("web-1").await.1;
    world.pass(MINUTE);
    let second = world.accepted("web-2").await.1;
    let made = followed(&world, begin, &[first, second]).await;
    world.bury(second).await;
    world.deliver(first).await;
    let ended = followed(&world, made, &[second, first]).await;
    let nothing = world.store.followed(ended).await.unwrap();
    assert_eq!((nothing.deliveries, nothing.up_to), (vec![], ended));
    // By a time, whoever comes again is told of what has happened since, and of nothing before.
    let at = world.store.up_to(Some(before)).await.unwrap();
    followed(&world, at, &[first, second]).await;
    let at = world.store.up_to(Some(world.now)).await.unwrap();
    followed(&world, at, &[second, first]).await;
    world.pass(MINUTE);
    let now = world.store.up_to(Some(world.now)).await.unwrap();
    assert_eq!(now, ended);
}
