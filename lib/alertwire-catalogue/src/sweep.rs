//! The typed sweep: what stands in a text that could be something, whatever the wording.

use serde::Serialize;

use crate::types::FieldType;

/// What a text names, each in canonical form, once, in the order of the text.
///
/// ```
/// use alertwire_catalogue::Entities;
/// let found = Entities::sweep("Malware on WS-7.corp.example (10.0.0.7), see https://example.com/a, CVE-2024-3094", 100);
/// assert_eq!(found.ip, ["10.0.0.7"]);
/// assert_eq!(found.host, ["WS-7.corp.example"]);
/// assert_eq!(found.cve, ["CVE-2024-3094"]);
/// assert_eq!(found.url, ["https://example.com/a"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Entities {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mac: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cve: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<String>,
    /// Only where the text says so: `443/tcp`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub port: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub url: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timestamp: Vec<String>,
}

/// The longest address of a page or a mailbox.
const LONGEST_ADDRESS: usize = 2048;

/// Endings that make a host of a name with a single dot; with more dots any letters do. Short names such as
/// `john.doe` are users far more often than hosts.
const ENDINGS: [&str; 30] = [
    "com",
    "net",
    "org",
    "edu",
    "gov",
    "mil",
    "int",
    "info",
    "biz",
    "local",
    "lan",
    "internal",
    "intranet",
    "corp",
    "home",
    "arpa",
    "test",
    "example",
    "invalid",
    "localhost",
    "localdomain",
    "cloud",
    "online",
    "tech",
    "site",
    "app",
    "dev",
    "domain",
    "private",
    "office",
];

impl Entities {
    /// Sweeps the text once, at most `most` of each sort.
    pub fn sweep(text: &str, most: usize) -> Self {
        let mut found = Self::default();
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let starts = bytes[at].is_ascii_alphanumeric() || bytes[at] == b':';
            if !starts || (at > 0 && bytes[at - 1].is_ascii_alphanumeric()) {
                at += 1;
                continue;
            }
            at = found
                .take(text, at, most)
                .unwrap_or_else(|| end_of_word(bytes, at))
                .max(at + 1);
        }
        found
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes what begins at `at`; its end is returned.
    fn take(&mut self, text: &str, at: usize, most: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        if let Some(end) = url_end(bytes, at) {
            return Some(add(&mut self.url, &text[at..end], end, most));
        }
        for (kind, list) in [
            (FieldType::Cve, &mut self.cve),
            (FieldType::Timestamp, &mut self.timestamp),
            (FieldType::Mac, &mut self.mac),
            (FieldType::Ip, &mut self.ip),
        ] {
            if let Some(end) = real_end(&kind, text, at) {
                let value = kind.meaning(&text[at..end]).value?;
                return Some(add(list, &value.to_text(), end, most));
            }
        }
        if let Some(end) = email_end(text, at) {
            return Some(add(&mut self.email, &text[at..end], end, most));
        }
        if let Some(end) =
            real_end(&FieldType::Port, text, at).filter(|end| bytes[at..*end].contains(&b'/'))
        {
            return Some(add(
                &mut self.port,
                &text[at..end].to_ascii_lowercase(),
                end,
                most,
            ));
        }
        let end = real_end(&FieldType::Host, text, at)?;
        let name = &text[at..end];
        if is_host(name) {
            Some(add(&mut self.host, name, end, most))
        } else {
            Some(end)
        }
    }
}

fn add(list: &mut Vec<String>, value: &str, end: usize, most: usize) -> usize {
    if list.len() < most && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
    end
}

/// Where a tight value ends that is a value indeed, not a word for its absence.
pub(crate) fn real_end(kind: &FieldType, text: &str, at: usize) -> Option<usize> {
    let end = kind.scan(text, at)?.end;
    (end > at && !crate::types::means_absent(&text[at..end])).then_some(end)
}

fn end_of_word(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count()
}

pub(crate) fn is_host(name: &str) -> bool {
    let Some((rest, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let letters = ending.len() >= 2 && ending.bytes().all(|byte| byte.is_ascii_alphabetic());
    letters
        && (rest.contains('.')
            || ending.len() == 2
            || ENDINGS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(ending)))
}

pub(crate) fn url_end(bytes: &[u8], at: usize) -> Option<usize> {
    let scheme = [&b"https://"[..], b"http://", b"ftp://"]
        .into_iter()
        .find(|scheme| {
            bytes
                .get(at..at + scheme.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(scheme))
        })?;
    let is_part = |byte: &&u8| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'<' | b'>' | b'\\' | b'`' | b'{' | b'}' | b'|' | b'^'
            )
    };
    let mut end = at
        + bytes[at..]
            .iter()
            .take(LONGEST_ADDRESS)
            .take_while(is_part)
            .count();
    while end > at
        && matches!(
            bytes[end - 1],
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'\''
        )
    {
        end -= 1;
    }
    (end > at + scheme.len()).then_some(end)
}

pub(crate) fn email_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_part = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
    };
    let sign = at + bytes[at..].iter().take(64).take_while(is_part).count();
    if bytes.get(sign) != Some(&b'@') || sign == at {
        return None;
    }
    let end = real_end(&FieldType::Host, text, sign + 1)?;
    text[sign + 1..end].contains('.').then_some(end)
}
