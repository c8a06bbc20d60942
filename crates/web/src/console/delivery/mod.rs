//! Deliveries: what was sent where, with every attempt.

pub(crate) mod detail;
pub(crate) mod list;
pub(crate) mod retry;

use store::Standing;

/// A standing as pages show it: never by colour alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Badge {
    pub(super) class: &'static str,
    pub(super) glyph: &'static str,
    pub(super) word: &'static str,
}

impl From<Standing> for Badge {
    fn from(standing: Standing) -> Self {
        let (class, glyph) = match standing {
            Standing::Pending => ("wait", "…"),
            Standing::Delivered => ("good", "✓"),
            Standing::Parked => ("held", "‖"),
            Standing::Dead => ("bad", "✕"),
        };
        Self {
            class,
            glyph,
            word: standing.as_str(),
        }
    }
}
