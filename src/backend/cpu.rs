//! Blocks of episodes on all cores.

use super::model::BlockRollout;
use super::{BLOCK_EPISODES, BLOCK_SIZE, Backend, BackendInfo, Observer, Simulation, Stepper};
use crate::error::Error;
use crate::number::LANES;
use crate::statistics::{EpisodeBlock, Statistics};
use rayon::prelude::*;
use std::ops::Range;

/// How many blocks a thread runs between two looks at the observer: some tens of milliseconds of work.
const BLOCKS_PER_THREAD: u64 = 32;

/// The number type of the host twins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `f64`, one user at a time: the backend `reference`.
    Double,
    /// `f32`, a vector of users at a time: the backend `cpu`.
    Single,
}

/// Runs episodes on the cores of this machine.
#[derive(Debug)]
pub struct CpuBackend {
    arithmetic: Arithmetic,
    pool: rayon::ThreadPool,
    wave: u64,
}

/// Makes the `cpu` backend, on all cores or on as many as asked for.
///
/// # Errors
/// [`Error::Threads`] if the threads cannot be started.
pub fn cpu(num_threads: Option<usize>) -> Result<CpuBackend, Error> {
    CpuBackend::new(Arithmetic::Single, num_threads)
}

impl CpuBackend {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Threads`] if they cannot be started.
    pub fn new(arithmetic: Arithmetic, num_threads: Option<usize>) -> Result<Self, Error> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(num_threads.unwrap_or(0))
            .build()
            .map_err(Error::Threads)?;
        let wave = BLOCK_EPISODES * BLOCKS_PER_THREAD * pool.current_num_threads() as u64;
        Ok(Self {
            arithmetic,
            pool,
            wave,
        })
    }

    /// Sets how many episodes run between two looks at the observer, rounded up to whole blocks.
    #[must_use]
    pub fn with_batch_size(mut self, batch_size: u64) -> Self {
        self.wave = batch_size
            .div_ceil(BLOCK_EPISODES)
            .max(1)
            .saturating_mul(BLOCK_EPISODES);
        self
    }

    fn block_rollout(&self, simulation: &Simulation) -> Box<dyn BlockRollout> {
        match self.arithmetic {
            Arithmetic::Double => simulation.model.reference_rollout(&simulation.plan),
            Arithmetic::Single => simulation.model.cpu_rollout(&simulation.plan),
        }
    }
}

impl Backend for CpuBackend {
    fn info(&self) -> BackendInfo {
        let threads = self.pool.current_num_threads();
        let (name, driver) = match self.arithmetic {
            Arithmetic::Double => ("reference", "f64, one user at a time".to_owned()),
            Arithmetic::Single => ("cpu", format!("f32, {LANES} users at a time")),
        };
        BackendInfo {
            name: name.to_owned(),
            device: format!("{threads} thread{}", if threads == 1 { "" } else { "s" }),
            driver,
        }
    }

    fn rollout(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
        observer: &dyn Observer,
    ) -> Result<Statistics, Error> {
        debug_assert_eq!(
            episodes.start % BLOCK_EPISODES,
            0,
            "ranges start at a block"
        );
        let mut statistics = simulation.statistics();
        let mut wave_start = episodes.start;
        while wave_start < episodes.end && !observer.is_interrupted() {
            let wave_end = wave_start.saturating_add(self.wave).min(episodes.end);
            let blocks = (wave_end - wave_start).div_ceil(BLOCK_EPISODES);
            let wave = self.pool.install(|| {
                (0..blocks)
                    .into_par_iter()
                    .fold(
                        || None,
                        |state: Option<(Box<dyn BlockRollout>, Statistics)>, block| {
                            let (mut rollout, mut statistics) = state.unwrap_or_else(|| {
                                (self.block_rollout(simulation), simulation.statistics())
                            });
                            let first = wave_start + block * BLOCK_EPISODES;
                            let count = block_length(wave_end - first);
                            statistics.add(&rollout.run(first, count));
                            Some((rollout, statistics))
                        },
                    )
                    .filter_map(|state| state.map(|(_, statistics)| statistics))
                    .reduce(|| simulation.statistics(), merged)
            });
            observer.finished(wave.episodes(), wave.user_steps());
            statistics = merged(statistics, wave);
            wave_start = wave_end;
        }
        Ok(statistics)
    }

    fn episodes(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
    ) -> Result<Vec<EpisodeBlock>, Error> {
        debug_assert_eq!(
            episodes.start % BLOCK_EPISODES,
            0,
            "ranges start at a block"
        );
        let blocks = (episodes.end - episodes.start).div_ceil(BLOCK_EPISODES);
        Ok(self.pool.install(|| {
            (0..blocks)
                .into_par_iter()
                .map_init(
                    || self.block_rollout(simulation),
                    |rollout, block| {
                        let first = episodes.start + block * BLOCK_EPISODES;
                        rollout.run(first, block_length(episodes.end - first))
                    },
                )
                .collect()
        }))
    }

    fn shared_stepper(
        &self,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, Error> {
        let Simulation { model, plan } = simulation;
        Ok(match self.arithmetic {
            Arithmetic::Double => model.reference_stepper(plan, num_lanes, users_per_env),
            Arithmetic::Single => model.cpu_stepper(plan, num_lanes, users_per_env),
        })
    }
}

/// Returns how many of the remaining episodes the next block has.
fn block_length(remaining: u64) -> usize {
    usize::try_from(remaining).map_or(BLOCK_SIZE, |remaining| remaining.min(BLOCK_SIZE))
}

/// Merges statistics of one simulation; sums are exact, so the order is of no consequence.
fn merged(mut a: Statistics, b: Statistics) -> Statistics {
    a.merge(&b).expect("both are of the same simulation");
    a
}
