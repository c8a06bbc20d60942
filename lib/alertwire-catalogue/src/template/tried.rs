//! Which choices were tried at which offsets: one bit each.

#[derive(Debug, Default)]
pub(crate) struct Tried {
    bits: Vec<u64>,
    width: usize,
}

impl Tried {
    pub(crate) fn reset(&mut self, rows: usize, width: usize) {
        self.bits.clear();
        self.bits.resize((rows * width).div_ceil(64), 0);
        self.width = width;
    }

    /// The memory it holds, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.bits.capacity() * 8
    }

    /// Marks one choice at one offset; `false` when it was tried already.
    pub(crate) fn mark(&mut self, row: u32, at: usize) -> bool {
        let index = row as usize * self.width + at;
        let (word, bit) = (&mut self.bits[index / 64], 1_u64 << (index % 64));
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// The first offset of `from..=to` that was tried.
    pub(crate) fn first_in(&self, row: u32, from: usize, to: usize) -> Option<usize> {
        let base = row as usize * self.width;
        let (first, last) = (base + from, base + to);
        if first > last || last >= self.bits.len() * 64 {
            return None;
        }
        for word in first / 64..=last / 64 {
            let found = self.bits[word] & mask(word, first, last);
            if found != 0 {
                return Some(word * 64 + found.trailing_zeros() as usize - base);
            }
        }
        None
    }

    /// Marks all of `from..=to`.
    pub(crate) fn fill(&mut self, row: u32, from: usize, to: usize) {
        let base = row as usize * self.width;
        let (first, last) = (base + from, base + to);
        if first > last {
            return;
        }
        for word in first / 64..=last / 64 {
            self.bits[word] |= mask(word, first, last);
        }
    }
}

/// The bits of a word that lie in `first..=last`.
fn mask(word: usize, first: usize, last: usize) -> u64 {
    let low = if word == first / 64 {
        u64::MAX << (first % 64)
    } else {
        u64::MAX
    };
    let high = if word == last / 64 {
        u64::MAX >> (63 - last % 64)
    } else {
        u64::MAX
    };
    low & high
}
