//! Collects every episode: its outcome, and the sums of each step over its block. The host adds them up.

use super::buffers::{Dispatch, OUTCOME_FIELDS, RolloutSize, curve_words, discounted_fields};
use super::collector::Collector;
use super::range::BatchRange;
use super::tally::QUALITY_SLICES;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::readback::Staged;
use crate::backend::gpu::device::stopwatch::Laps;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::blocks::{BLOCK_SPANS, QUAD};
use crate::backend::gpu::work::engine::Engine;
use crate::backend::{BLOCK_SIZE, Simulation};
use crate::statistics::EpisodeBlock;
use std::ops::Range;

const LENGTH: usize = 2;
const CLICKS: usize = 3;
const RUNNING: usize = 5;

/// Reads every episode back, in blocks.
pub(crate) struct EpisodeCollector {
    empty: EpisodeBlock,
    /// The fields of the outcomes that are discounted returns.
    discounted: Range<usize>,
    max_steps: u32,
}

impl Collector for EpisodeCollector {
    type Batch = Vec<EpisodeBlock>;
    type Output = Vec<EpisodeBlock>;

    fn new(
        _engine: &Engine,
        _options: &GpuOptions,
        simulation: &Simulation,
        _size: &RolloutSize,
    ) -> Result<Self, GpuError> {
        Ok(Self {
            empty: simulation.plan.empty_block(),
            discounted: discounted_fields(simulation),
            max_steps: simulation.plan.num_steps(),
        })
    }

    fn most_steps(_gpu: &Gpu, _options: &GpuOptions, _batch_size: u64) -> u64 {
        u64::MAX
    }

    fn begin(&self, range: &BatchRange) -> Vec<EpisodeBlock> {
        vec![self.empty.clone(); range.stride() as usize / BLOCK_SIZE]
    }

    fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        _laps: Option<&mut Laps<'_>>,
        dispatch: &Dispatch<'_>,
    ) -> Result<Vec<Staged>, GpuError> {
        let buffers = dispatch.buffers;
        let bytes = |words: usize| 4 * words as u64;
        let curve = u64::from(dispatch.num_steps()) * curve_words(u64::from(dispatch.job.stride));
        let stride = dispatch.job.stride as usize;
        let outcomes = OUTCOME_FIELDS * stride;
        let Range { start, end } = self.discounted;
        let discounted = bytes(start * stride)..bytes(end * stride);
        let mut staged = vec![
            gpu.stage(encoder, "outcomes", &buffers.outcomes, 0..bytes(outcomes))?,
            gpu.stage(encoder, "curve", &buffers.curve, 0..4 * curve)?,
            gpu.stage(encoder, "counts", &buffers.counts, 0..buffers.counts.size())?,
        ];
        if !discounted.is_empty() {
            staged.push(gpu.stage(encoder, "discounted", &buffers.outcomes, discounted)?);
        }
        Ok(staged)
    }

    fn is_running(&self, outcomes: &[u32]) -> bool {
        let stride = outcomes.len() / OUTCOME_FIELDS;
        let running = &outcomes[RUNNING * stride..][..stride];
        running.iter().any(|&running| running != 0)
    }

    fn read(
        &self,
        blocks: &mut Vec<EpisodeBlock>,
        range: &BatchRange,
        steps: &Range<u32>,
        copies: &[Vec<u32>],
        is_final: bool,
    ) -> Result<(), String> {
        let [outcomes, curve, counts, discounted @ ..] = copies else {
            unreachable!("as many copies as were recorded");
        };
        check_outcomes(outcomes, steps.end)?;
        read_curve(curve, steps, blocks);
        add_counts(
            counts,
            blocks.iter_mut().map(|block| {
                [
                    &mut block.topic_impressions,
                    &mut block.topic_clicks,
                    &mut block.position_clicks,
                ]
            }),
        );
        if is_final {
            read_outcomes(outcomes, range, blocks);
            if let [discounted] = discounted {
                read_discounted(discounted, range, blocks);
            }
            check_blocks(blocks, self.max_steps)?;
        }
        Ok(())
    }

    fn longest(&self, blocks: &Vec<EpisodeBlock>) -> u32 {
        let lengths = blocks.iter().flat_map(|block| &block.lengths);
        lengths.copied().max().unwrap_or(0)
    }

    fn finish(&self, blocks: Vec<EpisodeBlock>, range: &BatchRange) -> Vec<Vec<EpisodeBlock>> {
        let per_point = blocks.len() / range.points.len();
        let mut blocks = blocks.into_iter();
        let points = range.points.clone();
        points
            .map(|_| blocks.by_ref().take(per_point).collect())
            .collect()
    }
}

/// Adds the counts of each block from one dispatch, shape
/// `[block][impressions by topic, clicks by topic, clicks by position]`, to its counts so far.
fn add_counts<'a>(counts: &[u32], blocks: impl Iterator<Item = [&'a mut Vec<u64>; 3]>) {
    let mut counts = counts.iter();
    for totals in blocks {
        // `totals` comes first: when it ends, the zip takes nothing more from `counts`.
        let totals = totals.into_iter().flatten();
        for (total, &count) in totals.zip(counts.by_ref()) {
            *total += u64::from(count);
        }
    }
}

/// Adds the sums of the steps of one dispatch, shape `[rewards, squares, clicks][step][block][span]`, to those of each
/// block.
fn read_curve(words: &[u32], steps: &Range<u32>, blocks: &mut [EpisodeBlock]) {
    let (num_steps, num_blocks) = ((steps.end - steps.start) as usize, blocks.len());
    let (spans, _) = words.as_chunks::<BLOCK_SPANS>();
    let (rewards, rest) = spans.split_at(num_steps * num_blocks);
    let (squares, clicks) = rest.split_at(num_steps * num_blocks);
    // In the order of `sum_of_block` in shaders/kernel/fold.wgsl.
    let sum = |spans: [u32; BLOCK_SPANS]| {
        let [first, others @ ..] = spans.map(f32::from_bits);
        f64::from(others.into_iter().fold(first, |sum, span| sum + span))
    };
    for (index, block) in blocks.iter_mut().enumerate() {
        for (step, at) in steps.clone().zip((index..).step_by(num_blocks)) {
            let clicks = clicks[at].iter().copied().map(u64::from).sum();
            block.add_step(step, sum(rewards[at]), sum(squares[at]), clicks);
        }
    }
}

/// Checks that every lane that is still running has come to the end of a dispatch, and that none clicks without a step.
fn check_outcomes(words: &[u32], step_end: u32) -> Result<(), String> {
    let stride = words.len() / OUTCOME_FIELDS;
    let field = |field: usize| &words[field * stride..][..stride];
    let lanes = field(RUNNING).iter().zip(field(LENGTH)).zip(field(CLICKS));
    for (lane, ((&running, &length), &clicks)) in lanes.enumerate() {
        if running != 0 && length != step_end {
            return Err(format!(
                "lane {lane} runs on after {length} steps of {step_end}"
            ));
        }
        if length > step_end || clicks > length {
            return Err(format!(
                "lane {lane} has {length} steps of {step_end} and {clicks} clicks"
            ));
        }
    }
    Ok(())
}

/// Checks that the clicks of episodes, of steps and of positions are as many, and that none is longer than it may be.
fn check_blocks(blocks: &[EpisodeBlock], max_steps: u32) -> Result<(), String> {
    for block in blocks {
        let of_episodes: u64 = block.clicks.iter().copied().map(u64::from).sum();
        let of_steps: u64 = block.clicks_by_step.iter().sum();
        let of_positions: u64 = block.position_clicks.iter().sum();
        if of_episodes != of_steps || of_episodes != of_positions {
            return Err(format!(
                "a block has {of_episodes} clicks by episode, {of_steps} by step and {of_positions} by position"
            ));
        }
        if block.max_length() > max_steps {
            return Err(format!(
                "an episode has {} steps of {max_steps}",
                block.max_length()
            ));
        }
    }
    Ok(())
}

/// Distributes the discounted returns of a batch, shape `[discount][lane]`, to its blocks.
fn read_discounted(words: &[u32], range: &BatchRange, blocks: &mut [EpisodeBlock]) {
    let stride = range.stride() as usize;
    for (index, block) in blocks.iter_mut().enumerate() {
        let episodes = block.returns.len();
        for (returns, lanes) in block.discounted.iter_mut().zip(words.chunks_exact(stride)) {
            let lanes = &lanes[index * BLOCK_SIZE..][..episodes];
            let number = |&word: &u32| f64::from(f32::from_bits(word));
            returns.extend(lanes.iter().map(number));
        }
    }
}

/// Distributes the outcomes of a batch to its blocks.
fn read_outcomes(words: &[u32], range: &BatchRange, blocks: &mut [EpisodeBlock]) {
    let stride = blocks.len() * BLOCK_SIZE;
    let (num_lanes, lanes_per_point) = (range.num_lanes as usize, range.lanes_per_point() as usize);
    let numbers = |words: &[u32]| words.iter().map(|&word| f32::from_bits(word)).collect();
    let widened = |numbers: Vec<f32>| numbers.into_iter().map(f64::from).collect();
    for (index, block) in blocks.iter_mut().enumerate() {
        // Within their point, lanes with an episode come before those that fill up the last block.
        let remaining = num_lanes - index * BLOCK_SIZE % lanes_per_point;
        let episodes = 0..remaining.min(BLOCK_SIZE);
        let field = |field: usize| -> Vec<u32> {
            let lanes = &words[field * stride + index * BLOCK_SIZE..];
            lanes[episodes.clone()].to_vec()
        };
        block.returns = widened(numbers(&field(0)));
        block.slopes = widened(numbers(&field(1)));
        block.lengths = field(2);
        block.clicks = field(3);
        block.clicked_quality = f64::from(quality_of_block(&numbers(&field(4))));
        block.truncated = field(RUNNING).into_iter().map(u64::from).sum();
        block.invalid_choices = field(6).into_iter().map(u64::from).sum();
    }
}

/// Adds up the quality that each episode of a block has clicked, in the order of `shaders/kernel/tally.wgsl`: slices have
/// quads in turns.
fn quality_of_block(qualities: &[f32]) -> f32 {
    let mut slices = [[0.0; QUAD]; QUALITY_SLICES as usize];
    let lanes = slices.as_flattened_mut();
    for (index, quality) in qualities.iter().enumerate() {
        lanes[index % lanes.len()] += quality;
    }
    let sum = |total: f32, [x, y, z, w]: [f32; QUAD]| total + (x + y + z + w);
    slices.into_iter().fold(0.0, sum)
}
