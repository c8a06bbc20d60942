//! Tables for people.

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{Cell, ContentArrangement};

use super::harmless;

/// A table whose cells are harmless for the terminal. Into a pipe it goes bare and unwrapped, so that `grep` finds whole rows.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.rows.push(
            cells
                .into_iter()
                .map(|cell| harmless(cell.as_ref()).into_owned())
                .collect(),
        );
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn render(&self, terminal: bool) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(if terminal {
            UTF8_HORIZONTAL_ONLY
        } else {
            NOTHING
        });
        let arrangement = if terminal {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        };
        table.set_content_arrangement(arrangement);
        table.set_header(self.header.iter().map(Cell::new));
        for row in &self.rows {
            table.add_row(row);
        }
        let mut text: String = table
            .lines()
            .flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()])
            .collect();
        if self.is_empty() {
            text.push_str("(none)\n");
        }
        text
    }
}
