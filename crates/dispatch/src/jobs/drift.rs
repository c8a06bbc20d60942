//! Watches how well the alerts of each subject are read, behind the ack path: when a sender changes its wording, the share
//! that is read in full falls, and an alarm opens.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::catalogue::{Drift, Turn};
use store::drift::MISSES;
use store::{DriftRound, StoreError, Watched, WatchedKey};
use tokio::sync::watch;

use super::behind::Follower;
use crate::Shared;

/// How many new events are looked at in one transaction, and how many transactions make a round.
const BATCH: usize = 500;
const BATCHES: usize = 20;

pub(crate) async fn run(shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let follower = Follower {
        step: |shared| Box::pin(look(shared)),
        batch: BATCH,
        batches: BATCHES,
        rests: true,
        trouble: "changed wordings are looked for later",
        silent_rounds: 1,
    };
    follower.run(shared, stop).await;
}

/// Looks at the next events; answers how many.
async fn look(shared: &Shared) -> Result<usize, StoreError> {
    let Some(round) = shared.store.drift_round(BATCH).await? else {
        return Ok(0);
    };
    let now = shared.clock.now().min(shared.clock.stamp());
    let (watched, turns) = taught(&round);
    // Silent subjects are forgotten with their messages: then nothing is left that could show what changed.
    let before = now.before(shared.settings.retention.messages);
    if !shared.store.keep_drift(&round, watched, before).await? {
        // Another node looked at the same events.
        return Ok(round.passed);
    }
    turns.iter().for_each(tell);
    Ok(round.passed)
}

/// A change that people hear of.
struct News {
    watched: Watched,
    turn: Turn,
}

/// What is known after a round, and what of it is news.
fn taught(round: &DriftRound) -> (Vec<Watched>, Vec<News>) {
    let mut known: BTreeMap<WatchedKey, Watched> = round
        .known
        .iter()
        .map(|watched| (watched.key, watched.clone()))
        .collect();
    let mut news = Vec::new();
    for sighting in &round.sightings {
        let watched = known.entry(sighting.key).or_insert_with(|| Watched {
            key: sighting.key,
            subject: String::new(),
            kind: String::new(),
            state: Drift::default(),
            misses: Vec::new(),
            opened_at: None,
            changed_at: sighting.received_at,
        });
        watched.subject.clone_from(&sighting.subject);
        watched.kind.clone_from(&sighting.kind);
        watched.changed_at = watched.changed_at.max(sighting.received_at);
        if !sighting.full {
            watched.misses.push(sighting.event);
            let beyond = watched.misses.len().saturating_sub(MISSES);
            watched.misses.drain(..beyond);
        }
        let turn = watched.state.see(sighting.full);
        watched.opened_at = match turn {
            Turn::Nothing => watched.opened_at,
            Turn::Alarm => Some(sighting.received_at),
            Turn::Recovery => None,
        };
        if turn != Turn::Nothing {
            news.push(News {
                watched: watched.clone(),
                turn,
            });
        }
    }
    (known.into_values().collect(), news)
}

fn tell(news: &News) {
    let Watched {
        key,
        kind,
        state,
        subject,
        ..
    } = &news.watched;
    // A subject is the sender's text; its front is enough to know it by.
    let subject: String = subject.chars().take(100).collect();
    let (before, now) = (percent(state.before()), percent(state.now()));
    let at: Timestamp = news.watched.changed_at;
    if news.turn == Turn::Alarm {
        metrics::counter!("alertwire_drift_alarms_total").increment(1);
        tracing::warn!(
            source.id = %key.source, event = kind, before, now, %at,
            "the wording of {subject:?} has changed: {now} % of its alerts are read in full, {before} % were before; see `alertwire catalog drift`"
        );
    } else {
        tracing::info!(
            source.id = %key.source, event = kind, now, %at,
            "alerts of {subject:?} are read in full again ({now} %)"
        );
    }
}

/// A share in whole percents.
fn percent(share: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is between 0 and 1"
    )]
    let percent = (share * 100.0).round() as u8;
    percent
}
