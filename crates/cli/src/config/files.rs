//! Reading of files that an operator or a caller named: bounded, and with an error that says what to do.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::exit::{Code, Failure};

/// The bytes of a file of at most `most` bytes.
pub(crate) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| Failure::reading(path.display(), &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::data(format!(
            "{} is longer than {most} bytes",
            path.display()
        )));
    }
    Ok(bytes)
}

/// The bytes of a file, or of standard input where it is named `-`; at most `most`.
pub(crate) fn named(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    if path != Path::new("-") {
        return bytes(path, most);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::reading("standard input", &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::data(format!(
            "standard input is longer than {most} bytes"
        )));
    }
    Ok(bytes)
}

/// The text of a file of at most `most` bytes.
pub(crate) fn text(path: &Path, most: u64) -> Result<String, Failure> {
    String::from_utf8(bytes(path, most)?)
        .map_err(|_| Failure::data(format!("{} is not UTF-8 text", path.display())))
}

/// The files of a folder with this ending, in the order of their names.
pub(crate) fn in_folder(
    folder: &Path,
    ending: &str,
    most: usize,
) -> Result<Vec<std::path::PathBuf>, Failure> {
    let failed = |error: &std::io::Error| Failure::reading(folder.display(), error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
        let path = entry.map_err(|error| failed(&error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == ending)
            && path.is_file()
        {
            paths.push(path);
        }
        if paths.len() > most {
            return Err(Failure::new(
                Code::Data,
                format!("{} holds more than {most} files", folder.display()),
            ));
        }
    }
    paths.sort();
    Ok(paths)
}
