//! One template, two directions: prints records as a body, reads a body back as records.

mod lexis;
mod print;
mod program;
mod read;
mod run;
mod syntax;
mod tried;

#[cfg(test)]
mod exhaustive;

pub(crate) use print::PrintError;
pub(crate) use read::Readings;
pub(crate) use run::{Miss, Scratch};
pub(crate) use syntax::{Piece, SyntaxError, Template};

use program::Programs;

/// A template and its compiled form.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) template: Template,
    programs: Programs,
}

impl Compiled {
    pub(crate) fn parse(source: &str) -> Result<Self, SyntaxError> {
        let template = Template::parse(source)?;
        let programs = Programs::compile(&template).map_err(|_| {
            SyntaxError::new(
                0..source.len(),
                "the template has too many optional segments in a row",
            )
        })?;
        Ok(Self { template, programs })
    }
}
