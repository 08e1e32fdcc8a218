//! Whole episodes: each case on every backend, in turns.

use super::cases::{Case, MAIN};
use super::effort::Effort;
use super::opened::{Of, Opened};
use super::progress::Progress;
use super::spread::Spread;
use super::timing::{Lap, Measured, Work, measure};
use crate::backend::{BLOCK_EPISODES, Backend, Simulation};
use crate::cli::interrupt::Interruptible;
use crate::evaluation::evaluate;
use serde::Serialize;

/// Blocks of episodes for each thread in the first runs; fewer would leave threads idle.
const BLOCKS_BY_THREAD: u64 = 2;

/// Episodes of a simulation, run on a backend.
#[derive(Debug)]
pub(super) struct Rollout<'a> {
    pub(super) backend: &'a dyn Backend,
    pub(super) simulation: &'a Simulation,
}

impl Work for Rollout<'_> {
    fn run(&mut self, episodes: u64) -> anyhow::Result<Option<Lap>> {
        let campaign = evaluate(self.simulation, self.backend, 0..episodes, &Interruptible)?;
        Ok((!campaign.is_partial()).then(|| Lap {
            seconds: campaign.seconds,
            user_steps: campaign.statistics.user_steps() as f64,
        }))
    }

    fn least(&self) -> u64 {
        1
    }

    fn first(&self) -> u64 {
        BLOCKS_BY_THREAD * rayon::current_num_threads() as u64 * BLOCK_EPISODES
    }
}

/// What was measured of a case on a backend.
#[derive(Debug, Serialize)]
pub(super) struct ResultRow {
    #[serde(flatten)]
    pub(super) of: Of,
    environment: String,
    policy: String,
    setting: String,
    pub(super) episodes: u64,
    pub(super) user_steps: u64,
    runs: usize,
    start_seconds: f64,
    pub(super) user_steps_per_second: Spread,
}

/// Measures a case on every backend; `None` if it was interrupted.
pub(super) fn measure_case(
    case: &Case,
    backends: &[Opened],
    seconds: f64,
    effort: Effort,
    progress: &Progress,
) -> anyhow::Result<Option<Vec<ResultRow>>> {
    let mut works: Vec<Box<dyn Work + '_>> = Vec::new();
    for opened in backends {
        works.push(Box::new(Rollout {
            backend: opened.backend(),
            simulation: &case.simulation,
        }));
    }
    let seconds = if case.is_main() {
        effort.main_seconds
    } else {
        seconds
    };
    let Some(measured) = measure(&mut works, seconds, effort.runs)? else {
        return Ok(None);
    };
    progress.done(&format!(
        "{} {} ({})",
        case.environment, case.policy, case.setting
    ));
    let rows = backends.iter().zip(measured);
    let rows = rows.map(|(opened, measured)| ResultRow::new(case, opened, &measured, effort.runs));
    Ok(Some(rows.collect()))
}

impl ResultRow {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of steps"
    )]
    fn new(case: &Case, opened: &Opened, measured: &Measured, runs: usize) -> Self {
        Self {
            of: opened.of(),
            environment: case.environment.clone(),
            policy: case.policy.clone(),
            setting: case.setting.clone(),
            episodes: measured.size,
            user_steps: measured.user_steps as u64,
            runs,
            start_seconds: measured.start_seconds,
            user_steps_per_second: measured.rate,
        }
    }

    /// Tells whether this is a case on a backend.
    pub(super) fn is_of(&self, case: &Case, opened: &Opened) -> bool {
        let names = [&self.environment, &self.policy, &self.setting];
        names == [&case.environment, &case.policy, &case.setting] && self.of == opened.of()
    }

    /// Tells whether this is the main job on a backend.
    pub(super) fn is_main_of(&self, opened: &Opened) -> bool {
        self.setting == MAIN && self.of == opened.of()
    }

    /// Names the first columns of [`cells`](Self::cells), which are flush left.
    pub(super) const TITLE: [&'static str; 4] = ["backend", "environment", "policy", "setting"];

    /// Writes the measurement for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        let names = [&self.environment, &self.policy, &self.setting].map(String::clone);
        let mut cells = vec![self.of.label()];
        cells.extend(names);
        cells.push(self.episodes.to_string());
        cells.push(format!("{:.3} s", self.start_seconds));
        cells.extend(self.user_steps_per_second.cells());
        cells
    }
}
