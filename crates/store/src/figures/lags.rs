//! How long deliveries took, as a histogram: what is kept of a delivery is a count in one of a few dozen buckets.

use std::time::Duration;

/// How many lags fell into each bucket. Bucket `n` begins at the square root of two, to the power of `n`, in milliseconds;
/// what lies within it is told apart no further, so a quantile is off by a fifth at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lags([u64; Self::BUCKETS]);

impl Lags {
    /// The last one begins after 35 days and holds all that is longer.
    pub const BUCKETS: usize = 64;

    /// The bucket of a lag.
    #[must_use]
    pub fn bucket(lag: Duration) -> u8 {
        let millis = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX).max(1);
        let octave = millis.ilog2();
        // In the upper half of its octave: its square is beyond the octave's square, doubled.
        let is_upper = u128::from(millis).pow(2) >= 1_u128 << (2 * octave + 1);
        let last = u32::try_from(Self::BUCKETS - 1).unwrap_or(u32::MAX);
        let bucket = (2 * octave + u32::from(is_upper)).min(last);
        u8::try_from(bucket).unwrap_or(u8::MAX)
    }

    pub(crate) fn add(&mut self, bucket: u8, count: u64) {
        if let Some(sum) = self.0.get_mut(usize::from(bucket)) {
            *sum = sum.saturating_add(count);
        }
    }

    /// Takes in what others counted.
    pub fn merge(&mut self, others: &Self) {
        for (sum, count) in self.0.iter_mut().zip(others.0) {
            *sum = sum.saturating_add(count);
        }
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.0
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The lag that this share of them does not exceed, in percent; none when there are none.
    #[must_use]
    pub fn quantile(&self, percent: u64) -> Option<Duration> {
        let all = self.count();
        let wanted = (all.saturating_mul(percent)).div_ceil(100).max(1);
        let mut passed = 0_u64;
        for (bucket, count) in (0_i32..).zip(self.0) {
            if count > 0 && passed.saturating_add(count) >= wanted {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a share of a bucket needs no more than a float has"
                )]
                let share = (wanted - passed) as f64 / count as f64;
                let millis = 2_f64.powf((f64::from(bucket) + share) / 2.0);
                return Some(Duration::from_secs_f64(millis / 1_000.0));
            }
            passed = passed.saturating_add(count);
        }
        None
    }
}

impl Default for Lags {
    fn default() -> Self {
        Self([0; Self::BUCKETS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_at_each_power_of_the_square_root_of_two() {
        let buckets = [
            (0, 0),
            (1, 0),
            (2, 2),
            (3, 3),
            (4, 4),
            (5, 4),
            (6, 5),
            (1_000, 19),
        ];
        for (millis, bucket) in buckets {
            assert_eq!(
                Lags::bucket(Duration::from_millis(millis)),
                bucket,
                "{millis}"
            );
        }
        assert_eq!(Lags::bucket(Duration::MAX), 63);
    }

    #[test]
    fn a_quantile_is_off_by_a_fifth_at_most() {
        let mut lags = Lags::default();
        assert_eq!(lags.quantile(50), None);
        for millis in 1..=1_000 {
            lags.add(Lags::bucket(Duration::from_millis(millis)), 1);
        }
        for (percent, exact) in [(50, 0.5), (95, 0.95), (100, 1.0)] {
            let told = lags.quantile(percent).unwrap().as_secs_f64();
            assert!((told / exact - 1.0).abs() < 0.2, "p{percent} is {told}");
        }
        let mut twice = lags.clone();
        twice.merge(&lags);
        assert_eq!(twice.count(), 2_000);
        assert_eq!(twice.quantile(50), lags.quantile(50));
    }
}
