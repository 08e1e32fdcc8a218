//! The knowledge of a linear bandit: regressions on all shown documents, with the mathematics of
//! [`regression`](crate::regression).

use super::linear_options::{LinearAlgorithm, LinearBanditOptions};
use crate::distribution::normal_pair;
use crate::number::ScalarWord;
use crate::regression::{
    add_outer, dot_product, factorize, fit_logistic, quadratic_form, set_diagonal, solve,
    solve_upper, ucb_glm_width,
};
use crate::rng::Philox;
use serde::{Deserialize, Serialize};

/// The state: sums over the observations, and the latest ones if a logistic regression needs them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinearState {
    /// A = ridge I + sum x x', row by row.
    pub(super) precision: Vec<f64>,
    /// b = sum reward x.
    pub(super) response: Vec<f64>,
    /// How many observations there were; the next one goes to this position of the window, modulo its length.
    pub(super) observations: u64,
    /// How many decisions have used draws.
    pub(super) decisions: u64,
    /// The inputs in the window of a logistic regression, a row x for each observation.
    pub(super) features: Vec<f64>,
    /// The rewards of the window.
    pub(super) rewards: Vec<f64>,
}

/// A state, and the estimates that follow from it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LinearModel {
    pub(super) state: LinearState,
    /// The estimated weights.
    weights: Vec<f64>,
    /// The factor of the matrix for bounds or draws.
    factor: Vec<f64>,
}

impl LinearState {
    pub(super) fn new(dim: usize, ridge: f64) -> Self {
        let mut precision = vec![0.0; dim * dim];
        set_diagonal(&mut precision, dim, ridge);
        Self {
            precision,
            response: vec![0.0; dim],
            ..Self::default()
        }
    }
}

impl LinearModel {
    /// Computes the estimates of a state.
    pub(super) fn new(state: LinearState, options: &LinearBanditOptions) -> Self {
        let mut model = Self {
            state,
            weights: Vec::new(),
            factor: Vec::new(),
        };
        model.estimate(options);
        model
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Adds an observation; it has no effect on scores before [`estimate`](Self::estimate).
    pub(super) fn observe(&mut self, x: &[f64], reward: f64, options: &LinearBanditOptions) {
        let state = &mut self.state;
        add_outer(&mut state.precision, x, 1.0);
        for (sum, number) in state.response.iter_mut().zip(x) {
            *sum += reward * number;
        }
        if options.algorithm.is_logistic() {
            if state.rewards.len() < options.window as usize {
                state.features.extend(x);
                state.rewards.push(reward);
            } else {
                let (dim, window) = (x.len(), u64::from(options.window));
                let oldest = usize::try_from(state.observations % window).expect("below 2^20");
                state.features[oldest * dim..(oldest + 1) * dim].copy_from_slice(x);
                state.rewards[oldest] = reward;
            }
        }
        state.observations += 1;
    }

    /// Updates weights and factor from the state.
    pub(super) fn estimate(&mut self, options: &LinearBanditOptions) {
        let state = &self.state;
        let dim = state.response.len();
        if options.algorithm.is_logistic() {
            let count = u32::try_from(state.rewards.len()).expect("a window is short");
            self.weights.resize(dim, 0.0);
            self.factor.resize(dim * dim, 0.0);
            let mut scratch = vec![0.0; dim * dim + dim];
            fit_logistic(
                &state.features,
                &state.rewards,
                ScalarWord(count),
                options.ridge,
                &mut self.weights,
                &mut self.factor,
                &mut scratch,
            );
            if options.algorithm != LinearAlgorithm::GlmThompson {
                self.factor.clone_from(&state.precision);
                factorize(&mut self.factor, dim);
            }
        } else {
            self.factor.clone_from(&state.precision);
            factorize(&mut self.factor, dim);
            self.weights.clone_from(&state.response);
            solve(&self.factor, &mut self.weights);
        }
    }

    /// Scores the candidates of a decision, given a context in each row, and uses up the draws of the decision.
    pub(super) fn scores(&mut self, rows: &[f64], options: &LinearBanditOptions) -> Vec<f64> {
        let dim = self.weights.len();
        let rows = rows.chunks_exact(dim);
        if options.eval_mode {
            return rows.map(|x| dot_product(x, &self.weights)).collect();
        }
        let width = match options.algorithm {
            LinearAlgorithm::Ucb => options.scale,
            LinearAlgorithm::GlmUcb => {
                let size = u32::try_from(dim).expect("observed numbers are few");
                ucb_glm_width(size, options.horizon, options.scale)
            }
            LinearAlgorithm::ThompsonSampling | LinearAlgorithm::GlmThompson => {
                let drawn = self.draw(options);
                return rows.map(|x| dot_product(x, &drawn)).collect();
            }
        };
        let mut image = vec![0.0; dim];
        let score = |x: &[f64]| {
            image.copy_from_slice(x);
            dot_product(x, &self.weights) + width * quadratic_form(&self.factor, &mut image).sqrt()
        };
        rows.map(score).collect()
    }

    /// Draws weights: w + scale L^-T z.
    pub(super) fn draw(&mut self, options: &LinearBanditOptions) -> Vec<f64> {
        let dim = self.weights.len();
        let blocks = dim.div_ceil(4) as u64;
        let first = self.state.decisions.wrapping_mul(blocks);
        self.state.decisions += 1;
        let normal = |block: u64| {
            let [a, b, c, d] =
                Philox::block(options.seed, first.wrapping_add(block)).map(ScalarWord);
            let (first, second) = normal_pair::<f64>(a, b);
            let (third, fourth) = normal_pair::<f64>(c, d);
            [first, second, third, fourth]
        };
        let mut drawn: Vec<f64> = (0..blocks).flat_map(normal).take(dim).collect();
        solve_upper(&self.factor, &mut drawn);
        for (number, weight) in drawn.iter_mut().zip(&self.weights) {
            *number = weight + options.scale * *number;
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(observations: &[([f64; 2], f64)], options: &LinearBanditOptions) -> LinearModel {
        let mut model = LinearModel::new(LinearState::new(2, options.ridge), options);
        for (x, reward) in observations {
            model.observe(x, *reward, options);
        }
        model.estimate(options);
        model
    }

    #[track_caller]
    fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < tolerance, "{found:?}, not {expected:?}");
        }
    }

    /// By hand. Shown were (1, 0) clicked, (1, 1) not, (1, 1) clicked; ridge 1:
    ///
    /// ```text
    /// A = ((1 + 3, 2), (2, 1 + 2)) = ((4, 2), (2, 3)),  det 8,  A^-1 = ((3, -2), (-2, 4)) / 8
    /// b = (1, 0) + (1, 1) = (2, 1),  w = A^-1 b = (6 - 2, -4 + 4) / 8 = (1/2, 0)
    /// (1, 0): 1/2 + 2 sqrt(3/8);  (0, 1): 0 + 2 sqrt(1/2);  (1, 1): 1/2 + 2 sqrt(3/8)
    /// ```
    const SHOWN: [([f64; 2], f64); 3] = [([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0), ([1.0, 1.0], 1.0)];

    #[test]
    fn lin_ucb_scores_as_by_hand() {
        let options = LinearBanditOptions {
            scale: 2.0,
            ..LinearBanditOptions::default()
        };
        let mut model = learned(&SHOWN, &options);
        assert_eq!(model.state.precision, [4.0, 2.0, 2.0, 3.0]);
        assert_eq!(model.state.response, [2.0, 1.0]);
        assert_close(model.weights(), &[0.5, 0.0], 1e-15);
        let wide = 0.5 + 2.0 * 0.375f64.sqrt();
        let scores = model.scores(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0], &options);
        assert_close(&scores, &[wide, 2.0 * 0.5f64.sqrt(), wide], 1e-14);
    }

    /// Seed 5, 40,000 draws. Covariance scale^2 A^-1 = ((1.5, -1), (-1, 2)) for scale 2. The standard error of a mean is
    /// sqrt(v / n), of a variance v sqrt(2 / n), of the covariance sqrt((v1 v2 + c^2) / n); each within 4.5, significance
    /// 3.4e-5 for the five together.
    #[test]
    fn thompson_samples_have_the_mean_and_covariance_of_the_posterior() {
        let options = LinearBanditOptions {
            algorithm: LinearAlgorithm::ThompsonSampling,
            scale: 2.0,
            seed: 5,
            ..LinearBanditOptions::default()
        };
        let mut model = learned(&SHOWN, &options);
        let size = 40_000;
        let draws: Vec<_> = (0..size).map(|_| model.draw(&options)).collect();
        assert_eq!(model.state.decisions, 40_000);
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            let sum: f64 = draws.iter().map(|v| f(v[0] - 0.5, v[1])).sum();
            sum / f64::from(size)
        };
        let error = |variance: f64| 4.5 * (variance / f64::from(size)).sqrt();
        assert!(mean(&|a, _| a).abs() < error(1.5));
        assert!(mean(&|_, b| b).abs() < error(2.0));
        assert!((mean(&|a, _| a * a) - 1.5).abs() < error(2.0 * 1.5 * 1.5));
        assert!((mean(&|_, b| b * b) - 2.0).abs() < error(2.0 * 2.0 * 2.0));
        assert!((mean(&|a, b| a * b) + 1.0).abs() < error(1.5 * 2.0 + 1.0));
    }

    /// A logistic regression of `RecSim` 0.2.4; see `regression`.
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

    #[test]
    fn ucb_glm_scores_as_recsim_does_over_a_window_that_forgets() {
        let options = LinearBanditOptions {
            algorithm: LinearAlgorithm::GlmUcb,
            horizon: 100,
            window: 12,
            ..LinearBanditOptions::default()
        };
        let arms = [1.0, 0.0, 0.0, 1.0, 0.5, 0.5];
        let mut model = learned(&HISTORY, &options);
        let expected = [4.0675592106, 2.1266615512, 1.6295988839];
        assert_close(&model.scores(&arms, &options), &expected, 1e-8);
        // The window is full of the same history, so the fit is the same, but the matrix of all observations is not.
        let twice = learned(&[HISTORY, HISTORY].concat(), &options);
        assert_close(twice.weights(), &[1.3014741343, -0.62193493], 1e-8);
        assert_eq!(twice.state.rewards.len(), 12);
        assert!(twice.state.precision[0] > model.state.precision[0] + 1.0);
    }

    #[test]
    fn glm_thompson_draws_from_the_logistic_gram() {
        let options = LinearBanditOptions {
            algorithm: LinearAlgorithm::GlmThompson,
            ..LinearBanditOptions::default()
        };
        let model = learned(&HISTORY, &options);
        // The factor's first column is the first column of the matrix, divided by the root of its diagonal entry.
        let root = 2.25260996f64.sqrt();
        assert!((model.factor[0] - root).abs() < 1e-8);
        assert!((model.factor[2] - 0.89954743 / root).abs() < 1e-8);
    }
}
