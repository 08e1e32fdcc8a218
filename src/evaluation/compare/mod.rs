//! Several simulations on the same episodes: the same users, documents and noise, so that differences are sharp.
//!
//! An episode is a pure function of its simulation, the seed and its index, and a policy draws no word that the
//! environment draws. Episode `i` of two policies is therefore one user who is treated in two ways, and the difference of the
//! two returns usually varies less than either does:
//!
//! ```text
//! var(a - b) = var(a) + var(b) - 2 cov(a, b)
//! ```
//!
//! The standard error of the mean difference comes from the spread of the differences themselves, which assumes only that
//! episodes are independent of each other. `docs/comparing.md` has the details.
//!
//! # Source
//! Glasserman and Yao (1992), "Some guidelines and guarantees for common random numbers", Management Science 38.

mod batch_size;
mod best;
mod comparison;
mod paired_difference;
mod pairs;
mod report;

pub use best::Best;
pub use comparison::Comparison;
pub use paired_difference::PairedDifference;
pub use report::{ComparisonReport, VariantReport};

use super::stopping::{self, Look, Target};
use crate::backend::{BLOCK_EPISODES, Backend, Observer, Simulation};
use crate::evaluation::error::EvaluationError;
use batch_size::BatchSize;
use pairs::simultaneous;
use std::time::Instant;

/// Most simulations that can be compared: the work grows with the number of pairs.
pub const MAX_COMPARED: usize = 32;

/// Says how many episodes a comparison runs, of each simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// This many episodes, from 0 on.
    Episodes(u64),
    /// This many episodes, from another one on, a multiple of [`BLOCK_EPISODES`](crate::backend::BLOCK_EPISODES).
    From {
        /// The first episode.
        first: u64,
        /// The number of episodes.
        episodes: u64,
    },
    /// Until every difference is as precise as asked for, all intervals together.
    Target(Target),
}

/// Runs the same episodes of several simulations, and collects their returns and all paired differences.
///
/// Each simulation's statistics are those of [`evaluate`](super::evaluate), to the last bit, and the result does not depend on
/// how the work is cut into batches. `batch_size` is how many episodes of each simulation run between two looks at the observer,
/// rounded up to whole blocks; if not given, as many as take some tenths of a second.
///
/// Under [`Extent::Target`] the half-width is that of the simultaneous interval of every difference.
///
/// ```
/// use slatesim::backend::{Simulation, Unobserved, cpu::cpu};
/// use slatesim::evaluation::{Extent, compare};
///
/// let least = Simulation::of("long_term_satisfaction").policy("greedy").set("policy.order", "min")?.build()?;
/// let most = Simulation::of("long_term_satisfaction").policy("greedy").set("policy.order", "max")?.build()?;
/// let comparison = compare(&[least, most], &cpu(Some(1))?, Extent::Episodes(512), None, &Unobserved)?;
/// let (pair, difference) = comparison.differences().next().expect("there is one pair");
/// println!("{pair:?}: {:?} ± {:?}", difference.mean(), difference.standard_error());
/// assert_eq!(pair, (0, 1));
/// // By default users hardly mind clickbait, so that it pays.
/// assert!(difference.mean().is_some_and(|mean| mean < 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`EvaluationError::Unaligned`] if the first episode is no multiple of [`BLOCK_EPISODES`], [`EvaluationError::NumCompared`]
/// unless there are from 2 to [`MAX_COMPARED`] simulations, [`EvaluationError::Seeds`] unless they have one seed, and those of [`Backend::episodes`].
pub fn compare(
    simulations: &[Simulation],
    backend: &dyn Backend,
    extent: Extent,
    batch_size: Option<u64>,
    observer: &dyn Observer,
) -> Result<Comparison, EvaluationError> {
    check(simulations)?;
    let mut comparison = Comparison::new(simulations, backend.info());
    let mut batch_size = BatchSize::new(simulations, batch_size);
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
            comparison.advance(simulations, backend, range, &mut batch_size, observer)?;
        }
        Extent::Target(target) => {
            let critical = simultaneous(simulations.len());
            let stopping = stopping::run(&target, critical, |episodes| {
                comparison.asked = episodes.end;
                comparison.advance(simulations, backend, episodes, &mut batch_size, observer)?;
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
