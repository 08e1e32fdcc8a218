//! The device's own clock: how long its kernels take, without the host and the copies.

use super::context::Gpu;
use super::error::GpuError;
use super::readback::Staged;
use wgpu::BufferUsages;

const MARKS: u32 = 2;
const BYTES: u64 = MARKS as u64 * wgpu::QUERY_SIZE as u64;

/// Times what is recorded between two marks.
#[derive(Debug)]
pub(super) struct Stopwatch {
    queries: wgpu::QuerySet,
    ticks: wgpu::Buffer,
}

impl Stopwatch {
    /// Makes a stopwatch; `None` where the adapter has no clock.
    ///
    /// # Errors
    /// What [`Gpu::checked`] reports.
    pub(super) fn new(gpu: &Gpu) -> Result<Option<Self>, GpuError> {
        if gpu.seconds_per_tick().is_none() {
            return Ok(None);
        }
        let queries = gpu.checked("stopwatch", || {
            gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("stopwatch"),
                ty: wgpu::QueryType::Timestamp,
                count: MARKS,
            })
        })?;
        let usage = BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC;
        let ticks = gpu.buffer("ticks", BYTES, usage)?;
        Ok(Some(Self { queries, ticks }))
    }

    /// Records the mark that time counts from.
    pub(super) fn start(&self, encoder: &mut wgpu::CommandEncoder) {
        self.mark(encoder, 0);
    }

    /// Records the mark that it counts to, and the copy of both.
    ///
    /// # Errors
    /// As [`Gpu::stage`].
    pub(super) fn stop(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Staged, GpuError> {
        self.mark(encoder, 1);
        encoder.resolve_query_set(&self.queries, 0..MARKS, &self.ticks, 0);
        gpu.stage(encoder, "ticks", &self.ticks, 0..BYTES)
    }

    /// A pass without work: its timestamp is written once everything before it is done.
    fn mark(&self, encoder: &mut wgpu::CommandEncoder, index: u32) {
        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("mark"),
            timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                query_set: &self.queries,
                beginning_of_pass_write_index: None,
                end_of_pass_write_index: Some(index),
            }),
        });
    }
}

/// Reads the copy that [`Stopwatch::stop`] has recorded, in seconds; `None` if the clock has not gone on, or back.
pub(super) fn seconds(gpu: &Gpu, ticks: &[u8]) -> Option<f64> {
    let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(ticks);
    let elapsed = ticks[1].checked_sub(ticks[0]).filter(|&ticks| ticks > 0)?;
    Some(elapsed as f64 * gpu.seconds_per_tick()?)
}

#[cfg(test)]
mod tests {
    use super::super::context::testing::any_gpu;
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_takes_time_and_no_more_than_the_host_waits() {
        let Some(gpu) = any_gpu() else { return };
        let Some(stopwatch) = Stopwatch::new(&gpu).expect("a healthy device") else {
            return;
        };
        let usage = BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        let buffer = gpu.buffer("zeros", 1 << 26, usage).expect("fits");
        let clock = Instant::now();
        let mut encoder = gpu.encoder("clearing");
        stopwatch.start(&mut encoder);
        encoder.clear_buffer(&buffer, 0, None);
        let staged = stopwatch.stop(&gpu, &mut encoder).expect("a valid copy");
        let submission = gpu.submit("clearing", encoder).expect("valid");
        let ticks = staged.start(&submission).wait(&gpu).expect("healthy");
        let taken = seconds(&gpu, &ticks).expect("time goes on");
        assert!(
            0.0 < taken && taken <= clock.elapsed().as_secs_f64(),
            "{taken} s"
        );
    }
}
