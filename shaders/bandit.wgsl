// Scores of bandit arms: UCB1, KL-UCB as published and as RecSim codes it, and the draw of Thompson sampling.
//
// Twin: src/bandit.rs, with formulas and precision. Same names, same order of operations.

#define_import_path slatesim::bandit

#import slatesim::math
#import slatesim::distribution

// Keeps logarithms and quotients finite.
const TINY: f32 = 1e-30;
// Halvings of the true index: the bracket ends 2^-24 (1 - p) wide, a single-precision spacing.
const BISECTIONS: u32 = 24u;
// From here on, 1 - 2^-16, an upper confidence bound of a probability counts as 1.
const CERTAIN: f32 = 0.99998474;
// Halvings as RecSim makes them.
const ALIASED_BISECTIONS: u32 = 16u;
// Added to the level that halvings are compared with, so that single and double precision decide alike; see the twin.
const ALIASED_MARGIN: f32 = 7e-8;

// 2^-32, the least that fine_uniform gives.
const UNIFORM_MIN: f32 = 2.3283064e-10;
// 1 - 2^-24, the most that a uniform is.
const UNIFORM_MAX: f32 = 0.99999994;
// 2^-24: keeps 1 - x off 0.
const REST_MIN: f32 = 5.9604645e-8;
// Steps from the first approximation of a quantile; each cubes the error.
const QUANTILE_STEPS: u32 = 3u;
// Pairs of terms of the continued fraction in the last step, which decides the precision.
const FRACTION_PAIRS: u32 = 16u;
// Pairs in the steps before it, which have to come near only.
const FIRST_PAIRS: u32 = 4u;
// 1 / (2 pi).
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

// The mean reward of an arm, one that was never pulled counting as pulled once.
fn mean_reward(pulls: f32, reward: f32) -> f32 {
    return math::quotient(reward, max(pulls, 1.0));
}

// The UCB1 index: reward / pulls + scale sqrt(2 ln total) sqrt(1 / pulls).
fn ucb(pulls: f32, reward: f32, total: f32, scale: f32) -> f32 {
    let counted = max(pulls, 1.0);
    let time = sqrt(max(2.0 * math::ln(max(total, 1.0)), 0.0));
    return mean_reward(counted, reward) + scale * time * sqrt(1.0 / counted);
}

// The divergence KL(p || q) of Bernoulli distributions, finite at both ends.
fn divergence(p: f32, q: f32) -> f32 {
    let hit = p * math::ln(max(p, TINY) / max(q, TINY));
    let miss = (1.0 - p) * math::ln(max(1.0 - p, TINY) / max(1.0 - q, TINY));
    return hit + miss;
}

// The divergence that KL-UCB allows: scale^2 (ln total + 3 ln ln total) / pulls.
fn divergence_level(pulls: f32, total: f32, scale: f32) -> f32 {
    let time = math::ln(max(total, 1.0));
    return scale * scale * (time + 3.0 * math::ln(max(time, TINY))) / max(pulls, 1.0);
}

// The KL-UCB index: the largest q in [p, 1] with KL(p || q) below its level.
fn kl_ucb(pulls: f32, reward: f32, total: f32, scale: f32) -> f32 {
    let level = divergence_level(pulls, total, scale);
    let p = mean_reward(pulls, reward);
    var lower = p;
    var upper = 1.0;
    for (var iteration = 0u; iteration < BISECTIONS; iteration++) {
        let middle = 0.5 * (lower + upper);
        let below = divergence(p, middle) < level;
        lower = select(lower, middle, below);
        upper = select(middle, upper, below);
    }
    return select(1.0, lower, lower < CERTAIN);
}

// What RecSim computes for KL-UCB: each successful halving raises p as well.
fn kl_ucb_aliased(pulls: f32, reward: f32, total: f32, scale: f32) -> f32 {
    return 1.0 - kl_ucb_aliased_gap(pulls, reward, total, scale);
}

// By how much that falls short of 1: arms are to be ordered by this, the smallest first.
fn kl_ucb_aliased_gap(given_pulls: f32, reward: f32, total: f32, scale: f32) -> f32 {
    let level = divergence_level(given_pulls, total, scale) + ALIASED_MARGIN;
    let pulls = max(given_pulls, 1.0);
    // All of it measured from 1 downwards: the lower end of the bracket has the larger gap.
    var lower = math::quotient(pulls - reward, pulls);
    var upper = 0.0;
    var middle = lower;
    for (var iteration = 0u; iteration < ALIASED_BISECTIONS; iteration++) {
        middle = 0.5 * (lower + upper);
        let below = divergence_of_gaps(lower, middle) < level;
        lower = select(lower, middle, below);
        upper = select(middle, upper, below);
    }
    return middle;
}

// The divergence KL(1 - a || 1 - b) of Bernoulli distributions, precise where both are next to 1.
fn divergence_of_gaps(a: f32, b: f32) -> f32 {
    let hit = (1.0 - a) * math::ln(max(1.0 - a, TINY) / max(1.0 - b, TINY));
    let miss = a * math::ln(max(a, TINY) / max(b, TINY));
    return hit + miss;
}

// What Stirling's formula for ln gamma(x) lacks, for x >= 1.
fn stirling_error(x: f32) -> f32 {
    let w = 1.0 / x;
    var p = STIRLING_I;
    p = p * w + STIRLING_H;
    p = p * w + STIRLING_G;
    p = p * w + STIRLING_F;
    p = p * w + STIRLING_E;
    p = p * w + STIRLING_D;
    p = p * w + STIRLING_C;
    p = p * w + STIRLING_B;
    p = p * w + STIRLING_A;
    return p * w;
}

// The probability below x of a Beta(a, b) variable over its density per unit of log-odds, for x up to its mean.
fn tail_over_density(x: f32, a: f32, b: f32, pairs: u32) -> f32 {
    let n = a + b;
    let last = f32(pairs);
    let at_last = a + last + last;
    let even = last * (b - last) * x / ((at_last - 1.0) * at_last);
    let odd = (a + last) * (n + last) * x / (at_last * (at_last + 1.0));
    let sum = 1.0 + odd + even;
    let root = sqrt(max(sum * sum - 4.0 * odd, 0.0));
    var rest = 0.5 * (sum + root);
    for (var pair = 0u; pair < pairs; pair++) {
        let m = f32(pairs - pair);
        let at = a + m + m;
        let inner = at * (at + 1.0) * rest - (a + m) * (n + m) * x;
        rest = 1.0 + m * (b - m) * x * rest * (at + 1.0) / ((at - 1.0) * inner);
    }
    return rest / (a * (rest - n * x / (a + 1.0)));
}

// The number below which a Beta(a, b) variable lies with probability `uniform_draw`, for a and b >= 1.
fn beta_quantile(uniform_draw: f32, a: f32, b: f32) -> f32 {
    let u = clamp(uniform_draw, UNIFORM_MIN, UNIFORM_MAX);

    let z = -distribution::inverse_normal(u);
    let weight_a = 1.0 / (a + a - 1.0);
    let weight_b = 1.0 / (b + b - 1.0);
    let h = 2.0 / (weight_a + weight_b);
    let lambda = (z * z - 3.0) / 6.0;
    let w = z * sqrt(h + lambda) / h - (weight_b - weight_a) * (lambda + FIVE_SIXTHS - TWO_THIRDS / h);
    let odds = b * math::exp(w + w);

    // From here on the tail is the lower one of a variable reflected if need be, and x is below its mean.
    let reflected = odds < b;
    var x = select(a, odds, reflected) / (a + odds);
    let probability = select(u, 1.0 - u, reflected);
    let near = select(a, b, reflected);
    let far = select(b, a, reflected);

    let n = near + far;
    let at_mean = 0.5 * math::ln(near * far / n * INVERSE_TWO_PI) - stirling_error(near) - stirling_error(far)
        + stirling_error(n);
    let wanted = math::ln(probability) - at_mean;
    for (var iteration = 0u; iteration < QUANTILE_STEPS; iteration++) {
        let pairs = select(FRACTION_PAIRS, FIRST_PAIRS, iteration + 1u < QUANTILE_STEPS);
        let rest = max(1.0 - x, REST_MIN);
        let mills = tail_over_density(x, near, far, pairs);
        let excess = near * math::ln(x * n / near) + far * math::ln(rest * n / far) + math::ln(mills) - wanted;
        let curvature = 0.5 * excess * ((near - n * x) * mills - 1.0);
        let change = excess * mills / (1.0 - clamp(curvature, -0.5, 0.5));
        let shrunk = x * math::exp(-change);
        x = shrunk / (rest + shrunk);
    }
    return select(x, 1.0 - x, reflected);
}
