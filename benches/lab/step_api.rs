//! Throughput of the step API: slates from outside, with and without observations. The main job for different numbers of
//! environments, and every environment.

use super::Lab;
use super::backends::OpenBackend;
use ndarray::Array2;
use rand::RngExt;
use serde::Serialize;
use slatesim::Error;
use slatesim::backend::{Backend, Observer, Simulation};
use slatesim::bench::{BackendLabel, Bench, Case, Lap, Spread, Workload, measure};
use slatesim::rng::Philox;
use slatesim::vec_env::VecEnv;
use std::time::Instant;

/// Numbers of environments that are stepped together.
const NUM_ENVS: [usize; 4] = [1, 64, 4_096, 65_536];
/// The most of them with `--quick`.
const MOST_QUICK_ENVS: usize = 64;
/// Seed of the slates.
const SEED: u64 = 1;

/// Environments, and the slate that each gets at every step.
struct Steps<'a> {
    env: VecEnv,
    slates: Array2<u32>,
    is_observed: bool,
    observer: &'a dyn Observer,
}

impl<'a> Steps<'a> {
    fn new(
        backend: &dyn Backend,
        simulation: &Simulation,
        num_envs: usize,
        is_observed: bool,
        observer: &'a dyn Observer,
    ) -> Result<Self, Error> {
        let plan = &simulation.plan;
        let mut rng = Philox::new(SEED);
        let shape = (num_envs, plan.slate_size as usize);
        let slates =
            Array2::from_shape_simple_fn(shape, || rng.random_range(0..plan.num_candidates));
        let mut env = VecEnv::new(simulation, backend, num_envs)?;
        env.reset()?;
        Ok(Self {
            env,
            slates,
            is_observed,
            observer,
        })
    }
}

impl Workload for Steps<'_> {
    fn run(&mut self, steps: u64) -> Result<Option<Lap>, Error> {
        if self.observer.is_interrupted() {
            return Ok(None);
        }
        let clock = Instant::now();
        for _ in 0..steps {
            if self.is_observed {
                let step = self.env.step(self.slates.view())?;
                self.env.recycle(step.observation);
                if let Some(last) = step.final_observation {
                    self.env.recycle(last.observation);
                }
            } else {
                self.env.advance(self.slates.view())?;
            }
        }
        Ok(Some(Lap {
            seconds: clock.elapsed().as_secs_f64(),
            user_steps: steps as f64 * self.env.num_envs() as f64,
        }))
    }

    fn least(&self) -> u64 {
        1
    }

    fn first(&self) -> u64 {
        4
    }
}

/// The figures of a case with a number of environments.
#[derive(Debug, Serialize)]
pub(crate) struct StepRow {
    #[serde(flatten)]
    label: BackendLabel,
    environment: String,
    setting: String,
    num_envs: usize,
    /// Steps of a run without observations, over all environments.
    steps: u64,
    /// The rate of a rollout of the same setting on this backend, whose slates come from the policy inside.
    rollout_user_steps_per_second: Option<f64>,
    /// The rate with slates from outside; rewards, ends and clicks are read back.
    step_user_steps_per_second: Spread,
    /// The rate when observations of users, documents and responses are read back, too.
    observed_user_steps_per_second: Spread,
}

/// Lists the points: the main job with all numbers of environments, then the first setting of every environment with the
/// largest. Policies do not matter, because slates come from outside.
fn points(cases: &[Case], is_quick: bool) -> Vec<(&Case, usize)> {
    let numbers = NUM_ENVS.iter().copied();
    let numbers = numbers.filter(|&number| !is_quick || number <= MOST_QUICK_ENVS);
    let most = numbers.clone().next_back();
    let main = cases.iter().find(|case| case.name.is_main());
    let environments = cases.chunk_by(|case, next| case.name.environment == next.name.environment);
    let first = environments.filter_map(|cases| cases.iter().find(|case| case.is_variant()));
    let mut points = Vec::new();
    if let Some(main) = main {
        points.extend(numbers.map(|number| (main, number)));
    }
    points.extend(first.filter_map(|case| Some((case, most?))));
    points
}

/// Measures all points on every backend that can run them, as `bench` tells; if interrupted, the rest is missing.
pub(crate) fn measure_all(lab: &Lab<'_>, bench: &Bench) -> Result<Vec<StepRow>, Error> {
    let effort = lab.effort();
    let mut rows = Vec::new();
    for (case, num_envs) in points(lab.cases, lab.is_quick) {
        let mut workloads: Vec<Box<dyn Workload + '_>> = Vec::new();
        let is_able = |opened: &&OpenBackend| bench.row(case, &opened.label()).is_some();
        let able: Vec<&OpenBackend> = lab.backends.iter().filter(is_able).collect();
        for opened in &able {
            for is_observed in [false, true] {
                let backend = opened.backend();
                let simulation = &case.simulation;
                let steps = Steps::new(backend, simulation, num_envs, is_observed, lab.observer)?;
                workloads.push(Box::new(steps));
            }
        }
        let Some(measured) = measure(&mut workloads, effort.main_seconds, effort.runs)? else {
            break;
        };
        lab.done(
            "step by step",
            &format!("{num_envs} of {}", case.name.environment),
        );
        for (opened, pair) in able.iter().zip(measured.chunks_exact(2)) {
            let label = opened.label();
            let rollout = bench.row(case, &label);
            rows.push(StepRow {
                label,
                environment: case.name.environment.clone(),
                setting: case.name.setting.clone(),
                num_envs,
                steps: pair[0].size,
                rollout_user_steps_per_second: rollout.map(|row| row.user_steps_per_second.median),
                step_user_steps_per_second: pair[0].rate,
                observed_user_steps_per_second: pair[1].rate,
            });
        }
    }
    Ok(rows)
}
