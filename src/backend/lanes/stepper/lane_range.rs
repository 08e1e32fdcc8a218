//! The lanes that one thread steps: twin of `shaders/kernel/step.wgsl`.

mod observe;

pub(super) use observe::RowLayout;

use super::state::{Group, Lanes};
use crate::backend::lanes::candidates::StepOffer;
use crate::backend::lanes::driver::{Driver, StepFeedback, Stepped};
use crate::backend::lanes::recommender::AnyPolicy;
use crate::backend::plan::Plan;
use crate::backend::stepper::IDLE;
use crate::environment::{Environment, Fields};
use crate::number::{Mask, Number, Word, vectorized};
use crate::policy::{Draws, LayeredTwin, Scratch};
use crate::rng::{STEP, Stream};
use observe::Transposed;
use std::ops::Range;

/// Neighbouring lanes, all of which one thread steps.
#[derive(Debug)]
pub(super) struct LaneRange<N: Number, E: Environment<N>> {
    driver: Driver<N, E>,
    plan: Plan,
    policy: LayeredTwin<N>,
    pub(super) lanes: Lanes<N, E::User>,
    /// What is observed of the responses to the slates shown last, position by position, one group after another.
    responses: Vec<N>,
    // The fields below are of the group that is being worked on.
    /// Users at the beginning of an episode.
    fresh: E::User,
    slate: Vec<N::Word>,
    /// Observations, number by number.
    observed: Vec<N>,
    /// The same as rows.
    transposed: Transposed,
    /// How the episode of each user ends with the step, in bits.
    ends: Vec<u32>,
    /// Which position each user has chosen.
    chosen: Vec<u32>,
    scratch: Scratch<N>,
}

/// The slates that lanes are shown, and words and choices where they are given; one row a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepInput<'a> {
    pub(super) slates: &'a [u32],
    /// The block `STEP` of each lane, if it is not to be drawn.
    pub(super) words: Option<&'a [[u32; 4]]>,
    /// The choice of each lane, if it is not to be drawn.
    pub(super) choices: Option<&'a [Option<u32>]>,
}

impl StepInput<'_> {
    /// Returns the rows of some of the lanes.
    pub(super) fn of(&self, lanes: Range<usize>, slate_size: usize) -> Self {
        Self {
            slates: &self.slates[lanes.start * slate_size..lanes.end * slate_size],
            words: self.words.map(|words| &words[lanes.clone()]),
            choices: self.choices.map(|choices| &choices[lanes]),
        }
    }
}

/// Where the lanes write what a step did.
#[derive(Debug)]
pub(super) struct OutcomeRows<'a> {
    pub(super) rewards: &'a mut [f64],
    pub(super) chosen: &'a mut [Option<u32>],
    pub(super) terminated: &'a mut [bool],
    pub(super) truncated: &'a mut [bool],
}

/// Stands for no position of a slate.
const NOTHING: u32 = u32::MAX;
/// Bits of how an episode ends with a step.
const TERMINATED: u32 = 1;
const TRUNCATED: u32 = 2;

impl<N: Number, E: Environment<N>> LaneRange<N, E> {
    /// Makes users to step; [`start`](Self::start) draws them.
    pub(super) fn new(
        environment: E,
        plan: &Plan,
        lanes: Range<usize>,
        users_per_env: usize,
    ) -> Self {
        let lanes = Lanes::new(
            environment.new_user(),
            plan.policy.state_size(),
            crate::rng::key(plan.seed),
            lanes,
            users_per_env,
        );
        let slate_size = plan.slate_size as usize;
        let num_responses = slate_size * plan.outline.response_size();
        Self {
            responses: vec![N::splat(0.0); lanes.num_groups() * num_responses],
            lanes,
            fresh: environment.new_user(),
            slate: vec![N::Word::splat(0); slate_size],
            observed: Vec::new(),
            transposed: Transposed::default(),
            ends: vec![0; N::LANES],
            chosen: vec![0; N::LANES],
            scratch: Scratch::default(),
            driver: Driver::new(environment, plan, plan.slate_size),
            policy: plan.policy.twin(),
            plan: plan.clone(),
        }
    }

    /// Draws the users of those lanes of a group that begin an episode.
    #[inline(always)]
    fn begin(&mut self, group: Group, starts: &[Option<u64>]) {
        let begins = self.lanes.start(group, starts);
        if begins.any() {
            let stream = self.lanes.stream(group.index);
            self.driver.sample_user(stream, &mut self.fresh);
            let place = self.lanes.place_mut(group.index);
            place.user.take(begins, &self.fresh);
            for number in &mut place.policy {
                *number = N::select(begins, N::splat(0.0), *number);
            }
        }
    }

    /// Makes the block `STEP` of the users of a group, or takes the one that is given.
    #[inline(always)]
    fn step_words(
        group: Group,
        stream: Stream<N::Word>,
        given: Option<&[[u32; 4]]>,
    ) -> [N::Word; 4] {
        let mut words = [N::Word::splat(0); 4];
        let Some(given) = given else {
            return stream.words(STEP, words[0]);
        };
        let given = &given[group.first..][..group.num_lanes];
        for (number, word) in words.iter_mut().enumerate() {
            *word = N::Word::from_fn(
                #[inline(always)]
                |lane| given[group.lane(lane)][number],
            );
        }
        words
    }

    /// Asks the policy for the slates of the users of a group.
    #[inline(always)]
    fn recommend_to(&mut self, group: usize) {
        let draws = self.draws(group);
        let place = self.lanes.place_mut(group);
        let mut offer = StepOffer {
            candidates: &mut self.driver.candidates,
            stream: draws.stream,
            user: &place.user,
        };
        self.policy.recommend(
            &mut offer,
            &draws,
            &mut place.policy,
            &mut self.scratch,
            &mut self.slate,
        );
    }

    /// Names the draws of the policy at the current step of the users of a group.
    #[inline(always)]
    fn draws(&self, group: usize) -> Draws<N::Word> {
        let stream = self.lanes.stream(group);
        Draws {
            stream,
            first_word: stream.words(STEP, N::Word::splat(0))[3],
        }
    }

    /// Lets the policy learn from a step of those users of a group for whom the mask holds: it learns nothing from short
    /// slates.
    #[inline(always)]
    fn learn(&mut self, group: usize, mask: N::Mask, stepped: &Stepped<N>) {
        let state = &mut self.lanes.place_mut(group).policy;
        if state.is_empty() {
            return;
        }
        let before = state.clone();
        let mut shown = StepFeedback {
            driver: &mut self.driver,
            stepped,
            penalty: N::splat(0.0),
        };
        self.policy.observe(&mut shown, &mut self.scratch, state);
        for (number, before) in state.iter_mut().zip(before) {
            *number = N::select(mask, *number, before);
        }
    }

    /// Remembers what is observed of the responses of a group to the first `length` documents.
    #[inline(always)]
    fn keep_responses(&mut self, group: usize, length: N::Word, stepped: &Stepped<N>) {
        let size = self.plan.outline.response_size();
        if size == 0 {
            return;
        }
        let response = self.driver.response.as_ref();
        let response = response.expect("a step leaves a response");
        let num_responses = self.slate.len() * size;
        let responses = &mut self.responses[group * num_responses..][..num_responses];
        let shown = self.driver.documents.iter();
        for ((position, document), observed) in
            (0..).zip(shown).zip(responses.chunks_exact_mut(size))
        {
            let position = N::Word::splat(position);
            let is_chosen = stepped.clicked & stepped.chosen.equals(position);
            let environment = self.driver.environment();
            environment.observe_response(document, response, is_chosen, observed);
            let is_shown = position.less_than(length);
            for number in observed {
                *number = N::select(is_shown, *number, N::splat(0.0));
            }
        }
    }

    /// Reads the slates of a group; returns their lengths, and which lanes take no part.
    #[inline(always)]
    fn read_slates(&mut self, group: Group, slates: &[u32]) -> (N::Word, N::Mask) {
        let size = self.slate.len();
        let rows = &slates[group.first * size..][..group.num_lanes * size];
        for (position, candidate) in self.slate.iter_mut().enumerate() {
            *candidate = N::Word::from_fn(
                #[inline(always)]
                |lane| rows[group.lane(lane) * size + position],
            );
        }
        let is_idle = self.slate[0].equals(N::Word::splat(IDLE));
        let (zero, one) = (N::Word::splat(0), N::Word::splat(1));
        let num_candidates = N::Word::splat(self.plan.num_candidates);
        let mut length = zero;
        for candidate in &mut self.slate {
            let is_shown = candidate.less_than(num_candidates) & !is_idle;
            *candidate = N::Word::select(is_shown, *candidate, zero);
            length = length + N::Word::select(is_shown, one, zero);
        }
        (length, is_idle)
    }

    /// Takes a step with the lanes of a group.
    #[inline(always)]
    fn step_group(&mut self, group: Group, input: &StepInput<'_>, outcome: &mut OutcomeRows<'_>) {
        let (length, is_idle) = self.read_slates(group, input.slates);
        let stream = self.lanes.stream(group.index);
        let document_stream = self.lanes.document_stream(group.index);
        let words = Self::step_words(group, stream, input.words);
        let nothing = self.driver.num_considered;
        let chosen = input.choices.map(|choices| {
            let choices = &choices[group.first..][..group.num_lanes];
            N::Word::from_fn(|lane| choices[group.lane(lane)].unwrap_or(nothing))
        });
        let user = &mut self.lanes.place_mut(group.index).user;
        let before = is_idle.any().then(|| user.clone());
        let stepped = self.driver.take_step::<AnyPolicy>(
            stream,
            document_stream,
            words,
            &self.slate,
            Some(length),
            chosen,
            user,
        );
        if let Some(before) = before {
            user.take(is_idle, &before);
        }
        let is_over = self.driver.environment().is_terminal(user);
        let is_complete = length.equals(N::Word::splat(self.plan.slate_size));
        self.learn(group.index, is_complete, &stepped);
        self.keep_responses(group.index, length, &stepped);
        self.write_outcome(group, &stepped, is_idle, is_over, outcome);
    }

    /// Advances the clocks of a group by a step, and writes the outcome.
    #[inline(always)]
    fn write_outcome(
        &mut self,
        group: Group,
        stepped: &Stepped<N>,
        is_idle: N::Mask,
        is_over: N::Mask,
        outcome: &mut OutcomeRows<'_>,
    ) {
        let bit =
            |mask: N::Mask, bit: u32| N::Word::select(mask, N::Word::splat(bit), N::Word::splat(0));
        let step = &mut self.lanes.place_mut(group.index).step;
        *step = *step + N::Word::splat(1);
        let goes_on = step.less_than(N::Word::splat(self.plan.max_steps));
        let terminated = bit(is_over & !is_idle, TERMINATED);
        let truncated = bit(!(goes_on | is_idle), TRUNCATED);
        (terminated | truncated).write(&mut self.ends);
        let clicked = stepped.clicked & !is_idle;
        N::Word::select(clicked, stepped.chosen, N::Word::splat(NOTHING)).write(&mut self.chosen);

        let lanes = group.first..group.first + group.num_lanes;
        let reward = N::select(is_idle, N::splat(0.0), stepped.reward);
        reward.write(&mut outcome.rewards[lanes.clone()]);
        let chosen = &mut outcome.chosen[lanes.clone()];
        for (chosen, &position) in chosen.iter_mut().zip(&self.chosen) {
            *chosen = (position != NOTHING).then_some(position);
        }
        let ends = &mut outcome.terminated[lanes.clone()];
        for (terminated, &end) in ends.iter_mut().zip(&self.ends) {
            *terminated = end & TERMINATED > 0;
        }
        for (truncated, &end) in outcome.truncated[lanes].iter_mut().zip(&self.ends) {
            *truncated = end & TRUNCATED > 0;
        }
    }

    /// Begins the given episode in each lane that has one.
    pub(super) fn start(&mut self, starts: &[Option<u64>]) {
        self.lanes.unask();
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                self.begin(self.lanes.group(group), starts);
            }
        });
    }

    /// Asks the policy for the slate of each lane.
    pub(super) fn recommend(&mut self, slates: &mut [u32]) {
        self.lanes.ask();
        let mut rows = slates.chunks_exact_mut(self.slate.len());
        for index in 0..self.lanes.num_groups() {
            vectorized!(N, self.recommend_to(index));
            for (lane, row) in rows.by_ref().take(N::LANES).enumerate() {
                for (shown, candidate) in row.iter_mut().zip(&self.slate) {
                    *shown = candidate.lane(lane);
                }
            }
        }
    }

    /// Takes a step with each lane.
    pub(super) fn step(&mut self, input: StepInput<'_>, mut outcome: OutcomeRows<'_>) {
        self.lanes.settle();
        vectorized!(N, {
            for group in 0..self.lanes.num_groups() {
                self.step_group(self.lanes.group(group), &input, &mut outcome);
            }
        });
    }
}

impl<E: Environment<f64>> LaneRange<f64, E> {
    /// Asks the policy, and returns the probability with which it shows each lane its slate, where that is complete; see
    /// [`Followed::propensities`](crate::backend::Followed::propensities).
    pub(super) fn ask_about(&mut self, slates: &[u32]) -> Vec<Option<f64>> {
        self.lanes.ask();
        // Followers compute in `f64`, of which a vector is one user.
        let slates = slates.chunks_exact(self.slate.len()).enumerate();
        slates
            .map(|(lane, slate)| self.propensity(lane, slate))
            .collect()
    }

    fn propensity(&mut self, lane: usize, slate: &[u32]) -> Option<f64> {
        if slate.iter().any(|&shown| shown >= self.plan.num_candidates) {
            return None;
        }
        let draws = self.draws(lane);
        let place = self.lanes.place(lane);
        let mut offer = StepOffer {
            candidates: &mut self.driver.candidates,
            stream: draws.stream,
            user: &place.user,
        };
        let policy = &self.plan.policy;
        let state = &place.policy;
        let scratch = &mut self.scratch;
        let propensity = policy.propensity(&self.policy, &mut offer, &draws, state, scratch, slate);
        // The stepper that is followed has asked its policy, and a layer may change its state when it revises a slate.
        self.recommend_to(lane);
        propensity.of_draw()
    }
}
