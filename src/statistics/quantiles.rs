//! Quantiles of a sample from counts over fixed buckets of the number line.

use super::moments::{checked_range, extend};
use super::{interpolate, quantile_rank};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Leading mantissa bits that a bucket is named by.
const MANTISSA_BITS: u32 = 12;
const BUCKETS_PER_OCTAVE: usize = 1 << MANTISSA_BITS;
/// Exponents of an `f64`; the last stands for infinities and is never used.
const OCTAVES: usize = 1 << 11;
/// Bits of a number below those that name its bucket.
const INNER_BITS: u32 = 52 - MANTISSA_BITS;

/// Buckets of single-precision numbers of one sign, and of both.
const HALF_SINGLES: usize = BUCKETS_PER_OCTAVE << 8;
pub(crate) const SINGLE_BUCKETS: usize = 2 * HALF_SINGLES;
/// The difference between the biased exponents of an `f64` and of an equal single-precision number.
const EXPONENTS_BELOW_SINGLES: usize = 1023 - 127;

type Octave = Box<[u64; BUCKETS_PER_OCTAVE]>;

/// Counts observations in buckets of relative width 2^-12 and estimates quantiles from the counts.
///
/// A bucket is a sign, an exponent and the top 12 mantissa bits, the same for every sample, so that
/// counts of two samples merge by adding integers. Zero has a bucket of its own; subnormal numbers are
/// cut into 4096 buckets of equal width. Observations that are not finite are left out, uncounted:
/// [`super::Moments`] counts them.
///
/// # Precision
/// An order statistic is found to within 2^-12 = 0.0244 % of its magnitude (2^-1034 absolutely where it
/// is subnormal), and the extremes exactly. Where all observations are whole numbers, so is each order statistic, and up to
/// 8,192 it is exact. A quantile between two order statistics is within 2^-12 of the larger magnitude of the two. A quantile
/// is never above one of a higher probability.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct Quantiles {
    count: u64,
    zeros: u64,
    /// Indexed by sign and exponent, the top 12 bits of a number; allocated where something was counted.
    octaves: Vec<Option<Octave>>,
    /// Minimum and maximum.
    range: Option<(f64, f64)>,
}

impl Default for Quantiles {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Quantiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Quantiles")
            .field("count", &self.count)
            .field("zeros", &self.zeros)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl Quantiles {
    /// Starts an empty sample.
    #[must_use]
    pub fn new() -> Self {
        Self {
            count: 0,
            zeros: 0,
            octaves: vec![None; 2 * OCTAVES],
            range: None,
        }
    }

    /// Counts an observation, if it is finite.
    #[inline]
    pub fn add(&mut self, observation: f64) {
        if !observation.is_finite() {
            return;
        }
        self.count += 1;
        self.range = extend(self.range, observation);
        if observation == 0.0 {
            self.zeros += 1;
            return;
        }
        let (octave, bucket) = place(observation);
        self.octave(octave)[bucket] += 1;
    }

    /// Adds counts of single-precision observations by bucket, the top 21 bits of a number: its sign, its exponent and 12
    /// bits of its mantissa, so that each is a bucket of this; `range` is that of these and all earlier observations. Shape
    /// `[`[`SINGLE_BUCKETS`]`]`; those of subnormal numbers, below 2^-126, count as zero.
    pub(super) fn add_single_buckets(&mut self, counts: &[u32], range: Option<(f64, f64)>) {
        self.range = range;
        for (bucket, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let (sign, magnitude) = (bucket / HALF_SINGLES, bucket % HALF_SINGLES);
            let (exponent, mantissa) = (
                magnitude / BUCKETS_PER_OCTAVE,
                magnitude % BUCKETS_PER_OCTAVE,
            );
            let count = u64::from(count);
            self.count += count;
            if exponent == 0 {
                self.zeros += count;
                continue;
            }
            let octave = sign * OCTAVES + exponent + EXPONENTS_BELOW_SINGLES;
            self.octave(octave)[mantissa] += count;
        }
    }

    /// Adds the counts of another sample.
    pub fn merge(&mut self, other: &Self) {
        let Some((low, high)) = other.range else {
            return;
        };
        self.range = extend(extend(self.range, low), high);
        self.count = self.count.saturating_add(other.count);
        self.zeros = self.zeros.saturating_add(other.zeros);
        for (index, counts) in other.octaves.iter().enumerate() {
            let Some(counts) = counts else { continue };
            for (total, count) in self.octave(index).iter_mut().zip(counts.iter()) {
                *total = total.saturating_add(*count);
            }
        }
    }

    /// Counts the observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the smallest and the largest observation.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        self.range
    }

    /// Estimates the value below which a share `probability` of the observations lies.
    ///
    /// Interpolates linearly between the order statistics next to rank `(count - 1) · probability`.
    /// `None` for an empty sample or a probability outside `[0, 1]`.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> Option<f64> {
        let (below, fraction) = quantile_rank(probability, self.count)?;
        let are_whole = self.may_be_whole();
        let low = self.order_statistic(below, are_whole)?;
        if fraction == 0.0 {
            return Some(low);
        }
        let high = self.order_statistic(below + 1, are_whole)?;
        Some(interpolate(low, high, fraction))
    }

    /// Estimates the observation of a rank counted from 0; never less than that of a lower rank.
    fn order_statistic(&self, rank: u64, are_whole: bool) -> Option<f64> {
        let (min, max) = self.range?;
        if rank == 0 {
            return Some(min);
        }
        if rank + 1 >= self.count {
            return Some(max);
        }
        let mut before = 0;
        for (low, high, count) in self.ascending() {
            if rank - before < count {
                // The bucket's observations are taken as evenly spread, each amid its share.
                let share = ((rank - before) as f64 + 0.5) / count as f64;
                let within = |edge: f64| edge.max(min).min(max);
                let estimate = interpolate(within(low), within(high), share);
                return Some(match are_whole {
                    true => within(whole_in_bucket(low, high, estimate)),
                    false => estimate,
                });
            }
            before += count;
        }
        Some(max)
    }

    /// Tells whether all observations may be whole numbers: the extremes are, and no bucket is without one.
    ///
    /// An observation that is not whole after all lies in a bucket with a whole number, and taking it for that number is
    /// within the error of a bucket.
    fn may_be_whole(&self) -> bool {
        let are_whole = |(min, max): (f64, f64)| min.fract() == 0.0 && max.fract() == 0.0;
        self.range.is_some_and(are_whole)
            && self.ascending().all(|(low, high, _)| {
                let (inner, outer) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
                inner.ceil() < outer || outer == 0.0
            })
    }

    /// Lists, in ascending order, the number that stands for the observations of each bucket, and their count.
    pub(super) fn middles(&self) -> Vec<(f64, u64)> {
        let Some((min, max)) = self.range else {
            return Vec::new();
        };
        let are_whole = self.may_be_whole();
        let within = |edge: f64| edge.max(min).min(max);
        let middle = |(low, high, count): (f64, f64, u64)| {
            let middle = interpolate(within(low), within(high), 0.5);
            match are_whole {
                true => (within(whole_in_bucket(low, high, middle)), count),
                false => (middle, count),
            }
        };
        self.ascending().map(middle).collect()
    }

    /// Lists the buckets that hold something, as lower edge, upper edge and count, in ascending order.
    fn ascending(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let (positive, negative) = self.octaves.split_at(OCTAVES);
        let below = runs(negative).into_iter().rev().flat_map(|run| {
            let counts: Vec<_> = run.buckets().collect();
            counts
                .into_iter()
                .rev()
                .map(|(inner, outer, count)| (-outer, -inner, count))
        });
        let zero = (self.zeros > 0).then_some((0.0, 0.0, self.zeros));
        let above = runs(positive)
            .into_iter()
            .flat_map(|run| run.buckets().collect::<Vec<_>>());
        below.chain(zero).chain(above)
    }

    #[inline]
    fn octave(&mut self, index: usize) -> &mut Octave {
        self.octaves[index].get_or_insert_with(|| Box::new([0; BUCKETS_PER_OCTAVE]))
    }
}

/// Finds the whole number of a bucket, by magnitude from its inner edge up to below its outer edge, that is next to an
/// estimate.
fn whole_in_bucket(low: f64, high: f64, estimate: f64) -> f64 {
    if low >= 0.0 {
        estimate.floor().max(low.ceil())
    } else {
        estimate.ceil().min(high.floor())
    }
}

/// Finds the octave (sign and exponent) and the bucket in it.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "both results are masked to 12 bits"
)]
fn place(observation: f64) -> (usize, usize) {
    let name = (observation.to_bits() >> INNER_BITS) as usize;
    (name / BUCKETS_PER_OCTAVE, name % BUCKETS_PER_OCTAVE)
}

/// Neighbouring buckets that all hold something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    /// Exponent and mantissa bits of the first bucket.
    first: u32,
    counts: Vec<u64>,
}

impl Run {
    /// Lists inner edge, outer edge (by magnitude) and count.
    fn buckets(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let edge = |bucket: u64| f64::from_bits(bucket << INNER_BITS);
        (u64::from(self.first)..)
            .zip(&self.counts)
            .map(move |(bucket, &count)| (edge(bucket), edge(bucket + 1), count))
    }
}

/// Cuts the counts of one sign into runs, by rising magnitude.
fn runs(octaves: &[Option<Octave>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut next = 0;
    for (octave, counts) in (0u32..).zip(octaves) {
        let Some(counts) = counts else { continue };
        for (bucket, &count) in (octave << MANTISSA_BITS..).zip(counts.iter()) {
            if count == 0 {
                continue;
            }
            match runs.last_mut() {
                Some(run) if bucket == next => run.counts.push(count),
                _ => runs.push(Run {
                    first: bucket,
                    counts: vec![count],
                }),
            }
            next = bucket + 1;
        }
    }
    runs
}

/// The form in which a sample is written and read: the buckets that hold something, by rising magnitude.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    min: Option<f64>,
    max: Option<f64>,
    negative: Vec<Run>,
    zeros: u64,
    positive: Vec<Run>,
}

impl From<Quantiles> for State {
    fn from(quantiles: Quantiles) -> Self {
        let (positive, negative) = quantiles.octaves.split_at(OCTAVES);
        Self {
            min: quantiles.range.map(|(min, _)| min),
            max: quantiles.range.map(|(_, max)| max),
            negative: runs(negative),
            zeros: quantiles.zeros,
            positive: runs(positive),
        }
    }
}

impl TryFrom<State> for Quantiles {
    type Error = &'static str;

    fn try_from(state: State) -> Result<Self, Self::Error> {
        const TOO_MANY: &str = "the counts of the quantile buckets exceed 64 bits";
        let mut quantiles = Self::new();
        quantiles.zeros = state.zeros;
        quantiles.count = state.zeros;
        for (sign, runs) in [(0, &state.positive), (1, &state.negative)] {
            let mut next = 0;
            for run in runs {
                if run.first < next {
                    return Err("quantile buckets are not in ascending order");
                }
                let mut bucket = run.first as usize;
                for &count in &run.counts {
                    let octave = bucket / BUCKETS_PER_OCTAVE;
                    if octave >= OCTAVES - 1 {
                        return Err("a quantile bucket lies beyond the largest number");
                    }
                    if count == 0 {
                        return Err("a quantile bucket is empty");
                    }
                    quantiles.octave(sign * OCTAVES + octave)[bucket % BUCKETS_PER_OCTAVE] = count;
                    quantiles.count = quantiles.count.checked_add(count).ok_or(TOO_MANY)?;
                    bucket += 1;
                }
                next = u32::try_from(bucket).ok().ok_or(TOO_MANY)?;
            }
        }
        quantiles.range = checked_range(quantiles.count, state.min, state.max)?;
        if let Some((min, max)) = quantiles.range {
            let edges = (quantiles.ascending().next(), quantiles.ascending().last());
            let fits = matches!(edges, (Some((low, high, _)), Some((low_max, high_max, _)))
                if low <= min && min <= high && low_max <= max && max <= high_max);
            if !fits {
                return Err("min and max lie outside the quantile buckets");
            }
        }
        Ok(quantiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::rngs::SmallRng;
    use rand::{RngExt, SeedableRng};

    const RELATIVE_ERROR: f64 = 1.0 / 4096.0;
    const PROBABILITIES: [f64; 13] = [
        0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0,
    ];

    fn quantiles_of(observations: &[f64]) -> Quantiles {
        let mut quantiles = Quantiles::new();
        for &observation in observations {
            quantiles.add(observation);
        }
        quantiles
    }

    #[test]
    fn counts_of_singles_by_their_top_bits_are_those_of_the_numbers() {
        let mut rng = SmallRng::seed_from_u64(5);
        let singles: Vec<f32> = (0..4000)
            .map(|index| match index % 5 {
                0 => 0.0,
                1 => -rng.random_range(1e-30..1e-3_f32),
                2 => rng.random_range(-1e30..1e30_f32),
                _ => rng.random_range(1100.0..1200.0_f32),
            })
            .collect();
        let mut counts = vec![0; SINGLE_BUCKETS];
        for single in &singles {
            counts[(single.to_bits() >> 11) as usize] += 1;
        }
        let observations: Vec<f64> = singles.into_iter().map(f64::from).collect();
        let expected = quantiles_of(&observations);
        let mut quantiles = Quantiles::new();
        quantiles.add_single_buckets(&counts, expected.range());
        assert_eq!(quantiles, expected);
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are indices"
    )]
    fn assert_close_to_order_statistics(observations: &[f64]) {
        let quantiles = quantiles_of(observations);
        let mut sorted = observations.to_vec();
        sorted.sort_by(f64::total_cmp);
        for probability in PROBABILITIES {
            let rank = probability * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
            let exact = low + (high - low) * rank.fract();
            let estimate = quantiles.quantile(probability).unwrap();
            let allowed = RELATIVE_ERROR * low.abs().max(high.abs()).max(f64::MIN_POSITIVE);
            assert!(
                (estimate - exact).abs() <= allowed,
                "p = {probability}: {estimate} for {exact}"
            );
        }
    }

    fn normals(count: usize) -> Vec<f64> {
        let mut random = SmallRng::seed_from_u64(7);
        (0..count)
            .map(|_| {
                let (radius, angle): (f64, f64) = (random.random(), random.random());
                (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
            })
            .collect()
    }

    #[test]
    fn quantiles_are_within_the_stated_error_of_order_statistics() {
        let normal = normals(20_001);
        let map = |f: &dyn Fn(f64) -> f64| normal.iter().map(|&x| f(x)).collect::<Vec<_>>();
        assert_close_to_order_statistics(&normal);
        assert_close_to_order_statistics(&map(&|x| 1158.0 + 11.0 * x));
        assert_close_to_order_statistics(&map(&|x| -1158.0 + 11.0 * x));
        assert_close_to_order_statistics(&map(&|x| (3.0 * x).exp()));
        assert_close_to_order_statistics(&map(&|x| -(30.0 * x).exp()));
        assert_close_to_order_statistics(&map(&|x| (20.0 * x).round()));
        assert_close_to_order_statistics(&map(&|x| (2.0 * x).trunc()));
        assert_close_to_order_statistics(&map(&|x| x * 1e-310));
        assert_close_to_order_statistics(&map(&|x| x * 1e307));
    }

    #[test]
    fn equal_observations_are_found_exactly() {
        for value in [1157.88, 0.0, -3.3, f64::MAX, -f64::MAX, 5e-324] {
            let quantiles = quantiles_of(&[value; 9]);
            for probability in PROBABILITIES {
                assert_eq!(quantiles.quantile(probability), Some(value));
            }
        }
    }

    #[test]
    fn extremes_are_exact() {
        let quantiles = quantiles_of(&[0.1, 0.7, -12.34, 5.0]);
        assert_eq!(quantiles.quantile(0.0), Some(-12.34));
        assert_eq!(quantiles.quantile(1.0), Some(5.0));
    }

    #[test]
    fn empty_samples_and_impossible_probabilities_have_no_quantile() {
        assert_eq!(Quantiles::new().quantile(0.5), None);
        let one = quantiles_of(&[1.0]);
        assert_eq!(one.quantile(0.5), Some(1.0));
        for probability in [-0.1, 1.1, f64::NAN] {
            assert_eq!(one.quantile(probability), None);
        }
    }

    #[test]
    fn non_finite_observations_are_left_out() {
        let quantiles = quantiles_of(&[f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(
            (quantiles.count(), quantiles.range()),
            (1, Some((1.0, 1.0)))
        );
    }

    #[test]
    fn states_that_cannot_be_are_refused() {
        let good = r#"{"min":1.0,"max":1.0,"negative":[],"zeros":0,"positive":[{"first":4190208,"counts":[2]}]}"#;
        let read: Quantiles = serde_json::from_str(good).unwrap();
        assert_eq!(read, quantiles_of(&[1.0, 1.0]));
        for (from, to) in [
            (r#""min":1.0"#, r#""min":2.0"#),
            (r#""min":1.0"#, r#""min":0.9"#),
            (r#""min":1.0"#, r#""min":null"#),
            ("[2]", "[0]"),
            ("[2]", "[]"),
            ("[2]", "[2,18446744073709551615]"),
            ("4190208", "4294967295"),
            ("4190208", "8384512"),
            (r#""zeros":0"#, r#""zeros":18446744073709551615"#),
            (r#""zeros":0"#, r#""zeros":-1"#),
            (r#"[2]}"#, r#"[2]},{"first":4190208,"counts":[2]}"#),
        ] {
            let bad = good.replace(from, to);
            assert!(serde_json::from_str::<Quantiles>(&bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn merging_in_any_order_gives_the_same_bytes(
            bits in prop::collection::vec(prop_oneof![
                any::<u64>(),
                (-5.0..5.0).prop_map(f64::to_bits),
                Just(0.0_f64.to_bits()),
                Just((-0.0_f64).to_bits()),
            ], 0..80),
            cut in 0usize..80,
        ) {
            let observations: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            let (left, right) = observations.split_at(cut.min(observations.len()));
            let mut merged = quantiles_of(right);
            merged.merge(&quantiles_of(left));
            let whole = quantiles_of(&observations);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(&serde_json::to_string(&merged).unwrap(), &text);
            prop_assert!(serde_json::from_str::<Quantiles>(&text).unwrap() == whole);
            prop_assert!(merged == whole);
        }
    }
}
