//! Keys by their names.

use serde_json::{Value, json};

const SHIFT: u8 = 8;

/// What DevTools wants to know of a key: `Tab`, `Shift+Tab`, `Enter`, `Space`, `Escape`, an arrow, or a character.
pub(super) fn strokes(key: &str) -> [Value; 2] {
    let (modifiers, name) = match key.strip_prefix("Shift+") {
        Some(name) => (SHIFT, name),
        None => (0, key),
    };
    let (key, code, number, text) = match name {
        "Tab" => ("Tab", "Tab", 9, ""),
        "Enter" => ("Enter", "Enter", 13, "\r"),
        "Space" => (" ", "Space", 32, " "),
        "Escape" => ("Escape", "Escape", 27, ""),
        "Backspace" => ("Backspace", "Backspace", 8, ""),
        "ArrowDown" => ("ArrowDown", "ArrowDown", 40, ""),
        "ArrowUp" => ("ArrowUp", "ArrowUp", 38, ""),
        character => {
            assert_eq!(character.chars().count(), 1, "no key is called {character}");
            (character, "", 0, character)
        }
    };
    let kind = if text.is_empty() {
        "rawKeyDown"
    } else {
        "keyDown"
    };
    let stroke = |kind: &str, text: &str| {
        json!({
            "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "text": text, "modifiers": modifiers,
        })
    };
    [stroke(kind, text), stroke("keyUp", "")]
}
