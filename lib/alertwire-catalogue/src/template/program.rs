//! A template compiled for reading: a flat list of nodes for each of the two orders in which readings are tried.
//!
//! The first order tries free text shortest, segments present before absent, one more repeat before the end. The second
//! is its opposite: free text longest, segments that hold free text absent first, the end before one more repeat. When
//! both find the same spans there is no other reading. A segment right behind free text counts as present where its
//! introducer stands (the text could always swallow it), so the second order settles which segments are there before
//! it settles how long the text is.

use std::collections::HashMap;
use std::rc::Rc;

use super::lexis::Phrase;
use super::syntax::{Piece, Template};
use crate::types::FieldType;

/// Segments in a row behind one free text whose presence is settled before its length: 2^n copies of what follows.
const MOST_HOISTED: usize = 3;
/// Nodes of one program; the copies of hoisting are what could make it grow.
const MOST_NODES: usize = 20_000;

pub(crate) type NodeId = u32;

#[derive(Debug)]
pub(crate) enum Node {
    Literal {
        phrase: Phrase,
        next: NodeId,
    },
    /// `{ws}`: a run of white space and what stands for it.
    Gap {
        next: NodeId,
    },
    /// Between two repeats: a gap, and before it the full stop of a tight end.
    Join {
        punctuation: bool,
        next: NodeId,
    },
    Tight {
        field: u16,
        next: NodeId,
    },
    List {
        field: u16,
        next: NodeId,
    },
    Text {
        field: u16,
        multiline: bool,
        longest: bool,
        row: u32,
        first: Box<First>,
        refused: Box<[Box<[u8]>]>,
        leads: Leads,
        next: NodeId,
    },
    Split {
        first: NodeId,
        second: NodeId,
        row: u32,
    },
    /// A repeat begins anew.
    Iteration {
        level: u8,
        next: NodeId,
    },
    End,
}

/// The bytes that a continuation can begin with, and whether it can be the end of the text.
#[derive(Clone, Debug)]
pub(crate) struct First {
    pub(crate) bytes: [bool; 256],
    /// The bytes that can come second, after any of those: a first look that spares most of the others.
    pub(crate) seconds: [bool; 256],
    pub(crate) end: bool,
}

/// The introducers of the segments behind a free text, in order, and last the literal that stands behind them, if one
/// does. While one of them stands at a single place behind the text's start, the text has a single end.
#[derive(Debug, Default)]
pub(crate) struct Leads {
    pub(crate) phrases: Box<[Phrase]>,
}

impl First {
    /// Whether the continuation can begin at this place, which is perhaps the end of the text.
    #[inline]
    pub(crate) fn admits_at(&self, text: &[u8], at: usize) -> bool {
        match text.get(at..) {
            Some([first, second, ..]) => {
                self.bytes[usize::from(*first)] && self.seconds[usize::from(*second)]
            }
            Some([first]) => self.bytes[usize::from(*first)],
            _ => self.end,
        }
    }

    fn add_literal(&mut self, text: &[u8]) {
        let add = |set: &mut [bool; 256], byte: u8| {
            set[usize::from(byte)] = true;
            set[usize::from(byte.to_ascii_uppercase())] = true;
            set[usize::from(b'\t')] |= byte == b' ';
        };
        add(&mut self.bytes, text[0]);
        match text.get(1) {
            Some(second) => {
                add(&mut self.seconds, *second);
                // Blanks may be spread.
                if text[0] == b' ' {
                    add(&mut self.seconds, b' ');
                }
            }
            None => self.seconds = [true; 256],
        }
        // A trailing blank of a literal may be missing at the end of the text.
        self.end |= text.iter().all(|byte| *byte == b' ');
    }
}

#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) start: NodeId,
    /// How many nodes are choices and remember where they were tried.
    pub(crate) rows: u32,
}

#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) forward: Program,
    /// Absent when the template holds no free text: then there is only one way to read it.
    pub(crate) backward: Option<Program>,
}

impl Programs {
    pub(crate) fn compile(template: &Template) -> Result<Self, TooLarge> {
        let free = template.fields.iter().any(|field| field.kind.is_free());
        Ok(Self {
            forward: Compiler::run(template, Order::Forward)?,
            backward: free
                .then(|| Compiler::run(template, Order::Backward))
                .transpose()?,
        })
    }
}

/// The template needs more nodes than a reading should have to pass through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Forward,
    Backward,
}

/// What is still to be read, as a linked list that several branches share.
type Rest<'a> = Option<Rc<Cell<'a>>>;

struct Cell<'a> {
    item: Item<'a>,
    rest: Rest<'a>,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    Piece(&'a Piece),
    /// A repeat's body has been read: once more (at this node), or on.
    Again {
        body: &'a [Piece],
        entry: NodeId,
    },
}

struct Compiler<'a> {
    template: &'a Template,
    order: Order,
    nodes: Vec<Node>,
    rows: u32,
    /// The node of a rest that was compiled before; the list is kept so that its address stays its own.
    done: HashMap<*const Cell<'a>, (NodeId, Rest<'a>)>,
}

impl<'a> Compiler<'a> {
    fn run(template: &'a Template, order: Order) -> Result<Program, TooLarge> {
        let mut compiler = Self {
            template,
            order,
            nodes: vec![Node::End],
            rows: 0,
            done: HashMap::new(),
        };
        let rest = with_pieces(&template.pieces, &None);
        let start = compiler.rest(&rest)?;
        let mut program = Program {
            nodes: compiler.nodes,
            start,
            rows: compiler.rows,
        };
        set_first(&mut program);
        Ok(program)
    }

    fn push(&mut self, node: Node) -> Result<NodeId, TooLarge> {
        if self.nodes.len() == MOST_NODES {
            return Err(TooLarge);
        }
        self.nodes.push(node);
        Ok(u32::try_from(self.nodes.len() - 1).expect("the number of nodes is bounded"))
    }

    fn row(&mut self) -> u32 {
        self.rows += 1;
        self.rows - 1
    }

    fn rest(&mut self, rest: &Rest<'a>) -> Result<NodeId, TooLarge> {
        let Some(cell) = rest else { return Ok(0) };
        let address = Rc::as_ptr(cell);
        if let Some((node, _)) = self.done.get(&address) {
            return Ok(*node);
        }
        let node = self.cell(cell)?;
        self.done.insert(address, (node, rest.clone()));
        Ok(node)
    }

    fn cell(&mut self, cell: &Rc<Cell<'a>>) -> Result<NodeId, TooLarge> {
        let piece = match cell.item {
            Item::Piece(piece) => piece,
            Item::Again { body, entry } => return self.again(body, entry, &cell.rest),
        };
        match piece {
            Piece::Literal { text } => {
                let next = self.rest(&cell.rest)?;
                self.push(Node::Literal {
                    phrase: Phrase::new(text),
                    next,
                })
            }
            Piece::Gap => {
                let next = self.rest(&cell.rest)?;
                self.push(Node::Gap { next })
            }
            Piece::Field(field) => self.field(*field, &cell.rest),
            Piece::Optional { pieces, .. } => {
                let present = self.rest(&with_pieces(pieces, &cell.rest))?;
                let absent = self.rest(&cell.rest)?;
                let absent_first = self.order == Order::Backward && self.holds_free(pieces);
                self.split(present, absent, absent_first)
            }
            Piece::Repeat { pieces, level, .. } => {
                let entry = self.push(Node::Iteration {
                    level: *level,
                    next: 0,
                })?;
                let again = Some(Rc::new(Cell {
                    item: Item::Again {
                        body: pieces,
                        entry,
                    },
                    rest: cell.rest.clone(),
                }));
                let body = self.rest(&with_pieces(pieces, &again))?;
                if let Node::Iteration { next, .. } = &mut self.nodes[entry as usize] {
                    *next = body;
                }
                Ok(entry)
            }
        }
    }

    fn split(&mut self, usual: NodeId, other: NodeId, swapped: bool) -> Result<NodeId, TooLarge> {
        let (first, second) = if swapped {
            (other, usual)
        } else {
            (usual, other)
        };
        let row = self.row();
        self.push(Node::Split { first, second, row })
    }

    fn again(
        &mut self,
        body: &'a [Piece],
        entry: NodeId,
        rest: &Rest<'a>,
    ) -> Result<NodeId, TooLarge> {
        let join = self.push(Node::Join {
            punctuation: !self.may_end_free(body),
            next: entry,
        })?;
        let on = self.rest(rest)?;
        let on_first = self.order == Order::Backward && self.holds_free(body);
        self.split(join, on, on_first)
    }

    fn field(&mut self, index: usize, rest: &Rest<'a>) -> Result<NodeId, TooLarge> {
        let field = &self.template.fields[index];
        let id = u16::try_from(index).expect("the number of fields is bounded");
        if field.kind.is_free() {
            return match self.order {
                Order::Forward => {
                    let next = self.rest(rest)?;
                    let refused = self.refused(id, rest);
                    let leads = leads(rest);
                    self.text(id, refused, leads, next)
                }
                Order::Backward => self.hoisted(id, rest),
            };
        }
        let next = self.rest(rest)?;
        self.push(if field.list {
            Node::List { field: id, next }
        } else {
            Node::Tight { field: id, next }
        })
    }

    /// What `other(…)` may not begin with: one of its refusals with a segment behind it, which counts as present.
    fn refused(&self, field: u16, rest: &Rest<'a>) -> Box<[Box<[u8]>]> {
        let kind = &self.template.fields[usize::from(field)].kind;
        let mut refused = Vec::new();
        let mut behind = rest;
        while let Some(cell) = behind {
            let Item::Piece(Piece::Optional { pieces, .. }) = cell.item else {
                break;
            };
            if let Some(Piece::Literal { text }) = pieces.first() {
                refused.extend(
                    kind.refusals()
                        .iter()
                        .map(|choice| format!("{choice}{text}").into_bytes().into()),
                );
            }
            behind = &cell.rest;
        }
        refused.into()
    }

    fn text(
        &mut self,
        field: u16,
        refused: Box<[Box<[u8]>]>,
        leads: Leads,
        next: NodeId,
    ) -> Result<NodeId, TooLarge> {
        let row = self.row();
        let multiline = self.template.fields[usize::from(field)].kind == FieldType::Multiline;
        let first = Box::new(First {
            bytes: [false; 256],
            seconds: [false; 256],
            end: false,
        });
        self.push(Node::Text {
            field,
            multiline,
            longest: self.order == Order::Backward,
            row,
            first,
            refused,
            leads,
            next,
        })
    }

    /// The text once for each set of segments behind it, present before absent.
    fn hoisted(&mut self, field: u16, rest: &Rest<'a>) -> Result<NodeId, TooLarge> {
        let mut segments: Vec<&'a [Piece]> = Vec::new();
        let mut behind = rest.clone();
        while let Some(cell) = behind.clone() {
            match cell.item {
                Item::Piece(Piece::Optional { pieces, .. }) if segments.len() < MOST_HOISTED => {
                    segments.push(pieces)
                }
                _ => break,
            }
            behind = cell.rest.clone();
        }
        let mut texts = Vec::new();
        for absent in 0..1_usize << segments.len() {
            let mut continuation = behind.clone();
            for (index, pieces) in segments.iter().enumerate().rev() {
                if absent >> (segments.len() - 1 - index) & 1 == 0 {
                    continuation = with_pieces(pieces, &continuation);
                }
            }
            let next = self.rest(&continuation)?;
            let refused = self.refused(field, rest);
            texts.push(self.text(field, refused, Leads::default(), next)?);
        }
        let mut node = texts
            .pop()
            .expect("there is one text for no segment at all");
        while let Some(text) = texts.pop() {
            node = self.split(text, node, false)?;
        }
        Ok(node)
    }

    fn holds_free(&self, pieces: &[Piece]) -> bool {
        pieces.iter().any(|piece| match piece {
            Piece::Literal { .. } | Piece::Gap => false,
            Piece::Field(field) => self.template.fields[*field].kind.is_free(),
            Piece::Optional { pieces, .. } | Piece::Repeat { pieces, .. } => {
                self.holds_free(pieces)
            }
        })
    }

    /// Whether the last thing read of these pieces can be free text.
    fn may_end_free(&self, pieces: &[Piece]) -> bool {
        for piece in pieces.iter().rev() {
            match piece {
                Piece::Literal { .. } | Piece::Gap => return false,
                Piece::Field(field) => return self.template.fields[*field].kind.is_free(),
                Piece::Repeat { pieces, .. } => return self.may_end_free(pieces),
                Piece::Optional { pieces, .. } if self.may_end_free(pieces) => return true,
                Piece::Optional { .. } => {}
            }
        }
        false
    }
}

/// What can stand behind a free text whose next piece is this.
fn leads(rest: &Rest<'_>) -> Leads {
    let mut leads = Leads::default();
    let mut phrases = Vec::new();
    let mut behind = rest;
    while let Some(cell) = behind {
        match cell.item {
            Item::Piece(Piece::Optional { pieces, .. }) => {
                let Some(Piece::Literal { text }) = pieces.first() else {
                    return leads;
                };
                phrases.push(Phrase::new(text));
            }
            Item::Piece(Piece::Literal { text }) => {
                phrases.push(Phrase::new(text));
                break;
            }
            _ => break,
        }
        behind = &cell.rest;
    }
    leads.phrases = phrases.into();
    leads
}

fn with_pieces<'a>(pieces: &'a [Piece], rest: &Rest<'a>) -> Rest<'a> {
    pieces.iter().rev().fold(rest.clone(), |rest, piece| {
        Some(Rc::new(Cell {
            item: Item::Piece(piece),
            rest,
        }))
    })
}

/// Tells each text which bytes its continuation can begin with, so that it need not try all places.
fn set_first(program: &mut Program) {
    for index in 0..program.nodes.len() {
        let Node::Text { next, .. } = program.nodes[index] else {
            continue;
        };
        let found = first_of(&program.nodes, next);
        if let Node::Text { first, .. } = &mut program.nodes[index] {
            **first = found;
        }
    }
}

fn first_of(nodes: &[Node], start: NodeId) -> First {
    let mut first = First {
        bytes: [false; 256],
        seconds: [false; 256],
        end: false,
    };
    let mut open = vec![start];
    let mut seen = vec![false; nodes.len()];
    while let Some(node) = open.pop() {
        if std::mem::replace(&mut seen[node as usize], true) {
            continue;
        }
        match &nodes[node as usize] {
            Node::Literal { phrase, .. } => first.add_literal(&phrase.lower),
            Node::Gap { .. } | Node::Join { .. } => {
                for byte in *b" \t\r\n\\<.,;" {
                    first.bytes[usize::from(byte)] = true;
                }
                first.seconds = [true; 256];
            }
            Node::Tight { .. } | Node::List { .. } | Node::Text { .. } => {
                first.bytes = [true; 256];
                first.seconds = [true; 256];
                first.end = true;
            }
            Node::Split {
                first: a,
                second: b,
                ..
            } => open.extend([*a, *b]),
            Node::Iteration { next, .. } => open.push(*next),
            Node::End => first.end = true,
        }
    }
    first
}
