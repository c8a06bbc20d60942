//! Prints canonical records as a body.

use super::Compiled;
use super::syntax::Piece;
use crate::value::Record;

/// Why records cannot be put into one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrintError {
    MissingField(String),
    /// The records differ in a field that the body says only once.
    NotOneHeading(String),
}

impl Compiled {
    /// The body of these records, whose values are canonical.
    pub(crate) fn print(&self, records: &[Record]) -> Result<String, PrintError> {
        let mut body = String::with_capacity(128 * records.len().max(1));
        self.print_pieces(&self.template.pieces, 0, records, &mut body)?;
        Ok(body)
    }

    /// All `records` agree in the fields of this level, or that is an error. Recursion is as deep as the template.
    fn print_pieces(
        &self,
        pieces: &[Piece],
        level: u8,
        records: &[Record],
        body: &mut String,
    ) -> Result<(), PrintError> {
        self.check_agreement(level, pieces, records)?;
        for piece in pieces {
            match piece {
                Piece::Literal { text } => body.push_str(text),
                Piece::Gap => body.push('\n'),
                Piece::Field(field) => self.print_field(*field, records, body)?,
                Piece::Optional { pieces, .. } if self.is_present(pieces, &records[0])? => {
                    self.print_pieces(pieces, level, records, body)?;
                }
                Piece::Optional { .. } => {}
                Piece::Repeat { pieces, level, .. } => {
                    for (index, items) in self
                        .iterations(pieces, *level, records)
                        .into_iter()
                        .enumerate()
                    {
                        if index > 0 {
                            body.push('\n');
                        }
                        self.print_pieces(pieces, *level, items, body)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn print_field(
        &self,
        index: usize,
        records: &[Record],
        body: &mut String,
    ) -> Result<(), PrintError> {
        let field = &self.template.fields[index];
        let several = if field.list { records } else { &records[..1] };
        for (position, record) in several.iter().enumerate() {
            if position > 0 {
                body.push_str(", ");
            }
            let value = record
                .get(&field.name)
                .ok_or_else(|| PrintError::MissingField(field.name.to_string()))?;
            let protocol = record
                .text("protocol")
                .filter(|_| !self.template.names_protocol());
            body.push_str(&field.kind.print(value, protocol));
        }
        Ok(())
    }

    /// A segment stands when all its fields are there; when only some are, the others would be lost.
    fn is_present(&self, pieces: &[Piece], record: &Record) -> Result<bool, PrintError> {
        let fields: Vec<_> = own_fields(pieces)
            .map(|field| &self.template.fields[field].name)
            .collect();
        let missing = fields.iter().find(|name| !record.contains(name));
        match missing {
            None if fields.is_empty() => Ok(holds_any(&self.template.fields, pieces, record)),
            None => Ok(true),
            Some(missing) if fields.iter().any(|name| record.contains(name)) => {
                Err(PrintError::MissingField(missing.to_string()))
            }
            Some(_) if holds_any(&self.template.fields, pieces, record) => {
                Err(PrintError::MissingField(fields[0].to_string()))
            }
            Some(_) => Ok(false),
        }
    }

    /// The records of each turn of a repeat: one each, unless a repeat inside shares their heading.
    fn iterations<'r>(
        &self,
        pieces: &[Piece],
        level: u8,
        records: &'r [Record],
    ) -> Vec<&'r [Record]> {
        let nested = pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Repeat { .. }));
        if !nested {
            return records.chunks(1).collect();
        }
        records
            .chunk_by(|a, b| self.own_names(level).all(|name| a.get(name) == b.get(name)))
            .collect()
    }

    fn own_names(&self, level: u8) -> impl Iterator<Item = &str> {
        self.template
            .fields
            .iter()
            .filter(move |field| field.level == level && !field.list)
            .map(|field| field.name.as_ref())
    }

    fn check_agreement(
        &self,
        level: u8,
        pieces: &[Piece],
        records: &[Record],
    ) -> Result<(), PrintError> {
        let differs = |name: &str| {
            records
                .iter()
                .any(|record| record.get(name) != records[0].get(name))
        };
        if let Some(name) = self.own_names(level).find(|name| differs(name)) {
            return Err(PrintError::NotOneHeading(name.to_owned()));
        }
        let goes_on = pieces.iter().any(|piece| match piece {
            Piece::Repeat { .. } => true,
            Piece::Field(field) => self.template.fields[*field].list,
            _ => false,
        });
        // Equal records without a repeat or a list would come back as one.
        if records.len() > 1 && !goes_on && level == 0 {
            return Err(PrintError::NotOneHeading("event".to_owned()));
        }
        Ok(())
    }
}

/// The fields that stand in these pieces themselves, not in a segment or a repeat inside.
fn own_fields(pieces: &[Piece]) -> impl Iterator<Item = usize> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Field(field) => Some(*field),
        _ => None,
    })
}

fn holds_any(fields: &[super::syntax::Field], pieces: &[Piece], record: &Record) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Field(field) => record.contains(&fields[*field].name),
        Piece::Optional { pieces, .. } | Piece::Repeat { pieces, .. } => {
            holds_any(fields, pieces, record)
        }
        Piece::Literal { .. } | Piece::Gap => false,
    })
}
