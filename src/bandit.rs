//! Scores of bandit arms: UCB1, KL-UCB as published and as `RecSim` codes it, and the draw of Thompson sampling.
//!
//! An arm has been pulled `pulls` times and has earned `reward` in all, at most 1 a pull; `total` is the time, which
//! `RecSim` takes to be the pulls of all arms. All functions are generic over [`Number`], take a fixed number of
//! operations, and have their twin in `shaders/bandit.wgsl`. What an arm scores that was never pulled is the caller's
//! matter; here it counts as pulled once.

use crate::distribution::inverse_normal;
use crate::number::Number;

/// Keeps logarithms and quotients finite.
const TINY: f32 = 1e-30;
/// Halvings of the true index: the bracket ends 2^-24 (1 - p) wide, a single-precision spacing.
const BISECTIONS: u32 = 24;
/// Halvings as `RecSim` makes them.
const ALIASED_BISECTIONS: u32 = 16;
/// Added to the level that halvings are compared with, so that single and double precision decide alike. Of all counts up
/// to 200 impressions two lie so close to the level that single precision cannot tell: (94 pulls, reward 16, total 136) by
/// 4e-9, which decides as it did, and (55, 23, 169) by 4e-8, which now decides the other way. The next are 1.3e-7 off.
const ALIASED_MARGIN: f32 = 7e-8;

/// 2^-32, the least that [`fine_uniform`](crate::distribution::fine_uniform) gives.
const UNIFORM_MIN: f32 = 2.3283064e-10;
/// 1 - 2^-24, the most that a uniform is.
const UNIFORM_MAX: f32 = 0.99999994;
/// 2^-24: keeps 1 - x off 0.
const REST_MIN: f32 = 5.9604645e-8;
/// Steps from the first approximation of a quantile; each cubes the error.
const QUANTILE_STEPS: u32 = 3;
/// Pairs of terms of the continued fraction in the last step, which decides the precision.
const FRACTION_PAIRS: u32 = 16;
/// Pairs in the steps before it, which have to come near only.
const FIRST_PAIRS: u32 = 4;
/// 1 / (2 pi).
const INVERSE_TWO_PI: f32 = 0.15915494;
const FIVE_SIXTHS: f32 = 0.8333333;
const TWO_THIRDS: f32 = 0.6666667;
const STIRLING_A: f32 = 0.08333335;
const STIRLING_B: f32 = -7.287141e-7;
const STIRLING_C: f32 = -0.002767444;
const STIRLING_D: f32 = -7.168298e-5;
const STIRLING_E: f32 = 0.001069759;
const STIRLING_F: f32 = -0.0006020694;
const STIRLING_G: f32 = 3.606443e-5;
const STIRLING_H: f32 = 9.396621e-5;
const STIRLING_I: f32 = -2.9749045e-5;

/// Gives every lane a single-precision constant.
#[inline(always)]
fn number<N: Number>(value: f32) -> N {
    N::splat(f64::from(value))
}

/// Returns the mean reward of an arm, one that was never pulled counting as pulled once.
#[inline(always)]
fn mean_reward<N: Number>(pulls: N, reward: N) -> N {
    reward / pulls.max(number(1.0))
}

/// Returns the UCB1 index of an arm.
///
/// ```text
/// reward / pulls + scale sqrt(2 ln total) sqrt(1 / pulls)
/// ```
///
/// # Precision
/// 2.5 ulp in single precision, measured over counts up to 2000.
///
/// # Source
/// Auer, Cesa-Bianchi and Fischer (2002), "Finite-time analysis of the multiarmed bandit problem".
#[inline(always)]
pub fn ucb<N: Number>(pulls: N, reward: N, total: N, scale: N) -> N {
    let pulls = pulls.max(number(1.0));
    let time = (number::<N>(2.0) * total.max(number(1.0)).ln())
        .max(number(0.0))
        .sqrt();
    mean_reward(pulls, reward) + scale * time * (number::<N>(1.0) / pulls).sqrt()
}

/// Returns the divergence KL(p || q) of Bernoulli distributions, in nats, finite at both ends.
#[inline(always)]
fn divergence<N: Number>(p: N, q: N) -> N {
    let one = number::<N>(1.0);
    let tiny = number(TINY);
    let hit = p * (p.max(tiny) / q.max(tiny)).ln();
    let miss = (one - p) * ((one - p).max(tiny) / (one - q).max(tiny)).ln();
    hit + miss
}

/// Returns the divergence that KL-UCB allows: scale^2 (ln total + 3 ln ln total) / pulls.
#[inline(always)]
fn divergence_level<N: Number>(pulls: N, total: N, scale: N) -> N {
    let time = total.max(number(1.0)).ln();
    scale * scale * (time + number::<N>(3.0) * time.max(number(TINY)).ln()) / pulls.max(number(1.0))
}

/// Returns the KL-UCB index of an arm.
///
/// ```text
/// the largest q in [p, 1] with KL(p || q) < c,   p = reward / pulls,
/// c = scale^2 (ln total + 3 ln ln total) / pulls
/// ```
///
/// The lower end of the last bracket; p itself where c is not positive, as for a total of 1 or 2.
///
/// # Precision
/// At most 6e-8 below the index in double precision; within 2e-6 in single, for whole rewards and totals up to 2000.
///
/// # Source
/// Garivier and Cappé (2011), "The KL-UCB algorithm for bounded stochastic bandits and beyond", with their c = 3.
#[inline(always)]
pub fn kl_ucb<N: Number>(pulls: N, reward: N, total: N, scale: N) -> N {
    let level = divergence_level(pulls, total, scale);
    let p = mean_reward(pulls, reward);
    let mut lower = p;
    let mut upper = number::<N>(1.0);
    for _ in 0..BISECTIONS {
        let middle = number::<N>(0.5) * (lower + upper);
        let below = divergence(p, middle).less_than(level);
        lower = N::select(below, middle, lower);
        upper = N::select(below, upper, middle);
    }
    lower
}

/// Returns what `RecSim` computes for KL-UCB: far above the true index.
///
/// There, the lower end of the bracket and p are the same array, so that each successful halving raises p as well and the
/// later ones nearly all succeed. The result is about p + (1 - p) / 2^k, where k is the number of halvings that failed
/// before the first that did not. It is the last of 16 midpoints.
///
/// # Precision
/// As precise as the number type, unless a divergence is so close to the level that single precision takes the other
/// half: not for whole rewards and totals up to 200.
#[inline(always)]
pub fn kl_ucb_aliased<N: Number>(pulls: N, reward: N, total: N, scale: N) -> N {
    number::<N>(1.0) - kl_ucb_aliased_gap(pulls, reward, total, scale)
}

/// Returns by how much [`kl_ucb_aliased`] falls short of 1.
///
/// Most indices lie within 2^-16 of 1, where single precision cannot tell one arm from another: the order of arms is to be
/// taken from this, the smallest first.
///
/// # Precision
/// Relative error some 1e-6 in single precision, but for halvings that go the other way.
#[inline(always)]
pub fn kl_ucb_aliased_gap<N: Number>(pulls: N, reward: N, total: N, scale: N) -> N {
    let level = divergence_level(pulls, total, scale) + number(ALIASED_MARGIN);
    let pulls = pulls.max(number(1.0));
    // All of it measured from 1 downwards: the lower end of the bracket has the larger gap.
    let mut lower = (pulls - reward) / pulls;
    let mut upper = number::<N>(0.0);
    let mut middle = lower;
    for _ in 0..ALIASED_BISECTIONS {
        middle = number::<N>(0.5) * (lower + upper);
        let below = divergence_of_gaps(lower, middle).less_than(level);
        lower = N::select(below, middle, lower);
        upper = N::select(below, upper, middle);
    }
    middle
}

/// Returns the divergence KL(1 - a || 1 - b) of Bernoulli distributions, precise where both are next to 1.
#[inline(always)]
fn divergence_of_gaps<N: Number>(a: N, b: N) -> N {
    let one = number::<N>(1.0);
    let tiny = number(TINY);
    let hit = (one - a) * ((one - a).max(tiny) / (one - b).max(tiny)).ln();
    let miss = a * (a.max(tiny) / b.max(tiny)).ln();
    hit + miss
}

/// Returns what Stirling's formula for ln gamma(x) lacks, for x >= 1.
///
/// ```text
/// ln gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2)
/// ```
///
/// # Precision
/// Absolute error 6e-10: a least-squares fit over 400 Chebyshev points of 1 / x in [0, 1].
#[inline(always)]
fn stirling_error<N: Number>(x: N) -> N {
    let w = number::<N>(1.0) / x;
    let mut p = number::<N>(STIRLING_I);
    p = p * w + number(STIRLING_H);
    p = p * w + number(STIRLING_G);
    p = p * w + number(STIRLING_F);
    p = p * w + number(STIRLING_E);
    p = p * w + number(STIRLING_D);
    p = p * w + number(STIRLING_C);
    p = p * w + number(STIRLING_B);
    p = p * w + number(STIRLING_A);
    p * w
}

/// Returns the probability below x of a Beta(a, b) variable over its density per unit of log-odds, for x up to its mean.
///
/// ```text
/// I_x(a, b) / (x^a (1 - x)^b / B(a, b)) = 1 / (a (1 - o_0 / (1 + e_1 / (1 - o_1 / (1 + e_2 / ...))))),
/// e_m = m (b - m) x / ((a + 2m - 1) (a + 2m)),   o_m = (a + m) (a + b + m) x / ((a + 2m) (a + 2m + 1))
/// ```
///
/// The pairs left out are taken to be equal to the last: that leaves a quadratic equation, and a few pairs suffice where
/// the bare fraction would need sqrt(max(a, b)) of them.
#[inline(always)]
fn tail_over_density<N: Number>(x: N, a: N, b: N, pairs: u32) -> N {
    let one = number::<N>(1.0);
    let n = a + b;
    let last = N::splat(f64::from(pairs));
    let at_last = a + last + last;
    let even = last * (b - last) * x / ((at_last - one) * at_last);
    let odd = (a + last) * (n + last) * x / (at_last * (at_last + one));
    let sum = one + odd + even;
    let root = (sum * sum - number::<N>(4.0) * odd).max(number(0.0)).sqrt();
    let mut rest = number::<N>(0.5) * (sum + root);
    for pair in 0..pairs {
        let m = N::splat(f64::from(pairs - pair));
        let at = a + m + m;
        let inner = at * (at + one) * rest - (a + m) * (n + m) * x;
        rest = one + m * (b - m) * x * rest * (at + one) / ((at - one) * inner);
    }
    rest / (a * (rest - n * x / (a + one)))
}

/// Returns the number below which a Beta(a, b) variable lies with probability `uniform`, for a and b >= 1.
///
/// A uniform draw makes a draw of Thompson sampling: no rejection, and more for a larger uniform. Carter's approximation,
/// by way of the normal quantile, then three of Halley's steps for the logarithm of the lesser tail in the log-odds of x.
/// `uniform` counts as the nearer end outside [2^-32, 1 - 2^-24].
///
/// # Precision
/// Absolute error, for a and b up to
///
/// | | 100 | 1000 | 10 000 |
/// | --- | --- | --- | --- |
/// | double precision | 2e-8 | 5e-7 | 1e-5 (0.003 standard deviations) |
/// | single precision | 1.5e-6 | 4e-6 | 2e-5 (0.005 standard deviations) |
///
/// # Source
/// Carter (1947), "Approximation to percentage points of the z-distribution", as in algorithm AS 109; the continued
/// fraction is 8.17.22 of the Digital Library of Mathematical Functions.
#[inline(always)]
pub fn beta_quantile<N: Number>(uniform: N, a: N, b: N) -> N {
    let one = number::<N>(1.0);
    let half = number::<N>(0.5);
    let u = uniform.max(number(UNIFORM_MIN)).min(number(UNIFORM_MAX));

    let z = -inverse_normal(u);
    let weight_a = one / (a + a - one);
    let weight_b = one / (b + b - one);
    let h = number::<N>(2.0) / (weight_a + weight_b);
    let lambda = (z * z - number(3.0)) / number(6.0);
    let w = z * (h + lambda).sqrt() / h
        - (weight_b - weight_a) * (lambda + number(FIVE_SIXTHS) - number::<N>(TWO_THIRDS) / h);
    let odds = b * (w + w).exp();

    // From here on the tail is the lower one of a variable reflected if need be, and x is below its mean.
    let reflected = odds.less_than(b);
    let mut x = N::select(reflected, odds, a) / (a + odds);
    let probability = N::select(reflected, one - u, u);
    let near = N::select(reflected, b, a);
    let far = N::select(reflected, a, b);

    let n = near + far;
    let at_mean = half * (near * far / n * number(INVERSE_TWO_PI)).ln()
        - stirling_error(near)
        - stirling_error(far)
        + stirling_error(n);
    let wanted = probability.ln() - at_mean;
    for iteration in 0..QUANTILE_STEPS {
        let pairs = if iteration + 1 < QUANTILE_STEPS {
            FIRST_PAIRS
        } else {
            FRACTION_PAIRS
        };
        let rest = (one - x).max(number(REST_MIN));
        let mills = tail_over_density(x, near, far, pairs);
        let excess = near * (x * n / near).ln() + far * (rest * n / far).ln() + mills.ln() - wanted;
        let curvature = half * excess * ((near - n * x) * mills - one);
        let change = excess * mills / (one - curvature.max(-half).min(half));
        let shrunk = x * (-change).exp();
        x = shrunk / (rest + shrunk);
    }
    N::select(reflected, one - x, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::tests::assert_same_constants;
    use crate::number::Lanes;

    type Index = fn(f64, f64, f64, f64) -> f64;
    type SingleIndex = fn(Lanes<1>, Lanes<1>, Lanes<1>, Lanes<1>) -> Lanes<1>;

    /// Requires the scores of arms (pulls, reward, score) at a time and a scale, in both precisions.
    fn assert_scores(
        double: Index,
        single: SingleIndex,
        bound: f64,
        (total, scale): (f64, f64),
        arms: &[(f64, f64, f64)],
    ) {
        for &(pulls, reward, expected) in arms {
            let found = double(pulls, reward, total, scale);
            assert!(
                (found - expected).abs() < bound,
                "{pulls}, {reward}, {total}, {scale}: {found}"
            );
            let [pulls, reward, time, factor] =
                [pulls, reward, total, scale].map(Lanes::<1>::splat);
            let found = single(pulls, reward, time, factor).lane(0);
            assert!(
                (found - expected).abs() < 1e-6,
                "{pulls:?}, {reward:?}, {total}, {scale}: {found}"
            );
        }
    }

    // The scores of the following three are those of RecSim 0.2.4 (UCB1, KL-UCB as coded),
    // rounded to 10 digits; the true KL-UCB indices are 60 bisections in double precision.

    #[test]
    fn ucb_gives_recsims_scores() {
        let run = |setting, arms: &[_]| assert_scores(ucb, ucb, 1e-9, setting, arms);
        run(
            (20.0, 1.0),
            &[(10.0, 10.0, 1.774045512), (10.0, 0.0, 0.774045512)],
        );
        run(
            (160.0, 1.0),
            &[
                (100.0, 30.0, 0.6185961021),
                (50.0, 20.0, 0.8505629286),
                (10.0, 2.0, 1.2074893364),
            ],
        );
        run(
            (160.0, 0.5),
            &[
                (100.0, 30.0, 0.4592980511),
                (50.0, 20.0, 0.6252814643),
                (10.0, 2.0, 0.7037446682),
            ],
        );
    }

    #[test]
    fn kl_ucb_gives_the_true_indices() {
        let run = |setting, arms: &[_]| assert_scores(kl_ucb, kl_ucb, 1e-7, setting, arms);
        run(
            (20.0, 1.0),
            &[
                (10.0, 10.0, 1.0),
                (10.0, 0.0, 0.466731291),
                (10.0, 5.0, 0.9229729554),
                (10.0, 3.0, 0.8141323932),
            ],
        );
        run(
            (160.0, 1.0),
            &[
                (100.0, 30.0, 0.5204425797),
                (50.0, 20.0, 0.7047856623),
                (10.0, 2.0, 0.8387965883),
            ],
        );
        run(
            (160.0, 0.5),
            &[
                (100.0, 30.0, 0.4075843162),
                (50.0, 20.0, 0.5572600782),
                (10.0, 2.0, 0.5433775102),
            ],
        );
        run(
            (2000.0, 1.0),
            &[(1000.0, 100.0, 0.1567866579), (1000.0, 500.0, 0.5821586946)],
        );
    }

    #[test]
    fn kl_ucb_aliased_gives_recsims_scores() {
        let run = |setting, arms: &[_]| {
            assert_scores(kl_ucb_aliased, kl_ucb_aliased, 1e-9, setting, arms);
        };
        run(
            (20.0, 1.0),
            &[
                (10.0, 10.0, 1.0),
                (10.0, 0.0, 0.4999847412),
                (10.0, 5.0, 0.9999923706),
                (10.0, 3.0, 0.9999893188),
            ],
        );
        run(
            (160.0, 1.0),
            &[
                (100.0, 30.0, 0.6499893188),
                (50.0, 20.0, 0.9999908447),
                (10.0, 2.0, 0.9999877930),
            ],
        );
        run(
            (160.0, 0.5),
            &[
                (100.0, 30.0, 0.4749893188),
                (50.0, 20.0, 0.6999908447),
                (10.0, 2.0, 0.5999877930),
            ],
        );
        run(
            (2000.0, 1.0),
            &[(1000.0, 100.0, 0.2124862671), (1000.0, 500.0, 0.6249923706)],
        );
    }

    #[test]
    fn the_divergence_at_kl_ucb_is_its_level_for_all_counts_of_short_episodes() {
        for total in 1..=60 {
            for pulls in 1..=total {
                for reward in 0..=pulls {
                    let [n, r, t] = [pulls, reward, total].map(f64::from);
                    let p = r / n;
                    let index = kl_ucb(n, r, t, 1.0);
                    let single = kl_ucb(
                        Lanes::<1>::splat(n),
                        Number::splat(r),
                        Number::splat(t),
                        Number::splat(1.0),
                    );
                    assert!((single.lane(0) - index).abs() < 2e-6, "{n}, {r}, {t}");
                    let level = (t.ln() + 3.0 * t.ln().ln()) / n;
                    if total <= 2 {
                        assert_eq!(index, p);
                    } else {
                        let exact = |q: f64| {
                            let hit = if p > 0.0 { p * (p / q).ln() } else { 0.0 };
                            let miss = if p < 1.0 {
                                (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln()
                            } else {
                                0.0
                            };
                            hit + miss
                        };
                        assert!(reward == pulls || exact(index) < level);
                        assert!(
                            index + 1e-7 >= 1.0 || exact(index + 1e-7) >= level,
                            "{n}, {r}, {t}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn arms_that_were_never_pulled_score_finite_numbers() {
        for total in [0.0, 1.0, 2.0, 50.0] {
            for index in [ucb, kl_ucb, kl_ucb_aliased] as [SingleIndex; 3] {
                let [zero, total, one] = [0.0, total, 1.0].map(Lanes::<1>::splat);
                assert!(index(zero, zero, total, one).lane(0).is_finite());
            }
        }
    }

    /// Quantiles in double and in single precision, the latter of parameters that are exact in both.
    fn quantiles(u: f64, a: f64, b: f64) -> (f64, f64) {
        let [single_u, single_a, single_b] = [u, a, b].map(Lanes::<1>::splat);
        (
            beta_quantile(u, a, b),
            beta_quantile(single_u, single_a, single_b).lane(0),
        )
    }

    /// Uniforms down to both ends of what is drawn.
    fn uniforms() -> impl Iterator<Item = f64> {
        let ends = [1.0, 3.0, 101.0, 10_001.0].map(|k| k / 16_777_216.0);
        let inner = (0..200).map(|k| (2.0 * f64::from(k) + 1.0) / 512.0);
        ends.into_iter().chain(inner).flat_map(|u| [u, 1.0 - u])
    }

    #[test]
    fn quantiles_of_beta_variables_are_scipys() {
        // scipy 1.17.1, scipy.stats.beta.ppf(u, a, b); the bounds for double and single precision.
        let known = [
            (0.025, 2.5, 7.25, 0.050_814_205_495_634_465),
            (0.9, 3.0, 1.5, 0.913_565_565_695_318_6),
            (0.001, 41.0, 161.0, 0.124_660_817_971_101_22),
            (0.999, 41.0, 161.0, 0.297_867_262_960_521),
            (0.3, 1.25, 1.25, 0.323_302_660_457_333_4),
            (0.05, 5.0, 5.0, 0.251_367_627_408_177_25),
            (0.2, 101.0, 1.0, 0.984_191_262_029_981_6),
            (2f64.powi(-24), 4.0, 60.0, 0.000_566_200_388_637_523_3),
            (1.0 - 2f64.powi(-24), 4.0, 60.0, 0.329_648_536_400_504_5),
            (0.5, 500.0, 300.0, 0.625_104_216_664_289_7),
            (0.01, 1000.0, 2.0, 0.993_386_926_044_211_6),
        ];
        for (u, a, b, expected) in known {
            let (double, single) = quantiles(u, a, b);
            assert!((double - expected).abs() < 2e-8, "{u}, {a}, {b}: {double}");
            assert!(
                (single - expected).abs() < 1.5e-6,
                "{u}, {a}, {b}: {single}"
            );
        }
        let (double, single) = quantiles(0.7, 10_000.0, 7000.0);
        let expected = 0.590_217_244_709_232_2;
        assert!((double - expected).abs() < 1e-5, "{double}");
        assert!((single - expected).abs() < 2e-5, "{single}");
    }

    #[test]
    fn quantiles_are_the_closed_forms_where_a_parameter_is_one() {
        for u in uniforms() {
            for other in [1.0f64, 1.5, 2.0, 7.0, 33.0, 100.0] {
                let (double, single) = quantiles(u, other, 1.0);
                let expected = u.powf(1.0 / other);
                assert!((double - expected).abs() < 2e-8, "{u}, {other}: {double}");
                assert!((single - expected).abs() < 1.5e-6, "{u}, {other}: {single}");
                let (double, single) = quantiles(u, 1.0, other);
                let expected = -((-u).ln_1p() / other).exp_m1();
                assert!((double - expected).abs() < 2e-8, "{u}, {other}: {double}");
                assert!((single - expected).abs() < 1.5e-6, "{u}, {other}: {single}");
            }
        }
    }

    #[test]
    fn quantiles_of_symmetric_variables_are_symmetric_about_one_half() {
        for (parameter, bound, single_bound) in [
            (1.0, 2e-8, 1.5e-6),
            (1.75, 2e-8, 1.5e-6),
            (60.0, 2e-8, 1.5e-6),
            (1000.0, 5e-7, 4e-6),
            (10_000.0, 1e-5, 2e-5),
        ] {
            let (double, single) = quantiles(0.5, parameter, parameter);
            assert!((double - 0.5).abs() < bound, "{parameter}: {double}");
            assert!((single - 0.5).abs() < single_bound, "{parameter}: {single}");
            for u in uniforms() {
                let sum = quantiles(u, parameter, parameter).0
                    + quantiles(1.0 - u, parameter, parameter).0;
                assert!((sum - 1.0).abs() < 2.0 * bound, "{parameter}, {u}: {sum}");
            }
        }
    }

    #[test]
    fn quantiles_grow_with_the_uniform_and_stay_in_the_unit_interval() {
        for a in [1.0, 1.25, 4.0, 30.0, 101.0, 401.0, 10_000.0] {
            for b in [1.0, 2.5, 11.0, 201.0, 10_000.0] {
                let mut sorted: Vec<f64> = uniforms().collect();
                sorted.sort_by(f64::total_cmp);
                sorted.dedup();
                let found: Vec<(f64, f64)> = sorted.iter().map(|&u| quantiles(u, a, b)).collect();
                for (pair, u) in found.windows(2).zip(&sorted) {
                    assert!(pair[0].0 < pair[1].0, "{a}, {b} after {u}: {pair:?}");
                    assert!(
                        pair[0].1 <= pair[1].1 + 4e-6,
                        "{a}, {b} after {u}: {pair:?}"
                    );
                }
                assert!(found.iter().all(|&(double, single)| {
                    (0.0..=1.0).contains(&double) && (0.0..=1.0).contains(&single)
                }));
            }
        }
    }

    #[test]
    fn single_precision_quantiles_are_close_to_double_ones() {
        for u in uniforms() {
            for (a, b, bound) in [
                (2.0, 3.0, 1.5e-6),
                (17.5, 2.25, 1.5e-6),
                (100.0, 100.0, 1.5e-6),
                (3.0, 98.0, 1.5e-6),
                (1000.0, 900.0, 4e-6),
                (20.0, 1000.0, 4e-6),
                (10_000.0, 9000.0, 2e-5),
                (10_000.0, 1.0, 2e-5),
            ] {
                let (double, single) = quantiles(u, a, b);
                assert!(
                    (double - single).abs() < bound,
                    "{u}, {a}, {b}: {double}, {single}"
                );
            }
        }
    }

    #[test]
    fn both_twins_hold_the_same_constants() {
        let (rust, wgsl) = (
            include_str!("bandit.rs"),
            include_str!("../shaders/bandit.wgsl"),
        );
        assert_same_constants(rust, wgsl, &[]);
    }
}
