//! The state folder: made with mode 0700, with the sealing key (0600) and the node id in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use domain::{Clock, Dice, NodeId};
use store::SealingKey;

use super::files;
use crate::clock;
use crate::exit::Failure;

/// Longest key or id file, in bytes.
const LONGEST: u64 = 4 * 1024;
const NODE: &str = "node";

/// Makes the folder when it is not there. True when it was made.
pub(crate) fn prepare(folder: &Path) -> Result<bool, Failure> {
    if folder.is_dir() {
        return Ok(false);
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        Failure::writing(format!("the state folder {}", folder.display()), &error)
            .help("name another with --state-dir, or give this user the right to make it")
    })?;
    Ok(true)
}

/// Whether others than the owner can do anything with this file or folder.
pub(crate) fn is_open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// The sealing key, made at the first start. True when it was made.
pub(crate) fn sealing_key(path: &Path) -> Result<(SealingKey, bool), Failure> {
    let bytes: [u8; 32] = clock::random()?;
    match write_new(
        path,
        &bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    ) {
        Ok(()) => return Ok((SealingKey::from_bytes(bytes), true)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(Failure::writing(
                format!("the key file {}", path.display()),
                &error,
            ));
        }
    }
    read_key(path).map(|key| (key, false))
}

/// The sealing key of a file that is there.
pub(crate) fn read_key(path: &Path) -> Result<SealingKey, Failure> {
    let text = files::text(path, LONGEST).map_err(Failure::of_config)?;
    let bytes = from_hex(text.trim()).ok_or_else(|| {
        Failure::config(format!(
            "{} is no key file: it has to hold 64 hex digits",
            path.display()
        ))
        .help("put back the key file that the database was made with")
    })?;
    Ok(SealingKey::from_bytes(bytes))
}

/// This node's id, made at the first start and the same ever after, so that it takes its own leases back.
pub(crate) fn node_id(folder: &Path, clock: &Clock, dice: &Dice) -> Result<NodeId, Failure> {
    let path = folder.join(NODE);
    let fresh = dice.roll(|rng| NodeId::new(clock.now(), rng));
    match write_new(&path, &fresh.to_string()) {
        Ok(()) => return Ok(fresh),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(Failure::writing(
                format!("the node id {}", path.display()),
                &error,
            ));
        }
    }
    let text = files::text(&path, LONGEST)?;
    text.trim().parse().map_err(|error| {
        Failure::config(format!("{}: {error}", path.display()))
            .help("remove the file; a new id is made at the next start")
    })
}

/// Writes a file that was not there, readable by its owner alone, so that it is whole or not there after a crash.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let draft = path.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    // A link, not a rename: of two first starts at the same time one finds the other's file.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    #[test]
    fn key_and_node_id_are_made_once_and_for_the_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/state");
        assert!(prepare(&folder).unwrap());
        assert!(!prepare(&folder).unwrap());
        assert!(!is_open_to_others(&folder).unwrap());
        let path = folder.join("key");
        let (key, made) = sealing_key(&path).unwrap();
        assert!(made && !is_open_to_others(&path).unwrap());
        assert_eq!(sealing_key(&path).unwrap(), (key, false));
        let (clock, dice) = (clock::real(), clock::dice().unwrap());
        let id = node_id(&folder, &clock, &dice).unwrap();
        assert_eq!(node_id(&folder, &clock, &dice).unwrap(), id);
    }

    #[test]
    fn a_file_that_is_no_key_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "not a key").unwrap();
        assert_eq!(sealing_key(&path).unwrap_err().code, Code::Config);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
    }
}
