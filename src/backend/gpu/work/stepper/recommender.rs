//! Slates by the policy of the simulation, for steppers.

use super::buffers::words;
use super::cut::cut_program;
use crate::backend::Simulation;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::work::engine::Engine;
use crate::backend::gpu::work::program::Program;
use std::sync::Arc;

/// Asks the policy of the simulation for slates.
#[derive(Debug)]
pub(super) struct Recommender {
    pub(super) program: Arc<Program>,
    pub(super) slates: wgpu::Buffer,
    /// What the policy remembered before it was asked; `None` where it never remembers anything.
    pub(super) unasked: Option<wgpu::Buffer>,
    /// Whether it has been asked about the next step.
    pub(super) has_asked: bool,
    /// Candidates that a dispatch looks at, and what it has ranked so far where that is not all of them.
    pub(super) part_size: u32,
    pub(super) ranked: wgpu::Buffer,
}

impl Recommender {
    pub(super) fn new(
        engine: &Engine,
        options: &GpuOptions,
        simulation: &Simulation,
        num_lanes: usize,
    ) -> Result<Self, GpuError> {
        let entry_points = &["recommend"];
        let kernel = Kernel::Recommend;
        let (program, part_size) = cut_program(
            engine,
            options,
            simulation,
            kernel,
            entry_points,
            "recommend",
        )?;
        let num_positions = num_lanes * simulation.plan.slate_size as usize;
        let num_ranked = match part_size >= simulation.plan.num_candidates {
            true => 1,
            false => 3 * num_positions,
        };
        let num_remembered = num_lanes * simulation.plan.policy.state_size();
        let remembered = Some(num_remembered).filter(|&words| words > 0);
        Ok(Self {
            program,
            part_size,
            unasked: remembered
                .map(|remembered| words(&engine.gpu, "unasked", remembered))
                .transpose()?,
            has_asked: false,
            ranked: words(&engine.gpu, "ranked", num_ranked)?,
            slates: words(&engine.gpu, "recommended slates", num_positions)?,
        })
    }
}
