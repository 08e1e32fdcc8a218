//! Backends, which run episodes. They contain no mathematics of models.
//!
//! | name | what | arithmetic |
//! | --- | --- | --- |
//! | [`mod@reference`] | one user at a time, the oracle | f64 |
//! | [`cpu`] | vectors of users on all cores | f32 |
//! | [`gpu`] | whole episodes in the registers of a GPU | f32 |
//!
//! All three run the same episodes: `episode(environment, policy, seed, index)` is a pure function, which depends neither on
//! the backend nor on its batches or threads.

pub mod cpu;
mod error;
pub mod gpu;
mod lanes;
mod model;
mod observation;
mod open;
mod plan;
pub mod reference;
mod stepper;

pub use error::BackendError;
pub use model::{Model, Simulation};
pub use observation::{Columns, Observation, Rows, Sizes, Tables};
pub use open::{BackendChoice, BackendSettings, OpenBackend, Opened, open};
pub use plan::{Corpus, Plan};
pub use stepper::{
    EMPTY, Followed, Follower, IDLE, Kept, LaneState, StepOutcome, SteppedUsers, Stepper,
};

use crate::statistics::{EpisodeBlock, Statistics};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::ops::Range;

/// Episodes whose per-step sums are formed together, in the backend's own arithmetic.
///
/// Blocks start at multiples of this number whatever the batch, the thread or the shard, and everything above a block
/// is summed exactly: that is why results do not depend on any of them.
pub const BLOCK_EPISODES: u64 = BLOCK_SIZE as u64;

/// [`BLOCK_EPISODES`] as the length of an array.
const BLOCK_SIZE: usize = 256;

/// The relative size of a rounding in single precision; backends that compute in it report it with their statistics.
const SINGLE_RESOLUTION: f64 = 1.0 / (1 << 23) as f64;

/// Names what computed a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// `reference`, `cpu` or `gpu`.
    pub name: String,
    /// The processor or the adapter.
    pub device: String,
    /// The adapter's driver; the vector width of `cpu`.
    pub driver: String,
}

/// Watches long work, and may end it early.
///
/// ```
/// use slatesim::backend::{Backend, Observer, Simulation, cpu::cpu};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// /// Ends the work after a thousand episodes.
/// struct Thousand(AtomicU64);
///
/// impl Observer for Thousand {
///     fn finished(&self, episodes: u64, _user_steps: u64) {
///         self.0.fetch_add(episodes, Ordering::Relaxed);
///     }
///     fn is_interrupted(&self) -> bool {
///         self.0.load(Ordering::Relaxed) >= 1000
///     }
/// }
///
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let backend = cpu(Some(1))?.with_batch_size(256);
/// let statistics = backend.rollout(&simulation, 0..1_000_000, &Thousand(AtomicU64::new(0)))?;
/// assert_eq!(statistics.episodes(), 1024);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Sync {
    /// Called when episodes have ended.
    fn finished(&self, episodes: u64, user_steps: u64);
    /// Tells whether the work should end; work that has begun is finished first.
    fn is_interrupted(&self) -> bool;
}

/// Watches nothing and never interrupts.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn finished(&self, _episodes: u64, _user_steps: u64) {}
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Holds the results of several simulations.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Rollouts {
    /// The statistics of each simulation, in order.
    pub statistics: Vec<Statistics>,
    /// The work of the device; `None` on the host.
    pub launches: Option<Launches>,
}

/// Counts the work of a device.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Launches {
    /// Different pipelines of whole episodes: one where simulations differ in their numbers only.
    pub pipelines: u64,
    /// Dispatches of them, each of as many episodes as fit, and as many of their steps as take some tens of milliseconds.
    pub dispatches: u64,
    /// Seconds that the kernels took by the device's own clock, without the host and the copies; `None` if the device has no
    /// clock.
    pub kernel_seconds: Option<f64>,
    /// The same, kernel by kernel; empty if the device has no clock.
    #[serde(skip)]
    pub by_kernel: Vec<KernelTime>,
}

/// The time that a kernel took on a device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KernelTime {
    /// Its entry point.
    pub kernel: &'static str,
    /// Seconds by the device's own clock, all dispatches together.
    pub seconds: f64,
}

/// Runs episodes.
///
/// What takes a `&dyn Backend` runs on any of them, and finds the same episodes there:
///
/// ```
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu, reference::reference};
///
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let mean_return = |backend: &dyn Backend| {
///     let statistics = backend.rollout(&simulation, 0..256, &Unobserved);
///     statistics.map(|statistics| statistics.summary().returns.mean.expect("there are episodes"))
/// };
/// let single = mean_return(&cpu(Some(1))?)?;
/// let double = mean_return(&reference(Some(1))?)?;
/// assert!((single / double - 1.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Backend: Debug {
    /// Names the backend and what it runs on.
    fn info(&self) -> BackendInfo;

    /// Runs the episodes of a range, each to its own end, and returns their statistics.
    ///
    /// The range must start at a multiple of [`BLOCK_EPISODES`]. Interrupted, the statistics are those of a shorter
    /// range with the same start.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails, or cannot hold what is asked of it.
    fn rollout(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
        observer: &dyn Observer,
    ) -> Result<Statistics, BackendError>;

    /// Runs the episodes of a range for each of several simulations, as many of them side by side as the backend can.
    ///
    /// The statistics are those of [`Backend::rollout`] of each, bit for bit. The range must start at a multiple of
    /// [`BLOCK_EPISODES`]. Interrupted, each simulation has the statistics of a shorter range with the same start: on the
    /// whole the first ones have all their episodes, and the last ones none.
    ///
    /// # Errors
    /// Those of [`Backend::rollout`].
    fn rollout_many(
        &self,
        simulations: &[Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
    ) -> Result<Rollouts, BackendError> {
        let mut statistics: Vec<Statistics> =
            simulations.iter().map(Simulation::statistics).collect();
        let mut keep = |index: usize, done| statistics[index] = done;
        let launches = self.rollout_each(simulations, episodes, observer, &mut keep)?;
        Ok(Rollouts {
            statistics,
            launches,
        })
    }

    /// As [`Backend::rollout_many`], but hands over the statistics of each simulation with its index as soon as they are
    /// complete, in any order, so that not all of them have to be kept. Each simulation is handed over once, also one without
    /// any episodes after an interruption.
    ///
    /// Returns the work of the device; `None` on the host.
    ///
    /// # Errors
    /// Those of [`Backend::rollout`].
    fn rollout_each(
        &self,
        simulations: &[Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
        finished: &mut dyn FnMut(usize, Statistics),
    ) -> Result<Option<Launches>, BackendError> {
        for (index, simulation) in simulations.iter().enumerate() {
            let statistics = match observer.is_interrupted() {
                true => simulation.statistics(),
                false => self.rollout(simulation, episodes.clone(), observer)?,
            };
            finished(index, statistics);
        }
        Ok(None)
    }

    /// Runs the episodes of a range and returns the outcome of every single one, block by block.
    ///
    /// For ranges whose outcomes fit into memory; the range must start at a multiple of [`BLOCK_EPISODES`].
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails, or cannot hold what is asked of it.
    fn episodes(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
    ) -> Result<Vec<EpisodeBlock>, BackendError>;

    /// Makes a stepper of `num_lanes` users, at least one, for [`VecEnv`](crate::vec_env::VecEnv); each is at the beginning of
    /// the episode with the number of its lane.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails, or cannot hold so many users.
    fn stepper(
        &self,
        simulation: &Simulation,
        num_lanes: usize,
    ) -> Result<Box<dyn Stepper>, BackendError> {
        self.shared_stepper(simulation, num_lanes, 1)
    }

    /// Makes a stepper of `num_lanes` users, `users_per_env` of them to an environment. `num_lanes` is a multiple of
    /// `users_per_env`, and both are at least 1.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails, or cannot hold so many users.
    fn shared_stepper(
        &self,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, BackendError>;
}
