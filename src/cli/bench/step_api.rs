//! Throughput of the step API against the number of environments: slates from outside, with and without observations.

use super::cases::{Case, MAIN};
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::spread::Spread;
use super::timing::{Lap, Work, measure};
use crate::backend::{Backend, Simulation};
use crate::cli::figures::rate;
use crate::cli::interrupt::is_interrupted;
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
                self.env.step(self.slates.view())?;
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

/// What was measured of the main job with a number of environments.
#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    #[serde(flatten)]
    of: Of,
    environment: String,
    setting: &'static str,
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
pub(super) fn count(effort: Effort) -> usize {
    numbers(effort).count()
}

fn numbers(effort: Effort) -> impl Iterator<Item = usize> {
    let numbers = NUM_ENVS.into_iter();
    numbers.filter(move |&num_envs| num_envs <= effort.most_envs)
}

/// Measures the main job step by step on every backend; what is missing was interrupted.
pub(super) fn measure_all(
    main: &Case,
    backends: &[Opened],
    effort: Effort,
    progress: &Progress,
    rollout: impl Fn(&Opened) -> Option<f64>,
) -> anyhow::Result<Vec<StepRow>> {
    let mut rows = Vec::new();
    for num_envs in numbers(effort) {
        let mut works: Vec<Box<dyn Work>> = Vec::new();
        for opened in backends {
            for is_observed in [false, true] {
                let backend = opened.backend();
                let steps = Steps::new(backend, &main.simulation, num_envs, is_observed)?;
                works.push(Box::new(steps));
            }
        }
        let Some(measured) = measure(&mut works, effort.main_seconds, effort.runs)? else {
            break;
        };
        progress.done(&format!("{num_envs} environments"));
        for (opened, pair) in backends.iter().zip(measured.chunks_exact(2)) {
            rows.push(StepRow {
                of: opened.of(),
                environment: main.environment.clone(),
                setting: MAIN,
                num_envs,
                steps: pair[0].size,
                rollout_user_steps_per_second: rollout(opened),
                step_user_steps_per_second: pair[0].rate,
                observed_user_steps_per_second: pair[1].rate,
            });
        }
    }
    Ok(rows)
}

impl StepRow {
    /// Names the first columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 4] = ["backend", "environments", "what", "rollout"];

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
                self.num_envs.to_string(),
                what.to_owned(),
                rollout.map_or(String::new(), rate),
            ];
            cells.extend(spread.cells());
            cells
        })
    }
}
