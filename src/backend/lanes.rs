//! The driver of `reference` and `cpu`: one source, generic over the number type, twin of the kernels in
//! `shaders/kernel/`.

use super::model::{BlockRollout, Corpus, Plan, num_groups};
use super::stepper::{LaneState, Observation, StepOutcome, Stepper};
use crate::choice::{Choice, ChoiceTwin};
use crate::distribution::uniform;
use crate::environment::{Blocks, Environment, Fields};
use crate::error::Error;
use crate::number::{Mask, Number, Word};
use crate::policy::{Offer, Policy, Scratch};
use crate::rng::{DOCUMENT, ENVIRONMENT, OBSERVATION, STEP, Stream, USER};
use crate::statistics::EpisodeBlock;

/// The documents offered at one step.
#[derive(Debug)]
struct Candidates<N: Number, E: Environment<N>> {
    environment: E,
    num_candidates: u32,
    document_blocks: u32,
    corpus: Option<Corpus>,
    stream: Stream<N::Word>,
    document: E::Document,
    fields: Vec<N>,
    observation: Vec<N>,
}

impl<N: Number, E: Environment<N>> Candidates<N, E> {
    fn new(environment: E, plan: &Plan) -> Self {
        let document = environment.new_document();
        Self {
            fields: vec![N::splat(0.0); document.num_fields()],
            observation: vec![N::splat(0.0); plan.outline.document_features().len()],
            num_candidates: plan.num_candidates,
            document_blocks: plan.outline.document_blocks,
            corpus: plan.corpus.clone(),
            stream: Stream {
                key: [0; 2],
                episode: [N::Word::splat(0); 2],
                step: N::Word::splat(0),
            },
            document,
            environment,
        }
    }

    /// Makes candidate `candidate` of the current step.
    #[inline(always)]
    fn document(&mut self, candidate: N::Word, document: &mut E::Document) {
        if let Some(corpus) = &self.corpus {
            for field in 0..corpus.num_fields {
                self.fields[field] = N::from_fn(|lane| {
                    corpus.fields[candidate.lane(lane) as usize * corpus.num_fields + field]
                });
            }
            document.load(&self.fields);
        } else {
            let first = candidate * N::Word::splat(self.document_blocks);
            self.environment.sample_document(
                &Blocks {
                    stream: self.stream,
                    purpose: DOCUMENT,
                    first,
                },
                document,
            );
        }
    }
}

impl<N: Number, E: Environment<N>> Offer<N> for Candidates<N, E> {
    #[inline(always)]
    fn num_candidates(&self) -> u32 {
        self.num_candidates
    }

    #[inline(always)]
    fn feature(&mut self, candidate: N::Word, feature: usize) -> N {
        let mut document = self.document.clone();
        self.document(candidate, &mut document);
        self.environment
            .observe_document(&document, &mut self.observation);
        self.observation[feature]
    }
}

/// What a step does to a vector of users.
#[derive(Debug)]
struct Stepped<N: Number> {
    reward: N,
    chosen: N::Word,
    clicked: N::Mask,
}

/// Takes steps with a vector of users.
#[derive(Debug)]
struct Driver<N: Number, E: Environment<N>> {
    candidates: Candidates<N, E>,
    choice: ChoiceTwin<N>,
    needs_scores: bool,
    num_considered: u32,
    documents: Vec<E::Document>,
    scores: Vec<N>,
    /// The document that was clicked, and the response to it.
    clicked_document: E::Document,
    response: Option<E::Response>,
}

impl<N: Number, E: Environment<N>> Driver<N, E> {
    fn new(environment: E, plan: &Plan, num_examined: u32) -> Self {
        let num_considered = plan.choice.num_considered(plan.slate_size);
        Self {
            choice: plan.choice.twin(),
            needs_scores: plan.choice.needs_scores(),
            num_considered,
            documents: vec![environment.new_document(); num_examined as usize],
            scores: vec![N::splat(0.0); num_considered as usize],
            clicked_document: environment.new_document(),
            response: None,
            candidates: Candidates::new(environment, plan),
        }
    }

    fn environment(&self) -> &E {
        &self.candidates.environment
    }

    #[inline(always)]
    fn sample_user(&self, stream: Stream<N::Word>, user: &mut E::User) {
        self.environment().sample_user(
            &Blocks {
                stream,
                purpose: USER,
                first: N::Word::splat(0),
            },
            user,
        );
    }

    /// Shows a slate; `words` is the block `STEP` of the stream.
    #[inline(always)]
    fn take_step(
        &mut self,
        stream: Stream<N::Word>,
        words: [N::Word; 4],
        slate: &[N::Word],
        user: &mut E::User,
    ) -> Stepped<N> {
        let Self {
            candidates,
            documents,
            scores,
            clicked_document,
            ..
        } = self;
        candidates.stream = stream;
        for (&candidate, document) in slate.iter().zip(documents.iter_mut()) {
            candidates.document(candidate, document);
        }
        if self.needs_scores {
            for (score, document) in scores.iter_mut().zip(documents.iter()) {
                *score = candidates.environment.score(user, document);
            }
        }
        let chosen = self.choice.choose(scores, uniform(words[0]));
        let clicked = chosen.less_than(N::Word::splat(self.num_considered));
        clicked_document.clone_from(&documents[0]);
        for (position, document) in (0..self.num_considered).zip(documents.iter()).skip(1) {
            clicked_document.take(chosen.equals(N::Word::splat(position)), document);
        }
        let environment = &candidates.environment;
        let blocks = Blocks {
            stream,
            purpose: ENVIRONMENT,
            first: N::Word::splat(0),
        };
        let draws = environment.draw([words[1], words[2]], &blocks);
        let response = environment.respond(user, clicked_document, &draws);
        let reward = N::select(clicked, environment.reward(&response), N::splat(0.0));
        environment.transition(user, clicked_document, &response, clicked, &draws);
        self.response = Some(response);
        Stepped {
            reward,
            chosen,
            clicked,
        }
    }
}

/// Runs whole episodes with a built-in policy.
#[derive(Debug)]
pub(super) struct Rollout<N: Number, E: Environment<N>> {
    driver: Driver<N, E>,
    plan: Plan,
    user: E::User,
    slate: Vec<N::Word>,
    scratch: Scratch<N>,
    /// Per step, over the episodes of the block: rewards, squared rewards, clicks.
    curve: Vec<(N, N, N::Word)>,
}

impl<N: Number, E: Environment<N>> Rollout<N, E> {
    /// Prepares to run episodes of an environment.
    pub(super) fn new(environment: E, plan: &Plan) -> Self {
        let num_examined = plan.num_examined();
        Self {
            user: environment.new_user(),
            slate: vec![N::Word::splat(0); num_examined as usize],
            scratch: Scratch::default(),
            curve: Vec::new(),
            plan: plan.clone(),
            driver: Driver::new(environment, plan, num_examined),
        }
    }

    /// Runs one vector of episodes and adds what they did to the block.
    #[inline(always)]
    fn run_group(&mut self, first: u64, count: usize, block: &mut EpisodeBlock) {
        let Self {
            driver,
            plan,
            user,
            slate,
            scratch,
            curve,
        } = self;
        let (zero, one) = (N::splat(0.0), N::Word::splat(1));
        let (mut total, mut step_weighted, mut quality) = (zero, zero, zero);
        let (mut length, mut clicks) = (N::Word::splat(0), N::Word::splat(0));
        let mut active = N::Mask::from_fn(|lane| lane < count);
        let mut stream = Stream::of_consecutive_episodes(plan.seed, first, 0);
        driver.sample_user(stream, user);
        for step in 0..plan.num_steps() {
            if !active.any() {
                break;
            }
            stream.step = N::Word::splat(step);
            let words = stream.words(STEP, N::Word::splat(0));
            driver.candidates.stream = stream;
            plan.policy
                .recommend(&mut driver.candidates, &stream, words[3], scratch, slate);
            let stepped = driver.take_step(stream, words, slate, user);

            let clicked = stepped.clicked & active;
            let reward = N::select(active, stepped.reward, zero);
            let click = N::Word::select(clicked, one, N::Word::splat(0));
            total = total + reward;
            step_weighted = step_weighted + N::from_word(stream.step) * reward;
            length = length + N::Word::select(active, one, N::Word::splat(0));
            clicks = clicks + click;
            if curve.len() == step as usize {
                curve.push((zero, zero, N::Word::splat(0)));
            }
            let at_step = &mut curve[step as usize];
            *at_step = (
                at_step.0 + reward,
                at_step.1 + reward * reward,
                at_step.2 + click,
            );
            if plan.outline.has_quality {
                quality = quality
                    + N::select(
                        clicked,
                        driver.environment().quality(&driver.clicked_document),
                        zero,
                    );
            }
            if plan.outline.num_topics > 0 {
                count_topics(driver, active, &stepped, block);
            }
            active = active & !driver.environment().is_terminal(user);
        }
        for lane in 0..count {
            block.returns.push(total.lane(lane));
            block.step_weighted_rewards.push(step_weighted.lane(lane));
            block.lengths.push(length.lane(lane));
            block.clicks.push(clicks.lane(lane));
        }
        block.clicked_quality += quality.sum_lanes();
    }
}

/// Counts impressions and clicks by topic.
#[inline(always)]
fn count_topics<N: Number, E: Environment<N>>(
    driver: &Driver<N, E>,
    active: N::Mask,
    stepped: &Stepped<N>,
    block: &mut EpisodeBlock,
) {
    for (position, document) in (0..).zip(&driver.documents) {
        let topic = driver.environment().topic(document);
        let is_chosen = stepped.clicked & stepped.chosen.equals(N::Word::splat(position));
        for lane in (0..N::LANES).filter(|&lane| active.lane(lane)) {
            let topic = topic.lane(lane) as usize;
            block.topic_impressions[topic] += 1;
            block.topic_clicks[topic] += u64::from(is_chosen.lane(lane));
        }
    }
}

impl<N: Number, E: Environment<N>> Rollout<N, E> {
    #[inline(always)]
    fn run_block(&mut self, first: u64, count: usize) -> EpisodeBlock {
        let num_topics = self.plan.outline.num_topics as usize;
        let mut block = EpisodeBlock {
            topic_impressions: vec![0; num_topics],
            topic_clicks: vec![0; num_topics],
            ..EpisodeBlock::default()
        };
        self.curve.clear();
        for done in (0..count).step_by(N::LANES) {
            self.run_group(first + done as u64, N::LANES.min(count - done), &mut block);
        }
        for (rewards, squared_rewards, clicks) in &self.curve {
            block.reward_by_step.push(rewards.sum_lanes());
            block
                .squared_reward_by_step
                .push(squared_rewards.sum_lanes());
            block
                .clicks_by_step
                .push((0..N::LANES).map(|lane| clicks.lane(lane)).sum());
        }
        block
    }
}

/// Runs a block with the instructions of AVX2; the bits are those of the baseline, because nothing is contracted.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_block_avx2<N: Number, E: Environment<N>>(
    rollout: &mut Rollout<N, E>,
    first: u64,
    count: usize,
) -> EpisodeBlock {
    rollout.run_block(first, count)
}

impl<N: Number, E: Environment<N>> BlockRollout for Rollout<N, E> {
    fn run(&mut self, first: u64, count: usize) -> EpisodeBlock {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            #[allow(
                unsafe_code,
                reason = "the only way to call a function compiled for more than the baseline"
            )]
            // SAFETY: the processor has just said that it has AVX2.
            return unsafe { run_block_avx2(self, first, count) };
        }
        self.run_block(first, count)
    }
}

/// Steps users with slates from outside.
#[derive(Debug)]
pub(super) struct LaneStepper<N: Number, E: Environment<N>> {
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
    pub(super) fn new(environment: E, plan: &Plan, num_lanes: usize) -> Self {
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

#[cfg(test)]
mod tests {
    use crate::backend::cpu::cpu;
    use crate::backend::model::LANES;
    use crate::number::Lanes;
    use crate::validation::cases;

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_instruction_set_does_not_change_a_bit() {
        use super::{Rollout, run_block_avx2};
        use crate::environment::Definition;
        use crate::environment::long_term_satisfaction::{LongTermSatisfactionDefinition, entry};
        if !is_x86_feature_detected!("avx2") {
            return;
        }
        let settings = entry().settings_with(&["document.num_clusters=3"]).unwrap();
        let definition = LongTermSatisfactionDefinition::new(&settings).unwrap();
        let mut plan = cases().unwrap()[2].simulation.plan.clone();
        plan.outline = definition.outline();
        let mut rollout = Rollout::<Lanes<LANES>, _>::new(definition.twin(), &plan);
        let baseline = rollout.run_block(512, 200);
        #[allow(
            unsafe_code,
            reason = "a call of a function compiled for more than the baseline"
        )]
        // SAFETY: the processor has just said that it has AVX2.
        let widest = unsafe { run_block_avx2(&mut rollout, 512, 200) };
        assert_eq!(baseline, widest);
    }

    #[test]
    fn an_episode_does_not_depend_on_its_neighbours() {
        use crate::backend::Backend;
        let backend = cpu(Some(1)).unwrap();
        for case in cases().unwrap() {
            let blocks = backend.episodes(&case.simulation, 0..100).unwrap();
            // Users at the end of a vector that is not full, and the same users inside a full one.
            let more = backend.episodes(&case.simulation, 0..256).unwrap();
            assert_eq!(blocks[0].returns, more[0].returns[..100], "{}", case.name);
            assert_eq!(blocks[0].lengths, more[0].lengths[..100], "{}", case.name);
        }
    }
}
