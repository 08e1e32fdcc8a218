//! The backend: which collector suits a rollout, and which simulations run side by side.

use super::adapter::{AdapterSelection, AdapterSummary};
use super::device::context::Gpu;
use super::error::GpuError;
use super::options::GpuOptions;
use super::work::engine::Engine;
use super::work::points;
use super::work::probe::Probe;
use super::work::rollout::collector::Collector;
use super::work::rollout::episodes::EpisodeCollector;
use super::work::rollout::tally::{self, TallyCollector};
use super::work::rollout::{self, Taken};
use super::work::stepper::GpuStepper;
use super::work::tracked::Tracked;
use crate::backend::{
    Backend, BackendError, BackendInfo, Launches, Observer, SINGLE_RESOLUTION, Simulation, Stepper,
    Unobserved,
};
use crate::statistics::{EpisodeBlock, Statistics};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Runs episodes on a GPU.
///
/// ```
/// use slatesim::backend::gpu::{AdapterSelection, GpuBackend};
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
///
/// let backend: Box<dyn Backend> = match GpuBackend::open(AdapterSelection::Hardware) {
///     Ok(gpu) => Box::new(gpu),
///     Err(error) => {
///         eprintln!("{error}");
///         Box::new(cpu(Some(1))?)
///     }
/// };
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let returns = backend.rollout(&simulation, 0..256, &Unobserved)?.summary().returns;
/// println!("{:?} on {}", returns.mean, backend.info().device);
/// assert!(returns.mean.is_some_and(|mean| (900.0..1000.0).contains(&mean)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct GpuBackend {
    engine: Arc<Engine>,
    options: GpuOptions,
}

impl GpuBackend {
    /// Opens an adapter.
    ///
    /// # Errors
    /// [`GpuError`] if there is none, or it refuses.
    pub fn open(selection: AdapterSelection) -> Result<Self, GpuError> {
        Ok(Self {
            engine: Arc::new(Engine::new(Gpu::open(selection)?)),
            options: GpuOptions::default(),
        })
    }

    /// Returns the same device with other options.
    #[must_use]
    pub fn with_options(&self, options: GpuOptions) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
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
        self.engine.gpu.info()
    }

    /// Prepares to run single draws and functions.
    ///
    /// # Errors
    /// [`GpuError`] if the device fails.
    pub(crate) fn probe(&self, simulation: &Simulation) -> Result<Probe, GpuError> {
        Probe::new(Arc::clone(&self.engine), &self.options, simulation)
    }

    fn run<C: Collector>(
        &self,
        simulations: &[&Simulation],
        episodes: Range<u64>,
        observer: &dyn Observer,
        finished: impl FnMut(usize, u64, C::Output),
    ) -> Result<Option<Taken<C>>, GpuError> {
        let (engine, options) = (&self.engine, &self.options);
        rollout::run(engine, options, simulations, episodes, observer, finished)
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
        if !tally::suits(&self.engine.gpu, &self.options, &simulation.plan, &episodes) {
            let add = |_point, _first, blocks: Vec<EpisodeBlock>| {
                let batch = simulation.collect(&blocks);
                observer.finished(batch.episodes(), batch.user_steps());
                merge(&mut statistics, &batch);
            };
            tracked.add(self.run::<EpisodeCollector>(&[simulation], episodes, observer, add)?);
            return Ok(statistics);
        }
        let mut begin = episodes.start;
        while begin < episodes.end && !observer.is_interrupted() {
            let end = begin.saturating_add(tally::MAX_EPISODES).min(episodes.end);
            let add = |_point, _first, batch: Statistics| {
                observer.finished(batch.episodes(), batch.user_steps());
                merge(&mut statistics, &batch);
            };
            let taken = self.run::<TallyCollector>(&[simulation], begin..end, observer, add)?;
            if let Some(taken) = &taken {
                statistics.add_return_buckets(&taken.collector.return_buckets(&self.engine.gpu)?);
            }
            tracked.add(taken);
            begin = end;
        }
        Ok(statistics)
    }

    /// Gives the device up, so that everything after this fails as if it had been unplugged.
    #[doc(hidden)]
    pub fn destroy(&self) {
        self.engine.gpu.device().destroy();
    }
}

impl Backend for GpuBackend {
    fn info(&self) -> BackendInfo {
        let adapter = self.engine.gpu.info();
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
    ) -> Result<Statistics, BackendError> {
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
    ) -> Result<Option<Launches>, BackendError> {
        let asked = episodes.end.saturating_sub(episodes.start);
        let mut tracked = Tracked::default();
        let mut hand_over = |index: usize, mut statistics: Statistics| {
            statistics.set_resolution(SINGLE_RESOLUTION);
            finished(index, statistics);
        };
        for members in points::groups(&self.engine.gpu, &self.options, simulations) {
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
            // The simulations that have begun, by index, and whether each is complete.
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
            tracked.add(self.run::<EpisodeCollector>(&group, episodes.clone(), observer, add)?);
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
    ) -> Result<Vec<EpisodeBlock>, BackendError> {
        let mut batches = BTreeMap::new();
        let keep = |_point, first, blocks| {
            batches.insert(first, blocks);
        };
        self.run::<EpisodeCollector>(&[simulation], episodes, &Unobserved, keep)?;
        Ok(batches.into_values().flatten().collect())
    }

    fn shared_stepper(
        &self,
        simulation: &Simulation,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Result<Box<dyn Stepper>, BackendError> {
        Ok(Box::new(GpuStepper::new(
            Arc::clone(&self.engine),
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
