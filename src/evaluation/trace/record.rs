//! Running episodes step by step and telling each step as a row.

use super::column::Cell;
use crate::backend::{
    Backend, Follower, IDLE, Observation, Observer, Simulation, StepOutcome, Stepper,
};
use crate::environment::Kind;
use crate::error::Error;
use std::ops::Range;

/// Episodes that are stepped together where nothing else is asked for: enough for a device, and few enough to hold their
/// rows.
const BATCH_SIZE: usize = 64;

/// What is recorded.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Whether rows hold the features of all candidates.
    pub with_candidates: bool,
    /// How many episodes are stepped together, without influence on what is recorded; some tens where none is given.
    pub batch_size: Option<usize>,
}

/// Runs episodes under the simulation's own policy and hands over their rows, episode by episode and step by step, each
/// with the cells of [`columns`](super::columns). Returns how many episodes were recorded: all, unless interrupted.
///
/// # Errors
/// [`Error::Gpu`] if the device fails, and whatever `on_row` returns.
pub fn record(
    simulation: &Simulation,
    backend: &dyn Backend,
    episodes: Range<u64>,
    recording: &Recording,
    observer: &dyn Observer,
    on_row: &mut dyn FnMut(&[Cell]) -> Result<(), Error>,
) -> Result<u64, Error> {
    let batch_size = recording.batch_size.unwrap_or(BATCH_SIZE).max(1);
    let mut done = episodes.start;
    while done < episodes.end && !observer.is_interrupted() {
        let left = usize::try_from(episodes.end - done).unwrap_or(usize::MAX);
        let batch: Vec<u64> = (done..).take(batch_size.min(left)).collect();
        let rows = Batch::new(simulation, backend, &batch, recording.with_candidates)?.run()?;
        let mut steps = 0;
        for row in &rows {
            on_row(row)?;
            steps += 1;
        }
        done += batch.len() as u64;
        observer.finished(batch.len() as u64, steps);
    }
    Ok(done - episodes.start)
}

/// What each lane does at a step, as the backend decided it or as it was recorded.
pub(super) struct Decision<'a> {
    pub(super) slates: &'a [u32],
    pub(super) outcome: &'a StepOutcome,
    /// The choices that are followed.
    pub(super) choices: &'a [Option<u32>],
}

/// Episodes that are followed together.
pub(super) struct Scribe<'a> {
    simulation: &'a Simulation,
    follower: Box<dyn Follower>,
    episodes: &'a [u64],
    with_candidates: bool,
    /// What is observed of the documents that all share.
    corpus: Option<Vec<f32>>,
    /// Of each field of a user, whether it is a whole number.
    are_words: Vec<bool>,
    /// What is observed of all before the step.
    seen: Observation,
    step: u32,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(
        simulation: &'a Simulation,
        episodes: &'a [u64],
        with_candidates: bool,
    ) -> Result<Self, Error> {
        let plan = &simulation.plan;
        let mut follower = simulation.model.follower(plan, episodes.len());
        follower.start(&starts(episodes))?;
        let fields = simulation.model.user_layout();
        let are_words = fields
            .iter()
            .flat_map(|field| vec![field.kind == Kind::Word; field.names().len()]);
        Ok(Self {
            corpus: match plan.corpus {
                Some(_) => Some(follower.corpus()?),
                None => None,
            },
            are_words: are_words.collect(),
            simulation,
            follower,
            episodes,
            with_candidates,
            seen: Observation::default(),
            step: 0,
        })
    }

    /// Follows a step and returns the row of each lane; those of lanes that rest mean nothing.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers are written in single precision, and words are words"
    )]
    pub(super) fn follow(&mut self, decision: &Decision<'_>) -> Result<Vec<Vec<Cell>>, Error> {
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
        let propensities = self.follower.propensities(slates)?;
        let followed = self.follower.follow(slates, choices)?;
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
                // A lane that rests shows no document.
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

/// Cuts numbers into the parts of as many lanes.
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
    ) -> Result<Self, Error> {
        let mut stepper = backend.stepper(simulation, episodes.len())?;
        stepper.start(&starts(episodes))?;
        Ok(Self {
            stepper,
            scribe: Scribe::new(simulation, episodes, with_candidates)?,
            simulation,
            num_lanes: episodes.len(),
        })
    }

    /// Runs the episodes to their ends and returns the rows of each.
    fn run(mut self) -> Result<Vec<Vec<Cell>>, Error> {
        let slate_size = self.simulation.plan.slate_size as usize;
        let mut rows: Vec<Vec<Vec<Cell>>> = vec![Vec::new(); self.num_lanes];
        let mut has_ended = vec![false; self.num_lanes];
        while has_ended.contains(&false) {
            let mut slates = self.stepper.recommend()?;
            for (lane, slate) in slates.chunks_exact_mut(slate_size).enumerate() {
                if has_ended[lane] {
                    slate[0] = IDLE;
                }
            }
            let outcome = self.stepper.step(&slates)?;
            let told = self.scribe.follow(&Decision {
                slates: &slates,
                outcome: &outcome,
                choices: &outcome.chosen,
            })?;
            for (lane, row) in told.into_iter().enumerate() {
                if !has_ended[lane] {
                    rows[lane].push(row);
                    has_ended[lane] = outcome.terminated[lane] || outcome.truncated[lane];
                }
            }
        }
        Ok(rows.into_iter().flatten().collect())
    }
}
