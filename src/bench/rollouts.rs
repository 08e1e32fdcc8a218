//! Measures whole episodes: each case on every backend, in turns.

use super::backends::{BackendLabel, MeasuredBackend};
use super::cases::{Case, CaseName};
use super::effort::Effort;
use super::spread::Spread;
use super::timing::{Lap, Measured, Workload, in_turns, sized};
use crate::backend::{BLOCK_EPISODES, Backend, Observer, Simulation};
use crate::error::Error;
use crate::evaluation::evaluate;
use serde::Serialize;
use std::fmt;

/// Blocks of episodes for each thread in the first runs; with fewer, threads would be idle.
const BLOCKS_BY_THREAD: u64 = 2;

/// A workload: episodes of a simulation on a backend. The size of a run is their number.
#[derive(Clone, Copy)]
pub struct Rollout<'a> {
    /// The backend.
    pub backend: &'a dyn Backend,
    /// The simulation.
    pub simulation: &'a Simulation,
    /// May end a run early.
    pub observer: &'a dyn Observer,
}

// Written by hand, because an observer need not implement `Debug`.
impl fmt::Debug for Rollout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rollout")
            .field("backend", &self.backend)
            .field("simulation", &self.simulation)
            .finish_non_exhaustive()
    }
}

impl Workload for Rollout<'_> {
    fn run(&mut self, episodes: u64) -> Result<Option<Lap>, Error> {
        let campaign = evaluate(self.simulation, self.backend, 0..episodes, self.observer)?;
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

/// The figures of a case on a backend.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ResultRow {
    /// The backend.
    #[serde(flatten)]
    pub label: BackendLabel,
    /// The case.
    #[serde(flatten)]
    pub case: CaseName,
    /// Episodes of a run.
    pub episodes: u64,
    /// User-steps of a run.
    pub user_steps: u64,
    /// Timed runs.
    pub runs: usize,
    /// Seconds that a run takes to start: the median over the runs.
    pub start_seconds: f64,
    /// The rate of the runs.
    pub user_steps_per_second: Spread,
}

/// A case that a backend could not run, and so has no figures for.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RefusedRow {
    /// The backend.
    #[serde(flatten)]
    pub label: BackendLabel,
    /// The case.
    #[serde(flatten)]
    pub case: CaseName,
    /// What the backend said.
    pub reason: String,
}

/// The rows of a case.
pub(super) struct CaseRows {
    pub(super) results: Vec<ResultRow>,
    pub(super) refused: Vec<RefusedRow>,
}

/// Measures a case on every backend that can run it; `None` if it was interrupted.
pub(super) fn measure_case(
    case: &Case,
    backends: &[MeasuredBackend<'_>],
    seconds: f64,
    effort: Effort,
    observer: &dyn Observer,
) -> Result<Option<CaseRows>, Error> {
    let seconds = if case.name.is_main() {
        effort.main_seconds
    } else {
        seconds
    };
    let mut workloads: Vec<Box<dyn Workload + '_>> = Vec::new();
    let (mut labels, mut sizes, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for measured in backends {
        let mut rollout = Rollout {
            backend: measured.backend,
            simulation: &case.simulation,
            observer,
        };
        // One case that a device is too small for must not cost the figures of all others.
        match sized(&mut rollout, seconds) {
            Err(Error::Gpu(error)) if error.too_large().is_some() => refused.push(RefusedRow {
                label: measured.label(),
                case: case.name.clone(),
                reason: error.to_string(),
            }),
            Err(error) => return Err(error),
            Ok(None) => return Ok(None),
            Ok(Some(size)) => {
                labels.push(measured.label());
                sizes.push(size);
                workloads.push(Box::new(rollout));
            }
        }
    }
    let Some(measured) = in_turns(&mut workloads, &sizes, effort.runs)? else {
        return Ok(None);
    };
    let results = labels.into_iter().zip(measured);
    let results = results
        .map(|(label, measured)| ResultRow::new(case, label, &measured, effort.runs))
        .collect();
    Ok(Some(CaseRows { results, refused }))
}

impl ResultRow {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of steps"
    )]
    fn new(case: &Case, label: BackendLabel, measured: &Measured, runs: usize) -> Self {
        Self {
            label,
            case: case.name.clone(),
            episodes: measured.size,
            user_steps: measured.user_steps as u64,
            runs,
            start_seconds: measured.start_seconds,
            user_steps_per_second: measured.rate,
        }
    }
}
