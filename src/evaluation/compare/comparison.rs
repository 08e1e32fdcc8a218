//! What a comparison has collected. It runs in batches: some episodes of each simulation at a time.

use super::batch_size::BatchSize;
use super::pairs::{num_pairs, pairs};
use crate::backend::{Backend, BackendInfo, Observer, Simulation};
use crate::evaluation::error::EvaluationError;
use crate::evaluation::stopping::Stopping;
use crate::statistics::{EpisodeBlock, Estimate, Moments, Statistics};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Instant;

/// Holds the results of a comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The backend that ran it.
    pub backend: BackendInfo,
    /// The first episode of each simulation.
    pub first: u64,
    /// Episodes of each simulation that were asked for.
    pub asked: u64,
    /// Episodes of each simulation that were run: fewer than asked for if the work was interrupted.
    pub done: u64,
    /// Statistics of each simulation, those that [`evaluate`](crate::evaluation::evaluate) gives.
    pub statistics: Vec<Statistics>,
    /// How the run ended, if it had a target precision.
    pub stopping: Option<Stopping>,
    /// How long it took, in seconds of wall-clock time.
    pub seconds: f64,
    /// Moments of the difference of returns, of each pair.
    pub(in crate::evaluation) differences: Vec<Moments>,
}

impl Comparison {
    pub(in crate::evaluation) fn new(simulations: &[Simulation], backend: BackendInfo) -> Self {
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
    /// A difference is rounded once, to the nearest `f64`; all sums are exact. Episodes whose difference is infinite or not a
    /// number are counted separately.
    pub fn differences(&self) -> impl Iterator<Item = ((usize, usize), &Moments)> {
        pairs(self.statistics.len()).zip(&self.differences)
    }

    /// Returns mean and standard error of one's return less another's; `None` where the episodes do not determine them.
    pub(super) fn estimate(&self, a: usize, b: usize) -> Option<Estimate> {
        let (low, high) = (a.min(b), a.max(b));
        let mut found = self.differences();
        let moments = found.find(|(pair, _)| *pair == (low, high));
        let (_, moments) = moments.expect("every pair is there");
        let sign = if a < b { 1.0 } else { -1.0 };
        let mean = moments.mean().map(|mean| sign * mean);
        Estimate::of(mean, moments.standard_error(), moments.count())
    }

    /// Runs a range of episodes batch by batch, until it ends or the observer interrupts.
    pub(super) fn advance(
        &mut self,
        simulations: &[Simulation],
        backend: &dyn Backend,
        episodes: Range<u64>,
        batch_size: &mut BatchSize,
        observer: &dyn Observer,
    ) -> Result<(), EvaluationError> {
        loop {
            let start = self.first.saturating_add(self.done);
            if start >= episodes.end || observer.is_interrupted() {
                break;
            }
            let end = start
                .saturating_add(batch_size.episodes())
                .min(episodes.end);
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
            batch_size.adapt(clock.elapsed());
        }
        Ok(())
    }
}
