//! Text becomes a type. Every failure names the key, who set it, the rule and so what to do.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::layers::Layers;
use crate::exit::Failure;

impl Layers {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        Some(self.get(name).0.trim()).filter(|text| !text.is_empty())
    }

    /// A value that does not fit, with its key and origin.
    pub(super) fn wrong(&self, name: &str, rule: impl std::fmt::Display) -> Failure {
        let (_, origin) = self.get(name);
        Failure::config(format!("`{name}` (set by {origin}): {rule}"))
    }

    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let parse = |text: &str| text.parse().map_err(|error| self.wrong(name, error));
        self.text(name).map(parse).transpose()
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Parts between commas; empty ones do not count.
    pub(super) fn list<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Vec<T>, Failure> {
        let parts = self
            .text(name)
            .unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts
            .map(|part| part.parse().map_err(|error| self.wrong(name, error)))
            .collect()
    }

    pub(super) fn number(&self, name: &str, most: usize) -> Result<NonZeroUsize, Failure> {
        let text = self.text(name).unwrap_or("");
        let number = text
            .parse()
            .ok()
            .filter(|number: &NonZeroUsize| number.get() <= most);
        number.ok_or_else(|| {
            self.wrong(
                name,
                format!("`{text}` is not a whole number from 1 to {most}"),
            )
        })
    }

    pub(super) fn duration(
        &self,
        name: &str,
        least: Duration,
        most: Duration,
    ) -> Result<Duration, Failure> {
        let text = self.text(name).unwrap_or("");
        let duration =
            domain::time::parse_duration(text).map_err(|error| self.wrong(name, error))?;
        if duration < least || duration > most {
            let written = domain::time::format_duration;
            return Err(self.wrong(
                name,
                format!("is from {} to {}", written(least), written(most)),
            ));
        }
        Ok(duration)
    }

    pub(super) fn size(&self, name: &str, most: usize) -> Result<usize, Failure> {
        let text = self.text(name).unwrap_or("");
        let rule = || {
            format!(
                "`{text}` is not a size from 1 byte to {}; write 64KiB, 1MiB or a number of bytes",
                written_size(most)
            )
        };
        parse_size(text)
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| self.wrong(name, rule()))
    }
}

/// Reads `1048576`, `64KiB`, `1MiB`.
fn parse_size(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let each: usize = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(each)
}

/// Writes a size in the largest unit that keeps it whole.
fn written_size(size: usize) -> String {
    match size {
        size if size >= 1024 * 1024 && size.is_multiple_of(1024 * 1024) => {
            format!("{}MiB", size / 1024 / 1024)
        }
        size if size >= 1024 && size.is_multiple_of(1024) => format!("{}KiB", size / 1024),
        size => format!("{size}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_as_they_were_written() {
        for text in ["1MiB", "16MiB", "64KiB", "1000B"] {
            assert_eq!(written_size(parse_size(text).unwrap()), text);
        }
        for text in ["", "MiB", "1MB", "1.5MiB", "-1", "99999999999999999999MiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
