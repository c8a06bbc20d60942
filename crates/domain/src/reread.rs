//! Reading a stored message again with the catalogue and the rules of today: what becomes of its events, and how that differs
//! from what they are.
//!
//! A reading is added only where it tells more or tells it differently: one that tells less is kept away from the event, and
//! counted. Which company an event belongs to was perhaps told to somebody already, so it moves only while nobody was
//! ([`moves`]).

use rand::Rng;

use crate::access::Scope;
use crate::alert::{FIELDS_HEADER, VIA_HEADER, read_via};
use crate::catalogue::Limits;
use crate::configuration::Configuration;
use crate::event::{Event, Match, Reason, Routing};
use crate::message::{Decode, Message};
use crate::reader::{Reader, fingerprint};
use crate::{CompanyId, EventId};

/// What reading again makes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Difference {
    /// It says the same.
    Unchanged,
    /// It was not understood, and is now.
    Understood,
    /// It is another kind, or the subject names a kind at last.
    Kind,
    /// The kind stays; fields, severity, company or words differ.
    Fields,
    /// It tells less than the present reading, which therefore stays.
    Worse,
}

/// An event before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Revised {
    pub before: Event,
    /// Equal to `before` unless the reading is to be added.
    pub after: Event,
    pub difference: Difference,
}

/// A message that was read again.
#[derive(Debug, Clone, PartialEq)]
pub struct Reread {
    pub decode: Decode,
    /// In the order of the events that were given.
    pub revised: Vec<Revised>,
    /// Alerts that the message turns out to hold beyond the events that it has; unrouted.
    pub further: Vec<Event>,
}

/// With what messages are read again, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Rereader<'a> {
    pub configuration: &'a Configuration,
    pub limits: &'a Limits,
    /// What whoever asked may see: nothing is moved or found beyond it.
    pub scope: &'a Scope,
}

impl Difference {
    pub const ALL: [Self; 5] = [
        Self::Unchanged,
        Self::Understood,
        Self::Kind,
        Self::Fields,
        Self::Worse,
    ];

    /// Whether the new reading takes the place of the present one.
    #[must_use]
    pub fn is_taken(self) -> bool {
        matches!(self, Self::Understood | Self::Kind | Self::Fields)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Understood => "newly_understood",
            Self::Kind => "kind_changed",
            Self::Fields => "fields_changed",
            Self::Worse => "worse",
        }
    }
}

/// Whether the subject names a kind and one of its wordings fits.
#[must_use]
pub fn is_understood(event: &Event) -> bool {
    event.kind.is_some() && event.reading.matched != Match::None
}

impl Rereader<'_> {
    /// Reads a message again. `listed` are all of its events in the order of its alerts, `events` those of them that are meant.
    pub fn read(
        &self,
        message: &Message,
        listed: &[EventId],
        events: Vec<Event>,
        rng: &mut impl Rng,
    ) -> Reread {
        let reader = Reader {
            configuration: self.configuration,
            source: message
                .source
                .and_then(|id| self.configuration.source(id))
                .map(AsRef::as_ref),
            limits: self.limits,
            via: header(message, VIA_HEADER)
                .map(read_via)
                .unwrap_or_default(),
            fields: header(message, FIELDS_HEADER),
        };
        let mut again = message.clone();
        let fresh = reader.read(&mut again, rng);
        let revised: Vec<_> = events
            .into_iter()
            .map(|before| {
                let place = listed.iter().position(|id| *id == before.id);
                self.revised(before, place.and_then(|place| fresh.get(place)))
            })
            .collect();
        let further = self.further(fresh, listed.len());
        let told_more =
            !further.is_empty() || revised.iter().any(|each| each.difference.is_taken());
        Reread {
            decode: if told_more {
                again.decode
            } else {
                message.decode
            },
            revised,
            further,
        }
    }

    fn revised(&self, before: Event, fresh: Option<&Event>) -> Revised {
        // An alert that is not there any more leaves its event as it was.
        let after = fresh.map_or_else(|| before.clone(), |fresh| self.with(&before, fresh));
        let difference = difference(&before, &after);
        let after = match difference.is_taken() {
            true => after,
            false => before.clone(),
        };
        Revised {
            before,
            after,
            difference,
        }
    }

    /// The event with the fresh reading: what it is, when it came and where it went stay.
    fn with(&self, before: &Event, fresh: &Event) -> Event {
        let company = match fresh.company {
            Some(company) if moves(before) && self.scope.admits(Some(company)) => Some(company),
            _ => before.company,
        };
        Event {
            company,
            fingerprint: self.fingerprint(company, fresh),
            id: before.id,
            message: before.message,
            source: before.source,
            received_at: before.received_at,
            count: before.count,
            routing: before.routing,
            silence: before.silence,
            epoch: before.epoch,
            via: before.via.clone(),
            ..fresh.clone()
        }
    }

    fn fingerprint(&self, company: Option<CompanyId>, event: &Event) -> crate::event::Fingerprint {
        let kind = event
            .kind
            .as_deref()
            .and_then(|code| self.configuration.catalogue().kind(code));
        fingerprint(company, kind, &event.reading, &event.subject, &event.body)
    }

    /// All or none of them: the places of a message's events tell which alert each stands for.
    fn further(&self, fresh: Vec<Event>, known: usize) -> Vec<Event> {
        let further = fresh.into_iter().skip(known).map(|event| Event {
            routing: Routing::Unrouted(Reason::Reread),
            ..event
        });
        let further: Vec<_> = further.collect();
        let all_seen = further.iter().all(|event| self.scope.admits(event.company));
        if all_seen { further } else { Vec::new() }
    }
}

/// Whether the company of an event may still change: nobody has been told of it, and what chose the company was either nothing
/// or a reading that understood nothing.
#[must_use]
pub fn moves(event: &Event) -> bool {
    event.routing != Routing::Routed && (event.company.is_none() || !is_understood(event))
}

fn difference(before: &Event, after: &Event) -> Difference {
    let rank = |event: &Event| match event.reading.matched {
        Match::None => 0,
        Match::Partial => 1,
        Match::Full => 2,
    };
    match (is_understood(before), is_understood(after)) {
        _ if says_the_same(before, after) => Difference::Unchanged,
        (false, true) => Difference::Understood,
        (true, false) => Difference::Worse,
        _ if before.kind.is_some() && after.kind.is_none() => Difference::Worse,
        _ if rank(after) < rank(before) => Difference::Worse,
        _ if after.reading.read_failed && !before.reading.read_failed => Difference::Worse,
        _ if before.kind != after.kind => Difference::Kind,
        _ => Difference::Fields,
    }
}

fn says_the_same(before: &Event, after: &Event) -> bool {
    // A database that cannot hold U+0000 gives another character back for it.
    let same = |before: &str, after: &str| {
        before == after || after.contains('\0') && before == after.replace('\0', "\u{fffd}")
    };
    same(&before.subject, &after.subject)
        && same(&before.body, &after.body)
        && before.kind == after.kind
        && before.category == after.category
        && before.company == after.company
        && before.fingerprint == after.fingerprint
        && before.severity == after.severity
        && before.occurred_at == after.occurred_at
        && before.reading == after.reading
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let found = message.headers.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}
