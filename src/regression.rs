//! Small regressions, one per user: symmetric positive definite algebra, and logistic regression over a short history.
//!
//! A matrix of dimension d is a slice of d * d numbers, row by row; of symmetric matrices and factors only the lower triangle
//! is read. The dimension is the length of the vectors. Everything is generic over [`Number`], takes a fixed order of
//! operations, and has its twin in `shaders/regression.wgsl`, where the definition `DIM` gives the dimension.
//!
//! `RecSim`'s GLM bandits use it: UCB-GLM scores x w + W sqrt(x' M^-1 x), see [`ucb_glm_width`]; GLM-TS scores x (w + scale
//! L^-T z), where L is the factor of the fit's matrix and z are standard normal numbers.

use crate::number::{Mask, Number, Word, number};

/// Keeps pivots above 0, where rounding may take them.
const PIVOT_MIN: f32 = 1e-30;
/// Newton steps of a fit.
const MAX_ITERATIONS: u32 = 20;
/// The square of the change, 0.001, below which a fit has ended.
const TOLERANCE_SQUARE: f32 = 1e-6;
/// A fit needs more observations than these.
const MIN_OBSERVATIONS: u32 = 10;

/// Sets a matrix to `diagonal` times the identity.
#[inline(always)]
pub fn set_diagonal<N: Number>(matrix: &mut [N], dim: usize, diagonal: N) {
    for row in 0..dim {
        for column in 0..dim {
            matrix[row * dim + column] = if row == column { diagonal } else { number(0.0) };
        }
    }
}

/// Adds `weight` x x' to a matrix: with a weight of 1, a rank-one update.
#[inline(always)]
pub fn add_outer<N: Number>(matrix: &mut [N], x: &[N], weight: N) {
    let dim = x.len();
    for row in 0..dim {
        for column in 0..dim {
            let at = row * dim + column;
            matrix[at] = matrix[at] + weight * x[row] * x[column];
        }
    }
}

/// Returns the sum of products of two vectors.
#[inline(always)]
pub fn dot_product<N: Number>(x: &[N], y: &[N]) -> N {
    let mut sum = number(0.0);
    for index in 0..x.len() {
        sum = sum + x[index] * y[index];
    }
    sum
}

/// Replaces the lower triangle of A by its Cholesky factor: L with A = L L'.
#[inline(always)]
pub fn factorize<N: Number>(matrix: &mut [N], dim: usize) {
    for column in 0..dim {
        for row in column..dim {
            let mut rest = matrix[row * dim + column];
            for inner in 0..column {
                rest = rest - matrix[row * dim + inner] * matrix[column * dim + inner];
            }
            matrix[row * dim + column] = if row == column {
                rest.max(number(PIVOT_MIN)).sqrt()
            } else {
                rest / matrix[column * dim + column]
            };
        }
    }
}

/// Replaces b by L^-1 b.
#[inline(always)]
fn solve_lower<N: Number>(factor: &[N], b: &mut [N]) {
    let dim = b.len();
    for row in 0..dim {
        let mut rest = b[row];
        for inner in 0..row {
            rest = rest - factor[row * dim + inner] * b[inner];
        }
        b[row] = rest / factor[row * dim + row];
    }
}

/// Replaces z by L^-T z: of standard normal numbers it makes ones with covariance A^-1.
#[inline(always)]
pub fn solve_upper<N: Number>(factor: &[N], z: &mut [N]) {
    let dim = z.len();
    for step in 0..dim {
        let row = dim - 1 - step;
        let mut rest = z[row];
        for inner in row + 1..dim {
            rest = rest - factor[inner * dim + row] * z[inner];
        }
        z[row] = rest / factor[row * dim + row];
    }
}

/// Replaces b by A^-1 b, given the factor of A.
#[inline(always)]
pub fn solve<N: Number>(factor: &[N], b: &mut [N]) {
    solve_lower(factor, b);
    solve_upper(factor, b);
}

/// Returns x' A^-1 x, given the factor of A; overwrites x by L^-1 x.
#[inline(always)]
pub fn quadratic_form<N: Number>(factor: &[N], x: &mut [N]) -> N {
    solve_lower(factor, x);
    dot_product(x, x)
}

/// Adds `weight` x x' to the lower triangle of a matrix.
#[inline(always)]
fn add_outer_lower<N: Number>(matrix: &mut [N], x: &[N], weight: N) {
    let dim = x.len();
    for row in 0..dim {
        let scaled = weight * x[row];
        for column in 0..=row {
            let at = row * dim + column;
            matrix[at] = matrix[at] + scaled * x[column];
        }
    }
}

/// Fits a logistic regression to the first `count` entries of a history, by iteratively reweighted least squares.
///
/// ```text
/// h = sigmoid(X w),  R = diag(h (1 - h)),  G = X' R X + ridge I:   G w <- X' (R X w - (h - y))
/// ```
///
/// At most 20 steps from w = 0, until one is shorter than 0.001; `factor` becomes that of the G of the last one made. Up to
/// 10 observations, w is 0 and G the bare ridge. `features` are as many rows as there are `rewards`, each of the length of
/// `weights`; `scratch` has the length of `factor` and `weights` together. A `count` above the capacity is the capacity.
///
/// # Panics
/// If a slice is shorter than that.
///
/// # Source
/// `RecSim` 0.2.4, `glm_algorithms`.
#[inline(always)]
pub fn fit_logistic<N: Number>(
    features: &[N],
    rewards: &[N],
    count: N::Word,
    ridge: N,
    weights: &mut [N],
    factor: &mut [N],
    scratch: &mut [N],
) {
    let dim = weights.len();
    for index in 0..dim {
        weights[index] = number(0.0);
    }
    set_diagonal(factor, dim, ridge.max(number(PIVOT_MIN)).sqrt());
    let (next_factor, next) = scratch.split_at_mut(dim * dim);
    let mut running = N::Word::splat(MIN_OBSERVATIONS).less_than(count);
    for _ in 0..MAX_ITERATIONS {
        if !running.any() {
            break;
        }
        set_diagonal(next_factor, dim, ridge);
        for index in 0..dim {
            next[index] = number(0.0);
        }
        for observation in 0..rewards.len() {
            let position = u32::try_from(observation).expect("a history is short");
            let seen = N::Word::splat(position).less_than(count);
            if !seen.any() {
                break;
            }
            let x = &features[observation * dim..(observation + 1) * dim];
            let score = dot_product(x, weights);
            let h = score.sigmoid();
            let weight = N::select(seen, h * (number::<N>(1.0) - h), number(0.0));
            let pull = N::select(seen, rewards[observation] - h, number(0.0));
            add_outer_lower(next_factor, x, weight);
            for index in 0..dim {
                next[index] = next[index] + x[index] * (weight * score + pull);
            }
        }
        factorize(next_factor, dim);
        solve(next_factor, &mut next[..dim]);
        for index in 0..dim * dim {
            factor[index] = N::select(running, next_factor[index], factor[index]);
        }
        let mut change = number::<N>(0.0);
        for index in 0..dim {
            let difference = next[index] - weights[index];
            change = change + difference * difference;
            weights[index] = N::select(running, next[index], weights[index]);
        }
        running = running & !change.less_than(number(TOLERANCE_SQUARE));
    }
}

/// Returns the width W of UCB-GLM's confidence bounds, on the host: a constant of a run.
///
/// ```text
/// W = scale (0.5 / 0.25) sqrt(dim / 2 ln(1 + 2 horizon / dim) + ln horizon)
/// ```
///
/// # Source
/// `RecSim`'s `UCB_GLM`; Li, Lu and Zhou (2017), "Provably optimal algorithms for generalized linear contextual bandits".
pub fn ucb_glm_width(dim: u32, horizon: u32, scale: f64) -> f64 {
    let (dim, horizon) = (f64::from(dim), f64::from(horizon));
    scale * 2.0 * (dim / 2.0 * (2.0 * horizon / dim).ln_1p() + horizon.ln()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::tests::assert_same_constants;
    use crate::number::{Lanes, LanesWord, ScalarWord};

    /// A logistic regression of `RecSim` 0.2.4: two features and a reward an observation.
    const HISTORY: [([f64; 2], f64); 12] = [
        ([1.0, 0.0], 1.0),
        ([0.0, 1.0], 0.0),
        ([1.0, 1.0], 1.0),
        ([1.0, 0.5], 1.0),
        ([0.5, 1.0], 0.0),
        ([0.2, 0.3], 0.0),
        ([0.9, 0.1], 1.0),
        ([0.1, 0.9], 0.0),
        ([0.7, 0.7], 1.0),
        ([0.3, 0.8], 0.0),
        ([0.6, 0.2], 1.0),
        ([1.0, 0.9], 1.0),
    ];
    const WEIGHTS: [f64; 2] = [1.3014741343, -0.62193493];
    const GRAM: [f64; 4] = [2.25260996, 0.89954743, 0.89954743, 2.42901595];

    /// Fits the history, with 4 entries of rubbish after it, in any number type: returns weights and matrix.
    fn fit<N: Number>(count: N::Word) -> (Vec<N>, Vec<N>) {
        let rubbish = ([3.0, -2.0], 1.0);
        let entries: Vec<_> = HISTORY.into_iter().chain([rubbish; 4]).collect();
        let features: Vec<N> = entries.iter().flat_map(|(x, _)| x.map(N::splat)).collect();
        let rewards: Vec<N> = entries.iter().map(|&(_, y)| N::splat(y)).collect();
        let (mut weights, mut factor) = (vec![N::splat(7.0); 2], vec![N::splat(7.0); 4]);
        let mut scratch = vec![N::splat(0.0); 6];
        let ridge = N::splat(1.0);
        fit_logistic(
            &features,
            &rewards,
            count,
            ridge,
            &mut weights,
            &mut factor,
            &mut scratch,
        );
        let [a, b, c] = [factor[0], factor[2], factor[3]];
        (weights, vec![a * a, a * b, a * b, b * b + c * c])
    }

    #[test]
    fn a_logistic_fit_is_recsims() {
        let (weights, gram) = fit::<f64>(ScalarWord(12));
        for (found, expected) in weights.iter().chain(&gram).zip(WEIGHTS.iter().chain(&GRAM)) {
            assert!((found - expected).abs() < 1e-8, "{weights:?} {gram:?}");
        }
    }

    #[test]
    fn lanes_fit_each_its_own_number_of_observations() {
        let (weights, gram) = fit::<Lanes<4>>(LanesWord([10, 12, 0, 11]));
        for lane in [0, 2] {
            assert_eq!([0, 1].map(|index| weights[index].lane(lane)), [0.0, 0.0]);
            assert_eq!(
                [0, 1, 2, 3].map(|at| gram[at].lane(lane)),
                [1.0, 0.0, 0.0, 1.0]
            );
        }
        let single = weights.iter().chain(&gram);
        for (found, expected) in single.zip(WEIGHTS.iter().chain(&GRAM)) {
            assert!(
                (found.lane(1) - expected).abs() < 2e-6,
                "{found:?}, {expected}"
            );
        }
        let (double, _) = fit::<f64>(ScalarWord(11));
        for (found, expected) in weights.iter().zip(double) {
            assert!(
                (found.lane(3) - expected).abs() < 2e-6,
                "{found:?}, {expected}"
            );
        }
    }

    #[test]
    fn ucb_glm_gives_recsims_scores_and_widths() {
        assert!((ucb_glm_width(3, 100, 1.0) - 6.611221).abs() < 1e-6);
        assert!((ucb_glm_width(5, 1000, 1.0) - 9.357918).abs() < 1e-6);
        let (weights, _) = fit::<f64>(ScalarWord(12));
        let mut factor = [0.0; 4];
        set_diagonal(&mut factor, 2, 1.0);
        for (x, _) in &HISTORY {
            add_outer(&mut factor, x, 1.0);
        }
        factorize(&mut factor, 2);
        let expected = [
            ([1.0, 0.0], 4.0675592106),
            ([0.0, 1.0], 2.1266615512),
            ([0.5, 0.5], 1.6295988839),
        ];
        for (x, score) in expected {
            let width = ucb_glm_width(2, 100, 1.0);
            let found =
                dot_product(&x, &weights) + width * quadratic_form(&factor, &mut x.clone()).sqrt();
            assert!((found - score).abs() < 1e-8, "{x:?}: {found}");
        }
    }

    #[test]
    fn a_factor_solves_and_its_transpose_has_the_covariance_of_the_inverse() {
        // A = L L' of L = ((2, 0, 0), (1, 3, 0), (-1, 0.5, 1.5)).
        let matrix = [4.0, 2.0, -2.0, 2.0, 10.0, 0.5, -2.0, 0.5, 3.5f64];
        let mut factor = matrix;
        factorize(&mut factor, 3);
        for (at, expected) in [(0, 2.0), (3, 1.0), (4, 3.0), (6, -1.0), (7, 0.5), (8, 1.5)] {
            assert!((factor[at] - expected).abs() < 1e-15, "{factor:?}");
        }
        // The columns of L^-T are the images of unit vectors; their outer products add up to A^-1.
        let mut inverse = [0.0; 9];
        for axis in 0..3 {
            let mut unit = [0.0; 3];
            unit[axis] = 1.0;
            solve_upper(&factor, &mut unit);
            add_outer(&mut inverse, &unit, 1.0);
        }
        for axis in 0..3 {
            let mut solution = [matrix[axis], matrix[3 + axis], matrix[6 + axis]];
            solve(&factor, &mut solution);
            for row in 0..3 {
                let identity = if row == axis { 1.0 } else { 0.0 };
                assert!((solution[row] - identity).abs() < 1e-14, "{solution:?}");
                let product: f64 = (0..3)
                    .map(|k| inverse[row * 3 + k] * matrix[k * 3 + axis])
                    .sum();
                assert!((product - identity).abs() < 1e-14, "{inverse:?}");
            }
        }
    }

    /// Solves for the weights of 200 vectors of 64 numbers from -1 to 1, exact in single precision, and scores another.
    fn solved<N: Number>() -> (Vec<f64>, f64) {
        const DIM: usize = 64;
        let mut word = 1_u32;
        let mut draw = || {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(word >> 8) / 8_388_608.0 - 1.0
        };
        let mut factor = vec![N::splat(0.0); DIM * DIM];
        let mut theta = vec![N::splat(0.0); DIM];
        set_diagonal(&mut factor, DIM, N::splat(1.0));
        for _ in 0..200 {
            let x: Vec<N> = (0..DIM).map(|_| N::splat(draw())).collect();
            add_outer(&mut factor, &x, N::splat(1.0));
            for index in 0..DIM {
                theta[index] = theta[index] + x[index];
            }
        }
        factorize(&mut factor, DIM);
        solve(&factor, &mut theta);
        let mut x = [N::splat(0.5); DIM];
        let variance = quadratic_form(&factor, &mut x);
        (
            theta.iter().map(|weight| weight.lane(0)).collect(),
            variance.lane(0),
        )
    }

    #[test]
    fn single_precision_solves_64_inputs_as_double_precision_does() {
        let ((double, variance), (single, single_variance)) =
            (solved::<f64>(), solved::<Lanes<1>>());
        for (found, expected) in single.iter().zip(&double) {
            assert!((found - expected).abs() < 2e-5, "{found}, {expected}");
        }
        assert!((single_variance / variance - 1.0).abs() < 2e-5);
    }

    #[test]
    fn both_twins_hold_the_same_constants() {
        let (rust, wgsl) = (
            include_str!("regression.rs"),
            include_str!("../shaders/regression.wgsl"),
        );
        assert_same_constants(rust, wgsl, &[]);
    }
}
