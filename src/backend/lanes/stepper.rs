//! Single steps of vectors of users: twin of `shaders/kernel/step.wgsl`.

use super::agent;
use super::driver::{Driver, Seen, Shown, Stepped};
use crate::backend::model::{Plan, num_groups};
use crate::backend::stepper::{Follower, IDLE, LaneState, Observation, StepOutcome, Stepper};
use crate::environment::{Blocks, Environment, Fields};
use crate::error::Error;
use crate::number::{Mask, Number, Word, vectorized};
use crate::policy::{Draws, Scratch};
use crate::rng::{OBSERVATION, STEP, Stream};
use std::mem::swap;

/// Where all lanes are.
#[derive(Clone, Debug)]
struct Lanes<N, U> {
    /// One vector of users each.
    users: Vec<U>,
    /// What the policy remembers of each vector of users.
    policy: Vec<Vec<N>>,
    episodes: Vec<u64>,
    steps: Vec<u32>,
}

/// Steps users with slates from outside.
#[derive(Debug)]
pub(in crate::backend) struct LaneStepper<N: Number, E: Environment<N>> {
    driver: Driver<N, E>,
    plan: Plan,
    num_lanes: usize,
    /// Neighbouring lanes that live in one environment.
    users_per_env: usize,
    lanes: Lanes<N, E::User>,
    kept: Option<Lanes<N, E::User>>,
    scratch: Scratch<N>,
    /// Shape `[lanes, slate_size, response_size]`.
    responses: Vec<f32>,
}

impl<N: Number, E: Environment<N>> LaneStepper<N, E> {
    /// Makes users to step; they begin with [`Stepper::start`].
    pub(in crate::backend) fn new(
        environment: E,
        plan: &Plan,
        num_lanes: usize,
        users_per_env: usize,
    ) -> Self {
        let num_responses = num_lanes * plan.slate_size as usize * plan.outline.response_size();
        let num_groups = num_groups::<N>(num_lanes);
        Self {
            lanes: Lanes {
                users: vec![environment.new_user(); num_groups],
                policy: vec![vec![N::splat(0.0); plan.policy.state_size()]; num_groups],
                episodes: vec![0; num_lanes],
                steps: vec![0; num_lanes],
            },
            kept: None,
            scratch: Scratch::default(),
            responses: vec![0.0; num_responses],
            driver: Driver::new(environment, plan, plan.slate_size),
            plan: plan.clone(),
            num_lanes,
            users_per_env,
        }
    }

    /// Draws the users of the lanes that begin an episode.
    #[inline(always)]
    fn begin(&mut self, starts: &[Option<u64>]) {
        let mut fresh = self.driver.environment().new_user();
        for group in 0..self.lanes.users.len() {
            let first = group * N::LANES;
            let mask =
                N::Mask::from_fn(|lane| starts.get(first + lane).is_some_and(Option::is_some));
            if mask.any() {
                self.driver.sample_user(self.stream(group), &mut fresh);
                self.lanes.users[group].take(mask, &fresh);
                for number in &mut self.lanes.policy[group] {
                    *number = N::select(mask, N::splat(0.0), *number);
                }
            }
        }
    }

    /// Names the draws of the current step of the users of group `group`.
    fn stream(&self, group: usize) -> Stream<N::Word> {
        self.stream_of(group, |user| user)
    }

    /// Names the draws of the documents they are offered: those of the first user of each environment.
    fn document_stream(&self, group: usize) -> Stream<N::Word> {
        self.stream_of(group, |user| user - user % self.users_per_env)
    }

    /// Names the draws in the episodes of `whose` users; lanes past the end repeat lane 0 of the group.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the halves of a 64-bit index"
    )]
    fn stream_of(&self, group: usize, whose: impl Fn(usize) -> usize) -> Stream<N::Word> {
        let index = |lane: usize| match group * N::LANES + lane {
            index if index < self.num_lanes => index,
            _ => group * N::LANES,
        };
        let episode = |lane: usize| self.lanes.episodes[whose(index(lane))];
        Stream::new(
            crate::rng::key(self.plan.seed),
            [
                N::Word::from_fn(|lane| episode(lane) as u32),
                N::Word::from_fn(|lane| (episode(lane) >> 32) as u32),
            ],
            N::Word::from_fn(|lane| self.lanes.steps[index(lane)]),
        )
    }

    /// Visits the lanes of a group that exist: lane of the vector and index of the user.
    fn lanes(&self, group: usize) -> impl Iterator<Item = (usize, usize)> + use<N, E> {
        let first = group * N::LANES;
        (0..N::LANES.min(self.num_lanes - first)).map(move |lane| (lane, first + lane))
    }

    /// Writes the numbers of a group to their places in rows of all lanes, one row a number.
    fn scatter(&self, group: usize, numbers: &[N], rows: &mut [f64]) {
        for (row, number) in rows.chunks_exact_mut(self.num_lanes).zip(numbers) {
            for (lane, index) in self.lanes(group) {
                row[index] = number.lane(lane);
            }
        }
    }

    /// Reads the numbers of a group from rows of all lanes; lanes past the end repeat lane 0 of the group.
    fn gather(&self, group: usize, rows: &[f64]) -> Vec<N> {
        let first = group * N::LANES;
        let read =
            |row: &[f64]| N::from_fn(|lane| row.get(first + lane).copied().unwrap_or(row[first]));
        rows.chunks_exact(self.num_lanes).map(read).collect()
    }

    /// Writes what is observed of the users of a group.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "observations are single precision"
    )]
    fn observe_users(&self, group: usize, observations: &mut [f32]) {
        vectorized!(N, {
            let user_size = self.plan.outline.user_size();
            let mut numbers = vec![N::splat(0.0); user_size];
            let blocks = Blocks {
                stream: self.stream(group),
                purpose: OBSERVATION,
                first: N::Word::splat(0),
            };
            self.driver
                .environment()
                .observe_user(&self.lanes.users[group], &blocks, &mut numbers);
            for (lane, index) in self.lanes(group) {
                let observation = &mut observations[index * user_size..][..user_size];
                for (value, number) in observation.iter_mut().zip(&numbers) {
                    *value = number.lane(lane) as f32;
                }
            }
        });
    }

    /// Writes what is observed of the candidates of a group, for some lanes of the vector, each to the place of its
    /// environment.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "observations are single precision"
    )]
    fn observe_documents(
        &mut self,
        group: usize,
        places: &[(usize, usize)],
        observations: &mut [f32],
    ) {
        vectorized!(N, {
            let document_size = self.plan.outline.document_features().len();
            let num_candidates = self.plan.num_candidates as usize;
            let mut numbers = vec![N::splat(0.0); document_size];
            let stream = self.document_stream(group);
            for candidate in 0..num_candidates {
                self.driver.candidates.observe(
                    stream,
                    N::Word::splat(candidate as u32),
                    &mut numbers,
                );
                for &(lane, place) in places {
                    let at = (place * num_candidates + candidate) * document_size;
                    let observation = &mut observations[at..at + document_size];
                    for (value, number) in observation.iter_mut().zip(&numbers) {
                        *value = number.lane(lane) as f32;
                    }
                }
            }
        });
    }

    /// Makes the block `STEP` of the lanes of a group, or takes the one that is given.
    fn step_words(
        &self,
        group: usize,
        stream: Stream<N::Word>,
        given: Option<&[[u32; 4]]>,
    ) -> [N::Word; 4] {
        let Some(given) = given else {
            return stream.words(STEP, N::Word::splat(0));
        };
        // What lanes past the end draw is of no consequence.
        let of = |lane: usize| given.get(group * N::LANES + lane).unwrap_or(&given[0]);
        std::array::from_fn(|word| N::Word::from_fn(|lane| of(lane)[word]))
    }

    /// Asks the policy for the slates of the users of a group, positions first.
    fn slate(&mut self, group: usize) -> Vec<N::Word> {
        let mut slate = vec![N::Word::splat(0); self.plan.slate_size as usize];
        let draws = self.draws(group);
        let mut seen = Seen {
            candidates: &mut self.driver.candidates,
            stream: draws.stream,
            user: &self.lanes.users[group],
        };
        let state = &mut self.lanes.policy[group];
        let scratch = &mut self.scratch;
        agent::recommend(
            &self.plan.policy,
            &mut seen,
            &draws,
            state,
            scratch,
            &mut slate,
        );
        slate
    }

    /// Names the draws of the policy at the current step of the users of a group.
    fn draws(&self, group: usize) -> Draws<N::Word> {
        let stream = self.stream(group);
        Draws {
            stream,
            first_word: stream.words(STEP, N::Word::splat(0))[3],
        }
    }

    /// Lets the policy learn from a step of the users of a group where the mask holds: short slates teach nothing.
    #[inline(always)]
    fn learn(&mut self, group: usize, mask: N::Mask, stepped: &Stepped<N>) {
        let state = &mut self.lanes.policy[group];
        if state.is_empty() {
            return;
        }
        let before = state.clone();
        let mut shown = Shown {
            driver: &mut self.driver,
            stepped,
            penalty: N::splat(0.0),
        };
        agent::observe(&self.plan.policy, &mut shown, &mut self.scratch, state);
        for (number, before) in state.iter_mut().zip(before) {
            *number = N::select(mask, *number, before);
        }
    }

    /// Shows each lane its slate; the block `STEP` of each lane, and what it chooses, may be given.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "observations are single precision"
    )]
    fn take_step(
        &mut self,
        slates: &[u32],
        words: Option<&[[u32; 4]]>,
        choices: Option<&[Option<u32>]>,
    ) -> StepOutcome {
        vectorized!(N, {
            let slate_size = self.plan.slate_size as usize;
            let response_size = self.plan.outline.response_size();
            let num_candidates = self.plan.num_candidates;
            let mut outcome = StepOutcome::new(self.num_lanes);
            let mut slate = vec![N::Word::splat(0); slate_size];
            let mut observation = vec![N::splat(0.0); response_size];
            for group in 0..self.lanes.users.len() {
                let (stream, document_stream) = (self.stream(group), self.document_stream(group));
                // What lanes past the end are shown is of no consequence.
                let given = |lane: usize, position: usize| {
                    let at = (group * N::LANES + lane) * slate_size + position;
                    slates.get(at).copied().unwrap_or(0)
                };
                let is_idle = N::Mask::from_fn(|lane| given(lane, 0) == IDLE);
                let mut length = N::Word::splat(0);
                for (position, candidate) in slate.iter_mut().enumerate() {
                    let shown = N::Word::from_fn(|lane| given(lane, position));
                    let is_shown = shown.less_than(N::Word::splat(num_candidates)) & !is_idle;
                    let (zero, one) = (N::Word::splat(0), N::Word::splat(1));
                    *candidate = N::Word::select(is_shown, shown, zero);
                    length = length + N::Word::select(is_shown, one, zero);
                }
                let words = self.step_words(group, stream, words);
                let chosen = choices.map(|choices| {
                    let of = |lane: usize| choices.get(group * N::LANES + lane).copied().flatten();
                    N::Word::from_fn(|lane| of(lane).unwrap_or(self.driver.num_considered))
                });
                let before = is_idle.any().then(|| self.lanes.users[group].clone());
                let stepped = self.driver.take_step(
                    stream,
                    document_stream,
                    words,
                    &slate,
                    Some(length),
                    chosen,
                    &mut self.lanes.users[group],
                );
                if let Some(before) = before {
                    self.lanes.users[group].take(is_idle, &before);
                }
                let is_complete = length.equals(N::Word::splat(self.plan.slate_size));
                self.learn(group, is_complete, &stepped);
                let terminal = self
                    .driver
                    .environment()
                    .is_terminal(&self.lanes.users[group]);
                let response = self
                    .driver
                    .response
                    .as_ref()
                    .expect("a step leaves a response");
                for (position, document) in (0..).zip(&self.driver.documents) {
                    let is_chosen =
                        stepped.clicked & stepped.chosen.equals(N::Word::splat(position));
                    self.driver.environment().observe_response(
                        document,
                        response,
                        is_chosen,
                        &mut observation,
                    );
                    let is_shown = N::Word::splat(position).less_than(length);
                    for number in &mut observation {
                        *number = N::select(is_shown, *number, N::splat(0.0));
                    }
                    for (lane, index) in self.lanes(group) {
                        let at = (index * slate_size + position as usize) * response_size;
                        let response = &mut self.responses[at..at + response_size];
                        for (value, number) in response.iter_mut().zip(&observation) {
                            *value = number.lane(lane) as f32;
                        }
                    }
                }
                for (lane, index) in self.lanes(group) {
                    self.lanes.steps[index] = self.lanes.steps[index].wrapping_add(1);
                    if is_idle.lane(lane) {
                        continue;
                    }
                    outcome.rewards[index] = stepped.reward.lane(lane);
                    outcome.chosen[index] = stepped
                        .clicked
                        .lane(lane)
                        .then_some(stepped.chosen.lane(lane));
                    outcome.terminated[index] = terminal.lane(lane);
                    outcome.truncated[index] = self.lanes.steps[index] >= self.plan.max_steps;
                }
            }
            outcome
        })
    }
}

impl<E: Environment<f64>> Follower for LaneStepper<f64, E> {
    fn follow(&mut self, slates: &[u32], choices: &[Option<u32>]) -> Result<StepOutcome, Error> {
        Ok(self.take_step(slates, None, Some(choices)))
    }

    fn propensities(&mut self, slates: &[u32]) -> Result<Vec<Option<f64>>, Error> {
        let slates = slates.chunks_exact(self.plan.slate_size as usize);
        let mut propensities = Vec::with_capacity(self.num_lanes);
        // One user is a whole vector here.
        for (lane, slate) in slates.enumerate() {
            if slate.iter().any(|&shown| shown >= self.plan.num_candidates) {
                propensities.push(None);
                continue;
            }
            let draws = self.draws(lane);
            let mut seen = Seen {
                candidates: &mut self.driver.candidates,
                stream: draws.stream,
                user: &self.lanes.users[lane],
            };
            let policy = &self.plan.policy;
            let state = &self.lanes.policy[lane];
            let propensity = policy.propensity(&mut seen, &draws, state, &mut self.scratch, slate);
            propensities.push(propensity.of_draw());
            // As the lanes that are followed have been asked: a layer may keep numbers while it revises.
            self.slate(lane);
        }
        Ok(propensities)
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
                self.lanes.episodes[lane] = *episode;
                self.lanes.steps[lane] = 0;
            }
        }
        vectorized!(N, self.begin(starts));
        Ok(())
    }

    fn recommend(&mut self) -> Result<Vec<u32>, Error> {
        if self.users_per_env > 1 {
            return Err(Error::SharedDocuments {
                given: self.users_per_env,
            });
        }
        let slate_size = self.plan.slate_size as usize;
        let mut slates = vec![0; self.num_lanes * slate_size];
        for group in 0..self.lanes.users.len() {
            let slate = self.slate(group);
            for (lane, index) in self.lanes(group) {
                let to = &mut slates[index * slate_size..][..slate_size];
                for (to, candidate) in to.iter_mut().zip(&slate) {
                    *to = candidate.lane(lane);
                }
            }
        }
        Ok(slates)
    }

    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, Error> {
        Ok(self.take_step(slates, None, None))
    }

    fn step_with_words(
        &mut self,
        slates: &[u32],
        words: &[[u32; 4]],
    ) -> Result<StepOutcome, Error> {
        Ok(self.take_step(slates, Some(words), None))
    }

    fn responses(&mut self) -> Result<Vec<f32>, Error> {
        Ok(self.responses.clone())
    }

    fn observe(&mut self) -> Result<Observation, Error> {
        let outline = &self.plan.outline;
        let document_size = outline.document_features().len();
        let num_documents = match self.plan.corpus {
            Some(_) => 0,
            None => self.num_lanes / self.users_per_env * self.plan.num_candidates as usize,
        };
        let mut observation = Observation {
            users: vec![0.0; self.num_lanes * outline.user_size()],
            documents: vec![0.0; num_documents * document_size],
            responses: self.responses.clone(),
        };
        for group in 0..self.lanes.users.len() {
            self.observe_users(group, &mut observation.users);
            let places: Vec<(usize, usize)> = self
                .lanes(group)
                .filter(|(_, index)| num_documents > 0 && index % self.users_per_env == 0)
                .map(|(lane, index)| (lane, index / self.users_per_env))
                .collect();
            if !places.is_empty() {
                self.observe_documents(group, &places, &mut observation.documents);
            }
        }
        Ok(observation)
    }

    fn corpus(&mut self) -> Result<Vec<f32>, Error> {
        let document_size = self.plan.outline.document_features().len();
        let mut documents = vec![0.0; self.plan.num_candidates as usize * document_size];
        self.observe_documents(0, &[(0, 0)], &mut documents);
        Ok(documents)
    }

    fn keep(&mut self) -> Result<(), Error> {
        self.kept = Some(self.lanes.clone());
        Ok(())
    }

    fn observe_kept(&mut self) -> Result<Observation, Error> {
        let mut kept = self.kept.take().expect("lanes are kept before that");
        swap(&mut self.lanes, &mut kept);
        let observation = self.observe();
        swap(&mut self.lanes, &mut kept);
        self.kept = Some(kept);
        observation
    }

    fn state(&mut self) -> Result<LaneState, Error> {
        let num_fields = self.driver.environment().new_user().num_fields();
        let mut users = vec![0.0; num_fields * self.num_lanes];
        let mut policy = vec![0.0; self.plan.policy.state_size() * self.num_lanes];
        let mut fields = vec![N::splat(0.0); num_fields];
        for group in 0..self.lanes.users.len() {
            self.lanes.users[group].store(&mut fields);
            self.scatter(group, &fields, &mut users);
            self.scatter(group, &self.lanes.policy[group], &mut policy);
        }
        Ok(LaneState {
            users,
            policy,
            episodes: self.lanes.episodes.clone(),
            steps: self.lanes.steps.clone(),
        })
    }

    fn set_state(&mut self, state: &LaneState) -> Result<(), Error> {
        self.lanes.episodes.clone_from(&state.episodes);
        self.lanes.steps.clone_from(&state.steps);
        for group in 0..self.lanes.users.len() {
            let fields = self.gather(group, &state.users);
            self.lanes.users[group].load(&fields);
            self.lanes.policy[group] = self.gather(group, &state.policy);
        }
        Ok(())
    }
}
