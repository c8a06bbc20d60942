//! Silences: kept with the configuration, and named by the events that they muted.

use domain::access::Scope;
use domain::event::{Reason, Routing};
use domain::silence::{Every, Repeat, Silence};
use domain::{CompanyId, EventId, SilenceId};
use store::{Change, EventQuery, PageAt, Silenced, StoreError};

use crate::world::{ACTOR, MINUTE, World, company, elsewhere, stored};

on_both!(
    a_silence_reads_back_as_it_was_stored,
    silences_may_share_a_name,
    a_silence_of_one_company_goes_with_it_and_one_of_several_keeps_them,
    an_event_keeps_which_silence_muted_it,
    silences_that_ended_long_ago_are_forgotten_a_few_at_a_time,
);

async fn a_silence_reads_back_as_it_was_stored(mut world: World) {
    let mut silence = world.a_silence(&[world.company]);
    silence.repeat = Some(Repeat {
        every: Every::Weekly,
        until: world.now.after(40 * 24 * 60 * MINUTE),
    });
    world.change(Change::InsertSilence(silence.clone())).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(**snapshot.silence(silence.id).unwrap(), silence);
    silence.ended_at = Some(world.now.after(MINUTE));
    world.change(Change::EndSilence(silence.clone())).await;
    // Whoever changes it without knowing of its end does not undo it.
    let late = Silence {
        reason: "Later".to_owned(),
        ended_at: None,
        ..silence.clone()
    };
    world.change(Change::UpdateSilence(late)).await;
    silence.reason = "Later".to_owned();
    world.restart(None).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(**snapshot.silence(silence.id).unwrap(), silence);
    let page = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await
        .unwrap();
    let actions: Vec<_> = page
        .items
        .iter()
        .filter(|row| row.what == "silence")
        .map(|row| row.action.as_str())
        .collect();
    assert_eq!(actions, ["update", "end", "insert"]);
    world.change(Change::RemoveSilence(silence.id)).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert!(snapshot.silences().next().is_none());
}

async fn silences_may_share_a_name(mut world: World) {
    for _ in 0..2 {
        let silence = world.a_silence(&[]);
        world.change(Change::InsertSilence(silence)).await;
    }
    let snapshot = world.store.configuration().await.unwrap();
    assert_eq!(snapshot.silences().count(), 2);
}

async fn a_silence_of_one_company_goes_with_it_and_one_of_several_keeps_them(mut world: World) {
    let [one, other] = [1, 2].map(|byte| CompanyId::from_bytes([byte; 16]));
    for (id, name) in [(one, "Fabrikam"), (other, "Northwind")] {
        world
            .change(Change::InsertCompany(company(id, name, world.now)))
            .await;
    }
    let own = world.a_silence(&[one]);
    world.change(Change::InsertSilence(own)).await;
    world.change(Change::RemoveCompany(one)).await;
    let snapshot = world.store.configuration().await.unwrap();
    assert!(snapshot.silences().next().is_none());
    let shared = world.a_silence(&[other, world.company]);
    world.change(Change::InsertSilence(shared)).await;
    let refused = world
        .store
        .change(Change::RemoveCompany(other), &ACTOR, world.now)
        .await;
    assert!(
        matches!(refused, Err(StoreError::InUse { by: "silence", .. })),
        "{refused:?}"
    );
    let nobody = world.a_silence(&[one]);
    let refused = world
        .store
        .change(Change::InsertSilence(nobody), &ACTOR, world.now)
        .await;
    assert!(
        matches!(
            refused,
            Err(StoreError::NoSuch {
                what: "company",
                ..
            })
        ),
        "{refused:?}"
    );
}

async fn muted(world: &mut World, silence: SilenceId) -> EventId {
    let mut acceptance = world.acceptance("web-1").await;
    let accepted = &mut acceptance.events[0];
    accepted.event.routing = Routing::Unrouted(Reason::Silenced);
    accepted.event.silence = Some(silence);
    accepted.deliveries.clear();
    stored(world.store.accept(acceptance).await.unwrap())
}

async fn an_event_keeps_which_silence_muted_it(mut world: World) {
    let [silence, other] = [1, 2].map(|byte| SilenceId::from_bytes([byte; 16]));
    let (heard, _) = world.accepted("web-1").await;
    let first = muted(&mut world, silence).await;
    world.pass(MINUTE);
    let second = muted(&mut world, silence).await;
    muted(&mut world, other).await;
    let event = world
        .store
        .event(&Scope::All, first)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (event.silence, event.routing),
        (Some(silence), Routing::Unrouted(Reason::Silenced))
    );
    let event = world
        .store
        .event(&Scope::All, heard)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(event.silence, None);
    let query = EventQuery {
        silence: Some(silence),
        ..EventQuery::default()
    };
    let page = world
        .store
        .events(&Scope::All, &query, &PageAt::default())
        .await
        .unwrap();
    let ids: Vec<_> = page.items.iter().map(|event| event.id).collect();
    assert_eq!(ids, [second, first]);
    let count = async |scope: &Scope| world.store.silenced(scope, silence).await.unwrap();
    let two = Silenced {
        count: 2,
        more: false,
    };
    assert_eq!(count(&Scope::All).await, two);
    assert_eq!(count(&Scope::Companies(vec![world.company])).await, two);
    assert_eq!(count(&elsewhere()).await.count, 0);
    let since = async |at| {
        let counted = world.store.silenced_since(&Scope::All, silence, at).await;
        counted.unwrap().count
    };
    assert_eq!(since(world.now.before(MINUTE)).await, 2);
    assert_eq!(since(world.now).await, 1);
    assert_eq!(since(world.now.after(MINUTE)).await, 0);
}

async fn silences_that_ended_long_ago_are_forgotten_a_few_at_a_time(mut world: World) {
    let mut lasting = world.a_silence(&[]);
    lasting.until = world.now.after(600 * MINUTE);
    world.change(Change::InsertSilence(lasting.clone())).await;
    for _ in 0..3 {
        let silence = world.a_silence(&[]);
        world.change(Change::InsertSilence(silence)).await;
    }
    let end = world.now.after(60 * MINUTE);
    let forget = async |before| {
        let forgotten = world.store.forget_silences(before, 2, world.now).await;
        forgotten.unwrap()
    };
    assert_eq!(forget(end).await, 0);
    let before = end.after(MINUTE);
    assert_eq!(forget(before).await, 2);
    assert_eq!(forget(before).await, 1);
    assert_eq!(forget(before).await, 0);
    let snapshot = world.store.configuration().await.unwrap();
    let left: Vec<_> = snapshot.silences().map(|silence| silence.id).collect();
    assert_eq!(left, [lasting.id]);
    let page = world
        .store
        .audit(&Default::default(), &PageAt::default())
        .await
        .unwrap();
    let removals = page
        .items
        .iter()
        .filter(|row| (row.action.as_str(), row.what.as_str()) == ("remove", "silence"));
    assert_eq!(removals.count(), 3);
}
