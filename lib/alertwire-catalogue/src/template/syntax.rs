//! Reads the template language into a tree.
//!
//! Literals; `{name:type}`; `{name:type,+}` for a list; `[optional]`; `{ws}`; `( … )+`; and the escapes `\{ \[ \\ \(`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, OnceLock};

use crate::nearest::nearest;
use crate::types::{self, FieldType};

/// Segments and repeats inside one another: more is a mistake, and would make the tree's walks deep.
const DEEPEST: usize = 8;
/// Repeats inside one another: a heading for several assets, several items for each.
const MOST_LEVELS: u8 = 2;
/// The longest template, in bytes.
const LONGEST: usize = 4096;
/// Fields of one template.
const MOST_FIELDS: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) fields: Vec<Field>,
}

impl Template {
    /// A field of its own says the protocol; otherwise what stands behind a port (`53/udp`) makes one.
    pub(crate) fn names_protocol(&self) -> bool {
        self.fields.iter().any(|field| field.name == "protocol")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: FieldType,
    /// `{name:type,+}`: several values, one record each.
    pub(crate) list: bool,
    /// How many repeats the field stands in.
    pub(crate) level: u8,
    pub(crate) optional: bool,
    pub(crate) span: Range<usize>,
}

impl Field {
    /// A field whose name begins with `_` is read over and not kept.
    pub(crate) fn is_kept(&self) -> bool {
        !self.name.starts_with('_')
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Literal {
        text: String,
    },
    /// `{ws}`.
    Gap,
    Field(usize),
    Optional {
        pieces: Vec<Piece>,
        span: Range<usize>,
    },
    Repeat {
        pieces: Vec<Piece>,
        level: u8,
    },
}

/// What is wrong with a template, and where in its text.
#[derive(Clone, Debug)]
pub(crate) struct SyntaxError {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl SyntaxError {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Template {
    pub(crate) fn parse(source: &str) -> Result<Self, SyntaxError> {
        if source.len() > LONGEST {
            return Err(SyntaxError::new(
                LONGEST..source.len(),
                format!("a template has at most {LONGEST} bytes"),
            ));
        }
        let mut reader = Reader {
            source,
            at: 0,
            fields: Vec::new(),
        };
        let pieces = reader.pieces(None, 0, 0, false)?;
        if pieces.is_empty() {
            return Err(SyntaxError::new(0..source.len(), "the template is empty"));
        }
        Ok(Self {
            pieces,
            fields: reader.fields,
        })
    }

    pub(crate) fn field(&self, name: &str) -> Option<(usize, &Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.name == name)
    }
}

/// What closes the piece of template that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closer {
    Optional,
    Repeat,
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    fields: Vec<Field>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    /// Depth is bounded by [`DEEPEST`], so this recursion is too.
    fn pieces(
        &mut self,
        closer: Option<Closer>,
        depth: usize,
        level: u8,
        optional: bool,
    ) -> Result<Vec<Piece>, SyntaxError> {
        let opened = self.at;
        let mut pieces = Vec::new();
        while let Some(next) = self.rest().chars().next() {
            match next {
                ']' if closer == Some(Closer::Optional) => return Ok(pieces),
                ')' if closer == Some(Closer::Repeat) && self.rest().starts_with(")+") => {
                    return Ok(trimmed(pieces));
                }
                ']' => {
                    return Err(self
                        .wrong(1, "this `]` closes nothing")
                        .help("write `\\]` for the mark itself"));
                }
                '}' => {
                    return Err(self
                        .wrong(1, "this `}` closes nothing")
                        .help("write `\\}` for the mark itself"));
                }
                '[' | '(' if depth == DEEPEST => {
                    return Err(self.wrong(1, format!("segments nest at most {DEEPEST} deep")));
                }
                '[' => pieces.push(self.optional(depth, level)?),
                '(' if self.opens_repeat() => pieces.push(self.repeat(depth, level, optional)?),
                '{' => pieces.push(self.braces(level, optional)?),
                _ => pieces.push(self.literal(closer)?),
            }
        }
        match closer {
            None => Ok(pieces),
            Some(Closer::Optional) => Err(SyntaxError::new(
                opened - 1..opened,
                "this `[` is never closed",
            )
            .help("write `\\[` for the mark itself")),
            Some(Closer::Repeat) => Err(SyntaxError::new(
                opened - 1..opened,
                "this `(` is never closed",
            )
            .help("a repeat ends with `)+`")),
        }
    }

    fn wrong(&self, length: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.at..(self.at + length).min(self.source.len()), message)
    }

    /// A parenthesis is a literal unless a `)+` belongs to it.
    fn opens_repeat(&self) -> bool {
        let bytes = self.rest().as_bytes();
        let (mut depth, mut index) = (0, 0);
        while index < bytes.len() {
            match bytes[index] {
                b'\\' => index += 1,
                b'{' => {
                    index += bytes[index..]
                        .iter()
                        .position(|byte| *byte == b'}')
                        .unwrap_or(0)
                }
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        return bytes.get(index + 1) == Some(&b'+');
                    }
                }
                _ => {}
            }
            index += 1;
        }
        false
    }

    fn optional(&mut self, depth: usize, level: u8) -> Result<Piece, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let pieces = self.pieces(Some(Closer::Optional), depth + 1, level, true)?;
        self.at += 1;
        let span = start..self.at;
        if pieces.is_empty() {
            return Err(SyntaxError::new(span, "the optional segment is empty"));
        }
        Ok(Piece::Optional { pieces, span })
    }

    fn repeat(&mut self, depth: usize, level: u8, optional: bool) -> Result<Piece, SyntaxError> {
        let start = self.at;
        if level == MOST_LEVELS {
            return Err(self.wrong(1, format!("repeats nest at most {MOST_LEVELS} deep")));
        }
        if optional {
            return Err(self.wrong(1, "a repeat cannot stand in an optional segment"));
        }
        self.at += 1;
        let before = self.fields.len();
        let pieces = self.pieces(Some(Closer::Repeat), depth + 1, level + 1, optional)?;
        self.at += 2;
        if before == self.fields.len() {
            return Err(SyntaxError::new(
                start..self.at,
                "the repeat holds no field, so it could go on for ever",
            ));
        }
        Ok(Piece::Repeat {
            pieces,
            level: level + 1,
        })
    }

    fn literal(&mut self, closer: Option<Closer>) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let mut text = String::new();
        while let Some(next) = self.rest().chars().next() {
            match next {
                '{' | '[' | ']' | '}' => break,
                '(' if self.at > start && self.opens_repeat() => break,
                ')' if closer == Some(Closer::Repeat) && self.rest().starts_with(")+") => break,
                '\\' => {
                    let escaped = self.rest()[1..].chars().next();
                    let Some(mark) = escaped
                        .filter(|mark| matches!(mark, '{' | '}' | '[' | ']' | '(' | ')' | '\\'))
                    else {
                        return Err(self
                            .wrong(2, "unknown escape")
                            .help("the escapes are `\\{`, `\\[`, `\\(` and `\\\\`"));
                    };
                    text.push(mark);
                    self.at += 2;
                }
                '\n' | '\r' | '\t' => {
                    return Err(self
                        .wrong(1, "a literal holds no line break or tab")
                        .help("write `{ws}` for a line break"));
                }
                _ => {
                    text.push(next);
                    self.at += next.len_utf8();
                }
            }
        }
        Ok(Piece::Literal { text })
    }

    fn braces(&mut self, level: u8, optional: bool) -> Result<Piece, SyntaxError> {
        let start = self.at;
        let Some(length) = self.rest().find('}') else {
            return Err(self
                .wrong(1, "this `{` is never closed")
                .help("write `\\{` for the mark itself"));
        };
        let inside = self.rest()[1..length].to_owned();
        self.at += length + 1;
        let span = start..self.at;
        if inside == "ws" {
            return Ok(Piece::Gap);
        }
        let Some((name, kind)) = inside.split_once(':') else {
            return Err(SyntaxError::new(span, "a field is written `{name:type}`"));
        };
        check_name(name, start)?;
        if let Some(twin) = self.fields.iter().find(|field| field.name == name) {
            return Err(
                SyntaxError::new(span, format!("the field `{name}` stands here twice")).help(
                    format!("it stood at column {} already", twin.span.start + 1),
                ),
            );
        }
        if self.fields.len() == MOST_FIELDS {
            return Err(SyntaxError::new(
                span,
                format!("a template has at most {MOST_FIELDS} fields"),
            ));
        }
        let (kind, list) = kind
            .strip_suffix(",+")
            .map_or((kind, false), |kind| (kind, true));
        let kind_start = start + 2 + name.len();
        let Some(kind) = FieldType::parse(kind) else {
            return Err(unknown_type(kind, kind_start));
        };
        if list && kind.is_free() {
            return Err(SyntaxError::new(
                span,
                "a list needs a tight type, for a free one would swallow its commas",
            ));
        }
        self.fields.push(Field {
            name: interned(name),
            kind,
            list,
            level,
            optional,
            span,
        });
        Ok(Piece::Field(self.fields.len() - 1))
    }
}

fn check_name(name: &str, start: usize) -> Result<(), SyntaxError> {
    let fits = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if fits {
        return Ok(());
    }
    Err(SyntaxError::new(
        start + 1..start + 1 + name.len(),
        "a field name is 1 to 64 of a-z, 0-9 and _, and begins with no digit",
    ))
}

fn unknown_type(kind: &str, start: usize) -> SyntaxError {
    let error = SyntaxError::new(start..start + kind.len(), format!("`{kind}` is no type"));
    let word = kind.split('(').next().unwrap_or(kind);
    match nearest(word, types::NAMES.into_iter()) {
        Some("enum" | "other") if kind.contains('(') => error
            .help("write the choices as `enum(a|b)`; none may be empty, `-`, `N/A` or `unknown`"),
        Some(name) => error.help(format!("did you mean `{name}`?")),
        None => error.help(format!("the types are {}", types::NAMES.join(", "))),
    }
}

/// White space just inside the parentheses of a repeat is layout, not text.
fn trimmed(mut pieces: Vec<Piece>) -> Vec<Piece> {
    if let Some(Piece::Literal { text }) = pieces.first_mut() {
        *text = text.trim_start().to_owned();
    }
    if let Some(Piece::Literal { text }) = pieces.last_mut() {
        *text = text.trim_end().to_owned();
    }
    pieces.retain(|piece| !matches!(piece, Piece::Literal { text } if text.is_empty()));
    pieces
}

/// Names kept for the life of the program, so that a record need not copy them. Bounded: names beyond it are copied.
const MOST_INTERNED: usize = 4096;

fn interned(name: &str) -> Cow<'static, str> {
    static NAMES: OnceLock<Mutex<BTreeSet<&'static str>>> = OnceLock::new();
    let names = NAMES.get_or_init(Mutex::default);
    let mut names = names
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Cow::Borrowed(known);
    }
    if names.len() == MOST_INTERNED {
        return Cow::Owned(name.to_owned());
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    Cow::Borrowed(kept)
}
