//! Bounds on what is read of a file.

use std::io::{self, BufRead, Read};

use crate::ScanError;

/// Largest file, in bytes.
pub const FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Longest part of a file that is read part by part, in bytes. nmap writes the outputs of scripts into tags.
pub(crate) const PART_BYTES: u64 = 16 * 1024 * 1024;

/// Reads no more than a file may have, and no more than one part of it may have. Past the first bound the error is
/// `FileTooLarge`, past the second `QuotaExceeded`.
pub(crate) struct Bounded<R> {
    inner: R,
    left: u64,
    left_of_part: u64,
}

impl<R: BufRead> Bounded<R> {
    /// Of a format that has parts; each begins with [`Bounded::next_part`].
    pub(crate) fn in_parts(inner: R) -> Self {
        Self {
            inner,
            left: FILE_BYTES,
            left_of_part: PART_BYTES,
        }
    }

    /// Of a format that has none.
    pub(crate) fn whole(inner: R) -> Self {
        Self {
            inner,
            left: FILE_BYTES,
            left_of_part: u64::MAX,
        }
    }

    pub(crate) fn next_part(&mut self) {
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

/// What a reader that stopped says: a bound that was reached, or that the bytes do not come.
pub(crate) fn stopped(error: io::Error) -> ScanError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ScanError::TooLarge,
        io::ErrorKind::QuotaExceeded => ScanError::LongPart,
        _ => ScanError::Input(error),
    }
}
