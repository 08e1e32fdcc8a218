//! How many steps of a batch a dispatch runs: as many as take as long as a dispatch should, and no more than episodes take.
//! None of it changes a bit of the results.

use std::ops::Range;

/// Seconds that a dispatch should last: desktop drivers reset a device that is busy for some seconds.
const DISPATCH_SECONDS: f64 = 0.04;
/// Steps that take hardly longer than one.
// WGSL: const TILE_STEPS in shaders/kernel/step_sums.wgsl
pub(super) const TILE_STEPS: u32 = 8;

/// The number of fused steps, which is adapted from dispatch to dispatch.
#[derive(Debug)]
pub(super) struct Fusion {
    length: u32,
    most: u32,
    /// Steps of the longest episode so far, once a batch has ended.
    longest: Option<u32>,
    is_asked: bool,
    is_fixed: bool,
}

impl Fusion {
    /// Begins with the number that was asked for, which stays, or with `first`, which is adapted.
    pub(super) fn new(asked: Option<u32>, first: u32, most: u32) -> Self {
        Self {
            length: asked.unwrap_or(first.min(most)),
            most,
            longest: None,
            is_asked: asked.is_some(),
            is_fixed: asked.is_some(),
        }
    }

    /// Tells whether the number is fixed.
    pub(super) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Fixes the number.
    pub(super) fn fix(&mut self, length: u32) {
        self.length = length;
        self.is_fixed = true;
    }

    /// Returns the steps of a dispatch that begins somewhere, of a given length or the present one.
    pub(super) fn steps(&self, begin: u32, length: Option<u32>) -> Range<u32> {
        let length = length.unwrap_or(self.length);
        let useful = self.longest.map_or(u32::MAX, |longest| {
            let needed = longest.saturating_sub(begin).max(1);
            needed.next_multiple_of(TILE_STEPS)
        });
        begin..begin.saturating_add(length.min(useful))
    }

    /// Notes how many steps the longest episode of a batch took. Dispatches do not go on after it: lanes that have
    /// ended idle through further steps so quickly that their time would suggest to fuse more.
    pub(super) fn batch_ended(&mut self, longest: u32) {
        if !self.is_asked {
            self.longest = self.longest.max(Some(longest));
        }
    }

    /// Adapts the number to the time that a dispatch should take, by the seconds that one has taken.
    pub(super) fn adapt(&mut self, steps: &Range<u32>, seconds: f64) {
        if self.is_fixed {
            return;
        }
        let per_step = seconds / f64::from(steps.end - steps.start);
        let wanted = DISPATCH_SECONDS / per_step.max(1e-9);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the conversion saturates"
        )]
        let wanted = wanted as u32;
        self.length = wanted
            .clamp(1, self.most)
            .min(self.length.saturating_mul(4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fused_ends_with_the_longest_episode_so_far() {
        let mut fusion = Fusion::new(None, 8, 500);
        assert_eq!(fusion.steps(0, Some(500)), 0..500);
        fusion.batch_ended(133);
        fusion.batch_ended(90);
        assert_eq!(fusion.steps(0, None), 0..8);
        assert_eq!(fusion.steps(0, Some(500)), 0..136);
        fusion.fix(64);
        assert_eq!(fusion.steps(64, None), 64..128);
        assert_eq!(fusion.steps(128, None), 128..136);
        // Longer than all before it: on in small steps.
        assert_eq!(fusion.steps(136, None), 136..144);
        assert_eq!(fusion.steps(u32::MAX - 3, None), u32::MAX - 3..u32::MAX);
    }

    #[test]
    fn what_was_asked_for_stays() {
        let mut fusion = Fusion::new(Some(33), 8, 500);
        fusion.batch_ended(10);
        fusion.adapt(&(0..33), 9.0);
        assert_eq!(fusion.steps(0, None), 0..33);
    }

    #[test]
    fn dispatches_grow_fourfold_at_most_and_to_what_fits() {
        let mut fusion = Fusion::new(None, 8, 100);
        for expected in [32, 100] {
            fusion.adapt(&(0..8), 1e-6);
            assert_eq!(fusion.steps(0, None), 0..expected);
        }
        fusion.adapt(&(0..100), 1.0);
        assert_eq!(fusion.steps(0, None), 0..4);
        fusion.adapt(&(0..4), 9.0);
        assert_eq!(fusion.steps(0, None), 0..1);
    }
}
