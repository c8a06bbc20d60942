//! What can be said of the people who sign in.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SettingFlags;

/// All of these work on the database of this machine: whoever can write there rules anyway, and it is the way back in
/// when nobody can sign in any more.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user, who can then sign in to the console.
    Create(Box<UserCreate>),
    /// All users.
    List {
        #[command(flatten)]
        settings: Box<SettingFlags>,
    },
    /// Remove a user; their sessions end.
    Remove {
        /// What they sign in by.
        name: String,
        #[command(flatten)]
        settings: Box<SettingFlags>,
    },
    /// Give a user another password; their sessions end.
    Password {
        /// What they sign in by.
        name: String,
        #[command(flatten)]
        password: PasswordFlag,
        #[command(flatten)]
        settings: Box<SettingFlags>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UserCreate {
    /// What they sign in by.
    pub(crate) name: String,
    /// admin, operator or viewer.
    #[arg(long, default_value = "admin")]
    pub(crate) role: String,
    /// Companies (ids) that they are limited to.
    #[arg(long = "company", value_name = "ID")]
    pub(crate) companies: Vec<String>,
    #[command(flatten)]
    pub(crate) password: PasswordFlag,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// Passwords are asked for: a command line is seen by everybody on the machine.
#[derive(Debug, Args)]
pub(crate) struct PasswordFlag {
    /// Read the password from the first line of a file instead of asking for it.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}
