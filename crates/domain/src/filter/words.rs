//! Words, as a search by text splits them. The indexes of the databases are asked by the same words; what they miss or find
//! too much of ends here, for a row is only shown when [`has_words`] holds.

/// Most words of one search.
const WORDS: usize = 16;

/// The words of a search, in lower case: whatever is no letter or digit parts two words, so a query has no syntax to get
/// wrong. What comes after the sixteenth is not looked for.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    split(text).take(WORDS).map(str::to_lowercase).collect()
}

/// Whether the texts hold all of the words, in any order.
#[must_use]
pub fn has_words(wanted: &[String], texts: &[&str]) -> bool {
    let mut missing: Vec<&str> = wanted.iter().map(String::as_str).collect();
    for word in texts.iter().copied().flat_map(split) {
        if missing.is_empty() {
            break;
        }
        missing.retain(|wanted| !is_word(wanted, word));
    }
    missing.is_empty()
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Nothing is written anew where both are ASCII, as nearly all words are.
fn is_word(wanted: &str, word: &str) -> bool {
    match word.is_ascii() {
        true => word.eq_ignore_ascii_case(wanted),
        false => word.to_lowercase() == wanted,
    }
}
