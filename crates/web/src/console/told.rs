//! What came of a form, said on the page that it leads to. The words are ours alone: the URL only picks among them.

use url::form_urlencoded;

use crate::read::query::TOLD;

/// Something that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Saved,
    SavedAndAuthenticated,
    Removed,
    WentBack,
    SwitchedOn,
    SwitchedOff,
    Released,
    NotAuthenticated,
    SilenceEnded,
    Cancelled,
    Imported,
    Taught,
    /// Without a re-reading.
    TaughtAlone,
    RuleOn,
    RuleOff,
}

impl Told {
    const ALL: [Self; 15] = [
        Self::Saved,
        Self::SavedAndAuthenticated,
        Self::Removed,
        Self::WentBack,
        Self::SwitchedOn,
        Self::SwitchedOff,
        Self::Released,
        Self::NotAuthenticated,
        Self::SilenceEnded,
        Self::Cancelled,
        Self::Imported,
        Self::Taught,
        Self::TaughtAlone,
        Self::RuleOn,
        Self::RuleOff,
    ];

    /// As the URL has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::SavedAndAuthenticated => "authenticated",
            Self::Removed => "removed",
            Self::WentBack => "went-back",
            Self::SwitchedOn => "switched-on",
            Self::SwitchedOff => "switched-off",
            Self::Released => "released",
            Self::NotAuthenticated => "not-authenticated",
            Self::SilenceEnded => "silence-ended",
            Self::Cancelled => "cancelled",
            Self::Imported => "imported",
            Self::Taught => "taught",
            Self::TaughtAlone => "taught-alone",
            Self::RuleOn => "rule-on",
            Self::RuleOff => "rule-off",
        }
    }

    /// As the page says it.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Saved => "Saved.",
            Self::SavedAndAuthenticated => {
                "Saved and authenticated. Event Set, Integration Rules and Company Mapping are there now."
            }
            Self::Removed => "Removed.",
            Self::WentBack => "Went back. That is one more change, which can be gone back on too.",
            Self::SwitchedOn => "Switched on. What waited is sent now.",
            Self::SwitchedOff => "Switched off. Deliveries wait, none is lost.",
            Self::Released => "The gate is open again.",
            Self::NotAuthenticated => "First the credentials have to be saved and authenticated.",
            Self::SilenceEnded => "Ended. What comes in from now on goes where the rules send it.",
            Self::Cancelled => "Cancelled. What was on its way by then is told as it ends.",
            Self::Imported => "Imported. It is in force with the next message.",
            Self::Taught => "Taught. It is in force with the next message.",
            Self::RuleOn => "The rule is on. What comes in from now on makes alerts by it.",
            Self::RuleOff => {
                "The rule is off and makes no alerts. What is on its way is still delivered."
            }
            Self::TaughtAlone => "Taught. No stored alert is read again by it.",
        }
    }

    /// Something was done, rather than kept from being done.
    pub(super) fn is_good(self) -> bool {
        !matches!(self, Self::NotAuthenticated)
    }
}

/// What the URL of a page tells.
pub(super) fn of(uri: &http::Uri) -> Option<Told> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let (_, word) = form_urlencoded::parse(query).find(|(name, _)| name == TOLD)?;
    Told::ALL.into_iter().find(|told| told.word() == word)
}

/// A path of ours that tells something.
pub(super) fn path(path: &str, told: Told) -> String {
    let (path, fragment) = match path.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (path, None),
    };
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut whole = format!("{path}{joint}{TOLD}={}", told.word());
    if let Some(fragment) = fragment {
        whole.push('#');
        whole.push_str(fragment);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_tells_is_told_by_its_page() {
        for told in Told::ALL {
            for (before, after) in [
                ("/a", "/a?told="),
                ("/a?b=c", "/a?b=c&told="),
                ("/a?b=c#d", "/a?b=c&told="),
            ] {
                let path = path(before, told);
                assert!(path.starts_with(after), "{path}");
                assert_eq!(of(&path.parse().unwrap()), Some(told), "{path}");
            }
        }
        assert_eq!(of(&"/a?told=other".parse().unwrap()), None);
    }
}
