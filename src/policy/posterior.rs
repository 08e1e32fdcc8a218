//! Makes a slate from an estimate of weights: by upper confidence bounds, or by a draw. Twin: `shaders/policy/posterior.wgsl`.
//!
//! ```text
//! bounds:  score = theta . x + width sqrt(x' A^-1 x)
//! a draw:  score = w . x,   w = theta + scale L^-T z,   A = L L'
//! ```
//!
//! with theta and A of an [`Estimator`] and standard normal numbers z, drawn anew at each step: w has mean theta and covariance
//! scale^2 A^-1. Inputs that all candidates share add the same to each score, and are left out of theta . x and w . x. The
//! slate is the candidates of the largest scores, ties to the lower index; upper confidence bounds within 2^-12 of their size
//! are ties, and scores of a draw within 2^-18. Words 2p and 2p + 1 of the policy make numbers 2p and 2p + 1 of z.

use super::inputs::Inputs;
use super::ranking::{begin, insert_above};
use super::{Draws, Offer, Scratch};
use crate::config::{Bounds, ConfigError, Settings};
use crate::distribution::normal_pair;
use crate::number::{Number, Word};
use crate::regression::{dot_product, quadratic_form, solve_upper};

/// Bounds of the exploration: beside a larger width single precision loses the mean.
pub(super) const EXPLORATION: Bounds = Bounds::between(0.0, 1e3);

/// Upper bounds that differ by less than this share of their size are ties. Candidates of which equally much is known, such as
/// those of topics never shown, have bounds that differ by rounding only, and without the margin each backend would show
/// another slate. 2^-12.
const SAME_SCORE: f32 = 0.000_244_140_63;
/// The same for the scores of a draw, which differ for equal documents in their last digits only. 2^-18.
const SAME_DRAWN_SCORE: f32 = 3.814697e-6;
/// The smallest scale of a draw, besides 0: the rounding of the mean hides smaller deviations.
const SMALLEST_SCALE: f64 = 1e-3;

/// Returns the factor of the deviations of a draw.
///
/// # Errors
/// [`ConfigError`] if the factor is neither 0 nor large enough to be told from rounding.
pub(super) fn scale_of_draws(settings: &Settings, key: &str) -> Result<f64, ConfigError> {
    let scale = settings.read(key);
    if 0.0 < scale && scale < SMALLEST_SCALE {
        let allowed = format!(
            "0, or a number of at least {SMALLEST_SCALE}: the rounding of the mean hides smaller deviations"
        );
        return Err(settings.invalid(key, allowed));
    }
    Ok(scale)
}

/// The results that an [`Estimator`] writes, and its scratch memory, for d inputs.
#[derive(Debug)]
pub struct Fit<'a, N> {
    /// The factor of A, d * d numbers row by row.
    pub factor: &'a mut [N],
    /// The d weights.
    pub theta: &'a mut [N],
    /// The inputs; those that all candidates share have been written.
    pub x: &'a mut [N],
    /// As many numbers as [`Estimator::scratch_size`] says.
    pub scratch: &'a mut [N],
}

/// A regression that estimates weights and how well they are known.
pub trait Estimator {
    /// Returns the numbers that documents are scored by.
    fn inputs(&self) -> &Inputs;
    /// Returns how many numbers the state of a user has.
    fn state_size(&self) -> usize;
    /// Returns how many numbers of scratch memory [`Estimator::fit`] needs.
    fn scratch_size(&self) -> usize;
    /// Estimates the weights, and writes the shared inputs of the step; `own` is the estimator's state, `layers` that of the
    /// layers.
    fn fit<N: Number>(
        &self,
        offer: &mut dyn Offer<N>,
        own: &mut [N],
        layers: &[N],
        fit: Fit<'_, N>,
    );
}

/// Begins a slate and estimates; returns the keys of the slate, the estimate, and d numbers of free memory.
#[inline(always)]
fn prepared<'a, N: Number>(
    estimator: &impl Estimator,
    offer: &mut dyn Offer<N>,
    state: &mut [N],
    scratch: &'a mut Scratch<N>,
    length: usize,
) -> (&'a mut [N], Fit<'a, N>, &'a mut [N]) {
    let dim = estimator.inputs().len();
    begin(scratch, length);
    let size = length + dim * (dim + 3) + estimator.scratch_size();
    scratch.numbers.resize(size, N::splat(0.0));
    let (keys, rest) = scratch.numbers.split_at_mut(length);
    let (factor, rest) = rest.split_at_mut(dim * dim);
    let (theta, rest) = rest.split_at_mut(dim);
    let (x, rest) = rest.split_at_mut(dim);
    let (free, scratch) = rest.split_at_mut(dim);
    let fit = Fit {
        factor,
        theta,
        x,
        scratch,
    };
    let (own, layers) = state.split_at_mut(estimator.state_size());
    estimator.fit(
        offer,
        own,
        layers,
        Fit {
            factor: &mut *fit.factor,
            theta: &mut *fit.theta,
            x: &mut *fit.x,
            scratch: &mut *fit.scratch,
        },
    );
    (keys, fit, free)
}

/// Ignores the inputs that all candidates share: rounding their part of the scores would hide the differences.
#[inline(always)]
fn leave_out_shared<N: Number>(inputs: &Inputs, theta: &mut [N]) {
    theta[inputs.document..].fill(N::splat(0.0));
}

/// Recommends by upper confidence bounds.
#[inline(always)]
pub fn rank_by_bounds<N: Number>(
    estimator: &impl Estimator,
    width: f64,
    offer: &mut dyn Offer<N>,
    state: &mut [N],
    scratch: &mut Scratch<N>,
    slate: &mut [N::Word],
) {
    let (keys, fit, solved) = prepared(estimator, offer, state, scratch, slate.len());
    leave_out_shared(estimator.inputs(), fit.theta);
    for index in 0..offer.num_candidates() {
        let candidate = N::Word::splat(index);
        offer.look_at(candidate);
        estimator.inputs().look_at(offer, fit.x);
        solved.copy_from_slice(fit.x);
        let variance = quadratic_form(fit.factor, solved);
        let mean = dot_product(fit.x, fit.theta);
        let bound = N::splat(width) * variance.sqrt();
        let margin = N::splat(f64::from(SAME_SCORE)) * (mean.abs() + bound);
        insert_above(keys, slate, mean + bound, margin, candidate);
    }
}

/// Recommends by one draw of the weights.
#[inline(always)]
pub fn rank_by_draw<N: Number>(
    estimator: &impl Estimator,
    scale: f64,
    offer: &mut dyn Offer<N>,
    draws: &Draws<N::Word>,
    state: &mut [N],
    scratch: &mut Scratch<N>,
    slate: &mut [N::Word],
) {
    let (keys, fit, z) = prepared(estimator, offer, state, scratch, slate.len());
    let mut words = draws.words();
    for (pair, numbers) in (0..).zip(z.chunks_mut(2)) {
        let (first, second) = (words.word(2 * pair), words.word(2 * pair + 1));
        let (a, b) = normal_pair(first, second);
        for (number, normal) in numbers.iter_mut().zip([a, b]) {
            *number = normal;
        }
    }
    solve_upper(fit.factor, z);
    for (weight, &deviation) in fit.theta.iter_mut().zip(z.iter()) {
        *weight = *weight + N::splat(scale) * deviation;
    }
    leave_out_shared(estimator.inputs(), fit.theta);
    for index in 0..offer.num_candidates() {
        let candidate = N::Word::splat(index);
        offer.look_at(candidate);
        estimator.inputs().look_at(offer, fit.x);
        let score = dot_product(fit.x, fit.theta);
        let margin = N::splat(f64::from(SAME_DRAWN_SCORE)) * score.abs();
        insert_above(keys, slate, score, margin, candidate);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_twins_hold_the_same_constants() {
        let (rust, wgsl) = (
            include_str!("posterior.rs"),
            include_str!("../../shaders/policy/posterior.wgsl"),
        );
        crate::math::tests::assert_same_constants(rust, wgsl, &[]);
    }
}
