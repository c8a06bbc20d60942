//! Bodies laid side by side: each column holds what stands at one place of the wording.

use super::Body;
use super::tokens::{Blank, Sort, Token};

/// Columns of an alignment; a body that would need more is left out of it.
const MOST_COLUMNS: usize = 1024;

/// A word that begins a clause is found again, one that many bodies have, one that few have, a mark, a value of the same type.
const SAME_HEAD: i32 = 20;
const SAME_WORD: i32 = 12;
const SAME_RARE_WORD: i32 = 3;
const SAME_MARK: i32 = 5;
/// A mark with the same word behind it, and one with another.
const SAME_CLAUSE: i32 = 7;
const OTHER_CLAUSE: i32 = 1;
const SAME_TYPE: i32 = 10;
/// A type beside its absence.
const NEAR_TYPE: i32 = 4;
/// Two words at a place where words differ.
const OTHER_WORD: i32 = 1;
/// Two things that are hardly the same place.
const UNLIKE: i32 = -9;
/// Different words where words of the wording stand (prepositions, and what introduces a typed value); a word and a
/// typed value; the first words of two clauses.
const OTHER_JOINT: i32 = -5;
const OTHER_HEAD: i32 = -12;
/// A place that one of the two does not have.
const GAP: i32 = -2;
/// One has a blank in front, the other none.
const OTHER_BLANK: i32 = -4;

#[derive(Default)]
pub(super) struct Alignment<'b, 't> {
    pub(super) bodies: Vec<&'b Body<'t>>,
    pub(super) columns: Vec<Column>,
}

/// For each body, the token that stands in this column.
pub(super) struct Column {
    cells: Vec<Option<usize>>,
    /// The body and token that speak for the column in comparisons: the first.
    first: (usize, usize),
    /// All its tokens are the same text so far.
    constant: bool,
}

impl<'b, 't> Alignment<'b, 't> {
    pub(super) fn token(&self, column: usize, body: usize) -> Option<&'b Token<'t>> {
        let body_tokens: &'b Body<'t> = self.bodies[body];
        let index = (*self.columns.get(column)?.cells.get(body)?)?;
        body_tokens.tokens.get(index)
    }

    /// Lays one more body beside the others.
    pub(super) fn add(&mut self, body: &'b Body<'t>) {
        let moves = self.moves(body);
        let inserted = moves.iter().filter(|step| **step == Move::Insert).count();
        if self.columns.len() + inserted > MOST_COLUMNS {
            return;
        }
        let number = self.bodies.len();
        self.bodies.push(body);
        let mut old = std::mem::take(&mut self.columns).into_iter();
        let mut token = 0;
        for step in moves {
            match step {
                Move::Both => {
                    if let Some(mut column) = old.next() {
                        column.cells.push(Some(token));
                        column.constant &= {
                            let (first_body, first) = column.first;
                            let known = &self.bodies[first_body].tokens[first];
                            same_text(known, &body.tokens[token])
                        };
                        self.columns.push(column);
                    }
                    token += 1;
                }
                Move::Skip => {
                    if let Some(mut column) = old.next() {
                        column.cells.push(None);
                        self.columns.push(column);
                    }
                }
                Move::Insert => {
                    let mut cells = vec![None; number];
                    cells.push(Some(token));
                    self.columns.push(Column {
                        cells,
                        first: (number, token),
                        constant: true,
                    });
                    token += 1;
                }
            }
        }
    }

    /// The way through columns and tokens with the highest score.
    fn moves(&self, body: &Body<'_>) -> Vec<Move> {
        let (rows, width) = (self.columns.len(), body.tokens.len() + 1);
        // Scores of what is left from here on, so that the way is found from the front.
        let mut scores = vec![0_i32; (rows + 1) * width];
        for column in (0..=rows).rev() {
            for token in (0..width).rev() {
                scores[column * width + token] = self.step(body, &scores, width, column, token).0;
            }
        }
        let (mut column, mut token) = (0, 0);
        let mut moves = Vec::with_capacity(rows + width);
        while column < rows || token + 1 < width {
            let (_, step) = self.step(body, &scores, width, column, token);
            moves.push(step);
            column += usize::from(step != Move::Insert);
            token += usize::from(step != Move::Skip);
        }
        moves
    }

    fn step(
        &self,
        body: &Body<'_>,
        scores: &[i32],
        width: usize,
        column: usize,
        token: usize,
    ) -> (i32, Move) {
        let (more_columns, more_tokens) = (column < self.columns.len(), token + 1 < width);
        let mut best = match (more_columns, more_tokens) {
            (false, false) => return (0, Move::Skip),
            (true, _) => (GAP + scores[(column + 1) * width + token], Move::Skip),
            (false, true) => (GAP + scores[column * width + token + 1], Move::Insert),
        };
        if more_columns && more_tokens {
            let insert = GAP + scores[column * width + token + 1];
            // More words of a value come right behind it, before a segment that the body does not have.
            let more_of_a_value = body.tokens[token].is_plain();
            if insert > best.0 || (insert == best.0 && more_of_a_value) {
                best = (insert, Move::Insert);
            }
            let both = self.likeness(&self.columns[column], &body.tokens[token])
                + scores[(column + 1) * width + token + 1];
            if both >= best.0 {
                best = (both, Move::Both);
            }
        }
        best
    }

    fn likeness(&self, column: &Column, token: &Token<'_>) -> i32 {
        let (body, first) = column.first;
        let known = &self.bodies[body].tokens[first];
        let blank = if (known.before == Blank::None) == (token.before == Blank::None) {
            0
        } else {
            OTHER_BLANK
        };
        let alike = match (&known.sort, &token.sort) {
            (Sort::Typed(one), Sort::Typed(two)) if one == two => SAME_TYPE,
            (Sort::Mark, Sort::Mark) if known.text == token.text => {
                match (&known.next, &token.next) {
                    (Some(one), Some(two)) if one.eq_ignore_ascii_case(two) => SAME_CLAUSE,
                    (Some(_), Some(_)) => OTHER_CLAUSE,
                    _ => SAME_MARK,
                }
            }
            (Sort::Mark, _) | (_, Sort::Mark) => UNLIKE,
            (Sort::Word, Sort::Word) if column.constant && same_text(known, token) => {
                if known.head && token.head {
                    SAME_HEAD
                } else if token.common {
                    SAME_WORD
                } else {
                    SAME_RARE_WORD
                }
            }
            (Sort::Typed(_), Sort::Absent) | (Sort::Absent, Sort::Typed(_) | Sort::Absent) => {
                NEAR_TYPE
            }
            _ if known.head && token.head => OTHER_HEAD,
            (Sort::Word, Sort::Word) if is_choice(known, token) => OTHER_WORD,
            _ => OTHER_JOINT,
        };
        alike + blank
    }
}

/// Whether two words could be values of one place: both names, or both choices that many bodies have.
fn is_choice(one: &Token<'_>, two: &Token<'_>) -> bool {
    let same_place = match (one.introducer, two.introducer) {
        (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
        (None, None) => true,
        _ => false,
    };
    same_place && one.common == two.common && !(one.joint || two.joint || one.head || two.head)
}

fn same_text(one: &Token<'_>, two: &Token<'_>) -> bool {
    one.text.eq_ignore_ascii_case(two.text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    /// The token stands in the column.
    Both,
    /// The body has nothing in the column.
    Skip,
    /// The token begins a column of its own.
    Insert,
}
