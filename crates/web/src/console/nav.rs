//! What the console has, in the order of its navigation.

use super::frame::Here;

/// An entry of the navigation.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) here: Here,
    pub(super) path: &'static str,
    pub(super) word: &'static str,
    /// Outline of its sign on a field of 20 by 20.
    pub(super) sign: &'static str,
    /// For admins of all companies alone.
    is_admins: bool,
    /// Its page is narrowed to the company that is looked at.
    is_of_company: bool,
}

/// Entries that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) word: &'static str,
    pub(super) entries: Vec<&'static Entry>,
}

const TRAFFIC: [Entry; 4] = [
    of_company(
        Here::Dashboard,
        "/",
        "Dashboard",
        "M3 17V9m5 8V3m5 14v-6m5 6V6",
    ),
    of_company(
        Here::Events,
        "/events",
        "Events",
        "M3 11h4l1.5 3h3L13 11h4M3 11l2.5-7h9L17 11v6H3z",
    ),
    of_company(
        Here::Deliveries,
        "/deliveries",
        "Deliveries",
        "M3 10l14-7-5 14-3-6z",
    ),
    for_all(
        Here::Jobs,
        "/jobs",
        "Jobs",
        "M16 10a6 6 0 1 1-2-4.5M16 2v4h-4",
    ),
];

const SETTINGS: [Entry; 5] = [
    for_all(
        Here::Integrations,
        "/settings/integrations",
        "Integrations",
        "M8 3v4m4-4v4M5 7h10v3a5 5 0 0 1-10 0zm5 8v3",
    ),
    of_company(
        Here::Rules,
        "/rules",
        "Rules",
        "M4 3v5a4 4 0 0 0 4 4h8m-3-3l3 3-3 3M4 12v5",
    ),
    of_company(
        Here::Sources,
        "/sources",
        "Sources",
        "M3 10h9m-3-3l3 3-3 3M10 3h7v14h-7",
    ),
    for_all(
        Here::Catalogue,
        "/catalogue",
        "Catalogue",
        "M4 3h9a3 3 0 0 1 3 3v11H7a3 3 0 0 1-3-3zm3 4h6m-6 4h6",
    ),
    of_company(
        Here::Silences,
        "/silences",
        "Silences",
        "M5 14V9a5 5 0 0 1 8-4m2 3v6H4m4 3h4M3 3l14 14",
    ),
];

const ADMINISTRATION: [Entry; 5] = [
    for_all(
        Here::Companies,
        "/companies",
        "Companies",
        "M4 17V4h7v13m0-9h5v9M3 17h14M7 8h1m-1 4h1",
    ),
    for_admins(
        Here::Users,
        "/users",
        "Users and roles",
        "M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm-6 7a6 6 0 0 1 12 0",
    ),
    for_admins(
        Here::Keys,
        "/keys",
        "API keys",
        "M12 8a3.5 3.5 0 1 0-3 3.5L12 14h2v2h3v-3z",
    ),
    for_admins(
        Here::Audit,
        "/audit",
        "Audit log",
        "M5 3h10v14H5zm3 4h4m-4 3h4m-4 3h2",
    ),
    for_admins(
        Here::System,
        "/system",
        "System",
        "M3 4h14v5H3zm0 7h14v5H3zm3-4.5h.5m-.5 7h.5",
    ),
];

const fn of_company(
    here: Here,
    path: &'static str,
    word: &'static str,
    sign: &'static str,
) -> Entry {
    Entry {
        here,
        path,
        word,
        sign,
        is_admins: false,
        is_of_company: true,
    }
}

const fn for_all(here: Here, path: &'static str, word: &'static str, sign: &'static str) -> Entry {
    Entry {
        is_of_company: false,
        ..of_company(here, path, word, sign)
    }
}

const fn for_admins(
    here: Here,
    path: &'static str,
    word: &'static str,
    sign: &'static str,
) -> Entry {
    Entry {
        is_admins: true,
        ..for_all(here, path, word, sign)
    }
}

/// What somebody may go to.
pub(super) fn groups(is_admin: bool) -> [Group; 3] {
    let group = |word, entries: &'static [Entry]| Group {
        word,
        entries: entries
            .iter()
            .filter(|entry| is_admin || !entry.is_admins)
            .collect(),
    };
    [
        group("Traffic", &TRAFFIC),
        group("Settings", &SETTINGS),
        group("Administration", &ADMINISTRATION),
    ]
}

/// The page that a company's switch leads to: the same one where it knows companies.
pub(super) fn list(here: Here) -> &'static str {
    let own = TRAFFIC.iter().chain(&SETTINGS);
    let own = own.into_iter().find(|entry| entry.here == here);
    own.filter(|entry| entry.is_of_company)
        .map_or("/events", |entry| entry.path)
}
