//! wgpu: whole episodes in the registers of a GPU, and single steps for agents outside.
//!
//! The shaders are composed per simulation from the twins of its environment, choice model and policy; the files in
//! `shaders/kernel/` are the only ones with bindings. No wgpu type appears outside this room.

mod adapter;
mod device;
mod error;
mod shader;
mod work;

pub use adapter::{AdapterId, AdapterSelection};
pub use device::context::AdapterSummary;
pub use error::GpuError;
pub use shader::compose::ShaderError;
pub use work::probe::{PROBE_ROWS, Probe};
pub use work::program::{Entry, Patch, compose_program};

use super::{
    Backend, BackendError, BackendInfo, KernelTime, Launches, Observer, SINGLE_RESOLUTION,
    Simulation, Stepper, Unobserved,
};
use crate::error::Error;
use crate::statistics::{EpisodeBlock, Statistics};
use device::context::Gpu;
use device::stopwatch::add_times;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tracing::debug;
use work::program::Program;
use work::rollout::blocks::Blocks;
use work::rollout::tally::{self, Tallies};
use work::rollout::{self, Collector, Taken};
use work::{points, stepper};

/// How shaders are made and work is cut. The defaults suit the adapter; others change no result, a `patch` apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpuOptions {
    /// Episodes in one dispatch; `None`: as suits the adapter.
    pub batch_size: Option<u32>,
    /// Steps of one dispatch; `None`: as many as take some tens of milliseconds.
    pub fusion_length: Option<u32>,
    /// Invocations in a workgroup; `None`: 64. Rollouts have the next of 64, 128 and 256; the kernel that adds episodes up
    /// always has 256.
    pub workgroup_size: Option<u32>,
    /// Whether shaders check array bounds at run time.
    pub is_checked: bool,
    /// Whether 64-bit integers are left alone even where the adapter has them.
    pub avoids_native_u64: bool,
    /// Whether the device adds episodes up, rather than the host; `None`: where there are so many that it pays. Not done
    /// where batches or episodes are too long for it, 2^20 lanes or 65,535 steps.
    pub tallies: Option<bool>,
    /// Iterations that all loops of an invocation may take together; `None`: as many as the driver allows. A dispatch that
    /// could take more is cut into several.
    pub most_iterations: Option<u64>,
    /// Candidates of one step that a dispatch looks at; `None`: all of them, or where a whole step is too much as many as the
    /// driver allows.
    pub part_size: Option<u32>,
    /// A deliberate fault, to see that validation finds it.
    pub patch: Option<Patch>,
}

/// Runs episodes on a GPU.
#[derive(Debug)]
pub struct GpuBackend {
    gpu: Arc<Gpu>,
    options: GpuOptions,
}

impl GpuBackend {
    /// Opens an adapter.
    ///
    /// # Errors
    /// [`GpuError`] if there is none, or it refuses.
    pub fn open(selection: AdapterSelection) -> Result<Self, GpuError> {
        Ok(Self {
            gpu: Arc::new(Gpu::open(selection)?),
            options: GpuOptions::default(),
        })
    }

    /// Returns the same device with other options.
    #[must_use]
    pub fn with_options(&self, options: GpuOptions) -> Self {
        Self {
            gpu: Arc::clone(&self.gpu),
            options,
        }
    }

    /// Returns the options in force.
    pub fn options(&self) -> &GpuOptions {
        &self.options
    }

    /// Lists the adapters of this machine.
    pub fn adapters() -> Vec<AdapterSummary> {
        Gpu::adapters()
    }

    /// Describes the adapter.
    pub fn adapter(&self) -> &AdapterSummary {
        self.gpu.info()
    }

    /// Prepares to run single draws and functions.
    ///
    /// # Errors
    /// [`GpuError`] if the device fails.
    pub fn probe(&self, simulation: &Simulation) -> Result<Probe, GpuError> {
        Probe::new(Arc::clone(&self.gpu), &self.options, simulation)
    }

    fn run<C: Collector>(
        &self,
        simulations: &[&Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
        finished: impl FnMut(usize, u64, C::Output),
    ) -> Result<Option<Taken<C>>, GpuError> {
        let (gpu, options) = (&self.gpu, &self.options);
        rollout::run(gpu, options, simulations, episodes, observer, finished)
    }

    /// Runs the episodes of one simulation.
    fn rollout_alone(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
        observer: &dyn Observer,
        tracked: &mut Tracked,
    ) -> Result<Statistics, GpuError> {
        let mut statistics = simulation.statistics();
        if !tally::suits(&self.gpu, &self.options, &simulation.plan, &episodes) {
            let add = |_point, _first, blocks: Vec<EpisodeBlock>| {
                let batch = simulation.collect(&blocks);
                observer.finished(batch.episodes(), batch.user_steps());
                merge(&mut statistics, &batch);
            };
            tracked.add(self.run::<Blocks>(&[simulation], episodes, observer, add)?);
            return Ok(statistics);
        }
        let mut begin = episodes.start;
        while begin < episodes.end && !observer.is_interrupted() {
            let end = begin.saturating_add(tally::MAX_EPISODES).min(episodes.end);
            let add = |_point, _first, batch: Statistics| {
                observer.finished(batch.episodes(), batch.user_steps());
                merge(&mut statistics, &batch);
            };
            let taken = self.run::<Tallies>(&[simulation], begin..end, observer, add)?;
            if let Some(taken) = &taken {
                statistics.add_return_buckets(&taken.collector.return_buckets(&self.gpu)?);
            }
            tracked.add(taken);
            begin = end;
        }
        Ok(statistics)
    }

    /// Gives the device up, so that everything after this fails as if it had been unplugged.
    pub fn destroy(&self) {
        self.gpu.device().destroy();
    }
}

impl Backend for GpuBackend {
    fn info(&self) -> BackendInfo {
        let adapter = self.gpu.info();
        BackendInfo {
            name: "gpu".to_owned(),
            device: format!(
                "{} ({}, {})",
                adapter.name, adapter.device_type, adapter.backend
            ),
            driver: adapter.driver.clone(),
        }
    }

    fn rollout(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
        observer: &dyn Observer,
    ) -> Result<Statistics, Error> {
        let mut launches = Tracked::default();
        let mut statistics = self.rollout_alone(simulation, episodes, observer, &mut launches)?;
        statistics.set_resolution(SINGLE_RESOLUTION);
        Ok(statistics)
    }

    fn rollout_each(
        &self,
        simulations: &[Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
        finished: &mut dyn FnMut(usize, Statistics),
    ) -> Result<Option<Launches>, Error> {
        let asked = episodes.end.saturating_sub(episodes.start);
        let mut tracked = Tracked::default();
        let mut hand_over = |index: usize, mut statistics: Statistics| {
            statistics.set_resolution(SINGLE_RESOLUTION);
            finished(index, statistics);
        };
        for members in points::groups(&self.gpu, &self.options, simulations) {
            if observer.is_interrupted() {
                for index in members {
                    hand_over(index, simulations[index].statistics());
                }
                continue;
            }
            if let [index] = members[..] {
                let simulation = &simulations[index];
                let statistics =
                    self.rollout_alone(simulation, episodes.clone(), observer, &mut tracked)?;
                hand_over(index, statistics);
                continue;
            }
            let group: Vec<&Simulation> =
                members.iter().map(|&index| &simulations[index]).collect();
            // Those that have begun, and whether each is complete.
            let mut open: BTreeMap<usize, Statistics> = BTreeMap::new();
            let mut is_done = vec![false; group.len()];
            let add = |point: usize, _first, blocks: Vec<EpisodeBlock>| {
                let batch = group[point].collect(&blocks);
                observer.finished(batch.episodes(), batch.user_steps());
                let statistics = open.entry(point);
                let statistics = statistics.or_insert_with(|| group[point].statistics());
                merge(statistics, &batch);
                if statistics.episodes() == asked
                    && let Some(statistics) = open.remove(&point)
                {
                    is_done[point] = true;
                    hand_over(members[point], statistics);
                }
            };
            tracked.add(self.run::<Blocks>(&group, episodes.clone(), observer, add)?);
            for (point, simulation) in group.iter().enumerate() {
                if !is_done[point] {
                    let statistics = open.remove(&point);
                    hand_over(
                        members[point],
                        statistics.unwrap_or_else(|| simulation.statistics()),
                    );
                }
            }
        }
        Ok(Some(tracked.launches()))
    }

    fn episodes(
        &self,
        simulation: &Simulation,
        episodes: Range<u64>,
    ) -> Result<Vec<EpisodeBlock>, Error> {
        let mut batches = BTreeMap::new();
        let keep = |_point, first, blocks| {
            batches.insert(first, blocks);
        };
        self.run::<Blocks>(&[simulation], episodes, &Unobserved, keep)?;
        Ok(batches.into_values().flatten().collect())
    }

    fn shared_stepper(
        &self,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, BackendError> {
        Ok(Box::new(stepper::GpuStepper::new(
            Arc::clone(&self.gpu),
            &self.options,
            simulation,
            num_lanes,
            users_per_env,
        )?))
    }
}

fn merge(statistics: &mut Statistics, batch: &Statistics) {
    statistics
        .merge(batch)
        .expect("both are of the same simulation");
}

/// Adds up what rollouts took of the device.
#[derive(Debug, Default)]
struct Tracked {
    programs: Vec<Arc<Program>>,
    dispatches: u64,
    times: Vec<KernelTime>,
}

impl Tracked {
    fn add<C>(&mut self, taken: Option<Taken<C>>) {
        let Some(taken) = taken else { return };
        debug!(
            dispatches = taken.num_dispatches,
            times = ?taken.times,
            waited = ?taken.waited,
            calibrated = ?taken.shape,
            "ran episodes"
        );
        self.dispatches += taken.num_dispatches;
        add_times(&mut self.times, &taken.times);
        let is_known = |known: &Arc<Program>| Arc::ptr_eq(known, &taken.program);
        if !self.programs.iter().any(is_known) {
            self.programs.push(taken.program);
        }
    }

    fn launches(self) -> Launches {
        let seconds = self.times.iter().map(|time| time.seconds);
        Launches {
            pipelines: self.programs.len() as u64,
            dispatches: self.dispatches,
            kernel_seconds: (!self.times.is_empty()).then(|| seconds.sum()),
            by_kernel: self.times,
        }
    }
}
