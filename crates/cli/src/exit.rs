//! The exit codes of every command, in one place, and the failure that carries one. The numbers are those of sysexits.h.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// How a command ends. `docs/cli.md` lists these, and a test holds the two together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Everything went as asked.
    Ok = 0,
    /// The command did its work, and the finding is bad: a check, a demo or a diagnosis that did not pass.
    Bad = 1,
    /// The command line is wrong: an unknown command, option, event code or field.
    Usage = 64,
    /// The input is wrong: a payload that cannot be decoded, a catalogue file with errors, a field that the API refused.
    Data = 65,
    /// An input file is not there or cannot be read.
    NoInput = 66,
    /// The server, or something it needs, cannot be reached or is not ready.
    Unavailable = 69,
    /// A fault of Alertwire itself.
    Software = 70,
    /// An output file cannot be made.
    CantCreate = 73,
    /// Reading or writing broke off.
    Io = 74,
    /// The operating system or the API does not permit it.
    Permission = 77,
    /// The configuration is wrong.
    Config = 78,
}

impl Code {
    #[cfg(test)]
    const ALL: [Self; 11] = [
        Self::Ok,
        Self::Bad,
        Self::Usage,
        Self::Data,
        Self::NoInput,
        Self::Unavailable,
        Self::Software,
        Self::CantCreate,
        Self::Io,
        Self::Permission,
        Self::Config,
    ];

    pub(crate) fn number(self) -> u8 {
        self as u8
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.number())
    }
}

/// Why a command ended early: what is told on stderr, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    message: String,
    help: Option<String>,
    /// Whoever read our output has gone; there is nobody to tell and nothing is wrong.
    pub(crate) closed_pipe: bool,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            help: None,
            closed_pipe: false,
        }
    }

    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// Says where in a document it went wrong.
    pub(crate) fn at(self, place: &str) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }

    /// Adds the nearest name when there is one.
    pub(crate) fn nearest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message)
    }

    pub(crate) fn data(message: impl fmt::Display) -> Self {
        Self::new(Code::Data, message)
    }

    pub(crate) fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(Code::Unavailable, message)
    }

    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::new(Code::Config, message)
    }

    pub(crate) fn software(message: impl fmt::Display) -> Self {
        Self::new(Code::Software, message)
    }

    /// The same, where it makes the configuration a bad one.
    pub(crate) fn of_config(self) -> Self {
        Self {
            code: Code::Config,
            ..self
        }
    }

    /// A file that could not be read.
    pub(crate) fn reading(what: impl fmt::Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::PermissionDenied => Code::Permission,
            io::ErrorKind::NotFound
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory => Code::NoInput,
            _ => Code::Io,
        };
        Self::new(code, format!("cannot read {what}: {error}"))
    }

    /// A file or folder that could not be made or written.
    pub(crate) fn writing(what: impl fmt::Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Code::Permission,
            io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory => Code::CantCreate,
            _ => Code::Io,
        };
        Self::new(code, format!("cannot write {what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.help
            .iter()
            .try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

/// Writing to stdout or stderr failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                closed_pipe: true,
                ..Self::new(Code::Ok, "the reader of the output has gone")
            };
        }
        Self::new(Code::Io, format!("cannot write the output: {error}"))
    }
}

/// What a command comes to.
pub(crate) type Ending = Result<Code, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_documentation() {
        let page = include_str!("../../../docs/cli.md");
        for code in Code::ALL {
            assert!(
                page.contains(&format!("| {} |", code.number())),
                "{code:?} is not in docs/cli.md"
            );
        }
    }
}
