//! The buffers of a stepper, and the layout of its observations.

use crate::backend::Simulation;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use std::ops::Range;
use wgpu::BufferUsages;

/// Fields of the clocks, in the order of `shaders/kernel/step.wgsl`.
pub(super) const CLOCK_FIELDS: usize = 3;

/// The state of all lanes, on the device.
#[derive(Debug)]
pub(super) struct LaneBuffers {
    pub(super) users: wgpu::Buffer,
    pub(super) clocks: wgpu::Buffer,
}

impl LaneBuffers {
    pub(super) fn new(gpu: &Gpu, user_words: usize, num_lanes: usize) -> Result<Self, GpuError> {
        Ok(Self {
            users: words(gpu, "users", user_words)?,
            clocks: words(gpu, "clocks", CLOCK_FIELDS * num_lanes)?,
        })
    }
}

/// Where observations lie in their buffer.
#[derive(Debug)]
pub(super) struct ObservationLayout {
    pub(super) responses: Range<usize>,
    pub(super) users: Range<usize>,
    pub(super) documents: Range<usize>,
}

impl ObservationLayout {
    /// Lays them out: the responses of all lanes, then the users, then the documents of all environments.
    pub(super) fn new(simulation: &Simulation, num_lanes: usize, users_per_env: usize) -> Self {
        let plan = &simulation.plan;
        let outline = &plan.outline;
        let num_envs = match plan.corpus {
            Some(_) => 1,
            None => num_lanes / users_per_env,
        };
        let document_size = outline.document_size();
        // The shader has no arrays of no elements.
        let responses = num_lanes * plan.slate_size as usize * outline.response_size().max(1);
        let users = responses + num_lanes * outline.user_size();
        let documents = users + num_envs * plan.num_candidates as usize * document_size;
        Self {
            responses: 0..responses,
            users: responses..users,
            documents: users..documents,
        }
    }
}

/// Makes a buffer of words that kernels and copies read and write.
pub(super) fn words(gpu: &Gpu, what: &str, words: usize) -> Result<wgpu::Buffer, GpuError> {
    let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
    gpu.buffer(what, 4 * words as u64, usage)
}
