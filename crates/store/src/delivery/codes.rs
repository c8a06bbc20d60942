//! Codes of HTTP, one or many at once.

use std::str::FromStr;

/// Codes from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes {
    pub(crate) least: i16,
    pub(crate) most: i16,
}

impl FromStr for Codes {
    type Err = String;

    /// One code, or a class such as `5xx`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            || format!("`{text}` is no HTTP code; take one, such as 503, or a class, such as 5xx");
        let (text, width) = match text.strip_suffix("xx").or(text.strip_suffix("XX")) {
            Some(class) => (class, 100),
            None => (text, 1),
        };
        let is_figures = text.bytes().all(|byte| byte.is_ascii_digit());
        let number: i16 = text.parse().map_err(|_| refused())?;
        match number.checked_mul(width) {
            Some(least @ 100..=999) if is_figures => Ok(Self {
                least,
                most: least + width - 1,
            }),
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_or_a_class_is_read_and_nothing_else() {
        let codes = |least, most| Ok(Codes { least, most });
        assert_eq!("503".parse(), codes(503, 503));
        assert_eq!("5xx".parse(), codes(500, 599));
        assert_eq!("2XX".parse(), codes(200, 299));
        for text in ["", "xx", "0xx", "99", "1000", "50x", "+503", "-5xx", "5 xx"] {
            assert!(text.parse::<Codes>().is_err(), "{text}");
        }
    }
}
