//! The buffers that a batch has while it is in flight, and the dispatches that work on them.

use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::stopwatch::Stopwatch;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::shader::blocks::{BLOCK_LANES, SPAN};
use crate::backend::gpu::shader::job::Job;
use crate::backend::gpu::work::inputs::Inputs;
use crate::backend::{BLOCK_EPISODES, Simulation};
use wgpu::BufferUsages;

/// Fields of the outcomes that are read, in the order of `shaders/kernel/rollout.wgsl`.
pub(super) const OUTCOME_FIELDS: usize = 7;
/// Fields of the outcomes without discounts: those that are read, and others for the next dispatch.
const STORED_FIELDS: usize = 11;
/// Fields that a discount adds, of which the first is read.
const DISCOUNT_FIELDS: usize = 3;
/// Rewards, their squares and clicks.
pub(super) const CURVE_PLANES: usize = 3;

/// Returns how many words the sums of a step take.
pub(super) fn curve_words(lanes: u64) -> u64 {
    CURVE_PLANES as u64 * lanes / u64::from(SPAN)
}

/// The buffers of one batch in flight, for any collector.
pub(crate) struct BatchBuffers {
    /// The users between two dispatches, and what the policy remembers of them. Shape `[field][lane]`.
    pub(super) users: wgpu::Buffer,
    /// The outcome of each episode so far, and what the next dispatch needs to go on. Shape `[field][lane]`.
    pub(super) outcomes: wgpu::Buffer,
    /// Impressions by topic, clicks by topic, clicks by position, of this dispatch. Shape `[block][count]`.
    pub(super) counts: wgpu::Buffer,
    /// Sums of rewards, of their squares and of clicks, of the steps of this dispatch. Shape `[plane][step][span]`.
    pub(super) curve: wgpu::Buffer,
    /// What a policy has ranked so far of a step's candidates.
    pub(super) ranked: wgpu::Buffer,
    /// The clock of the device, if it has one.
    pub(super) stopwatch: Option<Stopwatch>,
}

/// How large a rollout is: what its buffers are made for.
pub(crate) struct RolloutSize {
    /// Lanes of a batch at most.
    pub(super) batch_size: u32,
    /// Batches in flight at once.
    pub(super) num_in_flight: usize,
    /// Steps of a dispatch at most.
    pub(super) most_steps: u32,
}

impl RolloutSize {
    pub(super) fn num_blocks(&self) -> u64 {
        u64::from(self.batch_size) / BLOCK_EPISODES
    }
}

/// A dispatch that is being recorded.
pub(crate) struct Dispatch<'a> {
    pub(super) buffers: &'a BatchBuffers,
    /// The index of these buffers among those of the batches in flight.
    pub(super) buffers_index: usize,
    pub(super) inputs: &'a Inputs,
    pub(super) job: &'a Job,
}

impl Dispatch<'_> {
    pub(super) fn num_steps(&self) -> u32 {
        self.job.step_end - self.job.step_begin
    }

    pub(super) fn num_blocks(&self) -> u32 {
        self.job.stride / BLOCK_LANES
    }
}

/// Returns how many words a lane takes in the largest of the buffers that grow with the number of lanes.
pub(super) fn lane_words(simulation: &Simulation) -> u64 {
    let (user_fields, _) = simulation.model.num_fields();
    let remembered = user_fields + simulation.plan.policy.state_size();
    // Where steps are cut into parts: the ranking so far.
    let ranked = 3 * simulation.plan.slate_size as usize;
    stored_fields(simulation).max(remembered).max(ranked) as u64
}

/// Returns how many fields the outcomes have.
pub(super) fn stored_fields(simulation: &Simulation) -> usize {
    STORED_FIELDS + DISCOUNT_FIELDS * simulation.plan.discounts.len()
}

/// Returns which fields of the outcomes are discounted returns.
pub(super) fn discounted_fields(simulation: &Simulation) -> std::ops::Range<usize> {
    STORED_FIELDS..STORED_FIELDS + simulation.plan.discounts.len()
}

/// Makes a buffer of words for the device to write and the host to read.
pub(super) fn words(gpu: &Gpu, what: &str, words: u64) -> Result<wgpu::Buffer, GpuError> {
    let storage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    gpu.buffer(what, 4 * words, storage)
}

/// Returns how many counts a block has: impressions and clicks of each topic, and clicks at each position.
pub(super) fn num_counts(simulation: &Simulation) -> usize {
    let block = simulation.plan.empty_block();
    block.topic_impressions.len() + block.topic_clicks.len() + block.position_clicks.len()
}

impl BatchBuffers {
    pub(super) fn new(
        gpu: &Gpu,
        simulation: &Simulation,
        size: &RolloutSize,
        is_in_parts: bool,
    ) -> Result<Self, GpuError> {
        let (lanes, steps) = (u64::from(size.batch_size), u64::from(size.most_steps));
        let (user_fields, _) = simulation.model.num_fields();
        let policy_state = simulation.plan.policy.state_size();
        let counts = num_counts(simulation) as u64;
        let words = |what, number: u64| words(gpu, what, number);
        let ranked = match is_in_parts {
            true => 3 * u64::from(simulation.plan.num_examined()) * lanes,
            false => 1,
        };
        Ok(Self {
            users: words("users", (user_fields + policy_state) as u64 * lanes)?,
            outcomes: words("outcomes", stored_fields(simulation) as u64 * lanes)?,
            ranked: words("ranked", ranked)?,
            counts: words("counts", counts * size.num_blocks())?,
            curve: words("curve", steps * curve_words(lanes))?,
            stopwatch: Stopwatch::new(gpu)?,
        })
    }
}
