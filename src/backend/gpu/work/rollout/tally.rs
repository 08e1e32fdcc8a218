//! Collects statistics alone: the device adds episodes and blocks up, in integers, and a batch leaves some kilobytes.
//!
//! The result is that of [`Statistics::add`] over the same blocks, bit for bit.

use super::buffers::{Dispatch, RolloutSize, num_counts, words};
use super::collector::Collector;
use super::range::{BatchRange, word};
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::readback::Staged;
use crate::backend::gpu::device::stopwatch::Laps;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::kernel::{Kernel, TALLY_WORKGROUP_SIZE};
use crate::backend::gpu::work::engine::Engine;
use crate::backend::gpu::work::program::Program;
use crate::backend::plan::Plan;
use crate::backend::{BLOCK_EPISODES, BLOCK_SIZE, Simulation};
use crate::statistics::{
    BlockTotals, DIGITS, ExactSum, SINGLE_BUCKETS, SampleTally, Statistics, Tally, sum_of_device,
};
use std::ops::Range;
use std::sync::Arc;

/// Slices of a block: in single precision, quality is summed over each slice and then over the slices, on the host and on the
/// device alike.
// WGSL: const SLICES in shaders/kernel/tally.wgsl
pub(super) const QUALITY_SLICES: u32 = 16;
/// Lanes that a batch may have: with more, sums of small digits could exceed a word.
const MAX_BATCH: u64 = 1 << 20;
/// Steps that an episode may have: the square of more would exceed a word.
const MAX_STEPS: u32 = u16::MAX as u32;
/// Episodes that may be counted before the buckets are read: more could exceed the word of a bucket.
pub(crate) const MAX_EPISODES: u64 = 1 << 31;
/// Episodes from which on this pays: on a software adapter, when the buckets of returns, 8 MiB, are less than the outcomes
/// of all episodes; on hardware sooner, since the host is slow beside it.
const MIN_EPISODES_IN_SOFTWARE: u64 = 1 << 19;
const MIN_EPISODES_ON_HARDWARE: u64 = 1 << 16;

// WGSL: shaders/kernel/tallied.wgsl
const SUM_WORDS: usize = DIGITS + 1;
const RETURNS: usize = 0;
const SLOPES: usize = 2 * SUM_WORDS;
const PRODUCTS: usize = 4 * SUM_WORDS;
const PRODUCT_DIGITS: usize = 5;
const EXTREMES: usize = PRODUCTS + 3 * PRODUCT_DIGITS;
const LENGTHS: usize = EXTREMES + 4;
const STEP_WORDS: usize = 2 * SUM_WORDS + 1;
/// Totals of a block, and which of them counts lanes that contradict themselves.
const BLOCK_FAULTS: usize = 4;
const BLOCK_FIELDS: usize = 6;
/// Blocks that an invocation of `fold` adds.
// WGSL: const BLOCKS in shaders/kernel/fold.wgsl
const FOLD_BLOCKS: u32 = 4;

/// Tells whether the statistics of a rollout are formed on the device.
pub(crate) fn suits(gpu: &Gpu, options: &GpuOptions, plan: &Plan, episodes: &Range<u64>) -> bool {
    let fits = plan.num_steps() <= MAX_STEPS
        && plan.discounts.is_empty()
        && gpu.limits().max_compute_invocations_per_workgroup >= TALLY_WORKGROUP_SIZE
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
    /// Shape `[BLOCK_FIELDS][block]`.
    totals: wgpu::Buffer,
}

/// Reads statistics back.
pub(crate) struct TallyCollector {
    fold: Arc<Program>,
    tally: Arc<Program>,
    buffers: Vec<Buffers>,
    /// The word that counts the episodes that run on; before it are the sums of a batch, behind it those of a dispatch.
    running: usize,
    /// Counts of returns by bucket, of all batches together.
    buckets: wgpu::Buffer,
    empty: Statistics,
    num_topics: usize,
    /// Counts of a block.
    num_counts: usize,
}

/// What a batch has left so far.
#[derive(Debug)]
pub(crate) struct Collected {
    tally: Tally,
    /// Shape `[block][impressions by topic, clicks by topic, clicks by position]`.
    counts: Vec<u64>,
}

impl TallyCollector {
    /// Reads how many returns all batches together have in each bucket.
    pub(crate) fn return_buckets(&self, gpu: &Gpu) -> Result<Vec<u32>, GpuError> {
        let mut encoder = gpu.encoder("buckets");
        let bytes = 0..self.buckets.size();
        let staged = gpu.stage(&mut encoder, "buckets", &self.buckets, bytes)?;
        let submission = gpu.submit("buckets", encoder)?;
        staged
            .start(&submission)
            .wait_with(gpu, bytemuck::pod_collect_to_vec)
    }
}

impl Collector for TallyCollector {
    type Batch = Collected;
    type Output = Statistics;

    fn new(
        engine: &Engine,
        options: &GpuOptions,
        simulation: &Simulation,
        size: &RolloutSize,
    ) -> Result<Self, GpuError> {
        let gpu = &engine.gpu;
        let running = LENGTHS + simulation.plan.num_steps() as usize + 1;
        let num_sums = running as u64 + 1 + STEP_WORDS as u64 * u64::from(size.most_steps);
        let num_totals = BLOCK_FIELDS as u64 * size.num_blocks();
        let buffers = (0..size.num_in_flight).map(|_| {
            Ok(Buffers {
                sums: words(gpu, "sums", num_sums)?,
                totals: words(gpu, "totals", num_totals)?,
            })
        });
        let fold = engine.program(options, simulation, Kernel::Fold, &["fold"])?;
        let tally = engine.program(options, simulation, Kernel::Tally, &["tally"])?;
        let job = [
            ("stride", size.batch_size),
            ("step_begin", 0),
            ("step_end", size.most_steps),
        ];
        fold.check_iterations(gpu, options, "fold", &job)?;
        tally.check_iterations(gpu, options, "tally", &job)?;
        Ok(Self {
            fold,
            tally,
            buffers: buffers.collect::<Result<_, GpuError>>()?,
            running,
            buckets: words(gpu, "buckets", SINGLE_BUCKETS as u64)?,
            empty: simulation.statistics(),
            num_topics: simulation.plan.empty_block().topic_clicks.len(),
            num_counts: num_counts(simulation),
        })
    }

    fn most_steps(gpu: &Gpu, options: &GpuOptions, batch_size: u64) -> u64 {
        let blocks_of_group = u64::from(FOLD_BLOCKS * Kernel::Fold.workgroup_size(options));
        let groups = (batch_size / BLOCK_EPISODES).div_ceil(blocks_of_group);
        u64::from(gpu.limits().max_compute_workgroups_per_dimension) / groups
    }

    fn begin(&self, range: &BatchRange) -> Collected {
        let num_blocks = range.stride() as usize / BLOCK_SIZE;
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
        let of_batch = dispatch.buffers;
        let Buffers { sums, totals } = &self.buffers[dispatch.buffers_index];
        let bind = |program: &Program, buffers: &[&wgpu::Buffer]| {
            program.bind(gpu, dispatch.inputs, dispatch.job, buffers)
        };
        let fold = bind(&self.fold, &[&of_batch.curve, sums])?;
        let tally = bind(
            &self.tally,
            &[&of_batch.outcomes, sums, &self.buckets, totals],
        )?;
        let bytes = |words: usize| 4 * words as u64;
        let (num_steps, num_blocks) = (dispatch.num_steps(), dispatch.num_blocks());
        let begin = match dispatch.job.step_begin {
            0 => 0,
            _ => bytes(self.running),
        };
        encoder.clear_buffer(sums, begin, None);
        let folding = self.fold.workgroup_size();
        let groups_of_blocks = num_blocks.div_ceil(FOLD_BLOCKS * folding);
        for (program, kernel, groups, invocations) in [
            (
                &self.fold,
                "fold",
                &fold,
                num_steps * groups_of_blocks * folding,
            ),
            (&self.tally, "tally", &tally, num_blocks * QUALITY_SLICES),
        ] {
            program.dispatch(encoder, laps.as_deref_mut(), kernel, groups, invocations);
        }
        let num_sums = self.running + 1 + STEP_WORDS * num_steps as usize;
        let num_totals = BLOCK_FIELDS * num_blocks as usize;
        Ok(vec![
            gpu.stage(encoder, "sums", sums, 0..bytes(num_sums))?,
            gpu.stage(
                encoder,
                "counts",
                &of_batch.counts,
                0..of_batch.counts.size(),
            )?,
            gpu.stage(encoder, "totals", totals, 0..bytes(num_totals))?,
        ])
    }

    fn is_running(&self, sums: &[u32]) -> bool {
        sums[self.running] != 0
    }

    fn read(
        &self,
        collected: &mut Collected,
        range: &BatchRange,
        steps: &Range<u32>,
        copies: &[Vec<u32>],
        is_final: bool,
    ) -> Result<(), String> {
        let [sums, counts, totals] = copies else {
            unreachable!("as many copies as were recorded");
        };
        let tally = &mut collected.tally;
        let num_blocks = totals.len() / BLOCK_FIELDS;
        let faults = &totals[BLOCK_FAULTS * num_blocks..][..num_blocks];
        if let Some(block) = faults.iter().position(|&lanes| lanes > 0) {
            return Err(format!(
                "{} lanes of a block neither end nor reach step {}, or click without a step",
                faults[block], steps.end
            ));
        }
        let by_step = sums[self.running + 1..].chunks_exact(STEP_WORDS);
        for (step, words) in steps.clone().zip(by_step) {
            let clicks = u64::from(words[2 * SUM_WORDS]);
            tally.add_step(step, sum(words), sum(&words[SUM_WORDS..]), clicks);
        }
        for (total, &count) in collected.counts.iter_mut().zip(counts) {
            *total += u64::from(count);
        }
        if is_final {
            tally.returns = sample(&sums[RETURNS..], &sums[EXTREMES..]);
            tally.slopes = sample(&sums[SLOPES..], &sums[EXTREMES + 2..]);
            let products = &sums[PRODUCTS..EXTREMES];
            let mut products = products.chunks_exact(PRODUCT_DIGITS).map(product);
            let mut next = || products.next().expect("there are three");
            tally.clicks.numerator_squares = next();
            tally.clicks.cross_products = next();
            tally.clicks.denominator_squares = next();
            tally.lengths = sums[LENGTHS..self.running].to_vec();
            let counts = collected.counts.chunks_exact(self.num_counts);
            read_totals(totals, counts, self.num_topics, tally);
            let ended: u64 = tally.lengths.iter().copied().map(u64::from).sum();
            let of_steps: u64 = tally.clicks_by_step.iter().sum();
            let (episodes, clicks) = (u64::from(range.num_lanes), tally.clicks.numerator);
            if ended != episodes || of_steps != clicks {
                return Err(format!(
                    "{ended} of {episodes} episodes have ended, with {clicks} clicks by episode and {of_steps} by step"
                ));
            }
        }
        Ok(())
    }

    fn longest(&self, collected: &Collected) -> u32 {
        let mut lengths = collected.tally.lengths.iter();
        word(lengths.rposition(|&episodes| episodes > 0).unwrap_or(0))
    }

    fn finish(&self, collected: Collected, _range: &BatchRange) -> Vec<Statistics> {
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

/// Reads sums over a sample, which begin the words, and the keys of its largest number and, negated, its smallest.
fn sample(words: &[u32], extremes: &[u32]) -> SampleTally {
    let (largest, smallest) = (extremes[0], extremes[1]);
    SampleTally {
        sum: sum(words),
        sum_of_squares: sum(&words[SUM_WORDS..]),
        range: (largest != 0).then(|| (-number_of_key(smallest), number_of_key(largest))),
    }
}

/// Reads a sum of products from digits of eight bits, whose words may hold more than that.
fn product(digits: &[u32]) -> u128 {
    let digits = digits.iter().rev().map(|&digit| u128::from(digit));
    digits.fold(0, |sum, digit| (sum << 8) + digit)
}

/// Returns the number that belongs to a key: keys order as numbers do, and no number has the key 0.
fn number_of_key(key: u32) -> f64 {
    let is_negative = key >> 31 == 0;
    f64::from(f32::from_bits(match is_negative {
        true => !key,
        false => key & !(1 << 31),
    }))
}

/// Reads the totals of blocks, shape `[field][block]`, which go with the counts of each block.
fn read_totals<'a>(
    words: &[u32],
    counts: impl Iterator<Item = &'a [u64]>,
    num_topics: usize,
    tally: &mut Tally,
) {
    let num_blocks = words.len() / BLOCK_FIELDS;
    for (block, counts) in counts.enumerate() {
        let field = |field: usize| words[field * num_blocks + block];
        let (topic_impressions, counts) = counts.split_at(num_topics);
        let (topic_clicks, position_clicks) = counts.split_at(num_topics);
        let total = BlockTotals {
            user_steps: u64::from(field(0)),
            clicks: u64::from(field(1)),
            invalid_choices: u64::from(field(2)),
            truncated: u64::from(field(3)),
            clicked_quality: f64::from(f32::from_bits(field(5))),
            topic_impressions,
            topic_clicks,
            position_clicks,
        };
        tally.clicks.numerator += total.clicks;
        tally.clicks.denominator += total.user_steps;
        tally.blocks.add(&total);
    }
}
