//! Scores of bandit arms: UCB1, KL-UCB as published and as `RecSim` codes it, and the draw of Thompson sampling.
//!
//! An arm has been pulled `pulls` times and has earned `reward` in all, at most 1 a pull; `total` is the time, which `RecSim`
//! takes to be the pulls of all arms. All functions are generic over [`Number`], take a fixed number of operations, and have
//! their twin in `shaders/bandit.wgsl`. How an arm scores that was never pulled is up to the caller; here it counts as pulled
//! once.

use crate::distribution::inverse_normal;
use crate::number::{Number, number};

/// Keeps logarithms and quotients finite.
const TINY: f32 = 1e-30;
/// Halvings of the true index: the bracket ends 2^-24 (1 - p) wide, a single-precision spacing.
const BISECTIONS: u32 = 24;
/// From here on, 1 - 2^-16, an upper confidence bound of a probability counts as 1.
const CERTAIN: f32 = 0.99998474;
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

/// Returns the mean reward of an arm, one that was never pulled counting as pulled once.
///
/// Rounded to nearest in both twins, as the gap of [`kl_ucb_aliased_gap`] is: arms with equal means must tie where a small
/// `scale` leaves the mean alone.
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
/// At most 6e-8 below the index in double precision; within 2e-6 in single, for whole rewards and totals up to 2000. From
/// 1 - 2^-16 on it is 1, so that arms of which next to nothing is known tie in single precision as in double.
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
    N::select(lower.less_than(number(CERTAIN)), lower, number(1.0))
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
mod tests;
