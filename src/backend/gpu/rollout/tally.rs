//! Collects statistics alone: the device adds episodes and blocks up, in integers, and a batch leaves some kilobytes.
//!
//! The result is that of [`Statistics::add`] over the same blocks, bit for bit.

use super::{Collector, Dispatch, Extent, QUARTERS, Tile, block, num_counts, word, words};
use crate::backend::gpu::context::Gpu;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::program::{Entry, Program};
use crate::backend::gpu::readback::Staged;
use crate::backend::gpu::stopwatch::Laps;
use crate::backend::gpu::{GpuOptions, Simulation};
use crate::backend::model::Plan;
use crate::statistics::{
    BlockTotals, DIGITS, ExactSum, ProductTally, SINGLE_BUCKETS, SampleTally, Statistics, Tally,
    sum_of_device,
};
use std::ops::Range;
use std::sync::Arc;

/// Lanes that a batch may have: so many sums of small digits fit into words.
const MAX_BATCH: u64 = 1 << 20;
/// Steps that an episode may have: squares of them fit into words.
const MAX_STEPS: u32 = u16::MAX as u32;
/// Episodes of which buckets can be read at once: so many fit into each.
pub(in crate::backend::gpu) const MAX_EPISODES: u64 = 1 << 31;
/// Episodes from which on this pays: on a software adapter, when the buckets of returns, 8 MiB, are less than the outcomes
/// of all episodes; on hardware sooner, since the host is slow beside it.
const MIN_EPISODES_IN_SOFTWARE: u64 = 1 << 19;
const MIN_EPISODES_ON_HARDWARE: u64 = 1 << 16;

// As in shaders/kernel/tally.wgsl.
const SUM_WORDS: usize = DIGITS + 1;
const STEP_WORDS: usize = 2 * SUM_WORDS + 1;
const SAMPLE_WORDS: usize = 2 * SUM_WORDS + 2;
const LENGTHS: usize = 2 * SAMPLE_WORDS;
/// Blocks that an invocation of `fold` adds.
const BLOCKS: u32 = 16;
const QUARTER_FIELDS: usize = 10;

/// Tells whether the statistics of a rollout are formed on the device.
pub(in crate::backend::gpu) fn suits(
    gpu: &Gpu,
    options: &GpuOptions,
    plan: &Plan,
    episodes: &Range<u64>,
) -> bool {
    let fits = plan.num_steps() <= MAX_STEPS
        && options
            .batch_size
            .is_none_or(|lanes| u64::from(lanes) <= MAX_BATCH);
    let least = match gpu.is_software() {
        true => MIN_EPISODES_IN_SOFTWARE,
        false => MIN_EPISODES_ON_HARDWARE,
    };
    let pays = episodes.end.saturating_sub(episodes.start) >= least;
    fits && options.tallies.unwrap_or(pays)
}

/// The buffers of one batch in flight.
struct Buffers {
    sums: wgpu::Buffer,
    quarters: wgpu::Buffer,
}

/// Brings home statistics.
pub(in crate::backend::gpu) struct Tallies {
    program: Arc<Program>,
    buffers: Vec<Buffers>,
    /// The word that counts the episodes that run on; before it are the sums of a batch, behind it those of a dispatch.
    running: usize,
    /// Of all batches together.
    buckets: wgpu::Buffer,
    empty: Statistics,
    num_topics: usize,
    /// Counts of a block.
    num_counts: usize,
}

/// What a batch has left so far.
#[derive(Debug)]
pub(in crate::backend::gpu) struct Collected {
    tally: Tally,
    /// Shape `[block][impressions by topic, clicks by topic, clicks by position]`.
    counts: Vec<u64>,
}

impl Tallies {
    /// Reads how many returns all batches together have in each bucket.
    pub(in crate::backend::gpu) fn return_buckets(&self, gpu: &Gpu) -> Result<Vec<u32>, GpuError> {
        let mut encoder = gpu.encoder("buckets");
        let bytes = 0..self.buckets.size();
        let staged = gpu.stage(&mut encoder, "buckets", &self.buckets, bytes)?;
        let submission = gpu.submit("buckets", encoder)?;
        staged
            .start(&submission)
            .wait_with(gpu, bytemuck::pod_collect_to_vec)
    }
}

impl Collector for Tallies {
    type Batch = Collected;
    type Output = Statistics;

    fn new(
        gpu: &Gpu,
        options: &GpuOptions,
        simulation: &Simulation,
        extent: &Extent,
    ) -> Result<Self, GpuError> {
        let running = LENGTHS + simulation.plan.num_steps() as usize + 1;
        let num_sums = running as u64 + 1 + STEP_WORDS as u64 * u64::from(extent.most_steps);
        let num_quarters = (QUARTERS * QUARTER_FIELDS) as u64 * extent.num_blocks();
        let buffers = (0..extent.num_slots).map(|_| {
            Ok(Buffers {
                sums: words(gpu, "sums", num_sums)?,
                quarters: words(gpu, "quarters", num_quarters)?,
            })
        });
        Ok(Self {
            program: Program::get(gpu, options, simulation, Entry::Tally, &["fold", "tally"])?,
            buffers: buffers.collect::<Result<_, GpuError>>()?,
            running,
            buckets: words(gpu, "buckets", SINGLE_BUCKETS as u64)?,
            empty: simulation.statistics(),
            num_topics: simulation.plan.empty_block().topic_clicks.len(),
            num_counts: num_counts(simulation),
        })
    }

    fn begin(&self, tile: &Tile) -> Collected {
        let num_blocks = tile.num_lanes.div_ceil(block()) as usize;
        Collected {
            tally: Tally {
                blocks: self.empty.block_tally(),
                ..Tally::default()
            },
            counts: vec![0; self.num_counts * num_blocks],
        }
    }

    fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        mut laps: Option<&mut Laps<'_>>,
        dispatch: &Dispatch<'_>,
    ) -> Result<Vec<Staged>, GpuError> {
        let slot = dispatch.slot;
        let Buffers { sums, quarters } = &self.buffers[dispatch.slot_index];
        let groups = self.program.bind(
            gpu,
            dispatch.inputs,
            dispatch.job,
            &[&slot.outcomes, &slot.curve, sums, &self.buckets, quarters],
        )?;
        let bytes = |words: usize| 4 * words as u64;
        let (num_steps, num_blocks) = (dispatch.num_steps(), dispatch.num_blocks());
        let begin = match dispatch.job.step_begin {
            0 => 0,
            _ => bytes(self.running),
        };
        encoder.clear_buffer(sums, begin, None);
        let groups_of_blocks = num_blocks.div_ceil(BLOCKS);
        let num_quarters = word(QUARTERS) * num_blocks;
        for (kernel, invocations) in [
            ("fold", num_steps * groups_of_blocks),
            ("tally", num_quarters),
        ] {
            self.program
                .dispatch(encoder, laps.as_deref_mut(), kernel, &groups, invocations);
        }
        let num_sums = self.running + 1 + STEP_WORDS * num_steps as usize;
        let quarter_words = QUARTER_FIELDS * num_quarters as usize;
        Ok(vec![
            gpu.stage(encoder, "sums", sums, 0..bytes(num_sums))?,
            gpu.stage(encoder, "counts", &slot.counts, 0..slot.counts.size())?,
            gpu.stage(encoder, "quarters", quarters, 0..bytes(quarter_words))?,
        ])
    }

    fn is_running(&self, sums: &[u32]) -> bool {
        sums[self.running] != 0
    }

    fn read(
        &self,
        collected: &mut Collected,
        _tile: &Tile,
        _steps: &Range<u32>,
        copies: &[Vec<u32>],
        is_final: bool,
    ) {
        let [sums, counts, quarters] = copies else {
            unreachable!("as many copies as were recorded");
        };
        let tally = &mut collected.tally;
        for step in sums[self.running + 1..].chunks_exact(STEP_WORDS) {
            tally.reward_by_step.push(sum(step));
            tally.squared_reward_by_step.push(sum(&step[SUM_WORDS..]));
            tally.clicks_by_step.push(u64::from(step[2 * SUM_WORDS]));
        }
        for (total, &count) in collected.counts.iter_mut().zip(counts) {
            *total += u64::from(count);
        }
        if is_final {
            tally.returns = sample(sums);
            tally.slopes = sample(&sums[SAMPLE_WORDS..]);
            tally.lengths = sums[LENGTHS..self.running].to_vec();
            let counts = collected.counts.chunks_exact(self.num_counts);
            read_quarters(quarters, counts, self.num_topics, tally);
        }
    }

    fn finish(&self, collected: Collected, _tile: &Tile) -> Vec<Statistics> {
        let mut statistics = self.empty.clone();
        statistics
            .add_tally(&collected.tally)
            .expect("a batch of the same simulation has few episodes");
        vec![statistics]
    }
}

/// Reads a sum, which begins the words.
fn sum(words: &[u32]) -> ExactSum {
    let digits = words[..DIGITS].try_into().expect("so many");
    sum_of_device(digits, words[DIGITS])
}

/// Reads sums over a sample, which begin the words.
fn sample(words: &[u32]) -> SampleTally {
    let (largest, smallest) = (words[2 * SUM_WORDS], words[2 * SUM_WORDS + 1]);
    SampleTally {
        sum: sum(words),
        sum_of_squares: sum(&words[SUM_WORDS..]),
        range: (largest != 0).then(|| (-number_of_key(smallest), number_of_key(largest))),
    }
}

/// Returns the number that has a key: keys order as numbers do, and none is 0.
fn number_of_key(key: u32) -> f64 {
    let is_negative = key >> 31 == 0;
    f64::from(f32::from_bits(match is_negative {
        true => !key,
        false => key & !(1 << 31),
    }))
}

/// Reads the totals of the quarters of blocks, shape `[field][quarter][block]`, which go with the counts of each block.
fn read_quarters<'a>(
    words: &[u32],
    counts: impl Iterator<Item = &'a [u64]>,
    num_topics: usize,
    tally: &mut Tally,
) {
    let num_blocks = words.len() / (QUARTER_FIELDS * QUARTERS);
    // A quarter that has no episode has not been written.
    let episodes: u64 = tally.lengths.iter().copied().map(u64::from).sum();
    let per_quarter = u64::from(block()) / QUARTERS as u64;
    for (index, counts) in counts.enumerate() {
        let (topic_impressions, counts) = counts.split_at(num_topics);
        let (topic_clicks, slot_clicks) = counts.split_at(num_topics);
        let mut total = BlockTotals {
            topic_impressions,
            topic_clicks,
            slot_clicks,
            ..BlockTotals::default()
        };
        for quarter in 0..QUARTERS {
            if (index * QUARTERS + quarter) as u64 * per_quarter >= episodes {
                break;
            }
            let field = |field: usize| words[(field * QUARTERS + quarter) * num_blocks + index];
            let products =
                |low: usize| u128::from(field(low)) | u128::from(field(low + 1)) << u32::BITS;
            let (user_steps, clicks) = (u64::from(field(0)), u64::from(field(1)));
            total.user_steps += user_steps;
            total.clicks += clicks;
            total.invalid_choices += u64::from(field(2));
            total.clicked_quality += f64::from(f32::from_bits(field(3)));
            let all = &mut tally.clicks;
            *all = ProductTally {
                numerator: all.numerator + clicks,
                denominator: all.denominator + user_steps,
                numerator_squares: all.numerator_squares + products(4),
                cross_products: all.cross_products + products(6),
                denominator_squares: all.denominator_squares + products(8),
            };
        }
        tally.blocks.add(&total);
    }
}
