//! What nodes tell each other by `NOTIFY`: which integrations have new work, that deliveries were cancelled, and that the epoch
//! has moved.

use std::collections::BTreeSet;

use domain::{IntegrationId, NodeId};

/// The channel of this program in its database.
pub(crate) const CHANNEL: &str = "alertwire";
/// The statement that sends one.
pub(crate) const SEND: &str = "SELECT pg_notify($1, $2)";
/// Integrations that one notification names, for its payload ends below 8,000 bytes; a batch with more rings for all.
const NAMED: usize = 200;

/// A notification, as text: the node that sends it, then what there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) node: NodeId,
    pub(crate) work: Work,
    /// Deliveries were cancelled.
    pub(crate) recalls: bool,
    /// Events were accepted.
    pub(crate) events: bool,
    /// A job was begun, or goes on.
    pub(crate) jobs: bool,
    pub(crate) epoch: Option<u64>,
}

/// Where there is new work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    At(BTreeSet<IntegrationId>),
    Everywhere,
}

impl News {
    /// Nothing to tell yet.
    pub(crate) fn from(node: NodeId) -> Self {
        Self {
            node,
            work: Work::At(BTreeSet::new()),
            recalls: false,
            events: false,
            jobs: false,
            epoch: None,
        }
    }

    pub(crate) fn work_at(self, integrations: impl IntoIterator<Item = IntegrationId>) -> Self {
        let named: BTreeSet<_> = integrations.into_iter().collect();
        Self {
            work: if named.len() > NAMED {
                Work::Everywhere
            } else {
                Work::At(named)
            },
            ..self
        }
    }

    pub(crate) fn write(&self) -> String {
        use std::fmt::Write as _;
        let mut text = self.node.to_string();
        if self.events {
            text.push_str(" events");
        }
        if self.jobs {
            text.push_str(" jobs");
        }
        if self.recalls {
            text.push_str(" recalls");
        }
        if let Some(epoch) = self.epoch {
            // Writing to a string cannot fail.
            let _ = write!(text, " epoch={epoch}");
        }
        match &self.work {
            Work::Everywhere => text.push_str(" everywhere"),
            Work::At(integrations) => integrations.iter().for_each(|id| {
                let _ = write!(text, " {id}");
            }),
        }
        text
    }

    /// Words that a newer version may send are passed over; none when the text is not ours at all.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut news = Self::from(words.next()?.parse().ok()?);
        let mut at = BTreeSet::new();
        let mut everywhere = false;
        for word in words {
            match word {
                "events" => news.events = true,
                "jobs" => news.jobs = true,
                "recalls" => news.recalls = true,
                "everywhere" => everywhere = true,
                _ if word.starts_with("epoch=") => news.epoch = word["epoch=".len()..].parse().ok(),
                _ => at.extend(word.parse::<IntegrationId>()),
            }
        }
        news.work = if everywhere {
            Work::Everywhere
        } else {
            Work::At(at)
        };
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> IntegrationId {
        let mut bytes = [7; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        IntegrationId::from_bytes(bytes)
    }

    #[test]
    fn news_read_back_as_they_were_written_and_fit_a_notification() {
        for count in [0, 1, 200, 201] {
            let news = News {
                events: count % 2 == 0,
                jobs: count % 2 == 1,
                recalls: count > 0,
                epoch: Some(u64::MAX),
                ..News::from(NodeId::from_bytes([1; 16])).work_at((0..count).map(id))
            };
            assert!(news.write().len() < 8_000, "{count}");
            assert_eq!(News::read(&news.write()), Some(news));
        }
    }

    #[test]
    fn what_is_not_ours_is_passed_over() {
        assert_eq!(News::read("hello"), None);
        let node = NodeId::from_bytes([1; 16]);
        assert_eq!(
            News::read(&format!("{node} epoch=x later=1")),
            Some(News::from(node))
        );
    }
}
