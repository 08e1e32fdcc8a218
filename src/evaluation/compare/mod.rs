//! Several simulations on the same episodes: the same users, documents and noise, so that differences are sharp.
//!
//! An episode is a pure function of its simulation, the seed and its index, and a policy draws no word that the
//! environment draws. Episode `i` of two policies is therefore one user who is treated in two ways, and the difference of
//! the two returns varies less than either does:
//!
//! ```text
//! var(a - b) = var(a) + var(b) - 2 cov(a, b)
//! ```
//!
//! The mean of the differences is judged by their own spread, which needs nothing but that episodes are independent of
//! each other. `docs/comparing.md` has the whole of it.
//!
//! # Source
//! Glasserman and Yao (1992), "Some guidelines and guarantees for common random numbers", Management Science 38.

mod best;
mod comparison;
mod paired_difference;
mod pairs;
mod report;
mod wave;

pub use best::Best;
pub use comparison::Comparison;
pub use paired_difference::PairedDifference;
pub use report::{ComparisonReport, VariantReport};

use super::stopping::{self, Look, Target};
use crate::backend::{BLOCK_EPISODES, Backend, Observer, Simulation};
use crate::evaluation::error::EvaluationError;
use pairs::simultaneous;
use std::time::Instant;
use wave::Wave;

/// Most simulations that can be compared: every pair of them is.
pub const MAX_COMPARED: usize = 32;

/// Says how many episodes a comparison runs, of each simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// So many, from 0 on.
    Episodes(u64),
    /// So many, from another one on: a multiple of [`BLOCK_EPISODES`](crate::backend::BLOCK_EPISODES).
    From {
        /// The first one.
        first: u64,
        /// How many.
        episodes: u64,
    },
    /// Until every difference is as precise as asked for, all intervals together.
    Target(Target),
}

/// Runs the same episodes of several simulations, and collects their returns and all paired differences.
///
/// Each simulation's statistics are those of [`evaluate`](super::evaluate), to the last bit, and nothing of the result
/// depends on the waves that the work is done in. `wave` is how many episodes of each run between two looks at the
/// observer, rounded up to whole blocks; if not given, what takes some tenths of a second.
///
/// Under [`Extent::Target`] the half-width is that of the simultaneous interval of every difference.
///
/// # Errors
/// [`EvaluationError::Unaligned`] if the first episode is no multiple of [`BLOCK_EPISODES`], [`EvaluationError::NumCompared`] unless there are from 2 to [`MAX_COMPARED`] simulations, [`EvaluationError::Seeds`] unless they have one
/// seed, and those of [`Backend::episodes`].
pub fn compare(
    simulations: &[Simulation],
    backend: &dyn Backend,
    extent: Extent,
    wave: Option<u64>,
    observer: &dyn Observer,
) -> Result<Comparison, EvaluationError> {
    check(simulations)?;
    let mut comparison = Comparison::new(simulations, backend.info());
    let mut wave = Wave::new(simulations, wave);
    let clock = Instant::now();
    match extent {
        Extent::Episodes(episodes) | Extent::From { episodes, .. } => {
            if let Extent::From { first, .. } = extent {
                comparison.first = first;
            }
            let first = comparison.first;
            if !first.is_multiple_of(BLOCK_EPISODES) {
                return Err(EvaluationError::Unaligned { start: first });
            }
            comparison.asked = episodes;
            let range = first..first.saturating_add(episodes);
            comparison.advance(simulations, backend, range, &mut wave, observer)?;
        }
        Extent::Target(target) => {
            let critical = simultaneous(simulations.len());
            let stopping = stopping::run(&target, critical, |episodes| {
                comparison.asked = episodes.end;
                comparison.advance(simulations, backend, episodes, &mut wave, observer)?;
                Ok(Look::at(comparison.done, comparison.differences.iter()))
            })?;
            comparison.stopping = Some(stopping);
            if comparison.is_partial() {
                comparison.asked = target.max_episodes();
            }
        }
    }
    comparison.seconds = clock.elapsed().as_secs_f64();
    Ok(comparison)
}

fn check(simulations: &[Simulation]) -> Result<(), EvaluationError> {
    let given = simulations.len();
    if !(2..=MAX_COMPARED).contains(&given) {
        return Err(EvaluationError::NumCompared {
            given,
            most: MAX_COMPARED,
        });
    }
    let seed = simulations[0].plan.seed;
    let other = simulations
        .iter()
        .map(|simulation| simulation.plan.seed)
        .find(|&other| other != seed);
    other.map_or(Ok(()), |b| Err(EvaluationError::Seeds { a: seed, b }))
}

#[cfg(test)]
mod tests;
