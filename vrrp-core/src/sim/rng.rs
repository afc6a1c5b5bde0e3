//! Chance from a seed (SplitMix64): the same numbers on every machine, and no dependency.

use core::time::Duration;

/// A generator whose whole state is one number.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts from a seed; neighbouring seeds have nothing in common.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `limit - 1`; 0 for an empty range.
    pub const fn below(&mut self, limit: u64) -> u64 {
        ((self.number() as u128 * limit as u128) >> 64) as u64
    }

    /// A number from `low` to `high`, both possible.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of a hundred cases.
    pub const fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// A span from `low` to `high`, to the nanosecond.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        let spread = u64::try_from(high.saturating_sub(low).as_nanos()).unwrap_or(u64::MAX - 1);
        low + Duration::from_nanos(self.below(spread + 1))
    }

    /// A position in a list of that length; 0 for an empty one.
    pub fn position(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// One entry of a list that has some.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.position(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.number(), 6_457_827_717_110_365_317);
        assert_eq!(rng.number(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn ranges_hold_both_ends_and_nothing_else() {
        let mut rng = Rng::new(7);
        let mut seen = [false; 4];
        for _ in 0..1000 {
            seen[usize::try_from(rng.between(2, 5)).unwrap() - 2] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.span(Duration::ZERO, Duration::ZERO), Duration::ZERO);
    }
}
