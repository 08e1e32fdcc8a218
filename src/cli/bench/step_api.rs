//! Throughput of the step API: slates from outside, with and without observations. The main job against the number of
//! environments, and every environment.

use super::cases::Case;
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::spread::Spread;
use super::timing::{Lap, Work, measure};
use crate::backend::{Backend, Simulation};
use crate::cli::interrupt::is_interrupted;
use crate::cli::text::numbers::rate;
use crate::rng::Philox;
use crate::vec_env::VecEnv;
use ndarray::Array2;
use rand::RngExt;
use serde::Serialize;
use std::time::Instant;

/// Numbers of environments that are stepped together.
const NUM_ENVS: [usize; 4] = [1, 64, 4_096, 65_536];
/// Key of the slates.
const SEED: u64 = 1;

/// Environments and the slate that each is shown at every step.
struct Steps {
    env: VecEnv,
    slates: Array2<u32>,
    is_observed: bool,
}

impl Steps {
    fn new(
        backend: &dyn Backend,
        simulation: &Simulation,
        num_envs: usize,
        is_observed: bool,
    ) -> anyhow::Result<Self> {
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
        })
    }
}

impl Work for Steps {
    fn run(&mut self, steps: u64) -> anyhow::Result<Option<Lap>> {
        if is_interrupted() {
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

/// What was measured of a case with a number of environments.
#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    #[serde(flatten)]
    of: Of,
    environment: String,
    setting: String,
    num_envs: usize,
    /// Steps of all environments in a run without observations.
    steps: u64,
    /// What a rollout of the same setting gives on this backend: policy included, and nobody outside.
    rollout_user_steps_per_second: Option<f64>,
    /// With slates from outside, and rewards, ends and clicks read back.
    step_user_steps_per_second: Spread,
    /// With what is observed of users, documents and responses read back too.
    observed_user_steps_per_second: Spread,
}

/// Counts the measurements.
pub(super) fn count(cases: &[Case], effort: Effort) -> usize {
    points(cases, effort).len()
}

/// Lists what is stepped: the main job in all numbers, then the first setting of every environment in the greatest.
/// Policies are of no consequence: slates come from outside.
fn points(cases: &[Case], effort: Effort) -> Vec<(&Case, usize)> {
    let numbers = NUM_ENVS.iter().copied();
    let numbers = numbers.filter(|&number| number <= effort.most_envs);
    let most = numbers.clone().next_back();
    let main = cases.iter().find(|case| case.is_main());
    let environments = cases.chunk_by(|case, next| case.environment == next.environment);
    let first = environments.filter_map(|cases| cases.iter().find(|case| case.is_variant()));
    let mut points = Vec::new();
    if let Some(main) = main {
        points.extend(numbers.map(|number| (main, number)));
    }
    points.extend(first.filter_map(|case| Some((case, most?))));
    points
}

/// Measures everything step by step on every backend; what is missing was interrupted.
pub(super) fn measure_all(
    cases: &[Case],
    backends: &[Opened],
    effort: Effort,
    progress: &Progress,
    rollout: impl Fn(&Case, &Opened) -> Option<f64>,
) -> anyhow::Result<Vec<StepRow>> {
    let mut rows = Vec::new();
    for (case, num_envs) in points(cases, effort) {
        let mut works: Vec<Box<dyn Work>> = Vec::new();
        for opened in backends {
            for is_observed in [false, true] {
                let backend = opened.backend();
                let steps = Steps::new(backend, &case.simulation, num_envs, is_observed)?;
                works.push(Box::new(steps));
            }
        }
        let Some(measured) = measure(&mut works, effort.main_seconds, effort.runs)? else {
            break;
        };
        progress.done(&format!("{num_envs} of {}", case.environment));
        for (opened, pair) in backends.iter().zip(measured.chunks_exact(2)) {
            rows.push(StepRow {
                of: opened.of(),
                environment: case.environment.clone(),
                setting: case.setting.clone(),
                num_envs,
                steps: pair[0].size,
                rollout_user_steps_per_second: rollout(case, opened),
                step_user_steps_per_second: pair[0].rate,
                observed_user_steps_per_second: pair[1].rate,
            });
        }
    }
    Ok(rows)
}

impl StepRow {
    /// Names the first columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 6] = [
        "backend",
        "environment",
        "setting",
        "what",
        "number",
        "rollout",
    ];

    /// Writes the measurement as two rows of a table.
    pub(super) fn cells(&self) -> [Vec<String>; 2] {
        let rows = [
            ("steps", &self.step_user_steps_per_second),
            (
                "steps and observations",
                &self.observed_user_steps_per_second,
            ),
        ];
        rows.map(|(what, spread)| {
            let rollout = self.rollout_user_steps_per_second;
            let mut cells = vec![
                self.of.label(),
                self.environment.clone(),
                self.setting.clone(),
                what.to_owned(),
                self.num_envs.to_string(),
                rollout.map_or(String::new(), rate),
            ];
            cells.extend(spread.cells());
            cells
        })
    }
}
