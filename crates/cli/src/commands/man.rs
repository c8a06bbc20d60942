//! `alertwire man`: the manual page, made from the command line itself.

use std::path::Path;

use clap::CommandFactory as _;

use super::Session;
use crate::arguments::Arguments;
use crate::exit::{Code, Ending, Failure};
use crate::output::talk;

pub(super) fn run(folder: Option<&Path>, session: &mut Session<'_>) -> Ending {
    match folder {
        Some(folder) => {
            let made = std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
            made.map_err(|error| Failure::writing(folder.display(), &error))?;
            talk(format!("wrote the manual pages into {}", folder.display()));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            session.out.raw(&page)?;
        }
    }
    Ok(Code::Ok)
}
