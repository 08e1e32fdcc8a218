//! The lanes of a stepper, shared out among threads.

use super::stepper::{LaneState, Observation, StepOutcome, Stepper};
use crate::error::Error;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// The fewest lanes of a part: they are stepped in some 40 microseconds, not much longer than it takes to wake a thread.
const LEAST_LANES: usize = 512;

/// Neighbouring lanes, and what steps them.
struct Part {
    lanes: Range<usize>,
    stepper: Box<dyn Stepper>,
}

/// Steppers side by side that together are one.
pub(super) struct ParallelStepper {
    parts: Vec<Part>,
    num_lanes: usize,
    pool: Arc<rayon::ThreadPool>,
}

/// Makes a stepper of so many lanes, whose parts work on the threads of a pool; `make` makes a part. Lanes of one
/// environment stay together.
pub(super) fn parallel_stepper(
    pool: &Arc<rayon::ThreadPool>,
    num_lanes: usize,
    users_per_env: usize,
    make: impl Fn(usize) -> Box<dyn Stepper>,
) -> Box<dyn Stepper> {
    let most_parts = (num_lanes / LEAST_LANES).min(pool.current_num_threads());
    if most_parts < 2 {
        return make(num_lanes);
    }
    let num_envs = num_lanes / users_per_env;
    let lanes_of_a_part = num_envs.div_ceil(most_parts) * users_per_env;
    let parts = (0..num_lanes)
        .step_by(lanes_of_a_part)
        .map(|first| {
            let lanes = first..num_lanes.min(first + lanes_of_a_part);
            Part {
                stepper: make(lanes.len()),
                lanes,
            }
        })
        .collect();
    Box::new(ParallelStepper {
        parts,
        num_lanes,
        pool: Arc::clone(pool),
    })
}

impl ParallelStepper {
    /// Asks all parts at once, and returns their answers in the order of the lanes.
    fn ask<T: Send>(
        &mut self,
        question: impl Fn(&Range<usize>, &mut dyn Stepper) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let Self { parts, pool, .. } = self;
        pool.install(|| {
            parts
                .par_iter_mut()
                .map(|part| question(&part.lanes, part.stepper.as_mut()))
                .collect()
        })
    }

    /// Asks all parts for rows of numbers that each lane has as many of, and joins them.
    fn ask_rows<T: Copy + Send>(
        &mut self,
        question: impl Fn(&mut dyn Stepper) -> Result<Vec<T>, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        Ok(self.ask(|_, stepper| question(stepper))?.concat())
    }

    fn join(observations: &[Observation]) -> Observation {
        let of = |numbers: fn(&Observation) -> &Vec<f32>| {
            let parts: Vec<&[f32]> = observations
                .iter()
                .map(|part| numbers(part).as_slice())
                .collect();
            parts.concat()
        };
        Observation {
            users: of(|part| &part.users),
            documents: of(|part| &part.documents),
            responses: of(|part| &part.responses),
        }
    }

    fn take_step(
        &mut self,
        slates: &[u32],
        step: impl Fn(&Range<usize>, &mut dyn Stepper, &[u32]) -> Result<StepOutcome, Error> + Sync,
    ) -> Result<StepOutcome, Error> {
        let slate_size = slates.len() / self.num_lanes;
        let outcomes = self.ask(|lanes, stepper| {
            let slates = &slates[lanes.start * slate_size..lanes.end * slate_size];
            step(lanes, stepper, slates)
        })?;
        let mut all = StepOutcome::new(0);
        for outcome in outcomes {
            all.rewards.extend(outcome.rewards);
            all.chosen.extend(outcome.chosen);
            all.terminated.extend(outcome.terminated);
            all.truncated.extend(outcome.truncated);
        }
        Ok(all)
    }
}

/// Takes some lanes from rows of all lanes, one row a number.
fn columns<T: Copy>(rows: &[T], num_lanes: usize, lanes: &Range<usize>) -> Vec<T> {
    let rows = rows.chunks_exact(num_lanes);
    rows.flat_map(|row| row[lanes.clone()].iter().copied())
        .collect()
}

/// Joins rows of some lanes each to rows of all lanes.
fn from_columns(parts: &[(usize, Vec<f64>)]) -> Vec<f64> {
    let (lanes, numbers) = &parts[0];
    let num_rows = numbers.len() / lanes;
    (0..num_rows)
        .flat_map(|row| {
            let of = move |(lanes, numbers): &(usize, Vec<f64>)| {
                numbers[row * lanes..(row + 1) * lanes].to_vec()
            };
            parts.iter().flat_map(of)
        })
        .collect()
}

impl Stepper for ParallelStepper {
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), Error> {
        self.ask(|lanes, stepper| stepper.start(&starts[lanes.clone()]))?;
        Ok(())
    }

    fn recommend(&mut self) -> Result<Vec<u32>, Error> {
        self.ask_rows(|stepper| stepper.recommend())
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, Error> {
        self.take_step(slates, |_, stepper, slates| stepper.step(slates))
    }

    fn step_with_words(
        &mut self,
        slates: &[u32],
        words: &[[u32; 4]],
    ) -> Result<StepOutcome, Error> {
        self.take_step(slates, |lanes, stepper, slates| {
            stepper.step_with_words(slates, &words[lanes.clone()])
        })
    }

    fn responses(&mut self) -> Result<Vec<f32>, Error> {
        self.ask_rows(|stepper| stepper.responses())
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        let observations = self.ask(|_, stepper| stepper.observe())?;
        Ok(Self::join(&observations))
    }

    fn corpus(&mut self) -> Result<Vec<f32>, Error> {
        self.parts[0].stepper.corpus()
    }

    fn keep(&mut self) -> Result<(), Error> {
        self.ask(|_, stepper| stepper.keep())?;
        Ok(())
    }

    fn observe_kept(&mut self) -> Result<Observation, Error> {
        let observations = self.ask(|_, stepper| stepper.observe_kept())?;
        Ok(Self::join(&observations))
    }

    fn state(&mut self) -> Result<LaneState, Error> {
        let states = self.ask(|lanes, stepper| Ok((lanes.len(), stepper.state()?)))?;
        let of = |numbers: fn(&LaneState) -> &Vec<f64>| {
            let parts: Vec<(usize, Vec<f64>)> = states
                .iter()
                .map(|(lanes, state)| (*lanes, numbers(state).clone()))
                .collect();
            from_columns(&parts)
        };
        Ok(LaneState {
            users: of(|state| &state.users),
            policy: of(|state| &state.policy),
            episodes: states
                .iter()
                .flat_map(|(_, state)| state.episodes.clone())
                .collect(),
            steps: states
                .iter()
                .flat_map(|(_, state)| state.steps.clone())
                .collect(),
        })
    }

    fn set_state(&mut self, state: &LaneState) -> Result<(), Error> {
        let num_lanes = self.num_lanes;
        self.ask(|lanes, stepper| {
            stepper.set_state(&LaneState {
                users: columns(&state.users, num_lanes, lanes),
                policy: columns(&state.policy, num_lanes, lanes),
                episodes: state.episodes[lanes.clone()].to_vec(),
                steps: state.steps[lanes.clone()].to_vec(),
            })
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::backend::cpu::cpu;
    use crate::validation::cases;

    /// Three threads, so that the last part is shorter than the others.
    #[test]
    fn sharing_lanes_out_among_threads_changes_nothing() {
        const NUM_LANES: usize = 4 * LEAST_LANES + 10;
        for case in cases(&crate::registry::Registry::built_in()).unwrap() {
            let simulation = &case.simulation;
            let slate_size = simulation.plan.slate_size as usize;
            let mut steppers = [1, 3].map(|threads| {
                cpu(Some(threads))
                    .unwrap()
                    .stepper(simulation, NUM_LANES)
                    .unwrap()
            });
            let starts: Vec<Option<u64>> = (0..NUM_LANES as u64).map(Some).collect();
            let slates: Vec<u32> = (0..NUM_LANES)
                .flat_map(|lane| (0..slate_size).map(move |position| (lane, position)))
                .map(|(lane, position)| {
                    let candidate = (lane + position) % simulation.plan.num_candidates as usize;
                    u32::try_from(candidate).unwrap()
                })
                .collect();
            let words: Vec<[u32; 4]> = (0..).take(NUM_LANES).map(|lane| [lane << 12; 4]).collect();
            let [one, three] = steppers.each_mut().map(|stepper| {
                stepper.start(&starts).unwrap();
                let recommended = stepper.recommend().unwrap();
                let first = stepper.step(&recommended).unwrap();
                stepper.keep().unwrap();
                let second = stepper.step_with_words(&slates, &words).unwrap();
                let state = stepper.state().unwrap();
                stepper.set_state(&state).unwrap();
                (
                    (recommended, first, second, stepper.observe_kept().unwrap()),
                    (
                        state,
                        stepper.state().unwrap(),
                        stepper.responses().unwrap(),
                    ),
                    (stepper.observe().unwrap(), stepper.corpus().unwrap()),
                )
            });
            assert!(one == three, "{}", case.name);
            assert_eq!(one.1.0, one.1.1, "{}", case.name);
        }
    }
}
