//! Rollouts on the GPU: batches of episodes in flight, fused steps sized to tens of milliseconds, blocks to statistics.
//!
//! A batch is as many lanes as one dispatch has: episodes of one simulation, or whole ranges of episodes of several that
//! can run side by side, one after the other. Its episodes run for `fusion` steps a dispatch; after each dispatch the
//! block sums of those steps come back, after the last one the outcomes of the episodes. Several batches are in flight,
//! each with buffers of its own, so that the device has work while the host reads.

use super::context::Gpu;
use super::error::GpuError;
use super::points::Points;
use super::program::{Entry, Job, Program, most_invocations};
use super::readback::Readback;
use super::{GpuOptions, Observer, Simulation};
use crate::backend::{BLOCK_EPISODES, BLOCK_SIZE};
use crate::statistics::EpisodeBlock;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wgpu::BufferUsages;

/// Fields of the outcomes, in the order of `shaders/kernel/rollout.wgsl`.
const OUTCOME_FIELDS: usize = 7;
const RUNNING: usize = 5;
/// Episodes of a batch on a real GPU: enough to fill the largest.
const HARDWARE_BATCH: u32 = 1 << 18;
/// Episodes of a batch on a software adapter: few enough for its caches.
const SOFTWARE_BATCH: u32 = 1 << 13;
/// What a dispatch should last: desktop drivers reset a device that is busy for some seconds.
const TARGET_DISPATCH: Duration = Duration::from_millis(40);
/// Steps of the first dispatch, whose time sets the number of steps of the next.
const FIRST_FUSION: u32 = 8;
/// Batches in flight.
const NUM_SLOTS: usize = 3;
/// Storage for the rewards of a dispatch at most, whatever the adapter allows.
const MAX_REWARD_BYTES: u64 = 1 << 29;

const CURVE_PLANES: usize = 3;

/// The buffers of one batch in flight.
struct Slot {
    users: wgpu::Buffer,
    outcomes: wgpu::Buffer,
    rewards: wgpu::Buffer,
    clicks: wgpu::Buffer,
    counts: wgpu::Buffer,
    curve: wgpu::Buffer,
}

/// What a dispatch left to be read.
struct Flight {
    steps: Range<u32>,
    curve: Readback,
    /// The outcomes and the counts, where this dispatch may have been the batch's last.
    outcomes: Readback,
    counts: Readback,
    submitted: Instant,
}

/// Which episodes of which simulations a batch runs: the same of each.
#[derive(Clone, Debug, PartialEq)]
struct Tile {
    points: Range<usize>,
    first: u64,
    /// Episodes of each.
    num_lanes: u32,
}

impl Tile {
    /// Lanes of each simulation: whole blocks.
    fn lanes_per_point(&self) -> u32 {
        self.num_lanes.next_multiple_of(block())
    }

    fn stride(&self) -> u32 {
        word(self.points.len()) * self.lanes_per_point()
    }
}

/// Cuts the episodes of `num_points` simulations into batches, simulation by simulation: several of them together where
/// all their episodes fit.
fn tiles(num_points: usize, episodes: Range<u64>, batch_size: u32) -> impl Iterator<Item = Tile> {
    let batch = u64::from(batch_size);
    let per_point = (episodes.end - episodes.start)
        .next_multiple_of(BLOCK_EPISODES)
        .max(BLOCK_EPISODES);
    let together = usize::try_from((batch / per_point).max(1)).unwrap_or(usize::MAX);
    let mut next = (0, episodes.start);
    std::iter::from_fn(move || {
        let (point, first) = next;
        if point >= num_points || episodes.is_empty() {
            return None;
        }
        let points = point..num_points.min(point.saturating_add(together));
        let num_lanes = (episodes.end - first).min(batch);
        next = match first + num_lanes {
            end if end == episodes.end => (points.end, episodes.start),
            end => (point, end),
        };
        let num_lanes = u32::try_from(num_lanes).expect("at most a batch");
        Some(Tile {
            points,
            first,
            num_lanes,
        })
    })
}

/// A batch on its way through its dispatches.
struct Batch {
    tile: Tile,
    slot: usize,
    flight: Flight,
    blocks: Vec<EpisodeBlock>,
}

struct Rollout<'a> {
    gpu: &'a Gpu,
    /// One of those that run, which stands for all in what they have in common.
    simulation: &'a Simulation,
    rollout: Arc<Program>,
    reduce: Arc<Program>,
    points: Points,
    num_dispatches: u64,
    slots: Vec<Slot>,
    most_steps: u32,
    fusion: u32,
    is_fusion_fixed: bool,
}

/// What running took.
pub(super) struct Taken {
    /// The program of the episodes, where there were any.
    pub(super) program: Option<Arc<Program>>,
    /// Dispatches of it.
    pub(super) num_dispatches: u64,
}

/// Runs the episodes of a range for each of some simulations that can run side by side, see [`super::points`];
/// `finished` gets the index of a simulation, the first episode and the blocks from there on, in any order.
pub(super) fn run(
    gpu: &Gpu,
    options: &GpuOptions,
    simulations: &[&Simulation],
    episodes: Range<u64>,
    observer: &dyn Observer,
    mut finished: impl FnMut(usize, u64, Vec<EpisodeBlock>),
) -> Result<Taken, GpuError> {
    debug_assert_eq!(
        episodes.start % BLOCK_EPISODES,
        0,
        "ranges start at a block"
    );
    if episodes.is_empty() || simulations.is_empty() {
        return Ok(Taken {
            program: None,
            num_dispatches: 0,
        });
    }
    let per_point = (episodes.end - episodes.start).next_multiple_of(BLOCK_EPISODES);
    let lanes = per_point.saturating_mul(simulations.len() as u64);
    let batch_size = batch_size(gpu, options, lanes)?;
    let mut tiles = tiles(simulations.len(), episodes, batch_size).peekable();
    // Any number above that of the slots is as good.
    let num_slots = usize::try_from(lanes.div_ceil(u64::from(batch_size)))
        .map_or(NUM_SLOTS, |batches| batches.min(NUM_SLOTS));
    let mut rollout = Rollout::new(gpu, options, simulations, batch_size, num_slots)?;
    let mut free: Vec<usize> = (0..num_slots).collect();
    let mut in_flight: VecDeque<Batch> = VecDeque::new();
    loop {
        while tiles.peek().is_some() && !observer.is_interrupted() {
            let Some(slot) = free.pop() else { break };
            let Some(tile) = tiles.next() else { break };
            in_flight.push_back(rollout.begin(tile, slot)?);
        }
        let Some(batch) = in_flight.pop_front() else {
            break;
        };
        match rollout.advance(batch)? {
            Progress::Running(batch) => in_flight.push_back(*batch),
            Progress::Finished(batch) => {
                free.push(batch.slot);
                let Tile { points, first, .. } = batch.tile;
                let blocks_per_point = batch.blocks.len() / points.len();
                let mut blocks = batch.blocks.into_iter();
                for point in points {
                    finished(
                        point,
                        first,
                        blocks.by_ref().take(blocks_per_point).collect(),
                    );
                }
            }
        }
    }
    Ok(Taken {
        program: Some(rollout.rollout),
        num_dispatches: rollout.num_dispatches,
    })
}

/// Chooses the lanes of a batch: whole blocks, as many as asked for or as suit the adapter, no more than fit.
fn batch_size(gpu: &Gpu, options: &GpuOptions, lanes: u64) -> Result<u32, GpuError> {
    let preferred = if gpu.is_software() {
        SOFTWARE_BATCH
    } else {
        HARDWARE_BATCH
    };
    let asked = options.batch_size.unwrap_or(preferred);
    let most = most_invocations(gpu, options);
    if asked > most - most % block() {
        return Err(GpuError::LimitExceeded {
            what: "a batch".to_owned(),
            limit: "max_compute_workgroups_per_dimension * workgroup_size",
            needed: u64::from(asked),
            available: u64::from(most),
        });
    }
    let whole = u64::from(asked.max(1)).next_multiple_of(BLOCK_EPISODES);
    Ok(u32::try_from(whole.min(lanes)).expect("at most what was asked, rounded up"))
}

/// [`BLOCK_EPISODES`] as a number of lanes.
fn block() -> u32 {
    u32::try_from(BLOCK_EPISODES).expect("a block is small")
}

fn word(number: usize) -> u32 {
    u32::try_from(number).expect("at most as many as a batch has lanes")
}

enum Progress {
    Running(Box<Batch>),
    Finished(Finished),
}

struct Finished {
    tile: Tile,
    slot: usize,
    blocks: Vec<EpisodeBlock>,
}

impl<'a> Rollout<'a> {
    fn new(
        gpu: &'a Gpu,
        options: &GpuOptions,
        simulations: &[&'a Simulation],
        batch_size: u32,
        num_slots: usize,
    ) -> Result<Self, GpuError> {
        let simulation = simulations[0];
        let entry = match simulations {
            [_] => Entry::Rollout,
            _ => Entry::Sweep,
        };
        let max_steps = simulation.plan.num_steps();
        let binding = gpu
            .limits()
            .max_storage_buffer_binding_size
            .min(gpu.limits().max_buffer_size)
            .min(MAX_REWARD_BYTES);
        // Rewards are the largest buffer; the reduction has one invocation for each step and block.
        let by_memory = binding / (4 * u64::from(batch_size));
        let blocks = u64::from(batch_size) / BLOCK_EPISODES;
        let by_invocations = u64::from(most_invocations(gpu, options)) / blocks;
        // Counts have 32 bits over a dispatch.
        let by_counting =
            u64::from(u32::MAX) / (u64::from(batch_size) * u64::from(simulation.plan.slate_size));
        let most = by_memory
            .min(by_invocations)
            .min(by_counting)
            .min(u64::from(max_steps));
        let most = u32::try_from(most).expect("at most max_steps");
        let fits = most.max(1);
        let asked = options.fusion_length.map(|length| length.clamp(1, fits));
        let most_steps = asked.unwrap_or(fits);
        let slots = (0..num_slots)
            .map(|_| Slot::new(gpu, simulation, batch_size, most_steps))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            gpu,
            simulation,
            rollout: Program::get(gpu, options, simulation, entry, &["rollout"])?,
            reduce: Program::get(
                gpu,
                options,
                simulation,
                Entry::Reduce,
                &["reduce", "count_clicks"],
            )?,
            points: Points::new(gpu, simulations)?,
            num_dispatches: 0,
            slots,
            most_steps,
            fusion: asked.unwrap_or(FIRST_FUSION.min(most_steps)),
            is_fusion_fixed: asked.is_some(),
        })
    }

    fn begin(&mut self, tile: Tile, slot: usize) -> Result<Batch, GpuError> {
        let num_blocks = tile.stride() as usize / BLOCK_SIZE;
        let block = self.simulation.plan.empty_block();
        let flight = self.submit(&tile, slot, 0)?;
        Ok(Batch {
            tile,
            slot,
            flight,
            blocks: vec![block; num_blocks],
        })
    }

    /// Reads what the batch's dispatch has left, and sends the next one if episodes are still running.
    fn advance(&mut self, mut batch: Batch) -> Result<Progress, GpuError> {
        let Flight {
            steps,
            curve,
            outcomes,
            counts,
            submitted,
        } = batch.flight;
        let stride = batch.blocks.len() * BLOCK_SIZE;
        let is_last = steps.end >= self.simulation.plan.num_steps();
        let words = outcomes.wait_with(self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>)?;
        self.adapt(&steps, submitted.elapsed());
        let is_running = !is_last
            && words[RUNNING * stride..]
                .iter()
                .any(|&running| running != 0);
        // The next dispatch goes out before this one's sums are read: the device need not wait for the host.
        let next = match is_running {
            true => Some(self.submit(&batch.tile, batch.slot, steps.end)?),
            false => None,
        };
        read_curve(self.gpu, curve, &steps, &mut batch.blocks)?;
        let counts = counts.wait_with(self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>)?;
        self.read_counts(&counts, &mut batch.blocks);
        if let Some(flight) = next {
            return Ok(Progress::Running(Box::new(Batch { flight, ..batch })));
        }
        read_outcomes(&words, &batch.tile, &mut batch.blocks);
        Ok(Progress::Finished(Finished {
            tile: batch.tile,
            slot: batch.slot,
            blocks: batch.blocks,
        }))
    }

    /// Steers the number of fused steps towards the time that a dispatch should take.
    fn adapt(&mut self, steps: &Range<u32>, elapsed: Duration) {
        if self.is_fusion_fixed {
            return;
        }
        // The time includes the waiting behind other batches, so this errs towards shorter dispatches.
        let per_step = elapsed.as_secs_f64() / f64::from(steps.end - steps.start);
        let wanted = TARGET_DISPATCH.as_secs_f64() / per_step.max(1e-9);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the conversion saturates"
        )]
        let wanted = wanted as u32;
        self.fusion = wanted
            .clamp(FIRST_FUSION.min(self.most_steps), self.most_steps)
            .min(self.fusion.saturating_mul(4));
    }

    fn submit(&mut self, tile: &Tile, slot: usize, step_begin: u32) -> Result<Flight, GpuError> {
        let plan = &self.simulation.plan;
        let max_steps = plan.num_steps();
        let steps = step_begin..step_begin.saturating_add(self.fusion).min(max_steps);
        let stride = tile.stride();
        let job = self.points.tell(Job {
            stride,
            step_begin,
            step_end: steps.end,
            lanes_per_point: tile.lanes_per_point(),
            first_point: word(tile.points.start),
            ..Job::of_lanes(plan.seed, tile.first, tile.num_lanes, max_steps)
        });
        let Slot {
            users,
            outcomes,
            rewards,
            clicks,
            counts,
            curve,
        } = &self.slots[slot];
        let roll = self.rollout.bind(
            self.gpu,
            &self.points.inputs,
            &job,
            &[users, outcomes, rewards, clicks, counts],
        )?;
        let sum = self.reduce.bind(
            self.gpu,
            &self.points.inputs,
            &job,
            &[rewards, clicks, curve],
        )?;
        let num_steps = steps.end - steps.start;
        let num_blocks = stride / block();
        let mut encoder = self.gpu.encoder("rollout");
        encoder.clear_buffer(counts, 0, None);
        self.rollout
            .dispatch(&mut encoder, "rollout", &roll, stride);
        self.reduce
            .dispatch(&mut encoder, "reduce", &sum, num_steps * num_blocks);
        self.reduce.dispatch(
            &mut encoder,
            "count_clicks",
            &sum,
            num_steps.div_ceil(32) * num_blocks,
        );
        let bytes = |words: usize| 4 * words as u64;
        let curve_words = CURVE_PLANES * num_steps as usize * num_blocks as usize;
        let curve = self
            .gpu
            .stage(&mut encoder, "curve", curve, 0..bytes(curve_words))?;
        let outcome_bytes = bytes(OUTCOME_FIELDS * stride as usize);
        let outcomes = self
            .gpu
            .stage(&mut encoder, "outcomes", outcomes, 0..outcome_bytes)?;
        let counts = self
            .gpu
            .stage(&mut encoder, "counts", counts, 0..counts.size())?;
        let submitted = Instant::now();
        let submission = self.gpu.submit("rollout", encoder)?;
        self.num_dispatches += 1;
        Ok(Flight {
            steps,
            curve: curve.start(&submission),
            outcomes: outcomes.start(&submission),
            counts: counts.start(&submission),
            submitted,
        })
    }

    /// Adds the counts of one dispatch, shape `[block][impressions by topic, clicks by topic, clicks by position]`.
    fn read_counts(&self, counts: &[u32], blocks: &mut [EpisodeBlock]) {
        let num_counts = num_counts(self.simulation);
        for (block, counts) in blocks.iter_mut().zip(counts.chunks_exact(num_counts)) {
            let totals = block
                .topic_impressions
                .iter_mut()
                .chain(&mut block.topic_clicks)
                .chain(&mut block.slot_clicks);
            totals
                .zip(counts)
                .for_each(|(total, &count)| *total += u64::from(count));
        }
    }
}

/// Returns how many counts a block has: impressions and clicks of each topic, and clicks at each position.
fn num_counts(simulation: &Simulation) -> usize {
    let block = simulation.plan.empty_block();
    block.topic_impressions.len() + block.topic_clicks.len() + block.slot_clicks.len()
}

impl Slot {
    fn new(
        gpu: &Gpu,
        simulation: &Simulation,
        batch_size: u32,
        most_steps: u32,
    ) -> Result<Self, GpuError> {
        let (lanes, steps) = (u64::from(batch_size), u64::from(most_steps));
        let (user_fields, _) = simulation.model.num_fields();
        let policy_state = simulation.plan.policy.state_size();
        let num_counts = num_counts(simulation) as u64;
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let words = |what, words: u64| gpu.buffer(what, 4 * words, storage);
        Ok(Self {
            users: words("users", (user_fields + policy_state) as u64 * lanes)?,
            outcomes: words("outcomes", OUTCOME_FIELDS as u64 * lanes)?,
            rewards: words("rewards", steps * lanes)?,
            clicks: words("clicks", (steps / 32 + 1) * lanes)?,
            counts: words("counts", num_counts * lanes / BLOCK_EPISODES)?,
            curve: words(
                "curve",
                CURVE_PLANES as u64 * steps * lanes / BLOCK_EPISODES,
            )?,
        })
    }
}

/// Appends the block sums of the steps of one dispatch.
fn read_curve(
    gpu: &Gpu,
    curve: Readback,
    steps: &Range<u32>,
    blocks: &mut [EpisodeBlock],
) -> Result<(), GpuError> {
    let (num_steps, num_blocks) = ((steps.end - steps.start) as usize, blocks.len());
    let words = curve.wait_with(gpu, bytemuck::pod_collect_to_vec::<u8, u32>)?;
    let (rewards, rest) = words.split_at(num_steps * num_blocks);
    let (squares, clicks) = rest.split_at(num_steps * num_blocks);
    for (index, block) in blocks.iter_mut().enumerate() {
        for step in 0..num_steps {
            let at = step * num_blocks + index;
            block
                .reward_by_step
                .push(f64::from(f32::from_bits(rewards[at])));
            block
                .squared_reward_by_step
                .push(f64::from(f32::from_bits(squares[at])));
            block.clicks_by_step.push(clicks[at]);
        }
    }
    Ok(())
}

/// Deals the outcomes of a batch out to its blocks.
fn read_outcomes(words: &[u32], tile: &Tile, blocks: &mut [EpisodeBlock]) {
    let stride = blocks.len() * BLOCK_SIZE;
    let (num_lanes, lanes_per_point) = (tile.num_lanes as usize, tile.lanes_per_point() as usize);
    let field = |field: usize, lanes: &Range<usize>| &words[field * stride..][lanes.clone()];
    let numbers = |words: &[u32]| {
        words
            .iter()
            .map(|&word| f64::from(f32::from_bits(word)))
            .collect::<Vec<f64>>()
    };
    for (index, block) in blocks.iter_mut().enumerate() {
        let first = index * BLOCK_SIZE;
        // Within their point, lanes with an episode come before those that fill up the last block.
        let remaining = num_lanes - first % lanes_per_point;
        let lanes = first..first + remaining.min(BLOCK_SIZE);
        block.returns = numbers(field(0, &lanes));
        block.step_weighted_rewards = numbers(field(1, &lanes));
        block.lengths = field(2, &lanes).to_vec();
        block.clicks = field(3, &lanes).to_vec();
        block.clicked_quality = numbers(field(4, &lanes)).iter().sum();
        block.invalid_choices = field(6, &lanes).iter().copied().map(u64::from).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(num_points: usize, episodes: Range<u64>, batch_size: u32) -> Vec<Tile> {
        tiles(num_points, episodes, batch_size).collect()
    }

    fn tile(points: Range<usize>, first: u64, num_lanes: u32) -> Tile {
        Tile {
            points,
            first,
            num_lanes,
        }
    }

    #[test]
    fn simulations_share_a_batch_where_all_their_episodes_fit() {
        assert_eq!(
            cut(5, 0..300, 1024),
            [tile(0..2, 0, 300), tile(2..4, 0, 300), tile(4..5, 0, 300)]
        );
        assert_eq!(cut(3, 512..600, 8192), [tile(0..3, 512, 88)]);
        assert_eq!(tile(0..2, 0, 300).stride(), 1024);
    }

    #[test]
    fn episodes_that_do_not_fit_together_are_cut_simulation_by_simulation() {
        assert_eq!(
            cut(2, 0..700, 512),
            [
                tile(0..1, 0, 512),
                tile(0..1, 512, 188),
                tile(1..2, 0, 512),
                tile(1..2, 512, 188)
            ]
        );
        assert!(cut(3, 256..256, 512).is_empty());
        assert_eq!(cut(1, u64::MAX - 255..u64::MAX, 256).len(), 1);
    }
}
