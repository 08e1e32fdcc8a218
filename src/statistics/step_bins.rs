//! Which steps share a place in the curves: a pure function of the step, so that curves merge exactly.
//!
//! ```text
//! step     0 .. 4096   4096 .. 8192    8192 .. 16384   16384 .. 32768   ...   2^31 .. 2^32
//! a bin    one step    32 steps        64 steps        128 steps              2^24 steps
//! bins     4096        128             128             128                    128
//! ```
//!
//! However long an episode is, it has at most 6,656 bins.

/// Steps below this have a bin each.
pub const SINGLE_STEPS: u32 = 1 << SINGLE_BITS;
const SINGLE_BITS: u32 = 12;
/// From there on each doubling of the step has so many bins.
const BINS_PER_DOUBLING: u32 = 1 << DOUBLING_BITS;
const DOUBLING_BITS: u32 = 7;

/// Returns the bin of a step, counted from 0.
#[inline]
#[must_use]
pub fn bin_of_step(step: u32) -> usize {
    if step < SINGLE_STEPS {
        return step as usize;
    }
    let octave = step.ilog2();
    let within = (step >> (octave - DOUBLING_BITS)) - BINS_PER_DOUBLING;
    (SINGLE_STEPS + (octave - SINGLE_BITS) * BINS_PER_DOUBLING + within) as usize
}

/// Returns the first step of a bin; of the bin after the last one, 2^32.
#[must_use]
pub fn first_step_of_bin(bin: usize) -> u64 {
    let Some(beyond) = bin.checked_sub(SINGLE_STEPS as usize) else {
        return bin as u64;
    };
    let (octave, within) = (
        beyond >> DOUBLING_BITS,
        beyond as u64 % u64::from(BINS_PER_DOUBLING),
    );
    (u64::from(BINS_PER_DOUBLING) + within) << (octave + (SINGLE_BITS - DOUBLING_BITS) as usize)
}

/// Returns how many bins the steps of an episode of so many steps have.
#[inline]
#[must_use]
pub fn num_bins(steps: u32) -> usize {
    steps.checked_sub(1).map_or(0, |last| bin_of_step(last) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bins_follow_each_other_without_gap() {
        let last = bin_of_step(u32::MAX);
        assert_eq!(last, 6655);
        for bin in 0..=last {
            let (first, next) = (first_step_of_bin(bin), first_step_of_bin(bin + 1));
            assert!(first < next, "bin {bin}");
            let step = u32::try_from(first).unwrap();
            assert_eq!(bin_of_step(step), bin);
            assert_eq!(bin_of_step(u32::try_from(next - 1).unwrap()), bin);
        }
        assert_eq!(first_step_of_bin(last + 1), 1 << 32);
    }

    #[test]
    fn bins_are_as_wide_as_documented() {
        let width = |step| {
            let bin = bin_of_step(step);
            first_step_of_bin(bin + 1) - first_step_of_bin(bin)
        };
        let widths = [0, 4095, 4096, 8191, 8192, 27_000, 1 << 24, u32::MAX].map(width);
        assert_eq!(widths, [1, 1, 32, 32, 64, 128, 1 << 17, 1 << 24]);
        assert_eq!([0, 1, 4096, 4097].map(num_bins), [0, 1, 4096, 4097]);
    }

    proptest! {
        #[test]
        fn a_step_lies_in_its_bin(step in any::<u32>()) {
            let bin = bin_of_step(step);
            prop_assert!(first_step_of_bin(bin) <= u64::from(step));
            prop_assert!(u64::from(step) < first_step_of_bin(bin + 1));
        }
    }
}
