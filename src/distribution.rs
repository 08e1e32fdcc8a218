//! From random words to random numbers: uniform, normal, log-normal, truncated normal, categorical and whole numbers.
//!
//! Every function takes a fixed number of words and rejects nothing, so that a draw's place in the stream never depends
//! on an earlier draw. All are generic over [`Number`]: in double precision they are the oracle's, on lanes those of the
//! `cpu` backend, and `shaders/distribution.wgsl` is their twin.

use crate::number::{Number, Word, number};

/// 2^-24.
const UNIFORM_STEP: f32 = 5.9604645e-8;
/// 2^-32.
const FINE_STEP: f32 = 2.3283064e-10;
/// From here on a word has more bits than a single-precision significand.
const FINE_EXACT: u32 = 0x0100_0000;
const FINE_MASK: u32 = 0xffff_ff00;

/// Draws from (0, 1) on an even grid: (2k + 1) 2^-24, where k is the upper 23 bits of the word.
///
/// Never 0, never 1, and of mean exactly 1/2, because the grid is symmetric. Shaders often write the same value as
/// `bitcast((word >> 9) | 0x3f800000) - 0.99999994`.
///
/// # Precision
/// Exact, in single as in double precision.
#[inline(always)]
pub fn uniform<N: Number>(word: N::Word) -> N {
    N::from_word((word >> 8) | N::Word::splat(1)) * number(UNIFORM_STEP)
}

/// Draws from (0, 1) for a logarithm: towards 0 all 32 bits of the word matter.
///
/// ```text
/// b = word | 1;   b 2^-32 below 2^-8,   (b with its low 8 bits cleared) 2^-32 above
/// ```
///
/// Lies in [2^-32, 1 - 2^-24], and is at most 2^-24 below (word + 1/2) 2^-32.
///
/// # Precision
/// Exact, in single as in double precision: no value has more than 24 significant bits, since how a GPU rounds longer
/// ones is not specified.
#[inline(always)]
pub fn fine_uniform<N: Number>(word: N::Word) -> N {
    let bits = word | N::Word::splat(1);
    let exact = bits.less_than(N::Word::splat(FINE_EXACT));
    N::from_long_word(N::Word::select(
        exact,
        bits,
        bits & N::Word::splat(FINE_MASK),
    )) * number(FINE_STEP)
}

/// Draws two independent standard normal numbers from two words.
///
/// ```text
/// radius = sqrt(-2 ln u),  angle = pi (2 v - 1):   (radius cos(angle), radius sin(angle))
/// ```
///
/// The radius reaches sqrt(64 ln 2) = 6.66, and its tail is that of a true normal pair up to there; the angle takes 2^23
/// directions.
///
/// # Source
/// Box and Muller (1958), "A note on the generation of random normal deviates".
#[inline(always)]
pub fn normal_pair<N: Number>(word_a: N::Word, word_b: N::Word) -> (N, N) {
    // A logarithm that errs may be positive next to 1: without the bound the root could be NaN.
    let radius = (number::<N>(-2.0) * fine_uniform::<N>(word_a).ln())
        .max(number(0.0))
        .sqrt();
    let (sine, cosine) = (number::<N>(2.0) * uniform(word_b) - number(1.0)).sincospi();
    (radius * cosine, radius * sine)
}

/// Turns a standard normal number into a log-normal one: exp(mu + sigma z).
///
/// `mu` and `sigma` are the mean and the standard deviation of the logarithm.
#[inline(always)]
pub fn log_normal<N: Number>(mu: N, sigma: N, z: N) -> N {
    (mu + sigma * z).exp()
}

/// Keeps probabilities off 1, where the inverse distribution function is infinite: 1 - 2^-24.
const PROBABILITY_MAX: f32 = 0.99999994;
/// Keeps probabilities off 0, and normal: about 2^-126.
const PROBABILITY_MIN: f32 = 1.18e-38;

/// Draws a standard normal number between two bounds, given the probabilities below each bound.
///
/// `lower_probability` and `upper_probability` are [`normal_probability`] of the bounds. One uniform makes one number,
/// with no rejection.
///
/// # Precision
/// As [`inverse_normal`]; a draw next to a bound may lie beyond it by that error.
#[inline(always)]
pub fn truncated_normal<N: Number>(uniform: N, lower_probability: N, upper_probability: N) -> N {
    inverse_normal(lower_probability + uniform * (upper_probability - lower_probability))
}

/// |p - 1/2| up to which the central approximation holds.
const CENTRE: f32 = 0.425;
/// The square of that.
const CENTRE_SQUARE: f32 = 0.180625;
/// sqrt(-ln p) up to which the nearer of the two tail approximations holds.
const TAIL: f32 = 5.0;
const TAIL_SHIFT: f32 = 1.6;
const CENTRE_NUM_A: f32 = 3.3871326;
const CENTRE_NUM_B: f32 = 50.434273;
const CENTRE_NUM_C: f32 = 159.29114;
const CENTRE_NUM_D: f32 = 59.109375;
const CENTRE_DEN_B: f32 = 17.89517;
const CENTRE_DEN_C: f32 = 78.75776;
const CENTRE_DEN_D: f32 = 67.18756;
const TAIL_NUM_A: f32 = 1.4234372;
const TAIL_NUM_B: f32 = 2.7568154;
const TAIL_NUM_C: f32 = 1.3067285;
const TAIL_NUM_D: f32 = 0.17023821;
const TAIL_DEN_B: f32 = 0.73700166;
const TAIL_DEN_C: f32 = 0.12021133;
const FAR_NUM_A: f32 = 6.657905;
const FAR_NUM_B: f32 = 3.0812263;
const FAR_NUM_C: f32 = 0.42868295;
const FAR_NUM_D: f32 = 0.017337205;
const FAR_DEN_B: f32 = 0.24197894;
const FAR_DEN_C: f32 = 0.012258203;

/// Returns the number below which a standard normal variable lies with probability `p`.
///
/// Probabilities outside [1.18e-38, 1 - 2^-24] count as the nearer end, so that the result is always finite.
///
/// # Precision
/// Relative error 1.7e-7 in double precision and 4.2e-7 in single, for p in [1e-37, 1/2] and exact. In single precision an
/// upper tail is only as fine as `p` next to 1: reflect it into the lower one where that matters.
///
/// # Source
/// Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", routine PPND7.
#[inline(always)]
pub fn inverse_normal<N: Number>(p: N) -> N {
    let p = p.max(number(PROBABILITY_MIN)).min(number(PROBABILITY_MAX));
    let q = p - number(0.5);
    let t = number::<N>(CENTRE_SQUARE) - q * q;
    let mut a = number::<N>(CENTRE_NUM_D);
    a = a * t + number(CENTRE_NUM_C);
    a = a * t + number(CENTRE_NUM_B);
    a = a * t + number(CENTRE_NUM_A);
    let mut b = number::<N>(CENTRE_DEN_D);
    b = b * t + number(CENTRE_DEN_C);
    b = b * t + number(CENTRE_DEN_B);
    b = b * t + number(1.0);
    let centre = q * a / b;

    let depth = (-p.min(number::<N>(1.0) - p).ln()).sqrt();
    let near = depth.at_most(number(TAIL));
    let r = depth - N::select(near, number(TAIL_SHIFT), number(TAIL));
    let mut c = N::select(near, number(TAIL_NUM_D), number(FAR_NUM_D));
    c = c * r + N::select(near, number(TAIL_NUM_C), number(FAR_NUM_C));
    c = c * r + N::select(near, number(TAIL_NUM_B), number(FAR_NUM_B));
    c = c * r + N::select(near, number(TAIL_NUM_A), number(FAR_NUM_A));
    let mut d = N::select(near, number(TAIL_DEN_C), number(FAR_DEN_C));
    d = d * r + N::select(near, number(TAIL_DEN_B), number(FAR_DEN_B));
    d = d * r + number(1.0);
    let tail = N::select(q.less_than(number(0.0)), -(c / d), c / d);

    N::select(q.abs().at_most(number(CENTRE)), centre, tail)
}

/// Sums probabilities up, on the host: entry `i` is the share of the total that entries 0 to `i` have.
///
/// Entries are 1 from the last probability that is not 0 on, so that no draw below 1 passes it.
///
/// # Precision
/// Rounded to single precision, so that all backends draw the same from it.
#[allow(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
pub fn cumulative(probabilities: &[f64]) -> Vec<f64> {
    let total: f64 = probabilities.iter().sum();
    let sums = probabilities.iter().scan(0.0, |sum, probability| {
        *sum += probability;
        Some(f64::from((*sum / total) as f32))
    });
    sums.collect()
}

/// Adds 1 to an index if an entry of a cumulative distribution does not exceed the draw: one step of [`categorical`].
#[inline(always)]
pub fn categorical_step<N: Number>(index: N::Word, uniform: N, cumulative_value: N) -> N::Word {
    index
        + N::Word::select(
            cumulative_value.at_most(uniform),
            N::Word::splat(1),
            N::Word::splat(0),
        )
}

/// Draws an index from a cumulative distribution: the smallest `i` with `cumulative[i] > uniform`.
///
/// This is numpy's `searchsorted(cumulative, uniform, side="right")`. The last entry is taken for 1 whatever it holds, so
/// that rounding in the sums never gives an index outside the distribution. Shaders, which have no slices, call
/// [`categorical_step`] in a loop of their own.
#[inline(always)]
pub fn categorical<N: Number>(uniform: N, cumulative: &[N]) -> N::Word {
    let all_but_last = &cumulative[..cumulative.len().saturating_sub(1)];
    let mut index = N::Word::splat(0);
    // Not `fold`: where the compiler does not inline it, it is not compiled for the registers of the vectors.
    for &cumulative_value in all_but_last {
        index = categorical_step(index, uniform, cumulative_value);
    }
    index
}

/// Draws a whole number below `bound`: the upper half of the 64-bit product of word and bound.
///
/// No value's probability differs from 1 / bound by 2^-32 or more, a relative bias below bound / 2^32. A bound of 0
/// gives 0.
#[inline(always)]
pub fn bounded_integer<W: Word>(word: W, bound: W) -> W {
    word.widening_mul(bound).0
}

/// Returns the probability that a standard normal variable lies below `x`, on the host.
///
/// ```text
/// |x| < 2:   1/2 + phi(x) (x + x^3 / 3 + x^5 / 15 + ...)
/// else:      phi(x) / (x + 1 / (x + 2 / (x + 3 / (x + ...))))  is the upper tail
/// ```
///
/// # Precision
/// Absolute error below 3e-16. Relative error of a lower tail below 1e-14 for x >= -8 and 2e-13 down to -37; below -38 the
/// result is 0 or subnormal.
///
/// # Source
/// Marsaglia (2004), "Evaluating the normal distribution", for the series; Laplace's continued fraction for the tails.
pub fn normal_probability(x: f64) -> f64 {
    const CONTINUED_FRACTION_TERMS: u32 = 120;
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if x.abs() < 2.0 {
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term.abs() > f64::EPSILON * 1e-2 * sum.abs() {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        0.5 + density * sum
    } else {
        let depth = x.abs();
        let fraction = (1..=CONTINUED_FRACTION_TERMS)
            .rev()
            .fold(depth, |rest, n| depth + f64::from(n) / rest);
        let tail = density / fraction;
        if x < 0.0 { tail } else { 1.0 - tail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::tests::assert_same_constants;
    use crate::number::{Lanes, LanesWord, ScalarWord};
    use std::array::from_fn;

    /// A counter hash (murmur3's finaliser), so that these tests do not rest on the generator.
    fn hash(counter: u32) -> u32 {
        let a = (counter ^ (counter >> 16)).wrapping_mul(0x85eb_ca6b);
        let b = (a ^ (a >> 13)).wrapping_mul(0xc2b2_ae35);
        b ^ (b >> 16)
    }

    /// Two streams of words, for counters from 0.
    fn words(count: u32) -> impl Iterator<Item = (u32, u32)> {
        (0..count).map(|counter| (hash(2 * counter + 1), hash(2 * counter + 2)))
    }

    /// Kolmogorov's distance between a sample and a distribution, times the root of the size.
    fn kolmogorov(mut sample: Vec<f64>, probability: impl Fn(f64) -> f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let size = sample.len() as f64;
        let distance = sample.iter().enumerate().map(|(rank, &x)| {
            let p = probability(x);
            (p - rank as f64 / size)
                .abs()
                .max(((rank + 1) as f64 / size - p).abs())
        });
        distance.fold(0.0, f64::max) * size.sqrt()
    }

    /// Exceeded by a true sample with probability 0.001.
    const KOLMOGOROV_LIMIT: f64 = 1.95;

    #[test]
    fn uniform_is_the_grid_it_says_in_both_precisions() {
        for (word, numerator) in [
            (0, 1.0),
            (u32::MAX, 16_777_215.0),
            (1 << 31, 8_388_609.0),
            (511, 1.0),
            (512, 3.0),
        ] {
            assert_eq!(uniform::<f64>(ScalarWord(word)), numerator / 16_777_216.0);
            let single = uniform::<Lanes<1>>(LanesWord([word])).0[0];
            assert_eq!(f64::from(single), numerator / 16_777_216.0);
            assert_eq!(
                single,
                f32::from_bits(word >> 9 | 0x3f80_0000) - 0.999_999_94
            );
        }
        for (word, other) in words(1000) {
            assert_eq!(
                uniform::<f64>(ScalarWord(word)) + uniform::<f64>(ScalarWord(!word)),
                1.0
            );
            assert_eq!(
                uniform::<f64>(ScalarWord(other)),
                uniform::<Lanes<1>>(LanesWord([other])).lane(0)
            );
        }
    }

    #[test]
    fn fine_uniform_uses_all_bits_towards_zero_and_stays_below_one() {
        let cases = [
            (0, 1),
            (1, 1),
            (2, 3),
            (0x00ff_ffff, 0x00ff_ffff),
            (0x0100_0001, 0x0100_0000),
            (u32::MAX, 0xffff_ff00u32),
        ];
        for (word, numerator) in cases {
            let expected = f64::from(numerator) / 2f64.powi(32);
            assert_eq!(fine_uniform::<f64>(ScalarWord(word)), expected);
            assert_eq!(
                fine_uniform::<Lanes<1>>(LanesWord([word])).lane(0),
                expected
            );
        }
    }

    #[test]
    fn uniforms_are_uniform() {
        let sample = |draw: fn(u32) -> f64| words(1 << 16).map(|(word, _)| draw(word)).collect();
        assert!(kolmogorov(sample(|word| uniform(ScalarWord(word))), |x| x) < KOLMOGOROV_LIMIT);
        assert!(
            kolmogorov(sample(|word| fine_uniform(ScalarWord(word))), |x| x) < KOLMOGOROV_LIMIT
        );
    }

    #[test]
    fn normal_pairs_are_independent_standard_normals() {
        let pairs: Vec<(f64, f64)> = words(1 << 16)
            .map(|(word_a, word_b)| normal_pair(ScalarWord(word_a), ScalarWord(word_b)))
            .collect();
        let root = (pairs.len() as f64).sqrt();
        let mean_of =
            |f: fn(f64, f64) -> f64| pairs.iter().map(|&(a, b)| f(a, b)).sum::<f64>() / root / root;
        // Each moment within 4 standard errors: the variances of x, x^2, x^3, x^4 are 1, 2, 15 and 96.
        for pick in [|a, _| a, |_, b| b] as [fn(f64, f64) -> f64; 2] {
            let moment = |power: i32| {
                pairs
                    .iter()
                    .map(|&(a, b)| pick(a, b).powi(power))
                    .sum::<f64>()
                    / root
                    / root
            };
            for (power, expected, variance) in [
                (1, 0.0, 1.0),
                (2, 1.0, 2.0),
                (3, 0.0, 15.0),
                (4, 3.0, 96.0f64),
            ] {
                assert!(
                    (moment(power) - expected).abs() < 4.0 * variance.sqrt() / root,
                    "moment {power}"
                );
            }
            let sample = pairs.iter().map(|&(a, b)| pick(a, b)).collect();
            assert!(kolmogorov(sample, normal_probability) < KOLMOGOROV_LIMIT);
        }
        // The product has variance 1, the product of the squares (variance of a^2 b^2) 8.
        assert!(mean_of(|a, b| a * b).abs() < 4.0 / root);
        assert!((mean_of(|a, b| a * a * b * b) - 1.0).abs() < 4.0 * 8f64.sqrt() / root);
    }

    #[test]
    fn normal_tails_reach_past_six_and_a_half_and_are_finite_everywhere() {
        // Word b just below one half points along the first axis, at a quarter along the second.
        let (far, _) = normal_pair::<Lanes<1>>(LanesWord([0]), LanesWord([0x7fff_ffff]));
        let (_, up) = normal_pair::<Lanes<1>>(LanesWord([0]), LanesWord([0xbfff_ffff]));
        assert!(far.lane(0) > 6.5 && up.lane(0) > 6.5, "{far:?} {up:?}");
        let (least, other) = normal_pair::<Lanes<1>>(LanesWord([u32::MAX]), LanesWord([u32::MAX]));
        assert!(least.lane(0).abs() < 4e-4 && other.lane(0).abs() < 4e-4);
        // Of 2^32 pairs 2^32 exp(-r^2 / 2) lie beyond r: at 6.5 that is 2.9, the words below 3.
        assert!(-2.0 * fine_uniform::<f64>(ScalarWord(2)).ln() > 6.5 * 6.5 - 0.3);
    }

    #[test]
    fn single_and_double_precision_agree() {
        for (word_a, word_b) in words(20_000) {
            let (x, y) = normal_pair::<f64>(ScalarWord(word_a), ScalarWord(word_b));
            let (single_x, single_y) =
                normal_pair::<Lanes<1>>(LanesWord([word_a]), LanesWord([word_b]));
            let radius = x.hypot(y);
            let tolerance = 4.0 * 2f64.powi(-24) * radius;
            assert!(
                (single_x.lane(0) - x).abs() <= tolerance
                    && (single_y.lane(0) - y).abs() <= tolerance
            );

            let p = uniform::<f64>(ScalarWord(word_a));
            let single = inverse_normal(Lanes::<1>::splat(p)).lane(0);
            assert!(
                (single - inverse_normal(p)).abs() <= 8e-7 * single.abs().max(1.0),
                "{p}: {single}"
            );

            let exact = log_normal(0.5, 0.3, x);
            let single = log_normal(Lanes::<1>::splat(0.5), Number::splat(0.3), single_x).lane(0);
            assert!((single - exact).abs() <= 8.0 * 2f64.powi(-24) * exact);

            let bounded = bounded_integer(ScalarWord(word_a), ScalarWord(word_b));
            assert_eq!(
                bounded.0,
                bounded_integer(LanesWord([word_a]), LanesWord([word_b])).0[0]
            );
        }
    }

    #[test]
    fn lanes_of_any_width_give_the_same_bits() {
        for start in 0..500u32 {
            let a: [u32; 16] = from_fn(|lane| hash(start * 32 + u32::try_from(lane).expect("few")));
            let b: [u32; 16] =
                from_fn(|lane| hash(start * 32 + 16 + u32::try_from(lane).expect("few")));
            let (x, y) = normal_pair::<Lanes<16>>(LanesWord(a), LanesWord(b));
            let p = inverse_normal(fine_uniform::<Lanes<16>>(LanesWord(a)));
            for lane in 0..16 {
                let one = normal_pair::<Lanes<1>>(LanesWord([a[lane]]), LanesWord([b[lane]]));
                let one_p = inverse_normal(fine_uniform::<Lanes<1>>(LanesWord([a[lane]])));
                assert_eq!(
                    [x, y, p].map(|wide| wide.0[lane].to_bits()),
                    [one.0, one.1, one_p].map(|n| n.0[0].to_bits())
                );
            }
        }
    }

    #[test]
    fn log_normal_has_its_mean_and_median() {
        let sample: Vec<f64> = words(1 << 16)
            .map(|(word_a, word_b)| {
                log_normal(
                    0.2,
                    0.5,
                    normal_pair::<f64>(ScalarWord(word_a), ScalarWord(word_b)).0,
                )
            })
            .collect();
        let size = sample.len() as f64;
        // Mean exp(mu + sigma^2 / 2), variance (exp(sigma^2) - 1) mean^2; 4 standard errors.
        let (mean, spread) = ((0.2f64 + 0.125).exp(), (0.25f64.exp() - 1.0).sqrt());
        assert!(
            (sample.iter().sum::<f64>() / size - mean).abs() < 4.0 * spread * mean / size.sqrt()
        );
        let below = sample.iter().filter(|&&x| x < 0.2f64.exp()).count() as f64;
        assert!((below / size - 0.5).abs() < 4.0 * 0.5 / size.sqrt());
    }

    #[test]
    fn inverse_normal_gives_known_percentage_points() {
        // mpmath, 40 digits.
        let known = [
            (0.975, 1.959_963_984_540_054_2),
            (0.6, 0.253_347_103_135_799_8),
            (0.07, -1.475_791_028_179_170_7),
            (0.001, -3.090_232_306_167_813_5),
            (1e-15, -7.941_345_326_170_997),
            (1e-30, -11.464_024_688_443_616),
        ];
        for (p, expected) in known {
            assert!(
                (inverse_normal(p) / expected - 1.0f64).abs() < 1.8e-7,
                "{p}"
            );
            let single = inverse_normal(Lanes::<1>::splat(p)).lane(0);
            assert!((single / expected - 1.0).abs() < 5e-7, "{p}: {single}");
        }
        assert_eq!(inverse_normal(0.5), 0.0);
        for p in [-1.0, 0.0, 1.0, 2.0] {
            assert!(
                inverse_normal::<f64>(p).is_finite()
                    && inverse_normal(Lanes::<1>::splat(p)).lane(0).is_finite()
            );
        }
    }

    #[test]
    fn truncated_normals_keep_to_their_bounds_and_their_shape() {
        let (lower, upper) = (-1.0, 2.0);
        let (low, high) = (normal_probability(lower), normal_probability(upper));
        let sample: Vec<f64> = words(1 << 16)
            .map(|(word, _)| truncated_normal(uniform(ScalarWord(word)), low, high))
            .collect();
        assert!(sample.iter().all(|&x| x > lower - 1e-6 && x < upper + 1e-6));
        assert!(
            kolmogorov(sample, |x| (normal_probability(x) - low) / (high - low)) < KOLMOGOROV_LIMIT
        );
    }

    #[test]
    fn categorical_is_numpys_searchsorted_from_the_right() {
        let cumulative = [0.25, 0.25, 0.5, 1.0];
        for (uniform, index) in [(0.1, 0), (0.25, 2), (0.3, 2), (0.5, 3), (0.99, 3), (1.0, 3)] {
            assert_eq!(categorical(uniform, &cumulative).0, index, "{uniform}");
        }
        // Sums that fall short of 1 still give the last index.
        assert_eq!(categorical(0.999, &[0.5, 0.9]).0, 1);
        assert_eq!(categorical(0.5, &[]).0, 0);
    }

    #[test]
    fn categorical_frequencies_pass_a_chi_square_test() {
        let probabilities = [0.1f64, 0.2, 0.3, 0.15, 0.25];
        let cumulative = [0.1, 0.3, 0.6, 0.75, 1.0].map(Lanes::<1>::splat);
        let mut counts = [0.0; 5];
        for (word, _) in words(1 << 16) {
            counts[categorical(uniform(LanesWord([word])), &cumulative).0[0] as usize] += 1.0;
        }
        let statistic: f64 = counts
            .iter()
            .zip(probabilities)
            .map(|(n, p)| (n - 65536.0 * p).powi(2) / (65536.0 * p))
            .sum();
        // Exceeded with probability 0.001 for 4 degrees of freedom.
        assert!(statistic < 18.47, "{statistic}");
    }

    #[test]
    fn bounded_integers_stay_below_their_bound_and_are_even() {
        assert_eq!(
            bounded_integer(ScalarWord(u32::MAX), ScalarWord(u32::MAX)).0,
            u32::MAX - 1
        );
        assert_eq!(bounded_integer(ScalarWord(u32::MAX), ScalarWord(0)).0, 0);
        let mut counts = [0.0; 10];
        for (word, _) in words(1 << 16) {
            counts[bounded_integer(ScalarWord(word), ScalarWord(10)).0 as usize] += 1.0;
        }
        let statistic: f64 = counts
            .iter()
            .map(|n| (n - 6553.6f64).powi(2) / 6553.6)
            .sum();
        // Exceeded with probability 0.001 for 9 degrees of freedom.
        assert!(statistic < 27.88, "{statistic}");
    }

    #[test]
    fn normal_probability_gives_known_values() {
        // mpmath, 40 digits.
        let known = [
            (-37.0, 5.725_571_222_524_577e-300, 2e-13),
            (-8.0, 6.220_960_574_271_784e-16, 1e-14),
            (-3.0, 0.001_349_898_031_630_094_6, 1e-14),
            (-2.0, 0.022_750_131_948_179_21, 1e-14),
            (-1.999, 0.022_804_176_932_658_883, 1e-14),
            (-1.0, 0.158_655_253_931_457_05, 2e-15),
            (0.0, 0.5, 1e-16),
            (0.5, 0.691_462_461_274_013_1, 1e-15),
            (1.96, 0.975_002_104_851_779_6, 1e-15),
            (6.0, 0.999_999_999_013_412_4, 1e-15),
        ];
        for (x, expected, relative) in known {
            assert!(
                (normal_probability(x) / expected - 1.0).abs() <= relative,
                "{x}: {:e}",
                normal_probability(x)
            );
        }
        assert_eq!(
            (
                normal_probability(f64::NEG_INFINITY),
                normal_probability(f64::INFINITY)
            ),
            (0.0, 1.0)
        );
    }

    #[test]
    fn both_twins_hold_the_same_constants() {
        let (rust, wgsl) = (
            include_str!("distribution.rs"),
            include_str!("../shaders/distribution.wgsl"),
        );
        assert_same_constants(rust, wgsl, &[]);
    }
}
