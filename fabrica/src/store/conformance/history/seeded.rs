//! Random choices that can be made again.

/// A small generator of random numbers (`SplitMix64`).
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let n = u64::try_from(choices.len()).ok().filter(|n| *n > 0)?;
        choices.get(usize::try_from(self.below(n)).ok()?)
    }

    /// Lets other tasks run, up to `n` times.
    pub(super) async fn dawdle(&mut self, n: u64) {
        for _ in 0..self.below(n + 1) {
            tokio::task::yield_now().await;
        }
    }
}
