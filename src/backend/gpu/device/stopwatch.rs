//! The device's own clock: how long its kernels take, without the host and the copies.

use super::context::Gpu;
use super::readback::{Readback, Staged};
use crate::backend::KernelTime;
use crate::backend::gpu::error::GpuError;
use wgpu::BufferUsages;

/// The most marks between a start and a stop: one at the start, and one after each kernel.
const MAX_MARKS: u32 = 8;

/// Times kernels one after the other.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    queries: wgpu::QuerySet,
    ticks: wgpu::Buffer,
}

impl Stopwatch {
    /// Makes a stopwatch; `None` where the adapter has no clock.
    ///
    /// # Errors
    /// What [`Gpu::checked`] reports.
    pub(crate) fn new(gpu: &Gpu) -> Result<Option<Self>, GpuError> {
        if gpu.seconds_per_tick().is_none() {
            return Ok(None);
        }
        let queries = gpu.checked("stopwatch", || {
            gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("stopwatch"),
                ty: wgpu::QueryType::Timestamp,
                count: MAX_MARKS,
            })
        })?;
        let usage = BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC;
        let ticks = gpu.buffer("ticks", bytes(MAX_MARKS), usage)?;
        Ok(Some(Self { queries, ticks }))
    }

    /// Records the first mark: a pass without work, whose timestamp is written once everything before it is done.
    pub(crate) fn start(&self, encoder: &mut wgpu::CommandEncoder) -> Laps<'_> {
        let laps = Laps {
            stopwatch: self,
            kernels: Vec::new(),
        };
        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("start"),
            timestamp_writes: Some(laps.mark()),
        });
        laps
    }
}

/// A timing that is being recorded.
#[derive(Debug)]
pub(crate) struct Laps<'a> {
    stopwatch: &'a Stopwatch,
    kernels: Vec<&'static str>,
}

impl<'a> Laps<'a> {
    /// Returns the mark that the pass of the next kernel is to write at its end.
    pub(crate) fn next(&mut self, kernel: &'static str) -> wgpu::ComputePassTimestampWrites<'a> {
        self.kernels.push(kernel);
        self.mark()
    }

    fn mark(&self) -> wgpu::ComputePassTimestampWrites<'a> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.stopwatch.queries,
            beginning_of_pass_write_index: None,
            end_of_pass_write_index: Some(self.num_marks() - 1),
        }
    }

    fn num_marks(&self) -> u32 {
        u32::try_from(self.kernels.len() + 1).expect("a handful")
    }

    /// Records the copy of all marks.
    ///
    /// # Errors
    /// As [`Gpu::stage`].
    pub(crate) fn stop(
        self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Timed<Staged>, GpuError> {
        let Stopwatch { queries, ticks } = self.stopwatch;
        let num_marks = self.num_marks();
        encoder.resolve_query_set(queries, 0..num_marks, ticks, 0);
        Ok(Timed {
            kernels: self.kernels,
            ticks: gpu.stage(encoder, "ticks", ticks, 0..bytes(num_marks))?,
        })
    }
}

/// Marks on their way to the host, and the kernels between them.
#[derive(Debug)]
pub(crate) struct Timed<T> {
    kernels: Vec<&'static str>,
    ticks: T,
}

impl Timed<Staged> {
    /// As [`Staged::start`].
    pub(crate) fn start(self, submission: &wgpu::SubmissionIndex) -> Timed<Readback> {
        Timed {
            kernels: self.kernels,
            ticks: self.ticks.start(submission),
        }
    }
}

impl Timed<Readback> {
    /// Waits for the marks, and returns the time of each kernel; `None` if the clock stood still or went back.
    ///
    /// # Errors
    /// As [`Readback::wait_with`].
    pub(crate) fn wait(self, gpu: &Gpu) -> Result<Option<Vec<KernelTime>>, GpuError> {
        let ticks = self
            .ticks
            .wait_with(gpu, bytemuck::pod_collect_to_vec::<u8, u64>)?;
        let laps = ticks.windows(2).map(|marks| marks[1].checked_sub(marks[0]));
        let Some(laps) = laps.collect::<Option<Vec<u64>>>() else {
            return Ok(None);
        };
        if laps.iter().all(|&lap| lap == 0) {
            return Ok(None);
        }
        let Some(tick) = gpu.seconds_per_tick() else {
            return Ok(None);
        };
        let times = self.kernels.into_iter().zip(laps);
        let times = times.map(|(kernel, lap)| KernelTime {
            kernel,
            seconds: lap as f64 * tick,
        });
        Ok(Some(times.collect()))
    }
}

/// Adds the times of kernels to their sums so far.
pub(crate) fn add_times(sums: &mut Vec<KernelTime>, times: &[KernelTime]) {
    for time in times {
        match sums.iter_mut().find(|sum| sum.kernel == time.kernel) {
            Some(sum) => sum.seconds += time.seconds,
            None => sums.push(*time),
        }
    }
}

fn bytes(num_marks: u32) -> u64 {
    u64::from(num_marks) * u64::from(wgpu::QUERY_SIZE)
}

#[cfg(test)]
mod tests {
    use super::super::testing::any_gpu;
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
        let mut laps = stopwatch.start(&mut encoder);
        for kernel in ["first", "second"] {
            encoder.clear_buffer(&buffer, 0, None);
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some(kernel),
                timestamp_writes: Some(laps.next(kernel)),
            });
        }
        let timed = laps.stop(&gpu, &mut encoder).expect("a valid copy");
        let submission = gpu.submit("clearing", encoder).expect("valid");
        let times = timed.start(&submission).wait(&gpu).expect("healthy");
        let times = times.expect("time goes on");
        let kernels: Vec<_> = times.iter().map(|time| time.kernel).collect();
        assert_eq!(kernels, ["first", "second"]);
        assert!(times.iter().all(|time| time.seconds > 0.0), "{times:?}");
        let taken: f64 = times.iter().map(|time| time.seconds).sum();
        assert!(taken <= clock.elapsed().as_secs_f64(), "{taken} s");
    }
}
