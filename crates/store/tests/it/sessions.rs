//! People who sign in, and for how long they are.

use domain::access::{Role, Scope};
use domain::session::{LONGEST, PER_USER, Session};
use domain::user::User;
use domain::{Secret, Timestamp, UserId};
use store::{AuditQuery, Change, PageAt, RetentionClass, StoreError};

use crate::world::{MINUTE, World};

on_both!(
    a_user_is_in_the_snapshot_and_their_hash_is_in_no_audit_row,
    a_login_name_is_one_user_s,
    a_session_is_found_by_its_hash_until_it_is_ended,
    a_session_ends_with_whatever_changes_its_user,
    a_password_that_was_changed_meanwhile_begins_no_session,
    of_too_many_sessions_the_one_used_longest_ago_ends,
    old_sessions_are_forgotten,
    going_back_leaves_users_as_they_are,
);

fn a_user(world: &mut World, name: &str) -> User {
    User {
        id: UserId::new(world.now, &mut world.rng),
        name: name.to_owned(),
        role: Role::Admin,
        scope: Scope::All,
        password: Secret::new(format!("$argon2id$of-{name}")),
        enabled: true,
        created_at: world.now,
    }
}

fn a_session(user: &User, number: u8, at: Timestamp) -> Session {
    Session {
        user: user.id,
        digest: [number; 32],
        made_at: at,
        seen_at: at,
        address: "192.0.2.7".parse().unwrap(),
    }
}

async fn signed_in(world: &World, user: &User, number: u8) -> [u8; 32] {
    let session = a_session(user, number, world.now);
    let digest = session.digest;
    let begun = world.store.begin_session(session, user, world.now).await;
    assert!(begun.unwrap());
    digest
}

async fn is_there(world: &World, digest: [u8; 32]) -> bool {
    world.store.session(digest).await.unwrap().is_some()
}

async fn a_user_is_in_the_snapshot_and_their_hash_is_in_no_audit_row(mut world: World) {
    let mut user = a_user(&mut world, "Anna");
    world.change(Change::InsertUser(user.clone())).await;
    let known = world.store.configuration().await.unwrap();
    assert_eq!(**known.user(user.id).unwrap(), user);
    user.password = Secret::new("$argon2id$another".to_owned());
    world.change(Change::UpdateUser(user.clone())).await;
    world.restart(None).await;
    let known = world.store.configuration().await.unwrap();
    assert_eq!(**known.user_named("anna").unwrap(), user);
    world.change(Change::RemoveUser(user.id)).await;
    assert!(
        world
            .store
            .configuration()
            .await
            .unwrap()
            .user(user.id)
            .is_none()
    );
    let query = AuditQuery {
        what: Some("user".to_owned()),
        ..AuditQuery::default()
    };
    let rows = world.store.audit(&query, &PageAt::default()).await.unwrap();
    let actions: Vec<_> = rows.items.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["remove", "update", "insert"]);
    assert!(!format!("{rows:?}").contains("argon2id"), "{rows:?}");
    assert_eq!(
        rows.items[1].detail["changes"]["/password"]["new"],
        "changed"
    );
}

async fn a_login_name_is_one_user_s(mut world: World) {
    let user = a_user(&mut world, "Anna");
    world.change(Change::InsertUser(user)).await;
    let again = Change::InsertUser(a_user(&mut world, "ANNA"));
    let refused = world
        .store
        .change(again, &crate::world::ACTOR, world.now)
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::NameTaken { what: "user", .. })
    ));
}

async fn a_session_is_found_by_its_hash_until_it_is_ended(mut world: World) {
    let user = a_user(&mut world, "Anna");
    world.change(Change::InsertUser(user.clone())).await;
    let begun = a_session(&user, 1, world.now);
    let digest = signed_in(&world, &user, 1).await;
    assert_eq!(world.store.session(digest).await.unwrap(), Some(begun));
    assert_eq!(
        world.store.sign_ins().await.unwrap().get(&user.id),
        Some(&world.now)
    );
    world.pass(MINUTE);
    world.store.touch_session(digest, world.now).await.unwrap();
    let found = world.store.session(digest).await.unwrap().unwrap();
    assert_eq!(found.seen_at, world.now);
    world
        .store
        .touch_session(digest, world.now.before(MINUTE))
        .await
        .unwrap();
    let found = world.store.session(digest).await.unwrap().unwrap();
    assert_eq!(found.seen_at, world.now, "a late note moves nothing back");
    world.store.end_session(digest).await.unwrap();
    assert!(!is_there(&world, digest).await && !is_there(&world, [9; 32]).await);
    world.store.end_session(digest).await.unwrap();
}

async fn a_session_ends_with_whatever_changes_its_user(mut world: World) {
    let (mut user, other) = (a_user(&mut world, "Anna"), a_user(&mut world, "Ben"));
    world.change(Change::InsertUser(user.clone())).await;
    world.change(Change::InsertUser(other.clone())).await;
    let untouched = signed_in(&world, &other, 100).await;
    let changes: [fn(&mut User); 4] = [
        |user| user.password = Secret::new("$argon2id$another".to_owned()),
        |user| user.role = Role::Viewer,
        |user| user.scope = Scope::Companies(Vec::new()),
        |user| user.enabled = false,
    ];
    for (number, change) in (1..).zip(changes) {
        let digest = signed_in(&world, &user, number).await;
        change(&mut user);
        world.change(Change::UpdateUser(user.clone())).await;
        assert!(!is_there(&world, digest).await, "{number}");
    }
    let off = world
        .store
        .begin_session(a_session(&user, 9, world.now), &user, world.now);
    assert!(!off.await.unwrap(), "who is switched off does not get in");
    let last = signed_in(&world, &other, 10).await;
    world.change(Change::RemoveUser(other.id)).await;
    assert!(!is_there(&world, last).await && !is_there(&world, untouched).await);
    assert!(
        !world
            .store
            .sign_ins()
            .await
            .unwrap()
            .contains_key(&other.id)
    );
}

async fn a_password_that_was_changed_meanwhile_begins_no_session(mut world: World) {
    let user = a_user(&mut world, "Anna");
    world.change(Change::InsertUser(user.clone())).await;
    let mut changed = user.clone();
    changed.password = Secret::new("$argon2id$another".to_owned());
    world.change(Change::UpdateUser(changed)).await;
    let session = a_session(&user, 1, world.now);
    assert!(
        !world
            .store
            .begin_session(session, &user, world.now)
            .await
            .unwrap()
    );
    assert!(!is_there(&world, [1; 32]).await);
}

async fn of_too_many_sessions_the_one_used_longest_ago_ends(mut world: World) {
    let user = a_user(&mut world, "Anna");
    world.change(Change::InsertUser(user.clone())).await;
    let most = u8::try_from(PER_USER).unwrap();
    for number in 1..=most + 1 {
        signed_in(&world, &user, number).await;
        world.pass(MINUTE);
    }
    assert!(!is_there(&world, [1; 32]).await);
    for number in 2..=most + 1 {
        assert!(is_there(&world, [number; 32]).await, "{number}");
    }
}

async fn old_sessions_are_forgotten(mut world: World) {
    let user = a_user(&mut world, "Anna");
    world.change(Change::InsertUser(user.clone())).await;
    let old = signed_in(&world, &user, 1).await;
    world.pass(LONGEST + MINUTE);
    let young = signed_in(&world, &user, 2).await;
    let before = world.now.before(LONGEST);
    let class = RetentionClass::Sessions;
    let gone = world
        .store
        .prune(class, before, 10, world.now)
        .await
        .unwrap();
    assert_eq!(gone, 1);
    assert!(!is_there(&world, old).await && is_there(&world, young).await);
}

async fn going_back_leaves_users_as_they_are(mut world: World) {
    let epoch = world.store.configuration().await.unwrap().epoch;
    let mut user = a_user(&mut world, "Anna");
    user.scope = Scope::Companies(vec![world.company]);
    world.change(Change::InsertUser(user.clone())).await;
    let digest = signed_in(&world, &user, 1).await;
    world
        .store
        .roll_back(epoch, &crate::world::ACTOR, world.now)
        .await
        .unwrap();
    let known = world.store.configuration().await.unwrap();
    assert!(known.user(user.id).is_some() && is_there(&world, digest).await);
}
