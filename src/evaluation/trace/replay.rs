//! Shows the slates of a trace again, and compares the results with the trace.

use super::column::{Cell, Layout};
use super::error::TraceError;
use super::read::{Episode, Trace};
use super::record::{Decision, Scribe, starts};
use crate::backend::{Backend, IDLE, Simulation};
use std::path::Path;

/// Differences that are listed; further ones are only counted.
const MAX_TOLD: usize = 10;

/// Episodes that are replayed together.
const BATCH_SIZE: usize = 64;

/// A value that differs from the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The line of the file.
    pub line: u64,
    /// The episode.
    pub episode: u64,
    /// The step.
    pub step: usize,
    /// The name of the column.
    pub column: String,
    /// The value in the file.
    pub recorded: Cell,
    /// The value in the replay.
    pub found: Cell,
}

/// The results of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// How many steps were replayed.
    pub steps: u64,
    /// The return of each episode, in the order of the trace.
    pub returns: Vec<f64>,
    /// How many values differ from the recorded ones.
    pub num_differences: u64,
    /// How many of these are propensities.
    pub num_propensities: u64,
    /// The first of these differences.
    pub differences: Vec<Difference>,
    /// The episodes, in the order of the trace.
    pub episodes: Vec<u64>,
}

impl Replay {
    /// Adds the results of the episodes that follow.
    fn append(&mut self, next: Self) {
        self.steps += next.steps;
        self.returns.extend(next.returns);
        self.num_differences += next.num_differences;
        self.num_propensities += next.num_propensities;
        self.differences.extend(next.differences);
        self.differences.truncate(MAX_TOLD);
        self.episodes.extend(next.episodes);
    }
}

/// Replays a file, as [`Trace::read`] and [`replay`] do, without holding it in memory. Also returns the columns that were
/// ignored.
///
/// # Errors
/// Those of [`Trace::read`] and [`replay`].
pub fn replay_file(
    path: &Path,
    simulation: &Simulation,
    backend: &dyn Backend,
) -> Result<(Replay, Vec<String>), TraceError> {
    let mut whole = Replay::default();
    let rest = Trace::read_in_parts(path, simulation, &mut |part| {
        whole.append(replay(simulation, backend, part)?);
        Ok(())
    })?;
    Ok((whole, rest.ignored))
}

/// Shows the slates of a trace to the same users again, on any backend, and compares everything that happens with what was
/// recorded.
///
/// The backend decides the choice of each step and the end of each episode; everything else is computed from the choices that
/// were recorded. Propensities are compared with those of the simulation's policy, if it has any.
///
/// # Errors
/// [`TraceError::Backend`] if the device fails.
pub fn replay(
    simulation: &Simulation,
    backend: &dyn Backend,
    trace: &Trace,
) -> Result<Replay, TraceError> {
    let mut replayer = Replayer {
        layout: Layout::new(&trace.columns),
        simulation,
        trace,
        replay: Replay::default(),
    };
    for batch in trace.episodes.chunks(BATCH_SIZE) {
        replayer.run(backend, batch)?;
    }
    Ok(replayer.replay)
}

struct Replayer<'a> {
    layout: Layout,
    simulation: &'a Simulation,
    trace: &'a Trace,
    replay: Replay,
}

impl Replayer<'_> {
    fn run(&mut self, backend: &dyn Backend, batch: &[Episode]) -> Result<(), TraceError> {
        let episodes: Vec<u64> = batch.iter().map(|episode| episode.index).collect();
        let mut stepper = backend.stepper(self.simulation, episodes.len())?;
        stepper.start(&starts(&episodes))?;
        let with_candidates = self.trace.with_candidates;
        let mut scribe = Scribe::new(self.simulation, &episodes, with_candidates)?;
        let mut returns = vec![0.0; batch.len()];
        let longest = batch.iter().map(|episode| episode.rows.len()).max();
        for step in 0..longest.unwrap_or(0) {
            let rows: Vec<Option<&Vec<Cell>>> =
                batch.iter().map(|episode| episode.rows.get(step)).collect();
            let slates: Vec<u32> = rows.iter().flat_map(|row| self.slate(*row)).collect();
            let choices: Vec<Option<u32>> = rows.iter().map(|row| self.choice((*row)?)).collect();
            let mut outcome = stepper.step(&slates)?;
            let found = scribe.follow(&Decision {
                slates: &slates,
                outcome: &outcome,
                choices: &choices,
            })?;
            let chosen = std::mem::take(&mut outcome.chosen);
            for (lane, (mut found, chosen)) in found.into_iter().zip(chosen).enumerate() {
                if let Some(row) = rows[lane] {
                    found[self.layout.chosen] =
                        chosen.map_or(Cell::Missing, |chosen| Cell::Integer(chosen.into()));
                    returns[lane] += self.reward(&found);
                    self.compare(&batch[lane], step, row, &found);
                }
            }
        }
        self.replay.returns.extend(returns);
        self.replay.episodes.extend(episodes);
        Ok(())
    }

    /// The slate of a row; after the end of an episode, the slate of an idle lane.
    fn slate(&self, row: Option<&Vec<Cell>>) -> Vec<u32> {
        let slate = self.layout.slate.clone();
        match row {
            Some(row) => slate.map(|column| word(row[column]).unwrap_or(0)).collect(),
            None => vec![IDLE; slate.len()],
        }
    }

    fn choice(&self, row: &[Cell]) -> Option<u32> {
        word(row[self.layout.chosen])
    }

    fn reward(&self, row: &[Cell]) -> f64 {
        match row[self.layout.reward] {
            Cell::Single(reward) => f64::from(reward),
            _ => 0.0,
        }
    }

    fn compare(&mut self, episode: &Episode, step: usize, recorded: &[Cell], found: &[Cell]) {
        self.replay.steps += 1;
        for (column, (&recorded, &found)) in recorded.iter().zip(found).enumerate() {
            if is_same(recorded, found, self.trace.tolerance) {
                continue;
            }
            self.replay.num_differences += 1;
            if column == self.layout.propensity {
                self.replay.num_propensities += 1;
            }
            if self.replay.differences.len() < MAX_TOLD {
                self.replay.differences.push(Difference {
                    line: episode.lines[step],
                    episode: episode.index,
                    step,
                    column: self.trace.columns[column].name(),
                    recorded,
                    found,
                });
            }
        }
    }
}

/// Tells whether a number is the recorded one, even if another program has rewritten the file since.
///
/// Numbers in single precision must agree to the bit, except for what was lost in decimals; both zeros count as equal, and so
/// do all values that are not a number. Propensities, in double precision, may have been read by a fast decimal reader that
/// errs in the last digits.
fn is_same(recorded: Cell, found: Cell, tolerance: f64) -> bool {
    const READING: f64 = 1e-12;
    match (recorded, found) {
        (Cell::Single(a), Cell::Single(b)) => {
            a == b || (a.is_nan() && b.is_nan()) || (f64::from(a) - f64::from(b)).abs() <= tolerance
        }
        (Cell::Double(a), Cell::Double(b)) => {
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance + READING * b.abs()
        }
        (recorded, found) => recorded == found,
    }
}

/// Returns an integer that has already been checked to be an index.
fn word(cell: Cell) -> Option<u32> {
    match cell {
        Cell::Integer(number) => u32::try_from(number).ok(),
        _ => None,
    }
}
