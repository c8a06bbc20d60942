//! `alertwire demo`: two throw-away instances, one sends and one receives. An event becomes an alert, travels as HTTP, and
//! comes back as fields.

mod parts;
mod play;
mod stage;

use std::collections::BTreeSet;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::play::Played;
use self::stage::Stage;
use super::{Session, good_if};
use crate::arguments::DemoArguments;
use crate::exit::{Code, Ending, Failure};
use crate::instance;
use crate::output::{Table, is_watched, talk};

pub(super) fn run(arguments: &DemoArguments, session: &mut Session<'_>) -> Ending {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::software)?;
    let ended = runtime.block_on(show(arguments, session));
    // Connections that are still open belong to nobody any more.
    runtime.shutdown_background();
    ended
}

async fn show(arguments: &DemoArguments, session: &mut Session<'_>) -> Ending {
    let wiring = instance::Wiring::real()?;
    crate::log::start(&stage::log(), &wiring.clock);
    let stage = Stage::set(&wiring).await?;
    let ended = perform(arguments, &stage, session).await;
    stage.clear().await;
    ended
}

async fn perform(arguments: &DemoArguments, stage: &Stage, session: &mut Session<'_>) -> Ending {
    let parts = parts::all(&stage.catalogue);
    let bar = bar(parts.len() as u64);
    let played = play::all(stage, parts, &bar).await?;
    bar.finish_and_clear();
    let good = played.iter().all(Played::is_good);
    print(&played, session)?;
    session.out.flush()?;
    if !arguments.once {
        invite(stage);
        // Only Ctrl-C ends it; without a signal handler there is nothing to wait for.
        tokio::signal::ctrl_c().await.map_err(Failure::software)?;
        return Ok(Code::Ok);
    }
    Ok(good_if(good))
}

fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if !is_watched() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn print(played: &[Played], session: &mut Session<'_>) -> Result<(), Failure> {
    if session.out.json {
        for played in played {
            session.out.value(&played.line())?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["EVENT", "SUBJECT", "DELIVERED", "CAME BACK", "FIELDS"]);
    for one in played {
        let yes = |good| if good { "yes" } else { "NO" };
        table.row([
            &one.part.code,
            &one.subject,
            yes(one.delivered),
            yes(one.parsed_back),
            &one.fields().to_string(),
        ]);
    }
    session.out.table(&table)?;
    let kinds: BTreeSet<&str> = played
        .iter()
        .map(|played| played.part.code.as_str())
        .collect();
    let good = played.iter().filter(|played| played.is_good()).count();
    talk(format!(
        "{good} of {} events of {} kinds were delivered once and came back with the same fields",
        played.len(),
        kinds.len()
    ));
    for one in played.iter().filter(|played| !played.is_good()) {
        talk(format!(
            "{}: {}",
            one.part.code,
            one.fault.as_deref().unwrap_or("unknown fault")
        ));
    }
    Ok(())
}

/// Where to look on.
fn invite(stage: &Stage) {
    talk(format!(
        "\nThe two instances stay up until Ctrl-C; nothing of them is kept.\n\
         sender    {}  (ALERTWIRE_API_KEY={})\n\
         receiver  {}  (ALERTWIRE_API_KEY={})\n\n\
         Try, in another terminal, with one of the keys in ALERTWIRE_API_KEY:\n\
         \x20 alertwire events list --url {}\n\
         \x20 alertwire deliveries list --url {}",
        stage.sender.instance.base(),
        stage.sender.key,
        stage.receiver.instance.base(),
        stage.receiver.key,
        stage.receiver.instance.base(),
        stage.sender.instance.base(),
    ));
}
