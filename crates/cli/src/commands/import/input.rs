//! The file that a scanner wrote, with bounds on what is read of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::exit::Failure;

/// Largest file, in bytes.
const FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Longest part of a file that is read part by part, in bytes. nmap writes the outputs of scripts into tags.
pub(super) const PART_BYTES: u64 = 16 * 1024 * 1024;

pub(super) struct Input {
    pub(super) reader: Box<dyn BufRead>,
    /// None when it is not known beforehand.
    pub(super) length: Option<u64>,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            let reader = Box::new(BufReader::new(io::stdin()));
            return Ok(Self {
                reader,
                length: None,
            });
        }
        let failed = |error: io::Error| Failure::reading(path.display(), &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self {
            reader: Box::new(BufReader::new(file)),
            length: metadata.is_file().then_some(metadata.len()),
        })
    }
}

/// Reads no more than a file may have, and no more than one part of it may have. Past the first bound the error is
/// `FileTooLarge`, past the second `QuotaExceeded`.
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
    left_of_part: u64,
}

impl<R: BufRead> Bounded<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            left: FILE_BYTES,
            left_of_part: PART_BYTES,
        }
    }

    pub(super) fn next_part(&mut self) {
        self.left_of_part = PART_BYTES;
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left_of_part == 0 {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let ready = self.inner.fill_buf()?;
        if self.left == 0 && !ready.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(ready)
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.left = self.left.saturating_sub(amount as u64);
        self.left_of_part = self.left_of_part.saturating_sub(amount as u64);
    }
}

/// All of it, where a format can only be read as a whole.
pub(super) fn whole(reader: impl Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = reader.take(FILE_BYTES + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| Failure::reading("the report", &error))?;
    if read as u64 > FILE_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

pub(super) fn too_large() -> Failure {
    let most = FILE_BYTES / (1024 * 1024);
    Failure::data(format!("the file is larger than {most} MiB"))
        .help("let the scanner write several files, and import one after the other")
}
