//! Follows users step by step as a rollout would, and compares the two.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use slatesim::backend::{BLOCK_EPISODES, Backend, Simulation, Unobserved};
use slatesim::number::ScalarWord;
use slatesim::policy::{Draws, Offer, Scratch};
use slatesim::rng::{STEP, Stream};
use slatesim::statistics::{EpisodeBlock, least_squares_slope};
use slatesim::vec_env::{Observation, VecEnv};

/// The documents of one user as a policy sees them.
///
/// Observations are single precision: on `reference`, candidates closer than that would be ranked by index instead. The
/// episodes tested have no such pair in reach of a slate.
struct Seen<'a> {
    documents: ArrayView2<'a, f32>,
    user: ArrayView1<'a, f32>,
    looked_at: usize,
}

impl Offer<f64> for Seen<'_> {
    fn num_candidates(&self) -> u32 {
        u32::try_from(self.documents.nrows()).unwrap()
    }
    fn user(&mut self, number: usize) -> f64 {
        f64::from(self.user[number])
    }
    fn look_at(&mut self, candidate: ScalarWord) {
        self.looked_at = candidate.0 as usize;
    }
    fn feature(&mut self, feature: usize) -> f64 {
        f64::from(self.documents[(self.looked_at, feature)])
    }
    fn topic(&mut self) -> ScalarWord {
        unreachable!("the policies followed here look at features")
    }
    fn quality(&mut self) -> f64 {
        unreachable!("not observed")
    }
    fn score(&mut self) -> f64 {
        unreachable!("not observed")
    }
    fn believed_score(&mut self) -> f64 {
        unreachable!("not observed")
    }
}

/// Does for all users what the policy of the simulation does within a rollout, from the observations.
pub(crate) fn recommend(
    simulation: &Simulation,
    env: &mut VecEnv,
    observation: &Observation,
) -> Array2<u32> {
    let plan = &simulation.plan;
    let state = env.state().unwrap();
    let mut slates = Array2::zeros((env.num_envs(), plan.slate_size as usize));
    let mut slate = vec![ScalarWord(0); plan.slate_size as usize];
    let mut scratch = Scratch::<f64>::default();
    for (lane, mut row) in slates.axis_iter_mut(Axis(0)).enumerate() {
        let stream =
            Stream::of_consecutive_episodes(plan.seed, state.episodes[lane], state.steps[lane]);
        let draws = Draws {
            stream,
            first_word: stream.words(STEP, ScalarWord(0))[3],
        };
        let mut seen = Seen {
            documents: observation.documents.of_env(lane),
            user: observation.users.row(lane),
            looked_at: 0,
        };
        plan.policy
            .twin::<f64>()
            .recommend(&mut seen, &draws, &mut [], &mut scratch, &mut slate);
        row.iter_mut()
            .zip(&slate)
            .for_each(|(to, from)| *to = from.0);
    }
    slates
}

/// What happened to one user at one step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) reward: f64,
    pub(crate) chosen: Option<u32>,
    pub(crate) topics: Vec<usize>,
    pub(crate) terminated: bool,
}

pub(crate) type Episode = Vec<Event>;

/// Follows all users until each has ended so many episodes; those are returned, by lane.
pub(crate) fn follow(
    simulation: &Simulation,
    env: &mut VecEnv,
    mut observation: Observation,
    num_episodes: usize,
) -> Vec<Vec<Episode>> {
    let topic = env.spaces().documents.columns("cluster_id");
    let mut ended: Vec<Vec<Episode>> = vec![Vec::new(); env.num_envs()];
    let mut running: Vec<Episode> = vec![Vec::new(); env.num_envs()];
    while ended.iter().any(|episodes| episodes.len() < num_episodes) {
        let slates = recommend(simulation, env, &observation);
        let step = env.step(slates.view()).unwrap();
        for (lane, events) in running.iter_mut().enumerate() {
            let documents = observation.documents.of_env(lane);
            let topic = |&candidate: &u32| {
                let column = topic.clone()?.start;
                Some(documents[(candidate as usize, column)] as usize)
            };
            events.push(Event {
                reward: step.rewards[lane],
                chosen: step.chosen[lane],
                topics: slates.row(lane).iter().filter_map(topic).collect(),
                terminated: step.terminated[lane],
            });
            if step.terminated[lane] || step.truncated[lane] {
                ended[lane].push(std::mem::take(events));
            }
        }
        observation = step.observation;
    }
    ended
        .iter_mut()
        .for_each(|episodes| episodes.truncate(num_episodes));
    ended
}

pub(crate) fn nth(episodes: &[Vec<Episode>], number: usize) -> Vec<&Episode> {
    episodes.iter().map(|episodes| &episodes[number]).collect()
}

/// The slope as the device forms it, in single precision.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "that of the device"
)]
fn slope_of_gpu(sum: &Sum, step_weighted: &Sum, length: u32) -> f64 {
    let parts = |sum: &Sum| (sum.rounded as f32, sum.rest as f32);
    let ((sum, sum_rest), (weighted, weighted_rest)) = (parts(sum), parts(step_weighted));
    let steps = length as f32;
    let middle = 0.5 * (steps - 1.0);
    let upper_half = |number: f32| f32::from_bits(number.to_bits() & 0xffff_f000);
    let product = middle * sum;
    let (a, b) = (upper_half(middle), upper_half(sum));
    let upper = a * b - product;
    let cross = upper + a * (sum - b);
    let error = (cross + (middle - a) * b) + (middle - a) * (sum - b);
    let rest = weighted_rest - middle * sum_rest;
    let slope = 12.0 * ((weighted - product) + (rest - error)) / (steps * (steps * steps - 1.0));
    f64::from(if length < 2 { 0.0 } else { slope })
}

/// A sum that keeps what rounding takes away.
#[derive(Default)]
struct Sum {
    rounded: f64,
    rest: f64,
}

impl Sum {
    fn add(&mut self, term: f64, round: impl Fn(f64) -> f64) {
        let whole = round(self.rest + term);
        let rounded = round(self.rounded + whole);
        self.rest = round(whole - round(rounded - self.rounded));
        self.rounded = rounded;
    }

    fn value(&self) -> f64 {
        self.rounded + self.rest
    }
}

/// Adds episodes up in blocks, in the arithmetic and the order of a backend.
fn blocks(
    simulation: &Simulation,
    backend: &dyn Backend,
    episodes: &[&Episode],
) -> Vec<EpisodeBlock> {
    let is_single = backend.info().name != "reference";
    let is_gpu = backend.info().name == "gpu";
    // The host adds every 32nd episode of a block, the GPU every 8th of its quarters.
    let partial_sums = 32;
    let partial_sum = |index: usize| {
        if is_gpu {
            index / 64 * 8 + index % 8
        } else {
            index % 32
        }
    };
    // A sum or product of two singles, rounded to double and then to single, is rounded as if at once.
    let round = |number: f64| {
        if is_single {
            f64::from(number as f32)
        } else {
            number
        }
    };
    let plan = &simulation.plan;
    let num_topics = plan.outline.num_topics as usize;
    let num_considered = plan.choice.num_considered(plan.slate_size);
    let block = |episodes: &[&Episode]| {
        let num_steps = episodes.iter().map(|episode| episode.len()).max().unwrap();
        let mut block = EpisodeBlock {
            clicks_by_step: vec![0; num_steps],
            topic_impressions: vec![0; num_topics],
            topic_clicks: vec![0; num_topics],
            position_clicks: vec![0; num_considered as usize],
            ..EpisodeBlock::default()
        };
        let mut rewards = vec![vec![0.0; partial_sums]; num_steps];
        let mut squares = rewards.clone();
        for (index, episode) in episodes.iter().enumerate() {
            let (mut total, mut step_weighted) = (Sum::default(), Sum::default());
            let mut clicks = 0;
            for (step, event) in episode.iter().enumerate() {
                let reward = event.reward;
                total.add(reward, round);
                step_weighted.add(round(step as f64 * reward), round);
                let at = partial_sum(index);
                rewards[step][at] = round(rewards[step][at] + reward);
                squares[step][at] = round(squares[step][at] + round(reward * reward));
                let click = u32::from(event.chosen.is_some());
                clicks += click;
                block.clicks_by_step[step] += u64::from(click);
                if let Some(position) = event.chosen {
                    block.position_clicks[position as usize] += 1;
                }
                for (position, &topic) in (0..).zip(&event.topics) {
                    block.topic_impressions[topic] += 1;
                    block.topic_clicks[topic] += u64::from(event.chosen == Some(position));
                }
            }
            block.returns.push(round(total.value()));
            let ends = episode.last().is_some_and(|event| event.terminated);
            block.truncated += u64::from(!ends);
            let length = u32::try_from(episode.len()).unwrap();
            block.slopes.push(if is_gpu {
                slope_of_gpu(&total, &step_weighted, length)
            } else {
                least_squares_slope(total.value(), step_weighted.value(), length)
            });
            block.lengths.push(length);
            block.clicks.push(clicks);
        }
        // The host adds partial sums in double precision, the GPU in single.
        let add = |total: f64, sum: &f64| {
            if is_gpu {
                round(total + sum)
            } else {
                total + sum
            }
        };
        let sum = |sums: &[f64]| sums.iter().fold(0.0, add);
        let sums = |partial: Vec<Vec<f64>>| {
            partial
                .iter()
                .map(|sums| match is_gpu {
                    true => sum(&sums.chunks(8).map(sum).collect::<Vec<_>>()),
                    false => sum(sums),
                })
                .collect()
        };
        block.reward_by_step = sums(rewards);
        block.squared_reward_by_step = sums(squares);
        block
    };
    episodes
        .chunks(BLOCK_EPISODES as usize)
        .map(block)
        .collect()
}

/// Compares episodes with what a rollout of the same range reports, to the last bit.
#[track_caller]
pub(crate) fn assert_rollout(
    simulation: &Simulation,
    backend: &dyn Backend,
    first: u64,
    episodes: &[&Episode],
) {
    let stepped = blocks(simulation, backend, episodes);
    let (model, plan) = (&simulation.model, &simulation.plan);
    let rollout = match backend.info().name.as_str() {
        "reference" => Some(model.reference_rollout(plan)),
        "cpu" => Some(model.cpu_rollout(plan)),
        _ => None,
    };
    if let Some(mut rollout) = rollout {
        for (number, block) in stepped.iter().enumerate() {
            let rolled = rollout.run(first + (number as u64 * BLOCK_EPISODES), block.episodes());
            assert_eq!(rolled.returns, block.returns);
            assert_eq!(&rolled, block);
        }
    }
    let range = first..first + episodes.len() as u64;
    let rolled = backend.rollout(simulation, range, &Unobserved).unwrap();
    let mut statistics = simulation.statistics().under(rolled.conditions().clone());
    stepped.iter().for_each(|block| statistics.add(block));
    let (rolled_summary, summary) = (rolled.summary(), statistics.summary());
    assert_eq!(rolled_summary.returns, summary.returns);
    assert_eq!(rolled_summary.length, summary.length);
    assert_eq!(rolled_summary.click_rate, summary.click_rate);
    assert_eq!(rolled_summary.topics, summary.topics);
    // A GPU may fuse the products of the curves and slopes into their sums; the emulation above does not.
    let info = backend.info();
    if info.name != "gpu" || info.device.contains("software") {
        assert_eq!(rolled, statistics);
    }
}
