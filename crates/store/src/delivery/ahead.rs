//! Looking behind a flood: whose deliveries are due beyond those that an owner has read in order of their due times.

use std::collections::{HashMap, HashSet};

use domain::{CompanyId, DeliveryId, IntegrationId, Timestamp};

use super::Due;

/// A place in the order of a lane: due time, then company.
pub(crate) type Place = (i64, [u8; 16]);

/// How far an owner has looked in each lane; the default is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead(pub(crate) [Option<Place>; 3]);

/// What one look has found.
#[derive(Debug, Clone, Default)]
pub struct Others {
    pub items: Vec<Due>,
    /// Where the next look goes on.
    pub ahead: Ahead,
    /// There is nothing due beyond it.
    pub at_end: bool,
    /// Companies of whom something due was passed and not taken.
    pub passed: HashSet<CompanyId>,
}

/// What a look is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    pub integration: IntegrationId,
    pub now: Timestamp,
    /// Where it goes on.
    pub ahead: Ahead,
    /// Most that it takes.
    pub limit: usize,
    /// Most that it takes of one company.
    pub each: usize,
    /// Those that the owner has in flight.
    pub skip: &'a HashSet<DeliveryId>,
    /// Companies that have as much in memory as they should.
    pub crowded: &'a HashSet<CompanyId>,
}

/// Decides, delivery by delivery in the order of a lane, what is taken.
#[derive(Debug)]
pub(crate) struct Taking {
    limit: usize,
    each: usize,
    taken: HashMap<CompanyId, usize>,
    pub(crate) others: Others,
}

/// What to do with a delivery that a look has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// Its company has enough.
    Passed,
    /// No more is taken at all.
    Full,
}

impl Taking {
    pub(crate) fn new(look: &Look<'_>) -> Self {
        Self {
            limit: look.limit,
            each: look.each,
            taken: HashMap::new(),
            others: Others {
                ahead: look.ahead,
                at_end: true,
                ..Others::default()
            },
        }
    }

    /// Whether one of this company, which is not crowded, is taken; `more` have been decided on and not been taken yet.
    pub(crate) fn judge(&self, company: CompanyId, more: usize) -> Taken {
        if self.others.items.len() + more >= self.limit {
            Taken::Full
        } else if self.taken.get(&company).copied().unwrap_or(0) >= self.each {
            Taken::Passed
        } else {
            Taken::Yes
        }
    }

    /// One of this company is taken.
    pub(crate) fn count(&mut self, company: CompanyId) {
        *self.taken.entry(company).or_default() += 1;
    }

    pub(crate) fn take(&mut self, due: Due) {
        self.count(due.company);
        self.others.items.push(due);
    }

    pub(crate) fn pass(&mut self, company: CompanyId) {
        self.others.passed.insert(company);
    }

    /// The look at a lane has ended at this place, if it came to anything there.
    pub(crate) fn end(&mut self, lane: usize, last: Option<Place>, at_end: bool) {
        if let Some(last) = last {
            self.others.ahead.0[lane] = Some(last);
        }
        self.others.at_end &= at_end;
    }
}
