//! Rows of a file (RFC 4180). Every cell is quoted, and one that a spreadsheet would take for a formula begins with an apostrophe
//! (security.md I8).

/// Begins a formula in one spreadsheet or another; the last ones where cells are written in full width.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// One row. `raw` leaves cells as they are.
pub(crate) fn row(cells: &[String], raw: bool) -> Vec<u8> {
    let mut row = String::new();
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            row.push(',');
        }
        row.push('"');
        if !raw && cell.starts_with(FORMULA) {
            row.push('\'');
        }
        row.push_str(&cell.replace('"', "\"\""));
        row.push('"');
    }
    row.push_str("\r\n");
    row.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::row;

    fn cell(raw: bool, text: &str) -> String {
        String::from_utf8(row(&[text.to_owned()], raw)).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-",
        ] {
            assert_eq!(cell(false, text), format!("\"'{text}\"\r\n"));
            assert_eq!(cell(true, text), format!("\"{text}\"\r\n"));
        }
        assert_eq!(cell(false, "1=1"), "\"1=1\"\r\n");
        assert_eq!(cell(false, "=\"a\",b"), "\"'=\"\"a\"\",b\"\r\n");
        assert_eq!(cell(false, ""), "\"\"\r\n");
    }
}
