//! Medians, percentiles and Markdown tables.

use std::time::Duration;

/// The middle value; 0 when there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The value below which `share` of the sorted values lie; 0 when there is none.
pub fn percentile(sorted: &[u32], share: f64) -> u32 {
    if sorted.is_empty() {
        return 0;
    }
    let place = (sorted.len() as f64 * share) as usize;
    sorted[place.min(sorted.len() - 1)]
}

/// `61,204`.
pub fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds as milliseconds: `1.27 ms`.
pub fn millis(micros: f64) -> String {
    format!("{:.2} ms", micros / 1e3)
}

pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// A Markdown table, printed when it is complete.
#[derive(Debug)]
pub struct Table {
    columns: usize,
    text: String,
}

impl Table {
    pub fn new(columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()].join(" | ");
        Self {
            columns: columns.len(),
            text: format!("| {} |\n| {rule} |\n", columns.join(" | ")),
        }
    }

    pub fn row(&mut self, cells: &[String]) {
        assert_eq!(
            cells.len(),
            self.columns,
            "a row has a cell for each column"
        );
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    pub fn print(&self) {
        println!("{}", self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(whole(7.4), "7");
        assert_eq!(whole(61_204.0), "61,204");
        assert_eq!(whole(1_000_000.0), "1,000,000");
    }

    #[test]
    fn a_percentile_of_few_values_is_one_of_them() {
        assert_eq!(percentile(&[1, 2, 3], 0.99), 3);
        assert_eq!(percentile(&[1, 2, 3], 0.5), 2);
        assert_eq!(percentile(&[], 0.5), 0);
    }
}
