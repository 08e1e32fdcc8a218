//! Runs episodes step by step, and makes a row of each step.

use super::column::Cell;
use super::error::TraceError;
use crate::backend::{
    Backend, Followed, Follower, IDLE, Observation, Observer, Simulation, StepOutcome, Stepper,
};
use crate::environment::Kind;
use std::ops::Range;

/// Episodes that are stepped together, where no number is given: enough to keep a device busy.
const BATCH_SIZE: usize = 64;
/// Cells that are held for episodes that wait for an earlier one to end: some tens of megabytes. Beyond that, the last episodes
/// of the batch are dropped and run again later. This is safe because an episode is the same whenever it runs.
const MOST_CELLS: usize = 1 << 20;

/// Options of a recording.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Whether rows hold the features of all candidates.
    pub with_candidates: bool,
    /// How many episodes are stepped together; it does not change what is recorded. Some tens if not given.
    pub batch_size: Option<usize>,
}

/// Runs episodes under the simulation's own policy and hands over their rows, episode by episode and step by step, each
/// with the cells of [`columns`](super::columns). Returns how many episodes were recorded: all, unless interrupted.
///
/// # Errors
/// [`TraceError::Backend`] if the device fails, and whatever `on_row` returns.
pub fn record(
    simulation: &Simulation,
    backend: &dyn Backend,
    episodes: Range<u64>,
    recording: &Recording,
    observer: &dyn Observer,
    on_row: &mut dyn FnMut(&[Cell]) -> Result<(), TraceError>,
) -> Result<u64, TraceError> {
    record_holding(
        MOST_CELLS, simulation, backend, episodes, recording, observer, on_row,
    )
}

/// Records as [`record`] does, with a limit on the cells that are held.
fn record_holding(
    most_cells: usize,
    simulation: &Simulation,
    backend: &dyn Backend,
    episodes: Range<u64>,
    recording: &Recording,
    observer: &dyn Observer,
    on_row: &mut dyn FnMut(&[Cell]) -> Result<(), TraceError>,
) -> Result<u64, TraceError> {
    let mut batch_size = recording.batch_size.unwrap_or(BATCH_SIZE).max(1);
    let mut done = episodes.start;
    while done < episodes.end && !observer.is_interrupted() {
        let left = usize::try_from(episodes.end - done).unwrap_or(usize::MAX);
        let batch: Vec<u64> = (done..).take(batch_size.min(left)).collect();
        let mut steps = 0;
        let mut on_row = |row: &[Cell]| {
            steps += 1;
            on_row(row)
        };
        let recorded = Batch::new(simulation, backend, &batch, recording.with_candidates)?
            .run(most_cells, &mut on_row)?;
        done += recorded as u64;
        observer.finished(recorded as u64, steps);
        // If episodes were dropped, the next batch is as small as this one turned out; else it grows again.
        batch_size = match recorded < batch.len() {
            true => recorded,
            false => (2 * recorded).min(recording.batch_size.unwrap_or(BATCH_SIZE).max(1)),
        };
    }
    Ok(done - episodes.start)
}

/// What happened in each lane at a step, as the backend decided it or as it was recorded.
pub(super) struct Decision<'a> {
    pub(super) slates: &'a [u32],
    pub(super) outcome: &'a StepOutcome,
    /// The choices that the follower is given.
    pub(super) choices: &'a [Option<u32>],
}

/// Episodes that are followed together, and of which rows are made.
pub(super) struct Scribe<'a> {
    simulation: &'a Simulation,
    follower: Box<dyn Follower>,
    episodes: &'a [u64],
    with_candidates: bool,
    /// The observed features of the documents, where all users share them.
    corpus: Option<Vec<f32>>,
    /// For each field of a user, whether it is a whole number.
    are_words: Vec<bool>,
    /// The observation of all lanes before the step.
    seen: Observation,
    step: u32,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(
        simulation: &'a Simulation,
        episodes: &'a [u64],
        with_candidates: bool,
    ) -> Result<Self, TraceError> {
        let plan = &simulation.plan;
        let mut follower = simulation.model.follower(plan, episodes.len());
        follower.start(&starts(episodes))?;
        let fields = simulation.model.user_layout();
        let are_words = fields
            .iter()
            .flat_map(|field| vec![field.kind == Kind::Word; field.names().len()]);
        Ok(Self {
            corpus: follower.corpus()?,
            are_words: are_words.collect(),
            simulation,
            follower,
            episodes,
            with_candidates,
            seen: Observation::default(),
            step: 0,
        })
    }

    /// Follows a step and returns the row of each lane; rows of idle lanes have no meaning.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers are written in single precision, and words are words"
    )]
    pub(super) fn follow(&mut self, decision: &Decision<'_>) -> Result<Vec<Vec<Cell>>, TraceError> {
        let Decision {
            slates,
            outcome,
            choices,
        } = *decision;
        let plan = &self.simulation.plan;
        let num_lanes = self.episodes.len();
        let slate_size = plan.slate_size as usize;
        let document_size = plan.outline.document_size();
        let state = self.follower.state()?;
        self.follower.observe(&mut self.seen)?;
        let Followed {
            outcome: followed,
            propensities,
        } = self.follower.follow(slates, choices)?;
        let responses = self.follower.responses()?;
        let users = lane_by_lane(&self.seen.users, num_lanes);
        let responses = lane_by_lane(&responses, num_lanes);
        let mut rows = Vec::with_capacity(num_lanes);
        for lane in 0..num_lanes {
            let slate = &slates[lane * slate_size..][..slate_size];
            let documents = match &self.corpus {
                Some(corpus) => corpus,
                None => lane_by_lane(&self.seen.documents, num_lanes)(lane),
            };
            let mut row = vec![
                Cell::Integer(plan.seed),
                Cell::Integer(self.episodes[lane]),
                Cell::Integer(u64::from(self.step)),
            ];
            for (field, &is_word) in self.are_words.iter().enumerate() {
                let number = state.users[field * num_lanes + lane];
                row.push(if is_word {
                    Cell::Integer(number as u64)
                } else {
                    Cell::Single(number as f32)
                });
            }
            row.extend(singles(users(lane)));
            row.extend(slate.iter().map(|&shown| Cell::Integer(u64::from(shown))));
            for &candidate in slate {
                let candidate = candidate as usize * document_size;
                // An idle lane shows no document.
                let document = documents.get(candidate..candidate + document_size);
                row.extend(singles(document.unwrap_or_default()));
            }
            if self.with_candidates {
                row.extend(singles(documents));
            }
            let chosen = choices[lane].map(|chosen| Cell::Integer(u64::from(chosen)));
            row.push(chosen.unwrap_or(Cell::Missing));
            row.extend(singles(responses(lane)));
            row.extend([
                Cell::Single(followed.rewards[lane] as f32),
                Cell::Flag(outcome.terminated[lane]),
                Cell::Flag(outcome.truncated[lane]),
                propensities[lane].map_or(Cell::Missing, Cell::Double),
            ]);
            rows.push(row);
        }
        self.step += 1;
        Ok(rows)
    }
}

fn singles(numbers: &[f32]) -> impl Iterator<Item = Cell> {
    numbers.iter().map(|&number| Cell::Single(number))
}

/// Cuts an array into equal parts, one for each lane.
fn lane_by_lane<'a>(numbers: &'a [f32], num_lanes: usize) -> impl Fn(usize) -> &'a [f32] + use<'a> {
    let width = numbers.len() / num_lanes;
    move |lane| &numbers[lane * width..][..width]
}

/// Begins an episode in each lane.
pub(super) fn starts(episodes: &[u64]) -> Vec<Option<u64>> {
    episodes.iter().map(|&episode| Some(episode)).collect()
}

/// Episodes that run together.
struct Batch<'a> {
    stepper: Box<dyn Stepper>,
    scribe: Scribe<'a>,
    simulation: &'a Simulation,
    num_lanes: usize,
}

impl<'a> Batch<'a> {
    fn new(
        simulation: &'a Simulation,
        backend: &dyn Backend,
        episodes: &'a [u64],
        with_candidates: bool,
    ) -> Result<Self, TraceError> {
        let mut stepper = backend.stepper(simulation, episodes.len())?;
        stepper.start(&starts(episodes))?;
        Ok(Self {
            stepper,
            scribe: Scribe::new(simulation, episodes, with_candidates)?,
            simulation,
            num_lanes: episodes.len(),
        })
    }

    /// Runs the episodes to their ends and hands over their rows, episode by episode. Returns how many of the batch that were,
    /// at least one: the last ones are dropped if their rows are too many to hold.
    fn run(
        mut self,
        most_cells: usize,
        on_row: &mut dyn FnMut(&[Cell]) -> Result<(), TraceError>,
    ) -> Result<usize, TraceError> {
        let slate_size = self.simulation.plan.slate_size as usize;
        let mut has_ended = vec![false; self.num_lanes];
        // The first episode that has not ended. Its rows are handed over at once, and not held.
        let mut head = 0;
        // Episodes from this one on have been dropped.
        let mut kept = self.num_lanes;
        let mut held: Vec<Vec<Vec<Cell>>> = vec![Vec::new(); self.num_lanes];
        let mut num_held = 0;
        while head < kept {
            let mut slates = self.stepper.recommend()?;
            for (lane, slate) in slates.chunks_exact_mut(slate_size).enumerate() {
                if has_ended[lane] || lane >= kept {
                    slate[0] = IDLE;
                }
            }
            let outcome = self.stepper.step(&slates)?;
            let told = self.scribe.follow(&Decision {
                slates: &slates,
                outcome: &outcome,
                choices: &outcome.chosen,
            })?;
            for (lane, row) in told.into_iter().enumerate().take(kept) {
                if has_ended[lane] {
                    continue;
                }
                has_ended[lane] = outcome.terminated[lane] || outcome.truncated[lane];
                if lane == head {
                    on_row(&row)?;
                } else {
                    num_held += row.len();
                    held[lane].push(row);
                }
            }
            while head < kept && has_ended[head] {
                head += 1;
                for row in held.get_mut(head).map(std::mem::take).unwrap_or_default() {
                    num_held -= row.len();
                    on_row(&row)?;
                }
            }
            while num_held > most_cells && kept > head + 1 {
                kept -= 1;
                let rows = std::mem::take(&mut held[kept]);
                num_held -= rows.iter().map(Vec::len).sum::<usize>();
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Unobserved, cpu};
    use crate::registry;
    use crate::test_support::item_transition;

    #[test]
    fn rows_that_cannot_be_held_come_in_the_same_order() {
        let simulation = registry::simulation(&item_transition(3, &[])).unwrap();
        let backend = cpu::cpu(Some(1)).unwrap();
        let rows = |most_cells: usize, batch_size: Option<usize>| {
            let mut rows: Vec<Vec<Cell>> = Vec::new();
            let mut on_row = |row: &[Cell]| {
                rows.push(row.to_vec());
                Ok(())
            };
            let recording = Recording {
                batch_size,
                ..Recording::default()
            };
            let done = record_holding(
                most_cells,
                &simulation,
                &backend,
                256..356,
                &recording,
                &Unobserved,
                &mut on_row,
            );
            assert_eq!(done.unwrap(), 100);
            rows
        };
        let alone = rows(MOST_CELLS, Some(1));
        for (most_cells, batch_size) in
            [(MOST_CELLS, None), (0, None), (300, None), (2000, Some(7))]
        {
            assert_eq!(rows(most_cells, batch_size), alone, "{most_cells} cells");
        }
    }
}
