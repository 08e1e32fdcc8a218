//! The open device: what it is and can do, and what is recorded and submitted.

use super::faults::Faults;
use super::staging::StagingPool;
use crate::backend::gpu::adapter::AdapterSummary;
use crate::backend::gpu::error::GpuError;
use std::sync::Arc;

/// Holds an open device and its queue; cheap to share by reference between threads.
#[derive(Debug)]
pub(crate) struct Gpu {
    pub(super) summary: AdapterSummary,
    pub(super) limits: wgpu::Limits,
    pub(super) features: wgpu::Features,
    pub(super) faults: Arc<Faults>,
    pub(super) staging: Arc<StagingPool>,
    pub(super) queue: wgpu::Queue,
    pub(super) device: wgpu::Device,
    // Kept so that the device outlives neither.
    pub(super) _adapter: wgpu::Adapter,
    pub(super) _instance: wgpu::Instance,
}

/// Mesa stops loops after 65,535 iterations; the difference is a margin, because its compiler may change the loops of a
/// shader.
const SOFTWARE_ITERATIONS: u64 = 60_000;

impl Gpu {
    /// Describes the adapter.
    #[must_use]
    pub(crate) fn info(&self) -> &AdapterSummary {
        &self.summary
    }

    /// Tells whether the adapter computes on the CPU; such timings say nothing about GPUs.
    #[must_use]
    pub(crate) fn is_software(&self) -> bool {
        self.summary.is_software()
    }

    /// Returns how many iterations all loops of an invocation may take together before the driver stops them; `None` where it
    /// does not. Mesa's software rasteriser does; to be safe, the same is assumed of everything else that runs on the
    /// processor.
    pub(crate) fn most_iterations(&self) -> Option<u64> {
        self.is_software().then_some(SOFTWARE_ITERATIONS)
    }

    /// Tells whether shaders may use `u64`.
    #[must_use]
    pub(crate) fn native_u64(&self) -> bool {
        self.features.contains(wgpu::Features::SHADER_INT64)
    }

    /// Returns how many seconds a tick of the device's clock lasts; `None` where kernels cannot be timed.
    #[must_use]
    pub(crate) fn seconds_per_tick(&self) -> Option<f64> {
        if !self.features.contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let nanoseconds = f64::from(self.queue.get_timestamp_period());
        (nanoseconds > 0.0).then_some(nanoseconds * 1e-9)
    }

    /// Returns the limits of the device, which are the adapter's own.
    #[must_use]
    pub(crate) fn limits(&self) -> &wgpu::Limits {
        &self.limits
    }

    /// Returns the device, for commands recorded inside [`Gpu::checked`].
    #[must_use]
    pub(crate) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// Returns the queue, for commands issued inside [`Gpu::checked`].
    #[must_use]
    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the buffers through which results are read back.
    pub(super) fn staging(&self) -> &Arc<StagingPool> {
        &self.staging
    }

    /// Starts recording commands.
    #[must_use]
    pub(crate) fn encoder(&self, label: &str) -> wgpu::CommandEncoder {
        let label = Some(label);
        self.device
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label })
    }

    /// Hands recorded commands to the device and returns at once; also reports what was wrong with the
    /// recording.
    ///
    /// # Errors
    /// What [`Gpu::checked`] reports.
    pub(crate) fn submit(
        &self,
        what: &str,
        encoder: wgpu::CommandEncoder,
    ) -> Result<wgpu::SubmissionIndex, GpuError> {
        self.checked(what, || self.queue.submit([encoder.finish()]))
    }
}
