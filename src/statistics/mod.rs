//! Moments, quantiles, ratios and curves of a campaign of episodes, that merge exactly.
//!
//! A campaign is cut into batches, threads and shards in whatever way suits the machine, and its figures
//! must not depend on the cut. Therefore everything that is collected here is either an integer or an
//! [`ExactSum`]; both add without rounding, so that merging is associative and commutative to the last
//! bit. Rounding happens once, in [`Statistics::summary`].
//!
//! Data flow: a backend fills one [`EpisodeBlock`] for each block of episodes, a [`Statistics`] per
//! thread takes the blocks, the threads' and shards' statistics are merged, and a [`Summary`] is made.
//! The serialised `Statistics` is canonical: equal statistics give equal bytes.

mod bins;
mod campaign;
mod collected;
mod compensated;
mod curves;
mod episodes;
mod exact_sum;
mod exact_sum_text;
mod lengths;
mod magnitude;
mod moments;
mod quantiles;
mod ratio;
mod slope;
mod step_bins;
mod summary;
mod tails;
mod tally;
mod trimmed;

pub use campaign::Statistics;
pub use collected::Conditions;
pub use episodes::EpisodeBlock;
pub use exact_sum::ExactSum;
pub use exact_sum_text::ParseSumError;
pub use lengths::{LONGEST_COUNTED, Lengths};
pub(crate) use moments::safe_share;
pub use moments::{LARGEST_SHARE, Moments};
pub use quantiles::Quantiles;
pub(crate) use quantiles::SINGLE_BUCKETS;
pub use slope::least_squares_slope;
pub use step_bins::{SINGLE_STEPS, bin_of_step, first_step_of_bin, num_bins};
pub use summary::{
    ClickRateSummary, ClickedQualitySummary, Curve, DiscountedSummary, FEWEST_BLOCKS,
    FEWEST_RUNNING, LengthSummary, PositionSummary, QuantileTable, ReturnSummary,
    RewardSlopeSummary, Summary, TopicSummary, TruncatedSummary,
};
pub(crate) use tails::{Estimate, student_one_sided, two_sided};
pub use tails::{FEW_EPISODES, LEVEL, critical_value};
pub use trimmed::TrimmedMean;

pub(crate) use compensated::CompensatedSum;
pub(crate) use tally::{BlockTotals, DIGITS, SampleTally, Tally, sum_of_device};

use std::fmt;

/// Reports why two statistics cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatisticsError {
    /// The environments differ in the number of topics.
    TopicMismatch {
        /// Topics of the statistics merged into.
        expected: usize,
        /// Topics of the statistics to be merged.
        got: usize,
    },
    /// The environments differ in the number of positions of the slate that users consider.
    PositionMismatch {
        /// Positions of the statistics merged into.
        expected: usize,
        /// Positions of the statistics to be merged.
        got: usize,
    },
    /// Only one of the environments' documents have a quality.
    QualityMismatch {
        /// Whether the statistics merged into have it.
        expected: bool,
    },
    /// The returns have different discounts.
    DiscountMismatch,
    /// A count would exceed 64 bits.
    CountOverflow {
        /// What is counted.
        what: &'static str,
    },
}

impl fmt::Display for StatisticsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopicMismatch { expected, got } => {
                write!(
                    formatter,
                    "cannot merge statistics over {got} topics into statistics over {expected}"
                )
            }
            Self::PositionMismatch { expected, got } => {
                write!(
                    formatter,
                    "cannot merge statistics over {got} positions of the slate into statistics over {expected}"
                )
            }
            Self::QualityMismatch { expected: true } => formatter.write_str(
                "cannot merge statistics without document quality into statistics with it",
            ),
            Self::QualityMismatch { expected: false } => formatter.write_str(
                "cannot merge statistics with document quality into statistics without it",
            ),
            Self::DiscountMismatch => {
                formatter.write_str("cannot merge returns at different discounts")
            }
            Self::CountOverflow { what } => {
                write!(formatter, "the merged count of {what} exceeds 64 bits")
            }
        }
    }
}

impl std::error::Error for StatisticsError {}

/// Measures how far two independent estimates lie apart, in standard errors of their difference.
///
/// ```text
/// |a - b| / sqrt(se_a² + se_b²)
/// ```
///
/// Two estimates without any error are 0 apart if they are equal, infinitely far otherwise. The result
/// is not a number if an argument is not, so compare with `distance <= limit`, which then fails.
#[must_use]
pub fn joint_standard_errors(a_mean: f64, a_se: f64, b_mean: f64, b_se: f64) -> f64 {
    let difference = (a_mean - b_mean).abs();
    let standard_error = a_se.hypot(b_se);
    if difference == 0.0 && standard_error == 0.0 {
        0.0
    } else {
        difference / standard_error
    }
}

/// Places a quantile among `count` ordered observations, counted from 0: `(count - 1) p`.
///
/// Returns the observation below and the fraction of the way to the next one; `None` for an empty sample
/// or a probability outside `[0, 1]`.
fn quantile_rank(probability: f64, count: u64) -> Option<(u64, f64)> {
    if count == 0 || !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let rank = probability * (count - 1) as f64;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is not negative, and the conversion saturates"
    )]
    let below = (rank as u64).min(count - 1);
    let fraction = if below == count - 1 {
        0.0
    } else {
        rank - below as f64
    };
    Some((below, fraction))
}

/// Interpolates between two ordered numbers: within them, and never less at a larger fraction.
///
/// Neither form alone is both: `low + (high - low) t` overflows where the signs differ, and `low (1 - t) + high t` rounds
/// up and down where they are equal, so that it may fall while `t` rises.
fn interpolate(low: f64, high: f64, fraction: f64) -> f64 {
    let between = if low <= 0.0 && high >= 0.0 {
        low * (1.0 - fraction) + high * fraction
    } else {
        low + (high - low) * fraction
    };
    between.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joint_standard_errors_measures_the_gap_in_its_own_unit() {
        assert_eq!(joint_standard_errors(10.0, 3.0, 20.0, 4.0), 2.0);
        assert_eq!(joint_standard_errors(20.0, 4.0, 10.0, 3.0), 2.0);
        assert_eq!(joint_standard_errors(1.0, 0.0, 1.0, 0.0), 0.0);
        assert_eq!(joint_standard_errors(1.0, 0.0, 2.0, 0.0), f64::INFINITY);
        assert!(joint_standard_errors(f64::NAN, 1.0, 2.0, 1.0).is_nan());
    }

    #[test]
    fn interpolation_is_monotone_where_the_weighted_sum_is_not() {
        // The budget of 30 up to the last bits, of docs/equivalence.md's sampler `distribution` without a penalty.
        let (low, high) = (30.0, 30.000_000_000_000_007);
        let mut last = low;
        for step in 0..=1000 {
            let found = interpolate(low, high, f64::from(step) / 1000.0);
            assert!(last <= found && found <= high);
            last = found;
        }
        assert_eq!(interpolate(f64::MIN, f64::MAX, 0.5), 0.0);
        assert_eq!(interpolate(0.1, 0.1, 0.3), 0.1);
    }

    proptest::proptest! {
        #[test]
        fn interpolation_stays_within_and_rises(
            a in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
            ulps in 0u64..5,
            far in proptest::num::f64::NORMAL,
            is_near in proptest::bool::ANY,
            s in 0.0..=1.0f64,
            t in 0.0..=1.0f64,
        ) {
            let other = match is_near {
                true => f64::from_bits(a.to_bits().saturating_add(ulps)),
                false => far,
            };
            let other = if other.is_finite() { other } else { a };
            let (low, high) = (a.min(other), a.max(other));
            let (first, second) = (s.min(t), s.max(t));
            let (x, y) = (interpolate(low, high, first), interpolate(low, high, second));
            proptest::prop_assert!(low <= x && x <= y && y <= high);
        }
    }

    #[test]
    fn quantile_ranks_stay_inside_the_sample() {
        assert_eq!(quantile_rank(0.5, 4), Some((1, 0.5)));
        assert_eq!(quantile_rank(1.0, 4), Some((3, 0.0)));
        assert_eq!(quantile_rank(0.0, 1), Some((0, 0.0)));
        assert_eq!(quantile_rank(1.0, u64::MAX), Some((u64::MAX - 1, 0.0)));
        assert_eq!(quantile_rank(0.5, 0), None);
        assert_eq!(quantile_rank(-0.1, 4), None);
        assert_eq!(quantile_rank(f64::NAN, 4), None);
    }
}
