//! The mean difference of every pair, and its uncertainty.

use super::comparison::Comparison;
use super::pairs::simultaneous_miss;
use crate::statistics::{Estimate, LEVEL, Moments};
use serde::Serialize;

/// Reports by how much the mean return of one simulation exceeds another's.
///
/// A figure that the episodes do not determine is `None`, `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PairedDifference {
    /// Label of the first simulation.
    pub a: String,
    /// Label of the second simulation.
    pub b: String,
    /// Mean over the episodes of a's return less b's.
    pub mean: Option<f64>,
    /// Standard error of `mean`.
    pub standard_error: Option<f64>,
    /// Interval of 95 % for this difference alone; from Student's distribution below
    /// [`FEW_EPISODES`](crate::statistics::FEW_EPISODES), like the figures that follow. `None` where there are so few and they
    /// do not vary.
    pub ci95: Option<[f64; 2]>,
    /// Interval that holds together with those of all other pairs in 95 % of all runs: Bonferroni's.
    pub ci95_simultaneous: Option<[f64; 2]>,
    /// Variance of the difference of independent runs, divided by that of the paired difference: independent runs need this
    /// many times the episodes for the same standard error.
    ///
    /// ```text
    /// (var a + var b) / var(a - b)
    /// ```
    ///
    /// `None` where the difference has no variance.
    pub variance_reduction: Option<f64>,
    /// Correlation of the two returns of an episode.
    pub correlation: Option<f64>,
    /// Largest share that a single episode has of the sum of squared deviations of the differences from their mean.
    pub largest_share: Option<f64>,
    /// Probability of a mean at least as far from 0 if there were no difference, for this pair alone.
    pub p_value: Option<f64>,
    /// The same, corrected for all pairs by Holm's method.
    pub p_value_adjusted: Option<f64>,
}

/// Makes the figures of all pairs.
pub(super) fn paired_differences(
    labels: &[&str],
    comparison: &Comparison,
) -> Vec<PairedDifference> {
    let misses = [1.0 - LEVEL, simultaneous_miss(labels.len())];
    let differences = comparison.differences();
    let mut all: Vec<PairedDifference> = differences
        .map(|((a, b), moments)| {
            let variance = |index: usize| comparison.statistics[index].judged().variance();
            let spread = Spread {
                a: variance(a),
                b: variance(b),
                difference: moments.variance(),
            };
            figures([labels[a], labels[b]], moments, &spread, misses)
        })
        .collect();
    let adjusted = holm(&all.iter().map(|pair| pair.p_value).collect::<Vec<_>>());
    for (pair, adjusted) in all.iter_mut().zip(adjusted) {
        pair.p_value_adjusted = adjusted;
    }
    all
}

/// Holds variances.
struct Spread {
    a: Option<f64>,
    b: Option<f64>,
    difference: Option<f64>,
}

impl Spread {
    fn reduction(&self) -> Option<f64> {
        let difference = self.difference.filter(|&variance| variance > 0.0)?;
        Some((self.a? + self.b?) / difference).filter(|factor| factor.is_finite())
    }

    fn correlation(&self) -> Option<f64> {
        let (a, b) = (self.a?, self.b?);
        let correlation = (a + b - self.difference?) / (2.0 * a.sqrt() * b.sqrt());
        correlation
            .is_finite()
            .then(|| correlation.clamp(-1.0, 1.0))
    }
}

/// Makes the figures of a pair, except those that depend on the other pairs.
fn figures(
    [a, b]: [&str; 2],
    moments: &Moments,
    spread: &Spread,
    [alone, together]: [f64; 2],
) -> PairedDifference {
    let (mean, standard_error) = (moments.mean(), moments.standard_error());
    let estimate = Estimate::of(mean, standard_error, moments.count());
    let interval = |miss: f64| estimate.map(|estimate| estimate.interval(miss));
    PairedDifference {
        a: a.to_owned(),
        b: b.to_owned(),
        mean,
        standard_error,
        ci95: interval(alone),
        ci95_simultaneous: interval(together),
        variance_reduction: spread.reduction(),
        correlation: spread.correlation(),
        largest_share: moments.largest_share(),
        p_value: estimate.map(|estimate| estimate.both_tails()),
        p_value_adjusted: None,
    }
}

/// Adjusts p-values for their number, so that the smallest of many can be believed.
///
/// ```text
/// sorted upwards, j from 0:   adjusted_j = max over i <= j of min(1, (m - i) p_i)
/// ```
///
/// A p-value that is undefined counts among the m, and as 1.
///
/// # Source
/// Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let value = |index: usize| p_values[index].unwrap_or(1.0);
    order.sort_by(|&a, &b| value(a).total_cmp(&value(b)));
    let mut adjusted = vec![None; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        let remaining = (p_values.len() - rank) as f64;
        largest = largest.max((remaining * value(index)).min(1.0));
        adjusted[index] = p_values[index].map(|_| largest);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R: `p.adjust(c(0.01, 0.02, 0.03, 0.005, 0.9), "holm")`.
    #[test]
    fn holm_adjusts_as_r_does() {
        let p_values = [0.01, 0.02, 0.03, 0.005, 0.9].map(Some);
        let adjusted = holm(&p_values);
        for (got, expected) in adjusted.iter().zip([0.04, 0.06, 0.06, 0.025, 0.9]) {
            assert!((got.unwrap() - expected).abs() < 1e-15, "{adjusted:?}");
        }
        assert_eq!(holm(&[None, Some(0.02)]), [None, Some(0.04)]);
        assert_eq!(holm(&[Some(0.7), Some(0.8)]), [Some(1.0), Some(1.0)]);
        assert!(holm(&[]).is_empty());
    }

    /// Returns 1, 2, 4, 9 and 2, 2, 3, 5: differences -1, 0, 1, 4 of mean 1 and variance 14/3; variances 38/3 and 2.
    #[test]
    fn the_figures_of_a_small_sample_are_those_by_hand() {
        let mut moments = Moments::new();
        moments.add_all(&[-1.0, 0.0, 1.0, 4.0]);
        let spread = Spread {
            a: Some(38.0 / 3.0),
            b: Some(2.0),
            difference: moments.variance(),
        };
        let pair = figures(["x", "y"], &moments, &spread, [0.05, 0.01]);
        let error = (14.0_f64 / 12.0).sqrt();
        assert_eq!((pair.mean, pair.standard_error), (Some(1.0), Some(error)));
        // Student's t with 3 degrees of freedom.
        for (interval, critical) in [(pair.ci95, 3.182_446), (pair.ci95_simultaneous, 5.840_909)] {
            let [low, high] = interval.unwrap();
            assert!((low - (1.0 - critical * error)).abs() < 1e-5);
            assert!((high - (1.0 + critical * error)).abs() < 1e-5);
        }
        // Two sided, of t = 0.9258 with 3 degrees of freedom: 1 - 2/π (θ + sin θ cos θ), tan θ = t / sqrt(3).
        let theta = (1.0 / error / 3_f64.sqrt()).atan();
        let p_value = 1.0 - (theta + theta.sin() * theta.cos()) / std::f64::consts::FRAC_PI_2;
        assert!((pair.p_value.unwrap() - p_value).abs() < 1e-12);
        assert!((pair.largest_share.unwrap() - 9.0 / 14.0).abs() < 1e-12);
        // (38/3 + 6/3) / (14/3), and the covariance (44/3 - 14/3) / 2 = 5 by the deviations.
        assert!((pair.variance_reduction.unwrap() - 22.0 / 7.0).abs() < 1e-15);
        let correlation = 5.0 / (76.0_f64 / 3.0).sqrt();
        assert!((pair.correlation.unwrap() - correlation).abs() < 1e-15);
    }

    #[test]
    fn a_difference_without_spread_reduces_variance_by_no_number() {
        let mut moments = Moments::new();
        moments.add_all(&[0.5; 100]);
        let spread = Spread {
            a: Some(1.0),
            b: Some(1.0),
            difference: moments.variance(),
        };
        let pair = figures(["x", "y"], &moments, &spread, [0.05, 0.01]);
        assert_eq!(
            (pair.variance_reduction, pair.correlation),
            (None, Some(1.0))
        );
        assert_eq!((pair.ci95, pair.p_value), (Some([0.5, 0.5]), Some(0.0)));
        let none = figures(["x", "y"], &Moments::new(), &spread, [0.05, 0.01]);
        assert_eq!((none.mean, none.ci95, none.p_value), (None, None, None));
        // From three pairs that do not vary it does not follow that all would be equal.
        let mut three = Moments::new();
        three.add_all(&[0.5; 3]);
        let three = figures(["x", "y"], &three, &spread, [0.05, 0.01]);
        assert_eq!((three.mean, three.standard_error), (Some(0.5), Some(0.0)));
        assert_eq!((three.ci95, three.p_value), (None, None));
    }
}
