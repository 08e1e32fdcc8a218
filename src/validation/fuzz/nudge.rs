//! Numbers moved by about as much as rounding moves them.

use crate::backend::Simulation;
use crate::rng::Philox;
use rand::RngExt;

/// Nudges that are tried, the least first, relative to the number.
pub(super) const NUDGES: [f64; 4] = [3e-7, 2e-6, 1e-5, LARGEST_NUDGE];
pub(super) const LARGEST_NUDGE: f64 = 4e-5;

/// Makes the simulation with the numbers of its policy moved by so much of their size; nothing where it has none.
pub(super) type NudgedPolicy<'a> = &'a dyn Fn(f64, &mut Philox) -> Option<Simulation>;

/// How numbers are moved.
#[derive(Clone, Copy)]
pub(super) struct Nudge {
    /// Relative to the number.
    pub(super) by: f64,
    /// Whether those are moved, too, that single precision holds exactly.
    pub(super) includes_exact: bool,
    /// Whether those of documents are moved by as much of the largest number that a policy sees, rather than of themselves.
    pub(super) is_of_sums: bool,
    /// Which side then takes the step: 0 for the reference, which is to do what the backend did, 1 for the backend, which is
    /// to do what the reference did.
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

/// Moves a number a little; one that single precision holds exactly only if asked to.
pub(super) fn nudged(number: f64, nudge: f64, includes_exact: bool, rng: &mut Philox) -> f64 {
    if nudge == 0.0 || (!includes_exact && is_single(number)) {
        return number;
    }
    let by = f64::from(rng.random_range(-1_000_000..=1_000_000_i32)) / 1e6;
    number * (1.0 + nudge * by)
}

/// Moves a word, which stands for a share of 2^32.
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
