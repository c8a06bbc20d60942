//! Small readers of CEF and LEEF, by the rules of the receivers and not by ours.

/// The parts of a header, and the pairs behind it.
pub type Read = (Vec<String>, Vec<(String, String)>);

pub fn line(line: &str) -> Read {
    if line.starts_with("CEF:0|") {
        cef(line)
    } else {
        leef(line)
    }
}

/// A value ends where ` key=` begins, and an escaped `=` is none.
pub fn cef(line: &str) -> Read {
    let (header, mut rest) = cef_header(line);
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').expect("a key ends with =");
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(plain, "{key} in {line}");
        let end = value_end(after);
        pairs.push((key.to_owned(), unescaped(&after[..end])));
        rest = after[end..].trim_start_matches(' ');
    }
    (header, pairs)
}

fn cef_header(line: &str) -> (Vec<String>, &str) {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => part.push(letters.next().expect("an escaped letter").1),
            '|' => {
                parts.push(std::mem::take(&mut part));
                if parts.len() == 7 {
                    return (parts, &line[at + 1..]);
                }
            }
            other => part.push(other),
        }
    }
    panic!("the header of {line} is not whole")
}

/// Where the value that the text begins with ends: before the blank in front of the last word ahead of the next bare `=`.
fn value_end(text: &str) -> usize {
    let (mut escaped, mut blank) = (false, None);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ' ' => blank = Some(at),
            '=' => return blank.expect("a key stands behind a blank"),
            _ => {}
        }
    }
    text.len()
}

fn unescaped(value: &str) -> String {
    let (mut text, mut letters) = (String::new(), value.chars());
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next().expect("an escaped letter") {
                'n' => '\n',
                'r' => '\r',
                other => other,
            },
            other => other,
        });
    }
    text
}

/// Version 2.0: six parts, the last of which names the delimiter.
pub fn leef(line: &str) -> Read {
    let mut parts: Vec<&str> = line.splitn(7, '|').collect();
    let rest = parts.pop().unwrap();
    assert_eq!(parts.len(), 6, "{line}");
    assert_eq!((parts[0], parts[5]), ("LEEF:2.0", "0x09"));
    let pair = |pair: &str| {
        let (key, value) = pair
            .split_once('=')
            .unwrap_or_else(|| panic!("{pair:?} in {line}"));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        assert!(!key.is_empty() && key.bytes().all(fits), "{key} in {line}");
        (key.to_owned(), value.to_owned())
    };
    let pairs = rest.split('\t').map(pair).collect();
    (parts.into_iter().map(str::to_owned).collect(), pairs)
}
