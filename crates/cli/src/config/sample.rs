//! The commented file that `config init` prints: every key with its default, all switched off.

use std::fmt::Write as _;

use super::key::{KEYS, Key, Sort};

/// The whole file.
pub(crate) fn file() -> String {
    let mut text = String::from(
        "# Alertwire configuration. Every key is also an environment variable (its name stands beside it, `…_FILE` reads\n\
         # the value from a file) and `--set KEY=VALUE`. Flags win over the environment, the environment over this file.\n",
    );
    let mut section = None;
    for key in KEYS {
        if key.section() != section {
            section = key.section();
            let _ = write!(text, "\n[{}]\n", section.unwrap_or_default());
        }
        let _ = write!(
            text,
            "\n{}# {}\n# {} = {}\n",
            comment(key.about),
            key.variable(),
            key.bare(),
            example(key)
        );
    }
    text
}

fn comment(about: &str) -> String {
    /// Characters in a line.
    const WIDTH: usize = 110;
    let mut lines = vec![String::from("#")];
    for word in about.split(' ') {
        if lines
            .last()
            .is_some_and(|line| line.len() + word.len() >= WIDTH)
        {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            let _ = write!(line, " {word}");
        }
    }
    lines.join("\n") + "\n"
}

/// The default as TOML; where there is none, an empty value of the sort.
fn example(key: &Key) -> String {
    match key.sort {
        Sort::Number => key.default.to_owned(),
        Sort::List => {
            let parts: Vec<String> = key
                .default
                .split(',')
                .filter(|part| !part.is_empty())
                .map(|part| format!("\"{part}\""))
                .collect();
            format!("[{}]", parts.join(", "))
        }
        _ => format!("\"{}\"", key.default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_switched_on_is_a_good_file_with_every_key() {
        let text = file();
        let on: String = text
            .lines()
            .map(
                |line| match line.strip_prefix("# ").filter(|rest| is_assignment(rest)) {
                    Some(rest) => format!("{rest}\n"),
                    None => format!("{line}\n"),
                },
            )
            .collect();
        let values = crate::config::file::parse("sample", &on).unwrap();
        assert_eq!(values.len(), KEYS.len());
        for key in KEYS {
            assert_eq!(values[key.name], key.default, "{}", key.name);
        }
        assert!(
            crate::config::file::parse("sample", &text)
                .unwrap()
                .is_empty()
        );
    }

    fn is_assignment(line: &str) -> bool {
        line.split_once(" = ")
            .is_some_and(|(name, _)| KEYS.iter().any(|key| key.bare() == name))
    }
}
