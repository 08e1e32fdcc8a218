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
mod pairs;
mod report;
mod wave;

pub use best::Best;
pub use pairs::PairedDifference;
pub use report::{ComparisonReport, VariantReport};

use super::stopping::{self, Look, Stopping, Target};
use crate::backend::{BLOCK_EPISODES, Backend, BackendInfo, Observer, Simulation};
use crate::error::Error;
use crate::statistics::{EpisodeBlock, Estimate, LEVEL, Moments, Statistics, two_sided};
use pairs::{num_pairs, pairs};
use rayon::prelude::*;
use std::ops::Range;
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

/// Holds what a comparison gave.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What computed it.
    pub backend: BackendInfo,
    /// The first episode of each simulation.
    pub first: u64,
    /// Episodes of each simulation that were asked for.
    pub asked: u64,
    /// Episodes of each simulation that were run: fewer than asked for if the work was interrupted.
    pub done: u64,
    /// Statistics of each simulation, those that [`evaluate`](super::evaluate) gives.
    pub statistics: Vec<Statistics>,
    /// How the work came to an end, where it ran to a precision.
    pub stopping: Option<Stopping>,
    /// How long it took, in seconds of wall-clock time.
    pub seconds: f64,
    /// Moments of the difference of returns, of each pair.
    differences: Vec<Moments>,
}

impl Comparison {
    fn new(simulations: &[Simulation], backend: BackendInfo) -> Self {
        Self {
            backend,
            first: 0,
            asked: 0,
            done: 0,
            statistics: simulations.iter().map(Simulation::statistics).collect(),
            stopping: None,
            seconds: 0.0,
            differences: vec![Moments::new(); num_pairs(simulations.len())],
        }
    }

    /// Tells whether episodes are missing because the work was interrupted.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.done != self.asked
    }

    /// Iterates over the pairs of simulations, each with the moments of the first's return less the second's.
    ///
    /// A difference is rounded once, to the nearest `f64`; all sums are exact. Episodes whose difference is infinite or not
    /// a number are counted apart.
    pub fn differences(&self) -> impl Iterator<Item = ((usize, usize), &Moments)> {
        pairs(self.statistics.len()).zip(&self.differences)
    }

    /// Returns mean and standard error of one's return less another's; `None` where the episodes do not tell.
    fn estimate(&self, a: usize, b: usize) -> Option<Estimate> {
        let (low, high) = (a.min(b), a.max(b));
        let mut found = self.differences();
        let moments = found.find(|(pair, _)| *pair == (low, high));
        let (_, moments) = moments.expect("every pair is there");
        let sign = if a < b { 1.0 } else { -1.0 };
        let mean = moments.mean().map(|mean| sign * mean);
        Estimate::of(mean, moments.standard_error(), moments.count())
    }

    /// Runs a range of episodes wave by wave, until it ends or the observer interrupts.
    fn advance(
        &mut self,
        simulations: &[Simulation],
        backend: &dyn Backend,
        episodes: Range<u64>,
        wave: &mut Wave,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        loop {
            let start = self.first.saturating_add(self.done);
            if start >= episodes.end || observer.is_interrupted() {
                break;
            }
            let end = start.saturating_add(wave.episodes()).min(episodes.end);
            let clock = Instant::now();
            let mut returns = Vec::with_capacity(simulations.len());
            for (simulation, statistics) in simulations.iter().zip(&mut self.statistics) {
                let blocks = backend.episodes(simulation, start..end)?;
                let part = simulation.collect(&blocks);
                observer.finished(part.episodes(), part.user_steps());
                statistics
                    .merge(&part)
                    .expect("both are of the same simulation");
                let flat = blocks.iter().flat_map(EpisodeBlock::judged).copied();
                returns.push(flat.collect::<Vec<f64>>());
            }
            let all: Vec<(usize, usize)> = pairs(simulations.len()).collect();
            all.into_par_iter()
                .zip(&mut self.differences)
                .for_each(|((a, b), moments)| {
                    let both = returns[a].iter().zip(&returns[b]);
                    moments.add_all(&both.map(|(a, b)| a - b).collect::<Vec<f64>>());
                });
            self.done = end - self.first;
            wave.adapt(clock.elapsed());
        }
        Ok(())
    }
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
/// [`Error::Unaligned`] if the first episode is no multiple of [`BLOCK_EPISODES`], [`Error::NumCompared`] unless there are from 2 to [`MAX_COMPARED`] simulations, [`Error::Seeds`] unless they have one
/// seed, and those of [`Backend::episodes`].
pub fn compare(
    simulations: &[Simulation],
    backend: &dyn Backend,
    extent: Extent,
    wave: Option<u64>,
    observer: &dyn Observer,
) -> Result<Comparison, Error> {
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
                return Err(Error::Unaligned { start: first });
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

fn check(simulations: &[Simulation]) -> Result<(), Error> {
    let given = simulations.len();
    if !(2..=MAX_COMPARED).contains(&given) {
        return Err(Error::NumCompared {
            given,
            most: MAX_COMPARED,
        });
    }
    let seed = simulations[0].plan.seed;
    let other = simulations
        .iter()
        .map(|simulation| simulation.plan.seed)
        .find(|&other| other != seed);
    other.map_or(Ok(()), |b| Err(Error::Seeds { a: seed, b }))
}

/// Returns how often the interval of a pair may miss, so that those of all pairs hold together.
fn simultaneous_miss(num_compared: usize) -> f64 {
    (1.0 - LEVEL) / num_pairs(num_compared) as f64
}

/// Returns the critical value under which the intervals of all pairs hold together, by Bonferroni's inequality.
fn simultaneous(num_compared: usize) -> f64 {
    two_sided(simultaneous_miss(num_compared))
}

#[cfg(test)]
mod tests;
