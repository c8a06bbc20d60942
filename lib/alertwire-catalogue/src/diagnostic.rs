//! What is wrong with a catalogue file, and where.

use std::fmt;
use std::ops::Range;

/// One finding about a catalogue file.
///
/// ```
/// let found = alertwire_catalogue::check(&[("mine.toml", "categori = 'X'\n")]);
/// assert_eq!((found[0].file.as_str(), found[0].line, found[0].column), ("mine.toml", 1, 1));
/// assert!(found[0].help.as_deref().unwrap().contains("`category`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The place in the file, in bytes.
    pub span: Range<usize>,
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(
        file: &str,
        source: &str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let start = floor(source, span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: source[..start].matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            span: start..floor(source, span.end.max(start)),
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The finding with its line of the source and a caret under the place.
    ///
    /// ```
    /// let source = "categori = 'X'\n";
    /// let found = alertwire_catalogue::check(&[("mine.toml", source)]);
    /// assert!(found[0].render_caret(source).contains("1 | categori = 'X'\n  | ^^^^^^^^"));
    /// ```
    pub fn render_caret(&self, source: &str) -> String {
        let start = floor(source, self.span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = source[line_start..].lines().next().unwrap_or("");
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays a tab, so that the caret stands under its place.
        let indent: String = source[line_start..start]
            .chars()
            .map(|letter| if letter == '\t' { '\t' } else { ' ' })
            .collect();
        let end = floor(source, self.span.end)
            .clamp(start, line_start + line.len().max(start - line_start));
        let carets = "^".repeat(source[start..end].chars().count().max(1));
        let mut text = format!(
            "error: {}\n{margin}--> {}:{}:{}\n{margin} |\n{number} | {line}\n{margin} | {indent}{carets}\n",
            self.message, self.file, self.line, self.column
        );
        if let Some(help) = &self.help {
            text.push_str(&format!("{margin} = help: {help}\n"));
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}

/// The character boundary at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}
