//! Collectors read back what batches leave on the device.

use super::buffers::{Dispatch, RolloutSize};
use super::range::BatchRange;
use crate::backend::Simulation;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::readback::Staged;
use crate::backend::gpu::device::stopwatch::Laps;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::work::engine::Engine;
use std::ops::Range;

/// Reads back what batches leave on the device.
pub(crate) trait Collector: Sized {
    /// What a batch has left so far.
    type Batch;
    /// What one simulation's episodes of a batch leave in the end.
    type Output;

    /// Makes the buffers and programs that it needs besides those of every rollout.
    fn new(
        engine: &Engine,
        options: &GpuOptions,
        simulation: &Simulation,
        size: &RolloutSize,
    ) -> Result<Self, GpuError>;

    /// Returns how many steps a dispatch of so many lanes may have.
    fn most_steps(gpu: &Gpu, options: &GpuOptions, batch_size: u64) -> u64;

    /// Begins a batch.
    fn begin(&self, range: &BatchRange) -> Self::Batch;

    /// Records the work after the steps of a dispatch, and the copies that are to be read. The first copy shows whether
    /// episodes are still running. Kernels are timed if there is a timing under way.
    fn record(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        laps: Option<&mut Laps<'_>>,
        dispatch: &Dispatch<'_>,
    ) -> Result<Vec<Staged>, GpuError>;

    /// Tells from the first copy whether episodes are still running, if there are steps left.
    fn is_running(&self, first: &[u32]) -> bool;

    /// Takes in the copies of a dispatch, which was the batch's last if `is_final`.
    ///
    /// # Errors
    /// A description of results that contradict each other: episodes that neither ended nor went on to the last step, clicks
    /// without a step.
    fn read(
        &self,
        batch: &mut Self::Batch,
        range: &BatchRange,
        steps: &Range<u32>,
        copies: &[Vec<u32>],
        is_final: bool,
    ) -> Result<(), String>;

    /// Returns how many steps the longest episode took, of a batch that has been read to its end.
    fn longest(&self, batch: &Self::Batch) -> u32;

    /// Ends a batch: one output for each of its simulations.
    fn finish(&self, batch: Self::Batch, range: &BatchRange) -> Vec<Self::Output>;
}
