//! Throughput of the step API: slates from outside, observations read back, against the number of environments.

use super::{BASELINE_NAME, Opened, Spread, baseline};
use crate::backend::{Backend, Simulation};
use crate::cli::figures::rate;
use crate::registry::Registry;
use crate::rng::Philox;
use crate::vec_env::VecEnv;
use ndarray::Array2;
use rand::RngExt;
use serde::Serialize;
use std::time::Instant;

/// Numbers of environments that are stepped together.
const NUM_ENVS: [usize; 4] = [1, 64, 4_096, 65_536];
/// As many with `--quick`.
const MOST_QUICK_ENVS: usize = 64;
/// Timed runs of each; the median is told.
const RUNS: usize = 3;

/// One measurement.
#[derive(Serialize)]
pub(super) struct StepRow {
    backend: String,
    environment: String,
    setting: &'static str,
    num_envs: usize,
    /// Steps of all environments in a run.
    steps: u64,
    /// With observations read back at every step.
    user_steps_per_second: Spread,
    /// With rewards, ends and clicks read back alone.
    unobserved_user_steps_per_second: Spread,
    /// What a rollout of the same setting gives on this backend.
    rollout_user_steps_per_second: Option<f64>,
}

/// Measures the published baseline on every backend; a run lasts `target` seconds. The largest numbers of environments
/// alone take longer than a quick measurement may.
pub(super) fn measure_all(
    registry: &Registry,
    backends: &[Opened],
    target: f64,
    is_quick: bool,
    rollout: impl Fn(&str) -> Option<f64>,
) -> anyhow::Result<Vec<StepRow>> {
    let config = baseline(&registry.catalogue())?;
    let simulation = registry.simulation(&config)?;
    let mut rows = Vec::new();
    for backend in backends {
        let most = if is_quick {
            MOST_QUICK_ENVS
        } else {
            usize::MAX
        };
        for num_envs in NUM_ENVS.into_iter().filter(|&num_envs| num_envs <= most) {
            let measure = |is_observed| {
                let backend = backend.runs.as_ref();
                measure(backend, &simulation, num_envs, is_observed, target)
            };
            let (steps, observed) = measure(true)?;
            let (_, unobserved) = measure(false)?;
            rows.push(StepRow {
                backend: backend.row.name.clone(),
                environment: config.environment.name.clone(),
                setting: BASELINE_NAME,
                num_envs,
                steps,
                user_steps_per_second: Spread::of(observed),
                unobserved_user_steps_per_second: Spread::of(unobserved),
                rollout_user_steps_per_second: rollout(&backend.row.name),
            });
        }
    }
    Ok(rows)
}

/// Times steps with slates that were drawn before, and returns their number and the user-steps by second of each run.
fn measure(
    backend: &dyn Backend,
    simulation: &Simulation,
    num_envs: usize,
    is_observed: bool,
    target: f64,
) -> anyhow::Result<(u64, Vec<f64>)> {
    let plan = &simulation.plan;
    let mut rng = Philox::new(1);
    let shape = (num_envs, plan.slate_size as usize);
    let slates = Array2::from_shape_simple_fn(shape, || rng.random_range(0..plan.num_candidates));
    let mut env = VecEnv::new(simulation, backend, num_envs)?;
    env.reset()?;
    let mut run = |steps: u64| -> anyhow::Result<f64> {
        let clock = Instant::now();
        for _ in 0..steps {
            if is_observed {
                env.step(slates.view())?;
            } else {
                env.advance(slates.view())?;
            }
        }
        Ok(clock.elapsed().as_secs_f64())
    };
    let mut steps = 2;
    let mut seconds = run(steps)?;
    while seconds < 0.5 * target {
        steps *= 2;
        seconds = run(steps)?;
    }
    let rates = (0..RUNS)
        .map(|_| Ok(steps as f64 * num_envs as f64 / run(steps)?))
        .collect::<anyhow::Result<_>>()?;
    Ok((steps, rates))
}

impl StepRow {
    /// Names the columns of [`cells`](Self::cells).
    pub(super) const TITLE: [&'static str; 8] = [
        "backend",
        "setting",
        "environments",
        "median",
        "min",
        "max",
        "unobserved",
        "rollout",
    ];

    /// Writes the measurement for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        let speed = &self.user_steps_per_second;
        vec![
            self.backend.clone(),
            self.setting.to_owned(),
            self.num_envs.to_string(),
            rate(speed.median),
            rate(speed.min),
            rate(speed.max),
            rate(self.unobserved_user_steps_per_second.median),
            self.rollout_user_steps_per_second
                .map_or(String::new(), rate),
        ]
    }
}
