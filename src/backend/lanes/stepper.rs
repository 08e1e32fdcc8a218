//! Single steps of vectors of users: twin of `shaders/kernel/step.wgsl`.

use super::driver::Driver;
use crate::backend::model::{Plan, num_groups};
use crate::backend::stepper::{LaneState, Observation, StepOutcome, Stepper};
use crate::environment::{Blocks, Environment, Fields};
use crate::error::Error;
use crate::number::{Mask, Number, Word};
use crate::rng::{OBSERVATION, STEP, Stream};

/// Steps users with slates from outside.
#[derive(Debug)]
pub(in crate::backend) struct LaneStepper<N: Number, E: Environment<N>> {
    driver: Driver<N, E>,
    plan: Plan,
    num_lanes: usize,
    /// One vector of users each.
    users: Vec<E::User>,
    episodes: Vec<u64>,
    steps: Vec<u32>,
}

impl<N: Number, E: Environment<N>> LaneStepper<N, E> {
    /// Makes users to step; they begin with [`Stepper::start`].
    pub(in crate::backend) fn new(environment: E, plan: &Plan, num_lanes: usize) -> Self {
        Self {
            users: vec![environment.new_user(); num_groups::<N>(num_lanes)],
            driver: Driver::new(environment, plan, plan.slate_size),
            plan: plan.clone(),
            num_lanes,
            episodes: vec![0; num_lanes],
            steps: vec![0; num_lanes],
        }
    }

    /// Names the draws of the current step of group `group`; lanes past the end repeat lane 0 of it.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the halves of a 64-bit index"
    )]
    fn stream(&self, group: usize) -> Stream<N::Word> {
        let index = |lane: usize| match group * N::LANES + lane {
            index if index < self.num_lanes => index,
            _ => group * N::LANES,
        };
        Stream {
            key: crate::rng::key(self.plan.seed),
            episode: [
                N::Word::from_fn(|lane| self.episodes[index(lane)] as u32),
                N::Word::from_fn(|lane| (self.episodes[index(lane)] >> 32) as u32),
            ],
            step: N::Word::from_fn(|lane| self.steps[index(lane)]),
        }
    }

    /// Visits the lanes of a group that exist: lane of the vector and index of the user.
    fn lanes(&self, group: usize) -> impl Iterator<Item = (usize, usize)> + use<N, E> {
        let first = group * N::LANES;
        (0..N::LANES.min(self.num_lanes - first)).map(move |lane| (lane, first + lane))
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "observations are single precision"
)]
impl<N: Number, E: Environment<N>> Stepper for LaneStepper<N, E> {
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), Error> {
        for (lane, start) in starts.iter().enumerate() {
            if let Some(episode) = start {
                self.episodes[lane] = *episode;
                self.steps[lane] = 0;
            }
        }
        let mut fresh = self.driver.environment().new_user();
        for group in 0..self.users.len() {
            let first = group * N::LANES;
            let mask =
                N::Mask::from_fn(|lane| starts.get(first + lane).is_some_and(Option::is_some));
            if mask.any() {
                self.driver.sample_user(self.stream(group), &mut fresh);
                self.users[group].take(mask, &fresh);
            }
        }
        Ok(())
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, Error> {
        let slate_size = self.plan.slate_size as usize;
        let response_size = self.plan.outline.response_size();
        let mut outcome = StepOutcome::new(self.num_lanes, slate_size, response_size);
        let mut slate = vec![N::Word::splat(0); slate_size];
        let mut observation = vec![N::splat(0.0); response_size];
        for group in 0..self.users.len() {
            let stream = self.stream(group);
            for (position, candidate) in slate.iter_mut().enumerate() {
                let first = group * N::LANES;
                *candidate = N::Word::from_fn(|lane| {
                    slates
                        .get((first + lane) * slate_size + position)
                        .copied()
                        .unwrap_or(0)
                });
            }
            let words = stream.words(STEP, N::Word::splat(0));
            let stepped = self
                .driver
                .take_step(stream, words, &slate, &mut self.users[group]);
            let terminal = self.driver.environment().is_terminal(&self.users[group]);
            let response = self
                .driver
                .response
                .as_ref()
                .expect("a step leaves a response");
            for (position, document) in (0..).zip(&self.driver.documents) {
                let is_chosen = stepped.clicked & stepped.chosen.equals(N::Word::splat(position));
                self.driver.environment().observe_response(
                    document,
                    response,
                    is_chosen,
                    &mut observation,
                );
                for (lane, index) in self.lanes(group) {
                    let at = (index * slate_size + position as usize) * response_size;
                    for (value, number) in outcome.responses[at..at + response_size]
                        .iter_mut()
                        .zip(&observation)
                    {
                        *value = number.lane(lane) as f32;
                    }
                }
            }
            for (lane, index) in self.lanes(group) {
                self.steps[index] += 1;
                outcome.rewards[index] = stepped.reward.lane(lane);
                outcome.chosen[index] = stepped
                    .clicked
                    .lane(lane)
                    .then_some(stepped.chosen.lane(lane));
                outcome.terminated[index] = terminal.lane(lane);
                outcome.truncated[index] = self.steps[index] >= self.plan.max_steps;
            }
        }
        Ok(outcome)
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        let outline = &self.plan.outline;
        let (user_size, document_size) = (outline.user_size(), outline.document_features().len());
        let num_candidates = self.plan.num_candidates as usize;
        let is_shared = self.plan.corpus.is_some();
        let mut observation = Observation::new(
            self.num_lanes,
            user_size,
            num_candidates,
            document_size,
            is_shared,
        );
        let mut numbers = vec![N::splat(0.0); user_size.max(document_size)];
        let mut document = self.driver.environment().new_document();
        for group in 0..self.users.len() {
            let stream = self.stream(group);
            let blocks = Blocks {
                stream,
                purpose: OBSERVATION,
                first: N::Word::splat(0),
            };
            self.driver
                .environment()
                .observe_user(&self.users[group], &blocks, &mut numbers);
            for (lane, index) in self.lanes(group) {
                for (value, number) in observation.users[index * user_size..]
                    .iter_mut()
                    .zip(&numbers[..user_size])
                {
                    *value = number.lane(lane) as f32;
                }
            }
            if is_shared && group > 0 {
                continue;
            }
            self.driver.candidates.stream = stream;
            for candidate in 0..num_candidates {
                self.driver
                    .candidates
                    .document(N::Word::splat(candidate as u32), &mut document);
                self.driver
                    .environment()
                    .observe_document(&document, &mut numbers);
                for (lane, index) in self.lanes(group).take(if is_shared { 1 } else { N::LANES }) {
                    let at = (index * num_candidates + candidate) * document_size;
                    for (value, number) in observation.documents[at..]
                        .iter_mut()
                        .zip(&numbers[..document_size])
                    {
                        *value = number.lane(lane) as f32;
                    }
                }
            }
        }
        Ok(observation)
    }

    fn state(&mut self) -> Result<LaneState, Error> {
        let num_fields = self.driver.environment().new_user().num_fields();
        let mut users = vec![0.0; num_fields * self.num_lanes];
        let mut fields = vec![N::splat(0.0); num_fields];
        for group in 0..self.users.len() {
            self.users[group].store(&mut fields);
            for (lane, index) in self.lanes(group) {
                for (field, number) in fields.iter().enumerate() {
                    users[field * self.num_lanes + index] = number.lane(lane);
                }
            }
        }
        Ok(LaneState {
            users,
            episodes: self.episodes.clone(),
            steps: self.steps.clone(),
        })
    }

    fn set_state(&mut self, state: &LaneState) -> Result<(), Error> {
        self.episodes.clone_from(&state.episodes);
        self.steps.clone_from(&state.steps);
        let num_fields = self.driver.environment().new_user().num_fields();
        for group in 0..self.users.len() {
            let first = group * N::LANES;
            let fields: Vec<N> = (0..num_fields)
                .map(|field| {
                    N::from_fn(|lane| {
                        let index = if first + lane < self.num_lanes {
                            first + lane
                        } else {
                            first
                        };
                        state.users[field * self.num_lanes + index]
                    })
                })
                .collect();
            self.users[group].load(&fields);
        }
        Ok(())
    }
}
