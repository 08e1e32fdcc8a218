//! Whole episodes of a vector of users: twin of `shaders/kernel/rollout.wgsl`.

use super::driver::{Driver, StepFeedback, Stepped};
use super::recommender::{AnyPolicy, RandomPolicy, Recommender};
use crate::backend::plan::{BlockRollout, Plan, power};
use crate::choice::ChoiceTwin;
use crate::environment::Environment;
use crate::number::{Mask, Number, Word, vectorized};
use crate::policy::{Draws, LayeredTwin, Scratch};
use crate::rng::{STEP, Stream};
use crate::statistics::{
    CompensatedSum, EpisodeBlock, SINGLE_STEPS, bin_of_step, least_squares_slope,
};

/// How many sums a step has: those of the first 32 episodes of a block, to which the others are added in turns.
const CURVE_LANES: usize = 32;

/// Runs whole episodes with a built-in policy.
#[derive(Debug)]
pub(in crate::backend) struct Rollout<N: Number, E: Environment<N>> {
    driver: Driver<N, E>,
    plan: Plan,
    policy: LayeredTwin<N>,
    user: E::User,
    slate: Vec<N::Word>,
    scratch: Scratch<N>,
    /// What the policy remembers of the users.
    state: Vec<N>,
    /// Rewards and squared rewards of each step, summed over the episodes of the block. A step has [`CURVE_LANES`] sums
    /// whatever the length of a vector, so that rounding does not depend on that length, and as many entries as hold them.
    /// Steps without a bin of their own use the entries of [`TILE_STEPS`] further steps in turns.
    curve: Vec<(N, N)>,
    /// Clicks at each of these steps.
    curve_clicks: Vec<u32>,
    /// The same sums for steps without a bin of their own, over their bins.
    late: LateCurve,
    /// The discounted return at each discount.
    discounted: Vec<CompensatedSum<N>>,
    /// The weight that each discount gives the rewards of a step.
    weights: Vec<f64>,
}

impl<N: Number, E: Environment<N>> Rollout<N, E> {
    /// Prepares to run episodes of an environment.
    pub(in crate::backend) fn new(environment: E, plan: &Plan) -> Self {
        let num_examined = plan.num_examined();
        Self {
            user: environment.new_user(),
            slate: vec![N::Word::splat(0); num_examined as usize],
            scratch: Scratch::default(),
            state: vec![N::splat(0.0); plan.policy.state_size()],
            curve: Vec::new(),
            curve_clicks: Vec::new(),
            late: LateCurve::default(),
            discounted: vec![CompensatedSum::new(); plan.discounts.len()],
            weights: vec![1.0; plan.discounts.len()],
            policy: plan.policy.twin(),
            plan: plan.clone(),
            driver: Driver::new(environment, plan, num_examined),
        }
    }

    /// Runs one vector of episodes and adds what they did to the block.
    #[inline(always)]
    fn run_group<R: Recommender>(
        &mut self,
        recommender: &R,
        first: u64,
        count: usize,
        block: &mut EpisodeBlock,
    ) {
        let Self {
            driver,
            plan,
            policy,
            user,
            slate,
            scratch,
            state,
            curve,
            curve_clicks,
            late,
            discounted,
            weights,
        } = self;
        let (zero, one) = (N::splat(0.0), N::Word::splat(1));
        let vectors = CURVE_LANES.div_ceil(N::LANES);
        // Blocks begin at multiples of their size, so that the index of the episode tells the turn.
        let turn = usize::try_from(first % CURVE_LANES as u64).expect("few lanes") / N::LANES;
        let (mut total, mut step_weighted) = (CompensatedSum::new(), CompensatedSum::new());
        let mut quality = zero;
        discounted.fill(CompensatedSum::new());
        let (mut length, mut clicks) = (N::Word::splat(0), N::Word::splat(0));
        let mut active = N::Mask::from_fn(|lane| lane < count);
        let stream = Stream::of_consecutive_episodes(plan.seed, first, 0);
        driver.sample_user(stream, user);
        state.fill(zero);
        let mut num_steps = 0;
        for step in 0..plan.num_steps() {
            if !active.any() {
                break;
            }
            num_steps = step + 1;
            let stream = stream.at_step(step);
            let words = stream.words(STEP, N::Word::splat(0));
            let draws = Draws {
                stream,
                first_word: words[3],
            };
            recommender.recommend(
                policy,
                &mut driver.candidates,
                user,
                &draws,
                state,
                scratch,
                slate,
            );
            let stepped = driver.take_step::<R>(stream, stream, words, slate, None, None, user);
            if !R::TAKES_FIRST && !state.is_empty() {
                let mut shown = StepFeedback {
                    driver,
                    stepped: &stepped,
                    penalty: zero,
                };
                policy.observe(&mut shown, scratch, state);
            }

            let clicked = stepped.clicked & active;
            let reward = N::select(active, stepped.reward, zero);
            let click = N::Word::select(clicked, one, N::Word::splat(0));
            total.add(reward);
            step_weighted.add(N::from_word(stream.step()) * reward);
            if !discounted.is_empty() {
                weigh(&plan.discounts, step, weights);
                for (sum, &weight) in discounted.iter_mut().zip(&*weights) {
                    sum.add(N::splat(weight) * reward);
                }
            }
            length = length + N::Word::select(active, one, N::Word::splat(0));
            clicks = clicks + click;
            if !R::TAKES_FIRST {
                block.invalid_choices += u64::from((active & !stepped.is_valid).count());
            }
            let place = match step < SINGLE_STEPS {
                true => step,
                false => SINGLE_STEPS + step % TILE_STEPS,
            };
            let begin = place as usize * vectors;
            if curve.len() == begin {
                curve.resize(begin + vectors, (zero, zero));
                curve_clicks.push(0);
            }
            let (rewards, squares) = &mut curve[begin + turn];
            *rewards = *rewards + reward;
            *squares = *squares + reward * reward;
            let num_clicks = clicked.count();
            curve_clicks[place as usize] += num_clicks;
            if place == SINGLE_STEPS + TILE_STEPS - 1 {
                late.take(step, turn, curve, curve_clicks);
            }
            if plan.outline.has_quality {
                quality = quality
                    + N::select(
                        clicked,
                        driver.environment().quality(driver.clicked_document()),
                        zero,
                    );
            }
            if plan.outline.num_topics > 0 {
                count_topics(driver, active, &stepped, block);
            }
            if let Some((first, others)) = block.position_clicks.split_first_mut() {
                // Clicks at the first position are those that are at no other.
                let mut rest = num_clicks;
                for (position, clicks) in (1..).zip(others) {
                    let is_here = clicked & stepped.chosen.equals(N::Word::splat(position));
                    let num_here = is_here.count();
                    *clicks += u64::from(num_here);
                    rest -= num_here;
                }
                *first += u64::from(rest);
            }
            active = active & !driver.environment().is_terminal(user);
        }
        if num_steps > SINGLE_STEPS {
            late.take(num_steps - 1, turn, curve, curve_clicks);
        }
        push_episodes(block, count, [total, step_weighted], [length, clicks]);
        for (returns, sum) in block.discounted.iter_mut().zip(discounted) {
            let done = returns.len();
            returns.resize(done + count, 0.0);
            sum.value().write(&mut returns[done..]);
        }
        block.truncated += u64::from(active.count());
        if plan.outline.has_quality {
            for lane in 0..N::LANES {
                block.clicked_quality += quality.lane(lane);
            }
        }
    }
}

/// Writes the weight that each discount gives the rewards of a step.
// Cold, because most rollouts have no discounts: the registers that a call needs are then saved here, and not in every step.
#[cold]
#[inline(never)]
fn weigh(discounts: &[f64], step: u32, weights: &mut [f64]) {
    for (weight, &discount) in weights.iter_mut().zip(discounts) {
        *weight = power(discount, step);
    }
}

/// How many steps' rewards are added up in the arithmetic of the lanes before they go into the sums of a bin. Bins begin at
/// multiples of it.
const TILE_STEPS: u32 = 8;

/// Sums over the bins of steps from [`SINGLE_STEPS`] on, as [`CURVE_LANES`] sums in double precision each.
#[derive(Debug, Default)]
struct LateCurve {
    bins: Vec<LateBin>,
}

#[derive(Clone, Copy, Debug, Default)]
struct LateBin {
    /// Rewards and squared rewards.
    sums: [(f64, f64); CURVE_LANES],
    clicks: u64,
}

impl LateCurve {
    /// Adds to their bin what a vector of users did in up to [`TILE_STEPS`] steps, of which `step` is the last.
    // Cold for the same reason as `weigh`.
    #[cold]
    #[inline(never)]
    fn take<N: Number>(
        &mut self,
        step: u32,
        turn: usize,
        curve: &mut [(N, N)],
        curve_clicks: &mut [u32],
    ) {
        let bin = bin_of_step(step) - SINGLE_STEPS as usize;
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, LateBin::default());
        }
        let bin = &mut self.bins[bin];
        let vectors = CURVE_LANES.div_ceil(N::LANES);
        let nothing = (N::splat(0.0), N::splat(0.0));
        let mut tile = nothing;
        for some in curve[SINGLE_STEPS as usize * vectors..].chunks_exact_mut(vectors) {
            let (rewards, squares) = std::mem::replace(&mut some[turn], nothing);
            tile = (tile.0 + rewards, tile.1 + squares);
        }
        let sums = &mut bin.sums[turn * N::LANES..][..N::LANES];
        for (lane, (rewards, squares)) in sums.iter_mut().enumerate() {
            *rewards += tile.0.lane(lane);
            *squares += tile.1.lane(lane);
        }
        for clicks in &mut curve_clicks[SINGLE_STEPS as usize..] {
            bin.clicks += u64::from(std::mem::take(clicks));
        }
    }

    /// Adds the bins to the curves of the block.
    fn write(&self, block: &mut EpisodeBlock) {
        for bin in &self.bins {
            let sum =
                |of: fn(&(f64, f64)) -> f64| bin.sums.iter().fold(0.0, |sum, lane| sum + of(lane));
            block.reward_by_step.push(sum(|lane| lane.0));
            block.squared_reward_by_step.push(sum(|lane| lane.1));
            block.clicks_by_step.push(bin.clicks);
        }
    }
}

/// Adds the episodes of the first `count` users of a vector to a block.
#[inline(always)]
fn push_episodes<N: Number>(
    block: &mut EpisodeBlock,
    count: usize,
    [total, step_weighted]: [CompensatedSum<N>; 2],
    [length, clicks]: [N::Word; 2],
) {
    let done = block.returns.len();
    let episodes = done..done + count;
    block.returns.resize(episodes.end, 0.0);
    block.slopes.resize(episodes.end, 0.0);
    block.lengths.resize(episodes.end, 0);
    block.clicks.resize(episodes.end, 0);
    let returns = &mut block.returns[episodes.clone()];
    let slopes = &mut block.slopes[episodes.clone()];
    let lengths = &mut block.lengths[episodes.clone()];
    // In double precision: the slope is a small difference of the two sums.
    let write = |sum: CompensatedSum<N>, numbers: &mut [f64]| {
        let [rounded, rest] = sum.parts();
        rounded.write(numbers);
        for (lane, number) in numbers.iter_mut().enumerate() {
            *number += rest.lane(lane);
        }
    };
    write(total, returns);
    write(step_weighted, slopes);
    length.write(lengths);
    clicks.write(&mut block.clicks[episodes]);
    for (slope, (&total, &length)) in slopes.iter_mut().zip(returns.iter().zip(&*lengths)) {
        *slope = least_squares_slope(total, *slope, length);
    }
    total.value().write(returns);
}

/// Counts impressions and clicks by topic.
#[inline(always)]
fn count_topics<N: Number, E: Environment<N>>(
    driver: &Driver<N, E>,
    active: N::Mask,
    stepped: &Stepped<N>,
    block: &mut EpisodeBlock,
) {
    let (impressions, clicks) = (&mut block.topic_impressions, &mut block.topic_clicks);
    for (position, document) in (0..).zip(&driver.documents) {
        let topic = driver.environment().topic(document);
        let is_chosen = active & stepped.clicked & stepped.chosen.equals(N::Word::splat(position));
        if impressions.len() <= N::LANES {
            // Topic by topic: there are fewer of them than users.
            for (number, (impressions, clicks)) in
                (0..).zip(impressions.iter_mut().zip(&mut *clicks))
            {
                let is_it = topic.equals(N::Word::splat(number));
                *impressions += u64::from((is_it & active).count());
                *clicks += u64::from((is_it & is_chosen).count());
            }
        } else {
            for lane in (0..N::LANES).filter(|&lane| active.lane(lane)) {
                let topic = topic.lane(lane) as usize;
                impressions[topic] += 1;
                clicks[topic] += u64::from(is_chosen.lane(lane));
            }
        }
    }
}

impl<N: Number, E: Environment<N>> Rollout<N, E> {
    #[inline(always)]
    fn run_block_with(
        &mut self,
        recommender: &impl Recommender,
        first: u64,
        count: usize,
    ) -> EpisodeBlock {
        let mut block = self.plan.empty_block();
        self.curve.clear();
        self.curve_clicks.clear();
        self.late.bins.clear();
        for done in (0..count).step_by(N::LANES) {
            let some = N::LANES.min(count - done);
            self.run_group(recommender, first + done as u64, some, &mut block);
        }
        let vectors = CURVE_LANES.div_ceil(N::LANES);
        let (mut some, mut some_squared) = (vec![0.0; N::LANES], vec![0.0; N::LANES]);
        let steps = self.curve.chunks_exact(vectors).zip(&self.curve_clicks);
        for (at_step, &clicks) in steps.take(SINGLE_STEPS as usize) {
            let (mut rewards, mut squared_rewards) = (0.0, 0.0);
            for (some_rewards, some_squared_rewards) in at_step {
                some_rewards.write(&mut some);
                some_squared_rewards.write(&mut some_squared);
                for (reward, squared_reward) in some.iter().zip(&some_squared) {
                    rewards += reward;
                    squared_rewards += squared_reward;
                }
            }
            block.reward_by_step.push(rewards);
            block.squared_reward_by_step.push(squared_rewards);
            block.clicks_by_step.push(u64::from(clicks));
        }
        self.late.write(&mut block);
        block
    }
}

/// Runs a block. Each kind of recommender has a function of its own, so that the compiler allots registers to each
/// separately.
#[inline(never)]
fn run_block<N: Number, E: Environment<N>, R: Recommender>(
    rollout: &mut Rollout<N, E>,
    recommender: R,
    first: u64,
    count: usize,
) -> EpisodeBlock {
    vectorized!(N, rollout.run_block_with(&recommender, first, count))
}

impl<N: Number, E: Environment<N>> BlockRollout for Rollout<N, E> {
    fn run(&mut self, first: u64, count: usize) -> EpisodeBlock {
        // The reference always takes the general way, so that the others are checked against it. The condition is a constant,
        // so that the compiler makes no code for the others there.
        if const { N::LANES > 1 } {
            let takes_first = matches!(self.driver.choice, ChoiceTwin::First);
            match self.plan.policy.as_random() {
                Some(random) if takes_first => {
                    return run_block(self, RandomPolicy::<true>(random), first, count);
                }
                Some(random) => {
                    return run_block(self, RandomPolicy::<false>(random), first, count);
                }
                None => {}
            }
        }
        run_block(self, AnyPolicy, first, count)
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::cpu::cpu;
    use crate::validation::cases;

    /// Policies and documents choose their code by themselves, so that the limit must reach all of them.
    #[test]
    fn the_instruction_set_does_not_change_a_bit() {
        use crate::backend::Backend;
        use crate::backend::lanes::InstructionSet;
        let backend = cpu(Some(1)).unwrap();
        let widest = InstructionSet::widest();
        for case in cases(&crate::registry::Registry::built_in()).unwrap() {
            let [expected, others @ ..] = [
                InstructionSet::Baseline,
                InstructionSet::Avx2,
                InstructionSet::Avx512,
            ]
            .map(|set| {
                let set = InstructionSet::limit(set);
                assert!(set <= widest);
                backend.episodes(&case.simulation, 512..700).unwrap()
            });
            for other in others {
                assert_eq!(expected, other, "{}", case.name());
            }
        }
        assert_eq!(InstructionSet::limit(InstructionSet::Avx512), widest);
    }

    #[test]
    fn neither_the_length_of_a_vector_nor_its_registers_change_a_bit() {
        use super::{BlockRollout, Rollout};
        use crate::environment::Definition;
        use crate::environment::interest_exploration::InterestExplorationDefinition;
        use crate::number::{Baseline, Lanes};
        let definition = InterestExplorationDefinition::new(
            &InterestExplorationDefinition::entry()
                .settings_with(&[])
                .unwrap(),
        )
        .unwrap();
        let cases = cases(&crate::registry::Registry::built_in()).unwrap();
        let case = cases
            .iter()
            .find(|case| case.name() == "interest exploration, best quality")
            .unwrap();
        let plan = &case.simulation.plan;
        let mut short = Rollout::<Lanes<4>, _>::new(definition.twin(), plan);
        let mut long = Rollout::<Lanes<32>, _>::new(definition.twin(), plan);
        let mut registers = Rollout::<Baseline, _>::new(definition.twin(), plan);
        let (short, long) = (short.run(512, 200), long.run(512, 200));
        assert!(short.clicks.iter().any(|&clicks| clicks > 0));
        assert_eq!(short, long);
        assert_eq!(short, registers.run(512, 200));
    }

    /// Episodes of up to 9,000 steps that end at different ones, with short vectors, long ones, and in double precision.
    #[test]
    fn late_steps_are_binned_with_the_same_bits_whatever_the_vectors() {
        use super::{BlockRollout, Rollout};
        use crate::environment::Definition;
        use crate::environment::interest_exploration::InterestExplorationDefinition;
        use crate::number::{Baseline, Lanes};
        use crate::registry::simulation;
        use crate::statistics::num_bins;
        use crate::test_support::resolved;
        let config = resolved(&["environment.name=interest_exploration", "max_steps=9000"]);
        let plan = simulation(&config).unwrap().plan;
        let settings = InterestExplorationDefinition::entry().settings_with(&[]);
        let definition = InterestExplorationDefinition::new(&settings.unwrap()).unwrap();
        let mut short = Rollout::<Lanes<4>, _>::new(definition.twin(), &plan);
        let mut long = Rollout::<Lanes<32>, _>::new(definition.twin(), &plan);
        let mut registers = Rollout::<Baseline, _>::new(definition.twin(), &plan);
        let mut reference = Rollout::<f64, _>::new(definition.twin(), &plan);
        let expected = reference.run(256, 40);
        let short = short.run(256, 40);
        assert_eq!(short, long.run(256, 40));
        assert_eq!(short, registers.run(256, 40));
        assert_eq!(short.clicks_by_step.len(), num_bins(9000));
        let sum = |clicks: &[u64]| clicks.iter().sum::<u64>();
        let of_episodes: u64 = short.clicks.iter().copied().map(u64::from).sum();
        assert_eq!(sum(&short.clicks_by_step), of_episodes);
        for (found, expected) in [
            (&short.reward_by_step, &expected.reward_by_step),
            (
                &short.squared_reward_by_step,
                &expected.squared_reward_by_step,
            ),
        ] {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0));
            }
        }
    }

    #[test]
    fn an_episode_does_not_depend_on_its_neighbours() {
        use crate::backend::Backend;
        let backend = cpu(Some(1)).unwrap();
        for case in cases(&crate::registry::Registry::built_in()).unwrap() {
            let blocks = backend.episodes(&case.simulation, 0..100).unwrap();
            // Users at the end of a vector that is not full, and the same users inside a full one.
            let more = backend.episodes(&case.simulation, 0..256).unwrap();
            assert_eq!(blocks[0].returns, more[0].returns[..100], "{}", case.name());
            assert_eq!(blocks[0].lengths, more[0].lengths[..100], "{}", case.name());
        }
    }
}
