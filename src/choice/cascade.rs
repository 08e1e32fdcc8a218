//! The common part of cascades: the user goes down the slate and stops at most once. Twin: `shaders/choice/cascade.wgsl`.

use crate::config::{ConfigError, Settings};
use crate::number::{Number, Word};

/// Chooses the position at which the user stops, or the number of scores if the user does not stop.
///
/// `stops` gives the probability of stopping at a score, for a user who has come to its position.
#[inline(always)]
pub(super) fn choose<N: Number>(scores: &[N], uniform: N, stops: impl Fn(N) -> N) -> N::Word {
    let mut remaining = N::splat(1.0);
    let mut cumulative = N::splat(0.0);
    let mut chosen = N::Word::splat(0);
    for &score in scores {
        let stop = stops(score);
        cumulative = cumulative + remaining * stop;
        remaining = remaining * (N::splat(1.0) - stop);
        let is_passed = cumulative.at_most(uniform);
        chosen = chosen + N::Word::select(is_passed, N::Word::splat(1), N::Word::splat(0));
    }
    chosen
}

/// Refuses a scaling with which no score gives a probability: `lowest` is what it multiplies for the lowest score.
///
/// # Errors
/// [`ConfigError`] for `key`, the key of the scaling.
pub(super) fn check_scaling(
    settings: &Settings,
    key: &'static str,
    scaling: f64,
    lowest: f64,
) -> Result<(), ConfigError> {
    if scaling * lowest > 1.0 {
        let most = 1.0 / lowest;
        let allowed = format!("at most {most}, above which no score gives a probability");
        return Err(settings.invalid(key, allowed));
    }
    Ok(())
}
