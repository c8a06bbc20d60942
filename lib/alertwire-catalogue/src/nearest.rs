//! The nearest name, for error messages that help.

/// Names further away than this share of their length are no help.
const LEAST_LIKENESS: f64 = 0.6;

/// The name among `among` that is most like `word`, when one is near enough to be what was meant.
///
/// ```
/// use alertwire_catalogue::nearest;
/// assert_eq!(nearest("hostnme", ["ip", "hostname", "mac"].into_iter()), Some("hostname"));
/// assert_eq!(nearest("acme corp", ["Acme Corporation", "Other"].into_iter()), Some("Acme Corporation"));
/// assert_eq!(nearest("zebra", ["ip", "hostname", "mac"].into_iter()), None);
/// ```
pub fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Long input is no typing mistake, and the comparison is quadratic.
    let word: String = word
        .chars()
        .take(128)
        .flat_map(char::to_lowercase)
        .collect();
    among
        .map(|name| (likeness(&word, name), name))
        .filter(|(likeness, _)| *likeness >= LEAST_LIKENESS)
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.cmp(x)))
        .map(|(_, name)| name)
}

fn likeness(word: &str, name: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(word, &name.to_lowercase());
    // `asset_added` stands for `system.asset_added`.
    let tail = name.rsplit('.').next().unwrap_or(name);
    let tail = strsim::normalized_damerau_levenshtein(word, &tail.to_lowercase());
    let begun = if is_begun(word, &name.to_lowercase()) {
        LEAST_LIKENESS
    } else {
        0.0
    };
    whole.max(tail * 0.95).max(begun)
}

/// One is the beginning of the other: `Acme Corp` stands for `Acme Corporation`.
fn is_begun(word: &str, name: &str) -> bool {
    const LEAST: usize = 4;
    let (short, long) = if word.len() < name.len() {
        (word, name)
    } else {
        (name, word)
    };
    short.len() >= LEAST && long.starts_with(short)
}
