//! In what order an integration's due work is taken: lanes with reserved shares, and within a lane company by company.

use std::collections::{HashMap, HashSet, VecDeque};

use domain::CompanyId;

/// What a delivery waits in. Each lane has turns of its own, so none can starve another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Critical,
    FirstTry,
    Retry,
}

impl Lane {
    #[must_use]
    pub fn of(critical: bool, attempts: u32) -> Self {
        match (critical, attempts) {
            (true, _) => Self::Critical,
            (false, 0) => Self::FirstTry,
            (false, _) => Self::Retry,
        }
    }
}

/// The turns of the lanes; a lane that is empty gives its turn to the next.
const TURNS: [Lane; 8] = [
    Lane::Critical,
    Lane::FirstTry,
    Lane::Critical,
    Lane::Retry,
    Lane::Critical,
    Lane::FirstTry,
    Lane::FirstTry,
    Lane::Retry,
];

/// Due work in memory. Whoever fills it bounds it.
#[derive(Debug)]
pub struct Queue<T> {
    lanes: [Companies<T>; 3],
    turn: usize,
    length: usize,
}

/// Work of one lane: companies take turns, each in order of arrival.
#[derive(Debug)]
struct Companies<T> {
    waiting: HashMap<CompanyId, VecDeque<T>>,
    turns: VecDeque<CompanyId>,
}

impl<T> Default for Companies<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            turns: VecDeque::new(),
        }
    }
}

impl<T> Companies<T> {
    fn push(&mut self, company: CompanyId, item: T) {
        let queue = self.waiting.entry(company).or_default();
        if queue.is_empty() {
            self.turns.push_back(company);
        }
        queue.push_back(item);
    }

    fn retain(&mut self, keep: &mut impl FnMut(&T) -> bool) -> usize {
        self.waiting.retain(|_, items| {
            items.retain(&mut *keep);
            !items.is_empty()
        });
        let waiting = &self.waiting;
        self.turns.retain(|company| waiting.contains_key(company));
        waiting.values().map(VecDeque::len).sum()
    }

    fn pop(&mut self) -> Option<T> {
        let company = self.turns.pop_front()?;
        let queue = self.waiting.get_mut(&company)?;
        let item = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&company);
        } else {
            self.turns.push_back(company);
        }
        item
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            lanes: Default::default(),
            turn: 0,
            length: 0,
        }
    }
}

impl<T> Queue<T> {
    pub fn push(&mut self, lane: Lane, company: CompanyId, item: T) {
        self.lanes[lane as usize].push(company, item);
        self.length += 1;
    }

    pub fn pop(&mut self) -> Option<T> {
        for _ in 0..TURNS.len() {
            let lane = TURNS[self.turn];
            self.turn = (self.turn + 1) % TURNS.len();
            if let Some(item) = self.lanes[lane as usize].pop() {
                self.length -= 1;
                return Some(item);
            }
        }
        None
    }

    /// All that waits, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let companies = self.lanes.iter().flat_map(|lane| lane.waiting.values());
        companies.flatten()
    }

    /// Keeps only this, in the order in which it waits.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let lanes = self.lanes.iter_mut();
        self.length = lanes.map(|lane| lane.retain(&mut keep)).sum();
    }

    /// Companies with so many waiting already that more of theirs would only take room from others.
    #[must_use]
    pub fn crowded(&self, most: usize) -> HashSet<CompanyId> {
        let mut waiting: HashMap<CompanyId, usize> = HashMap::new();
        for lane in &self.lanes {
            for (company, items) in &lane.waiting {
                *waiting.entry(*company).or_default() += items.len();
            }
        }
        waiting
            .into_iter()
            .filter(|(_, count)| *count >= most)
            .map(|(company, _)| company)
            .collect()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}
