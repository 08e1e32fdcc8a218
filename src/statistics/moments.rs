//! Mean and spread of a sample, from exact sums.

use super::bins;
use super::exact_sum::ExactSum;
use serde::{Deserialize, Serialize};

/// Most that a single observation may contribute to the sum of squares around the mean, if the mean is to be normal.
///
/// The condition of Lindeberg and Feller, in a sample. Where all depends on rare events it asks for at least 25 of them.
pub const LARGEST_SHARE: f64 = 1.0 / 25.0;

/// Returns the share that an episode may have at most: [`LARGEST_SHARE`], or among few episodes the share of an episode that
/// is four standard deviations from the mean, as one in 16,000 is if returns are normal.
pub(crate) fn safe_share(episodes: u64) -> f64 {
    LARGEST_SHARE.max(16.0 / episodes.max(1) as f64)
}

/// Collects the count, exact sum, exact sum of squares, minimum and maximum of a sample.
///
/// # Precision
/// Sums are exact, and the variance comes from the exact difference of sums, so that no mean, however
/// large against the spread, costs a digit. Each figure is within a few ulp of the true one of the sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct Moments {
    count: u64,
    sum: ExactSum,
    sum_of_squares: ExactSum,
    /// Minimum and maximum.
    range: Option<(f64, f64)>,
}

impl Moments {
    /// Starts an empty sample.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an observation; one that is not finite is counted apart ([`Moments::non_finite`]).
    #[inline]
    pub fn add(&mut self, observation: f64) {
        self.sum.add(observation);
        if !observation.is_finite() {
            return;
        }
        self.count += 1;
        self.sum_of_squares.add_product(observation, observation);
        self.range = extend(self.range, observation);
    }

    /// Adds many observations, as [`Moments::add`] would one by one, but faster.
    pub fn add_all(&mut self, observations: &[f64]) {
        bins::add_with_squares(observations, &mut self.sum, &mut self.sum_of_squares);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for &observation in observations {
            if observation.is_finite() {
                self.count += 1;
                low = if observation < low { observation } else { low };
                high = if observation > high {
                    observation
                } else {
                    high
                };
            }
        }
        if low <= high {
            self.range = extend(extend(self.range, low), high);
        }
    }

    /// Takes sums that were formed elsewhere, without rounding, over `count` finite observations.
    pub(super) fn of_sums(
        count: u64,
        sum: ExactSum,
        sum_of_squares: ExactSum,
        range: Option<(f64, f64)>,
    ) -> Self {
        Self {
            count,
            sum,
            sum_of_squares,
            // Without -0, as `extend` keeps it.
            range: range.map(|(low, high)| (low + 0.0, high + 0.0)),
        }
    }

    /// Adds the observations of another sample.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum.merge(&other.sum);
        self.sum_of_squares.merge(&other.sum_of_squares);
        if let Some((low, high)) = other.range {
            self.range = extend(extend(self.range, low), high);
        }
    }

    /// Counts the finite observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Counts the observations that were infinite or not a number; no other figure contains them.
    #[must_use]
    pub fn non_finite(&self) -> u64 {
        self.sum.non_finite()
    }

    /// Tells whether all observations seem to be whole numbers: their sum and the sum of their squares are.
    pub(super) fn is_whole(&self) -> bool {
        let is_whole = |sum: &ExactSum| {
            let (value, remainder) = sum.value_and_remainder();
            value.fract() == 0.0 && remainder.fract() == 0.0
        };
        is_whole(&self.sum) && is_whole(&self.sum_of_squares)
    }

    /// Sums the observations, exactly.
    #[must_use]
    pub fn sum(&self) -> &ExactSum {
        &self.sum
    }

    /// Averages the observations; `None` where there are none, or where their sum exceeds an `f64`.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let (low, high) = self.range?;
        let mean = self.sum.value() / self.count as f64;
        // Sum and quotient are rounded: without the bounds, the mean of three 0.1 would not be 0.1.
        mean.is_finite().then(|| mean.max(low).min(high))
    }

    /// Estimates the variance, with `n - 1`; `None` below two observations or beyond an `f64`.
    ///
    /// ```text
    /// (n Σx² - (Σx)²) / (n (n - 1))
    /// ```
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        sample_variance(self.count, &self.sum, &self.sum_of_squares)
    }

    /// Estimates the standard deviation, with `n - 1`.
    #[must_use]
    pub fn standard_deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Estimates the standard error of the mean.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        Some((self.variance()? / self.count as f64).sqrt())
    }

    /// Returns the share of the sum of squares around the mean that the farthest observation has; `None` without spread.
    ///
    /// ```text
    /// max(max - m, m - min)² / ((n - 1) s²)
    /// ```
    #[must_use]
    pub fn largest_share(&self) -> Option<f64> {
        largest_share(self.count, self.mean()?, self.variance()?, self.range?)
    }

    /// Returns the smallest observation.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.range.map(|(low, _)| low)
    }

    /// Returns the largest observation.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.range.map(|(_, high)| high)
    }
}

/// Estimates a variance, with `n - 1`, from sums; `None` below two observations or beyond an `f64`.
///
/// Sums that were rounded before they came here can make the difference negative; such a variance is zero.
/// In double precision, as on `reference`, it is an ulp or so of the squared mean that is lost. Sums of a
/// block in single precision, as on `cpu` and `gpu`, leave no digit of a standard deviation below some
/// 1e-4 of the mean.
pub(super) fn sample_variance(
    count: u64,
    sum: &ExactSum,
    sum_of_squares: &ExactSum,
) -> Option<f64> {
    if count < 2 {
        return None;
    }
    // Both products are formed without rounding, so that their leading digits cancel exactly.
    let mut difference = ExactSum::new();
    for half in [count >> 32 << 32, count & 0xffff_ffff] {
        difference.add_scaled(half as f64, sum_of_squares);
    }
    for part in sum.expansion() {
        difference.add_scaled(-part, sum);
    }
    if difference.non_finite() > 0 {
        return None;
    }
    let variance = difference.value().max(0.0) / count as f64 / (count - 1) as f64;
    variance.is_finite().then_some(variance)
}

/// Divides the square of the farthest observation's distance from the mean by the sum of all such squares.
pub(super) fn largest_share(
    count: u64,
    mean: f64,
    variance: f64,
    (min, max): (f64, f64),
) -> Option<f64> {
    let farthest = (max - mean).max(mean - min);
    // Divided before it is squared: the square may exceed the numbers.
    let distance = farthest / (variance * (count - 1) as f64).sqrt();
    let share = distance * distance;
    (variance > 0.0 && share.is_finite()).then(|| share.min(1.0))
}

/// Widens a range to hold an observation.
#[inline]
pub(super) fn extend(range: Option<(f64, f64)>, observation: f64) -> Option<(f64, f64)> {
    // -0 and 0 compare equal, and which of them a minimum keeps would depend on the order.
    let observation = observation + 0.0;
    Some(match range {
        None => (observation, observation),
        Some((low, high)) => (low.min(observation), high.max(observation)),
    })
}

/// Checks a range that was read: present exactly where there are observations, ordered and finite.
pub(super) fn checked_range(
    count: u64,
    min: Option<f64>,
    max: Option<f64>,
) -> Result<Option<(f64, f64)>, &'static str> {
    match (count, min, max) {
        (0, None, None) => Ok(None),
        (1.., Some(low), Some(high)) if low.is_finite() && high.is_finite() && low <= high => {
            Ok(extend(extend(None, low), high))
        }
        _ => Err("min and max do not fit the count"),
    }
}

/// The form in which a sample is written and read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    count: u64,
    sum: ExactSum,
    sum_of_squares: ExactSum,
    min: Option<f64>,
    max: Option<f64>,
}

impl From<Moments> for State {
    fn from(moments: Moments) -> Self {
        Self {
            count: moments.count,
            min: moments.min(),
            max: moments.max(),
            sum: moments.sum,
            sum_of_squares: moments.sum_of_squares,
        }
    }
}

impl TryFrom<State> for Moments {
    type Error = &'static str;

    fn try_from(state: State) -> Result<Self, Self::Error> {
        Ok(Self {
            count: state.count,
            range: checked_range(state.count, state.min, state.max)?,
            sum: state.sum,
            sum_of_squares: state.sum_of_squares,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moments_of(observations: &[f64]) -> Moments {
        let mut moments = Moments::new();
        for &observation in observations {
            moments.add(observation);
        }
        moments
    }

    #[test]
    fn figures_of_a_small_sample_are_right() {
        let moments = moments_of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(moments.mean(), Some(5.0));
        assert_eq!(moments.variance(), Some(32.0 / 7.0));
        assert_eq!(moments.standard_deviation(), Some((32.0_f64 / 7.0).sqrt()));
        assert_eq!(moments.standard_error(), Some((4.0_f64 / 7.0).sqrt()));
        assert_eq!((moments.min(), moments.max()), (Some(2.0), Some(9.0)));
    }

    /// The certified data sets of NIST `StRD`, univariate: `NumAcc3` (mean 1000000.2) and `NumAcc4` (mean 10000000.2),
    /// both with standard deviation 0.1 exactly.
    #[test]
    fn certified_values_of_nist_are_met() {
        for base in [1_000_000.0, 10_000_000.0] {
            let mut moments = moments_of(&[base + 0.2]);
            for _ in 0..500 {
                moments.add(base + 0.1);
                moments.add(base + 0.3);
            }
            assert!((moments.mean().unwrap() - (base + 0.2)).abs() <= 2e-9);
            // The decimals are not binary numbers: base + 0.1 is off by up to 1e-9.
            assert!((moments.standard_deviation().unwrap() - 0.1).abs() < 1e-9);
        }
    }

    #[test]
    fn the_largest_share_is_that_of_the_farthest_observation() {
        // Deviations -3, -1, -1, -1, 0, 0, 2, 4 of 5: squares 32 in all, 16 of them the last one's.
        let moments = moments_of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert!((moments.largest_share().unwrap() - 0.5).abs() < 1e-15);
        let mut lone = vec![0.0; 999];
        lone.push(-1e200);
        let share = moments_of(&lone).largest_share();
        assert_eq!(share, None, "its variance exceeds the numbers");
        lone[999] = -1e100;
        assert!((moments_of(&lone).largest_share().unwrap() - 0.999).abs() < 1e-12);
        for none in [&[][..], &[1.0], &[2.0; 5]] {
            assert_eq!(moments_of(none).largest_share(), None);
        }
    }

    #[test]
    fn a_huge_mean_costs_no_digit_of_the_variance() {
        // Spread values that are exactly representable on top of the offset.
        for offset in [1e9, 1e12, 4e15] {
            let plain: Vec<f64> = (0..1000).map(|index| f64::from(index % 17)).collect();
            let shifted: Vec<f64> = plain.iter().map(|x| x + offset).collect();
            assert_eq!(
                moments_of(&plain).variance(),
                moments_of(&shifted).variance()
            );
        }
    }

    #[test]
    fn equal_observations_have_no_spread() {
        let moments = moments_of(&[0.1; 1000]);
        assert_eq!(moments.variance(), Some(0.0));
        assert_eq!(moments.standard_error(), Some(0.0));
    }

    #[test]
    fn the_mean_lies_between_the_extremes() {
        for value in [0.1, -0.3, 1e300 / 3.0, 5e-324] {
            for count in 1..200 {
                assert_eq!(moments_of(&vec![value; count]).mean(), Some(value));
            }
        }
    }

    #[test]
    fn empty_and_single_samples_give_none_and_null() {
        let empty = Moments::new();
        assert_eq!(
            (empty.mean(), empty.variance(), empty.min()),
            (None, None, None)
        );
        let single = moments_of(&[3.0]);
        assert_eq!(
            (single.mean(), single.variance(), single.standard_error()),
            (Some(3.0), None, None)
        );
        let text = serde_json::to_string(&empty).unwrap();
        assert!(text.contains(r#""min":null"#), "{text}");
        assert_eq!(serde_json::from_str::<Moments>(&text).unwrap(), empty);
    }

    #[test]
    fn figures_beyond_the_number_range_are_none_rather_than_infinite() {
        let moments = moments_of(&[1e300, -1e300, 1e300]);
        assert_eq!(moments.mean(), Some(1e300 / 3.0));
        assert_eq!(moments.variance(), None);
        assert_eq!(moments_of(&[f64::MAX, f64::MAX]).mean(), None);
    }

    #[test]
    fn non_finite_observations_do_not_poison_the_rest() {
        let moments = moments_of(&[1.0, f64::NAN, 3.0, f64::INFINITY]);
        assert_eq!((moments.count(), moments.non_finite()), (2, 2));
        assert_eq!((moments.mean(), moments.max()), (Some(2.0), Some(3.0)));
        assert_eq!(moments.variance(), Some(2.0));
    }

    #[test]
    fn states_that_cannot_be_are_refused() {
        let bad = [
            r#"{"count":0,"sum":"0x0p+0","sum_of_squares":"0x0p+0","min":1.0,"max":1.0}"#,
            r#"{"count":1,"sum":"0x1p+0","sum_of_squares":"0x1p+0","min":null,"max":1.0}"#,
            r#"{"count":2,"sum":"0x1p+0","sum_of_squares":"0x1p+0","min":2.0,"max":1.0}"#,
            r#"{"count":-1,"sum":"0x0p+0","sum_of_squares":"0x0p+0","min":null,"max":null}"#,
            r#"{"count":0,"sum":"0x0p+0","sum_of_squares":"0x0p+0","min":null,"max":null,"extra":1}"#,
        ];
        for text in bad {
            assert!(serde_json::from_str::<Moments>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn splitting_and_merging_gives_the_same_bytes(
            observations in prop::collection::vec(prop_oneof![-1e6..1e6, Just(0.0), Just(-0.0)], 0..80),
            cut in 0usize..80,
        ) {
            let whole = moments_of(&observations);
            let (left, right) = observations.split_at(cut.min(observations.len()));
            let mut merged = Moments::new();
            merged.add_all(right);
            merged.merge(&moments_of(left));
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(&serde_json::to_string(&merged).unwrap(), &text);
            prop_assert_eq!(serde_json::from_str::<Moments>(&text).unwrap(), whole);
        }

        #[test]
        fn the_variance_matches_two_passes(observations in prop::collection::vec(-1e3..1e3, 2..60)) {
            let count = observations.len() as f64;
            let mean = observations.iter().sum::<f64>() / count;
            let squares: f64 = observations.iter().map(|x| (x - mean) * (x - mean)).sum();
            let variance = moments_of(&observations).variance().unwrap();
            prop_assert!((variance - squares / (count - 1.0)).abs() <= 1e-12 * variance.max(1e-12));
        }
    }
}
