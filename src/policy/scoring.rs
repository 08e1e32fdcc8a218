//! Makes a slate from scores: the best candidates, or a random slate that prefers them. Twin: `shaders/policy/scoring.wgsl`.
//!
//! ```text
//! key = score                        at temperature 0
//!     = score / temperature + G      above, where G = -ln(-ln u) is a Gumbel draw of the candidate's own
//! ```
//!
//! The slate is the candidates of the largest keys, the largest first, ties to the lower index; at temperature 0 scores within
//! 2^-18 of their size are ties. Above temperature 0, that draws a slate position by position without replacement, each of the
//! remaining candidates with a probability proportional to e^(score / temperature) (Plackett-Luce). Word *c* of the policy
//! belongs to candidate *c*.
//!
//! # Precision
//! G lies in [-3.1, 16.7]: a candidate whose score is 19.8 temperatures below that of another never comes before it; exact
//! draws would put it there once in 4e8 times.
//!
//! # Source
//! Kool, van Hoof and Welling (2019), "Stochastic beams and where to find them: the Gumbel-top-k trick".

use super::Propensity;
use super::propensity::of_plackett_luce;
use super::ranking::insert_sum;
use crate::config::{ConfigError, Settings};
use crate::distribution::fine_uniform;
use crate::keys;
use crate::number::{Number, Word};
use crate::rng::PolicyWords;
use crate::shader::{ShaderDef, ShaderDefs};

/// The smallest -ln u: keeps it positive, because a logarithm may err next to 1. 2^-24.
const EXPONENTIAL_MIN: f32 = 5.9604645e-8;

/// The smallest temperature above 0, relative to the largest possible score: rounding a score of that size moves its key by 16.
/// Scores that occur are far smaller. 2^-28.
const TEMPERATURE_MIN: f64 = 3.725_290_3e-9;

/// Without a draw, scores that differ by less than this share of their size are ties: those of saturated networks differ in
/// their last digits only. 2^-18.
const SAME_SCORE: f32 = 3.814697e-6;

keys! {
    /// The key for the randomness of a slate.
    pub struct Keys from "Kool, van Hoof and Welling (2019), the Gumbel-top-k trick" {
        /// randomness of the slate: probabilities are proportional to e^(score / temperature); 0: the best ones
        temperature: f64 = non_negative("temperature", 1.0).in_unit("scores"),
    }
}

/// Returns the temperature, given how large scores may be.
///
/// # Errors
/// [`ConfigError`] if the temperature is neither 0 nor large enough to be told from rounding.
pub(super) fn temperature(settings: &Settings, largest_score: f64) -> Result<f64, ConfigError> {
    let Keys { temperature } = Keys::read(settings);
    // A smaller divisor is out of range for single precision.
    let least = (TEMPERATURE_MIN * largest_score).max(1e-30);
    if 0.0 < temperature && temperature < least {
        let allowed = format!(
            "0, or a number of at least {least:.1e}: scores could reach {largest_score:.1e}, and single precision does not \
             resolve smaller differences of them"
        );
        return Err(settings.invalid(Keys::temperature, allowed));
    }
    Ok(temperature)
}

/// Turns a random word into a draw of the standard Gumbel distribution.
#[inline(always)]
pub fn gumbel<N: Number>(word: N::Word) -> N {
    let exponential = (-fine_uniform::<N>(word).ln()).max(N::splat(f64::from(EXPONENTIAL_MIN)));
    -exponential.ln()
}

/// Inserts a candidate by its key; at temperature 0 it uses no random word. `numbers` are the keys of the slate and their
/// draws.
#[inline(always)]
pub(super) fn insert<N: Number>(
    numbers: &mut [N],
    slate: &mut [N::Word],
    score: N,
    temperature: f64,
    words: &mut PolicyWords<N::Word>,
    index: u32,
) {
    let (keys, draws) = numbers.split_at_mut(slate.len());
    let (key, margin) = if temperature > 0.0 {
        let draw = gumbel::<N>(words.word(index));
        ([score / N::splat(temperature), draw], N::splat(0.0))
    } else {
        let margin = N::splat(f64::from(SAME_SCORE)) * score.abs();
        ([score, N::splat(0.0)], margin)
    };
    insert_sum(keys, draws, slate, key, margin, N::Word::splat(index));
}

/// Returns the probability of a slate that these scores make; `own` is the slate with the step's draws.
pub(super) fn propensity(
    scores: impl FnOnce() -> Vec<f64>,
    temperature: f64,
    own: &[u32],
    slate: &[u32],
) -> Propensity {
    if temperature > 0.0 {
        Propensity::Probability(of_plackett_luce(&scores(), temperature, slate))
    } else {
        Propensity::Certain(own == slate)
    }
}

/// Returns the definitions that the WGSL twin is specialised by.
pub(super) fn shader_defs(temperature: f64) -> ShaderDefs {
    ShaderDefs::from([("IS_RANDOM".to_owned(), ShaderDef::Bool(temperature > 0.0))])
}
