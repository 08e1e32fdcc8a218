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
mod summary;
mod tally;

pub use campaign::{Conditions, Statistics};
pub use episodes::EpisodeBlock;
pub use exact_sum::ExactSum;
pub use exact_sum_text::ParseSumError;
pub use lengths::Lengths;
pub use moments::Moments;
pub use quantiles::Quantiles;
pub(crate) use quantiles::SINGLE_BUCKETS;
pub use slope::least_squares_slope;
pub use summary::{
    ClickRateSummary, ClickedQualitySummary, DiscountedSummary, FEWEST_BLOCKS, LengthSummary,
    QuantileTable, ReturnSummary, RewardSlopeSummary, SlotSummary, Summary, TopicSummary,
    TruncatedSummary,
};

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
    SlotMismatch {
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
    /// The returns are discounted otherwise.
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
            Self::SlotMismatch { expected, got } => {
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

/// Interpolates between two neighbouring ordered observations.
fn interpolate(low: f64, high: f64, fraction: f64) -> f64 {
    // The weighted sum cannot overflow; clamping takes back its rounding, which matters for low = high.
    (low * (1.0 - fraction) + high * fraction).clamp(low, high)
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
