//! Nudges: small changes of numbers, about as large as rounding errors.

use crate::backend::Simulation;
use crate::rng::Philox;
use rand::RngExt;

/// Nudges that are tried, the smallest first, relative to the number.
pub(super) const NUDGES: [f64; 4] = [3e-7, 2e-6, 1e-5, LARGEST_NUDGE];
pub(super) const LARGEST_NUDGE: f64 = 4e-5;

/// Makes the simulation with the numbers of its policy nudged by this share of their size; `None` if it has no numbers.
pub(super) type NudgedPolicy<'a> = &'a dyn Fn(f64, &mut Philox) -> Option<Simulation>;

/// How numbers are changed.
#[derive(Clone, Copy)]
pub(super) struct Nudge {
    /// Largest change, relative to the number.
    pub(super) by: f64,
    /// Whether numbers are changed that single precision holds exactly, too.
    pub(super) includes_exact: bool,
    /// Whether the numbers of documents are changed relative to the largest number that the policy sees, rather than to
    /// themselves.
    pub(super) is_of_sums: bool,
    /// The side that takes the step again: 0 for the reference, which should do what the backend did; 1 for the backend, which
    /// should do what the reference did.
    pub(super) side: usize,
}

/// Tells whether single precision holds a number exactly.
#[allow(
    clippy::cast_possible_truncation,
    reason = "rounding is what is asked for"
)]
pub(super) fn is_single(number: f64) -> bool {
    f64::from(number as f32) == number
}

/// Changes a number by a random share up to the nudge; one that single precision holds exactly only if asked to.
pub(super) fn nudged(number: f64, nudge: f64, includes_exact: bool, rng: &mut Philox) -> f64 {
    if nudge == 0.0 || (!includes_exact && is_single(number)) {
        return number;
    }
    let by = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
    number * (1.0 + nudge * by)
}

/// Changes a random word, which stands for a number in [0, 1), by up to the nudge.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "kept within a word"
)]
pub(super) fn nudged_word(word: u32, nudge: f64, rng: &mut Philox) -> u32 {
    let by = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
    let moved = f64::from(word) + 4_294_967_296.0 * nudge * by;
    moved.round().clamp(0.0, f64::from(u32::MAX)) as u32
}
