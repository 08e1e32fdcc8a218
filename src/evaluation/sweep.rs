//! Sweeps: one configuration over a list or a grid of values, each point on the same random numbers.
//!
//! ```text
//! Sources + Axis... --resolve_points--> Point... --Registry::simulation--> Simulation...
//!     --sweep--> Sweep --SweepReport::new--> SweepReport
//! ```

use super::error::EvaluationError;
use super::report::{SCHEMA, is_false, is_zero, section};
use super::warnings::{self, Warning};
use super::{json_numbers, uncertainty};
use crate::backend::{BLOCK_EPISODES, Backend, BackendInfo, Launches, Observer, Simulation};
use crate::config::Point;
use crate::statistics::{Statistics, Summary};
use serde::Serialize;
use serde_json::{Map, Value};
use std::ops::Range;
use std::time::Instant;

/// Most points of a sweep. Each takes some kilobytes of memory until the end, and with curves some hundred bytes a step more.
pub const MAX_POINTS: usize = 10_000;

/// Holds the results of the points of a sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The backend that ran it.
    pub backend: BackendInfo,
    /// The first episode of each point.
    pub first: u64,
    /// Episodes of each point that were asked for.
    pub asked: u64,
    /// The figures of each point, in the order of the points; of fewer episodes where the work was interrupted.
    pub points: Vec<SweptPoint>,
    /// Pipelines and dispatches that the sweep took on a device; `None` on the host.
    pub launches: Option<Launches>,
    /// How long it took, in seconds of wall-clock time.
    pub seconds: f64,
}

/// Holds the figures of one point of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweptPoint {
    /// The step at which episodes are truncated, given or built in, if it is known.
    pub max_steps: Option<u32>,
    /// The figures.
    pub summary: Summary,
}

impl Sweep {
    /// Tells whether episodes are missing because the work was interrupted.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.points
            .iter()
            .any(|point| point.summary.episodes < self.asked)
    }
}

/// Runs the episodes from 0 up to `episodes` of every simulation, and takes the time.
///
/// The figures of each simulation are those of [`evaluate`](super::evaluate()), bit for bit. Its statistics are dropped once
/// they are summed up, and curves by step are left out unless `keeps_curves`. Episodes with the same index get the same random
/// numbers in all simulations of one seed, so that figures differ mostly by what was varied. If the sweep is interrupted, the
/// first simulations have all their episodes, and the last ones none.
///
/// ```
/// use slatesim::backend::{Unobserved, cpu::cpu};
/// use slatesim::config::{Arrangement, Axis, Sources};
/// use slatesim::evaluation::{MAX_POINTS, sweep};
/// use slatesim::registry;
///
/// let axes = [Axis::parse("environment.user.sensitivity=0.01,0.05,0.1")?];
/// let declarations = registry::declarations();
/// let points = Sources::new().resolve_points(&axes, Arrangement::Grid, MAX_POINTS, &declarations)?;
/// let simulations = points.iter().map(|point| registry::simulation(&point.config));
/// let simulations = simulations.collect::<Result<Vec<_>, _>>()?;
/// let swept = sweep(&simulations, &cpu(Some(1))?, 256, false, &Unobserved)?;
/// for (point, found) in points.iter().zip(&swept.points) {
///     println!("{}: {:?}", point.label(), found.summary.returns.mean);
/// }
/// assert_eq!(points[2].label(), "environment.user.sensitivity = 0.1");
/// # assert_eq!(swept.points.len(), 3);
/// # assert!(swept.points.iter().all(|found| found.summary.episodes == 256));
/// # assert_ne!(swept.points[0].summary.returns.mean, swept.points[2].summary.returns.mean);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Backend::rollout_many`].
///
/// # Panics
/// If a backend does not hand over the statistics of each simulation, as [`Backend::rollout_each`] promises.
pub fn sweep(
    simulations: &[Simulation],
    backend: &dyn Backend,
    episodes: u64,
    keeps_curves: bool,
    observer: &dyn Observer,
) -> Result<Sweep, EvaluationError> {
    sweep_range(simulations, backend, 0..episodes, keeps_curves, observer)
}

/// Runs a range of episodes of each simulation; see [`sweep`].
///
/// # Errors
/// Those of [`Backend::rollout_many`]; the range must start at a multiple of
/// [`BLOCK_EPISODES`](crate::backend::BLOCK_EPISODES).
///
/// # Panics
/// Never: a backend hands over the statistics of each simulation.
pub fn sweep_range(
    simulations: &[Simulation],
    backend: &dyn Backend,
    episodes: Range<u64>,
    keeps_curves: bool,
    observer: &dyn Observer,
) -> Result<Sweep, EvaluationError> {
    let (first, asked) = (episodes.start, episodes.end.saturating_sub(episodes.start));
    if !first.is_multiple_of(BLOCK_EPISODES) {
        return Err(EvaluationError::Unaligned { start: first });
    }
    let clock = Instant::now();
    let mut points = vec![None; simulations.len()];
    let mut sum_up = |index: usize, mut statistics: Statistics| {
        if !keeps_curves {
            statistics.drop_curves();
        }
        points[index] = Some(SweptPoint {
            max_steps: statistics.conditions().max_steps,
            summary: statistics.summary(),
        });
    };
    let launches = backend.rollout_each(simulations, episodes, observer, &mut sum_up)?;
    let points = points.into_iter().collect::<Option<_>>();
    Ok(Sweep {
        backend: backend.info(),
        first,
        asked,
        points: points.expect("a backend hands over each one's statistics"),
        launches,
        seconds: clock.elapsed().as_secs_f64(),
    })
}

/// Reports a sweep; serialises as the object that `slatesim sweep --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the package that wrote the report.
    pub slatesim: String,
    /// The first episode of each point; left out where it is 0.
    #[serde(
        skip_serializing_if = "is_zero",
        serialize_with = "json_numbers::serialize"
    )]
    pub first_episode: u64,
    /// Episodes of each point that were asked for.
    pub episodes: u64,
    /// Whether episodes are missing because the work was interrupted.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    /// What is doubtful about the figures.
    pub warnings: Vec<Warning>,
    /// The backend that ran it.
    pub backend: BackendInfo,
    /// `pipelines` and `dispatches`, where the sweep ran on a device.
    #[serde(flatten)]
    pub launches: Option<Launches>,
    /// The keys that were varied, in the order in which they were given.
    pub varied: Vec<String>,
    /// What the standard errors cover, where that is not everything that the environment draws: a sentence without a full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<String>,
    /// The report of each point.
    pub points: Vec<PointReport>,
    /// Wall-clock time.
    pub seconds: f64,
    /// User-steps of all points per second; `None` where no time was taken.
    pub user_steps_per_second: Option<f64>,
}

/// Reports one point, with the figures that `slatesim evaluate` gives for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PointReport {
    /// The varied keys with their values at this point.
    pub values: Map<String, Value>,
    /// The environment with all parameters, `{"name", ...}`.
    pub environment: Value,
    /// The policy with all parameters, `{"name", ...}`.
    pub policy: Value,
    /// Key of all random numbers.
    #[serde(serialize_with = "json_numbers::serialize")]
    pub seed: u64,
    /// Steps after which an episode is truncated, given or built in, or after which all episodes have ended.
    pub max_steps: Option<u32>,
    /// Episodes of this point in this report.
    pub episodes: u64,
    /// The figures.
    #[serde(flatten)]
    pub summary: Summary,
}

impl SweepReport {
    /// Reports a sweep over points, in the order in which their simulations were run.
    ///
    /// # Panics
    /// If there are not as many points as were run.
    #[must_use]
    pub fn new(points: &[Point], sweep: Sweep) -> Self {
        assert_eq!(
            points.len(),
            sweep.points.len(),
            "a point for each that was run"
        );
        let user_steps: f64 = sweep
            .points
            .iter()
            .map(|point| point.summary.user_steps as f64)
            .sum();
        let rate = user_steps / sweep.seconds;
        let is_partial = sweep.is_partial();
        let varied = points.first().map(|point| &point.values);
        let varied = varied.into_iter().flatten();
        let reported: Vec<PointReport> = points
            .iter()
            .zip(sweep.points)
            .map(|(point, swept)| PointReport::new(point, swept))
            .collect();
        let mut doubts = warnings::of_size(sweep.asked);
        for (point, reported) in points.iter().zip(&reported) {
            let whose = format!("point {}: ", point.label());
            let has_max_steps = point.config.max_steps.is_some();
            doubts.extend(warnings::of_figures(
                &reported.summary,
                &whose,
                has_max_steps,
            ));
        }
        let environments = (reported.iter()).map(|point| (&point.environment, point.seed));
        Self {
            uncertainty: uncertainty::of_runs(environments),
            schema: SCHEMA,
            slatesim: env!("CARGO_PKG_VERSION").to_owned(),
            first_episode: sweep.first,
            episodes: sweep.asked,
            partial: is_partial,
            warnings: doubts,
            backend: sweep.backend,
            launches: sweep.launches,
            varied: varied.map(|(key, _)| key.clone()).collect(),
            points: reported,
            seconds: sweep.seconds,
            user_steps_per_second: rate.is_finite().then_some(rate),
        }
    }
}

impl PointReport {
    fn new(point: &Point, swept: SweptPoint) -> Self {
        let values = point.values.iter().map(|(key, value)| {
            let mut value = serde_json::to_value(value)
                .expect("checked values are something that JSON can hold");
            json_numbers::write_large_as_text(&mut value);
            (key.clone(), value)
        });
        Self {
            values: values.collect(),
            environment: section(&point.config.environment),
            policy: section(&point.config.policy),
            seed: point.config.seed,
            max_steps: swept.max_steps.or(point.config.max_steps),
            episodes: swept.summary.episodes,
            summary: swept.summary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::{AdapterSelection, GpuBackend, GpuError, GpuOptions, Patch};
    use crate::backend::{Unobserved, cpu, reference};
    use crate::config::{Arrangement, Axis, Sources};
    use crate::evaluation::evaluate;
    use crate::registry;
    use crate::test_support::Impatient;

    /// More than one block, and not a multiple of it.
    const EPISODES: u64 = 2 * BLOCK_EPISODES + 77;

    fn simulations(base: &[&str], vary: &[&str]) -> Vec<Simulation> {
        let mut sources = Sources::new();
        for set in base {
            sources = sources.set(set).unwrap();
        }
        let axes: Vec<Axis> = vary.iter().map(|text| Axis::parse(text).unwrap()).collect();
        let declarations = registry::declarations();
        let points = sources.resolve_points(&axes, Arrangement::Grid, MAX_POINTS, &declarations);
        let points = points.unwrap();
        let made = points
            .iter()
            .map(|point| registry::simulation(&point.config));
        made.collect::<Result<_, _>>().unwrap()
    }

    /// Sweeps over parameters, tables, documents, policies and layers, each with the number of pipelines that it takes.
    fn sweeps() -> Vec<(&'static str, Vec<Simulation>, u64)> {
        let short = "environment.user.time_budget=5";
        vec![
            (
                "parameters",
                simulations(
                    &[short],
                    &[
                        "environment.user.sensitivity=0.01,0.03,0.058",
                        "environment.user.memory_discount=0.7,0.9",
                    ],
                ),
                1,
            ),
            (
                "a choice model's parameters, and a size",
                simulations(
                    &[short, "environment.choice.model=multinomial_logit"],
                    &[
                        "environment.choice.no_click_mass=0,1",
                        "environment.slate_size=2,3",
                    ],
                ),
                2,
            ),
            (
                "tables",
                simulations(
                    &["environment.name=interest_exploration", "max_steps=6"],
                    &["environment.document.topic_quality_mean=[0.8,0.2],[0.5,0.5],[0.1,0.9]"],
                ),
                1,
            ),
            (
                "seeds, which have fixed documents of their own, and a parameter",
                simulations(
                    &[short, "environment.resample_documents=false"],
                    &["seed=1,2", "environment.user.sensitivity=0.01,0.05"],
                ),
                1,
            ),
            (
                "a layer's number, a policy's tables, policies",
                simulations(
                    &[
                        "environment.name=interest_exploration",
                        "max_steps=6",
                        "policy.layer.name=epsilon_greedy",
                    ],
                    &[
                        "policy.layer.epsilon=0.1,0.5",
                        "policy.name=random,greedy_pctr",
                    ],
                ),
                2,
            ),
        ]
    }

    fn is_as_evaluated(what: &str, simulations: &[Simulation], backend: &dyn Backend) -> Sweep {
        let sweep = sweep(simulations, backend, EPISODES, true, &Unobserved).unwrap();
        assert_eq!(sweep.points.len(), simulations.len());
        for (index, (simulation, found)) in simulations.iter().zip(&sweep.points).enumerate() {
            let single = evaluate(simulation, backend, 0..EPISODES, &Unobserved).unwrap();
            let single = single.statistics.summary();
            assert!(found.summary == single, "{what}, point {index}");
        }
        // The points differ, so that comparing them with single runs is not trivial.
        let first = &sweep.points[0];
        assert!(
            sweep.points[1..].iter().all(|other| other != first),
            "{what}"
        );
        sweep
    }

    #[test]
    fn each_point_gives_on_the_host_what_it_gives_alone() {
        for (what, simulations, _) in sweeps() {
            for batch_size in [BLOCK_EPISODES, 5 * BLOCK_EPISODES, u64::MAX / 2] {
                let backend = cpu::cpu(Some(2)).unwrap().with_batch_size(batch_size);
                is_as_evaluated(what, &simulations, &backend);
            }
            is_as_evaluated(what, &simulations, &reference::reference(Some(2)).unwrap());
        }
    }

    fn any_gpu() -> Option<GpuBackend> {
        match GpuBackend::open(AdapterSelection::Any) {
            Ok(gpu) => Some(gpu),
            Err(error @ (GpuError::NotBuilt | GpuError::NoAdapter))
                if std::env::var_os("SLATESIM_REQUIRE_GPU").is_none() =>
            {
                eprintln!("NOT TESTED: {error}");
                None
            }
            Err(error) => panic!("a GPU or software Vulkan is required: {error}"),
        }
    }

    #[test]
    fn each_point_gives_on_the_gpu_what_it_gives_alone() {
        let Some(gpu) = any_gpu() else { return };
        for (what, simulations, pipelines) in sweeps() {
            // All points in one batch; two points in a batch; less than a point in a batch, in several dispatches.
            for (batch_size, fusion_length) in
                [(None, None), (Some(6 * 256), None), (Some(512), Some(2))]
            {
                let backend = gpu.with_options(GpuOptions {
                    batch_size,
                    fusion_length,
                    ..GpuOptions::default()
                });
                let sweep = is_as_evaluated(what, &simulations, &backend);
                let launches = sweep.launches.expect("a device tells");
                assert_eq!(launches.pipelines, pipelines, "{what}");
            }
        }
    }

    #[test]
    fn lanes_that_read_the_numbers_of_another_point_are_noticed() {
        let Some(gpu) = any_gpu() else { return };
        for (sweep_index, path, find) in [
            (
                0,
                "shaders/kernel/candidates.wgsl",
                "+ episode / job.lanes_per_point",
            ),
            (
                2,
                "shaders/kernel/candidates.wgsl",
                "point * job.numbers_per_point",
            ),
        ] {
            let (what, simulations, _) = sweeps().swap_remove(sweep_index);
            let faulty = gpu.with_options(GpuOptions {
                patch: Some(Patch {
                    path: path.to_owned(),
                    find: find.to_owned(),
                    replace: if find.starts_with('+') { "" } else { "0u" }.to_owned(),
                }),
                ..GpuOptions::default()
            });
            let found = sweep(&simulations, &faulty, EPISODES, true, &Unobserved).unwrap();
            let last = simulations.last().unwrap();
            let alone = evaluate(last, &gpu, 0..EPISODES, &Unobserved).unwrap();
            assert!(
                found.points.last().unwrap().summary != alone.statistics.summary(),
                "{what}"
            );
        }
    }

    #[test]
    fn an_interrupted_sweep_has_whole_points_first_and_none_last() {
        let (_, simulations, _) = sweeps().remove(0);
        let backend = cpu::cpu(Some(1))
            .unwrap()
            .with_batch_size(4 * BLOCK_EPISODES);
        let impatient = Impatient::default();
        let sweep = sweep(&simulations, &backend, EPISODES, false, &impatient).unwrap();
        assert!(sweep.is_partial());
        let episodes: Vec<u64> = sweep
            .points
            .iter()
            .map(|one| one.summary.episodes)
            .collect();
        assert_eq!(episodes, [EPISODES, BLOCK_EPISODES, 0, 0, 0, 0]);
    }
}
