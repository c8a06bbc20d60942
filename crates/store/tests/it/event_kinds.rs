//! Event kinds of the user's: part of the configuration, under its epoch.

use domain::EventKindId;
use domain::access::Actor;
use domain::event_kind::{Adds, EventKind};
use store::{Change, StoreError};

use crate::world::{ACTOR, World};

on_both!(
    an_event_kind_is_in_the_catalogue_of_the_snapshot_from_its_epoch_on,
    a_code_has_one_kind_and_one_entry_of_wordings,
);

const FILE: &str = "category = 'Backups'
[[event]]
code = 'backup.failed'
subject = 'Backup Failed'
body = 'Backup of {hostname:host} failed'
";

fn kind(world: &mut World) -> EventKind {
    EventKind {
        id: EventKindId::new(world.now, &mut world.rng),
        code: "backup.failed".to_owned(),
        adds: Adds::Kind,
        file: FILE.to_owned(),
        author: Actor::Local,
        created_at: world.now,
    }
}

async fn an_event_kind_is_in_the_catalogue_of_the_snapshot_from_its_epoch_on(mut world: World) {
    let mut kind = kind(&mut world);
    let before = world.store.configuration().await.unwrap();
    let epoch = world.change(Change::InsertEventKind(kind.clone())).await;
    let taught = world.store.configuration().await.unwrap();
    assert_eq!((before.epoch + 1, taught.epoch), (epoch, epoch));
    assert_eq!(**taught.event_kind(kind.id).unwrap(), kind);
    assert!(before.catalogue().kind("backup.failed").is_none());
    assert!(taught.catalogue().kind("backup.failed").is_some());
    kind.file = FILE.replace("subject = ", "severity = 'high'\nsubject = ");
    world.change(Change::UpdateEventKind(kind.clone())).await;
    world.restart(None).await;
    let found = world.store.configuration().await.unwrap();
    let severity = found.catalogue().kind("backup.failed").unwrap().severity;
    assert_eq!(severity, domain::Severity::High);
    world.change(Change::RemoveEventKind(kind.id)).await;
    let gone = world.store.configuration().await.unwrap();
    assert!(gone.catalogue().kind("backup.failed").is_none());
}

async fn a_code_has_one_kind_and_one_entry_of_wordings(mut world: World) {
    let first = kind(&mut world);
    world.change(Change::InsertEventKind(first)).await;
    let mut wordings = kind(&mut world);
    wordings.adds = Adds::Wordings;
    wordings.file = "[[extend]]\ncode = 'backup.failed'\naliases = ['No Backup']\n".to_owned();
    world.change(Change::InsertEventKind(wordings)).await;
    let again = Change::InsertEventKind(kind(&mut world));
    let refused = world.store.change(again, &ACTOR, world.now).await;
    assert!(
        matches!(refused, Err(StoreError::NameTaken { .. })),
        "{refused:?}"
    );
}
