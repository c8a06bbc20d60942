//! The nearest name, for error messages that help.

/// Names further away than this share of their length are no help.
const LEAST_LIKENESS: f64 = 0.6;

/// The name among `among` that is most like `word`, when one is near enough to be what was meant.
///
/// ```
/// use alertwire_catalogue::nearest;
/// assert_eq!(nearest("hostnme", ["ip", "hostname", "mac"].into_iter()), Some("hostname"));
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
    whole.max(tail * 0.95)
}
