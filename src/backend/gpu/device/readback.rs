//! Results on their way from the GPU to the host, several of them at once.
//!
//! ```text
//! let staged = gpu.stage(&mut encoder, "returns", &buffer, 0..bytes)?;   // a copy, recorded behind the dispatches
//! let submission = gpu.submit("a rollout", encoder)?;
//! let readback = staged.start(&submission);                              // asks for the mapping, does not wait
//! ...                                                                    // further submissions
//! let value = readback.wait_with(&gpu, read)?;
//! ```

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::context::Gpu;
use crate::backend::gpu::error::GpuError;

/// How long [`Readback::wait_with`] waits. A submission should last milliseconds, but a software adapter on a busy
/// machine is slow; drivers kill what really hangs long before.
pub(crate) const READBACK_TIMEOUT: Duration = Duration::from_secs(300);

/// How long one wait inside wgpu lasts: not long, because wgpu holds a lock meanwhile that other threads need to clean up.
const POLL_SLICE: Duration = Duration::from_millis(100);

/// Holds a copy that is recorded in an encoder, and waits for the encoder to be submitted.
#[derive(Debug)]
#[must_use = "a staged copy is read only after `start` and `wait`"]
pub(crate) struct Staged {
    what: String,
    buffer: wgpu::Buffer,
    bytes: u64,
}

/// Holds a result under way; dropping it gives the result up.
#[derive(Debug)]
#[must_use = "a result is only read by `wait`"]
pub(crate) struct Readback {
    staged: Staged,
    submission: wgpu::SubmissionIndex,
    mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Gpu {
    /// Records a copy of a range of bytes (both ends multiples of 4, not empty) of `buffer`, which has usage
    /// `COPY_SRC`, to a buffer the host can read.
    ///
    /// # Errors
    /// As [`Gpu::buffer`]; [`GpuError::LimitExceeded`] if the range is not inside the buffer. A misaligned
    /// range is reported by [`Gpu::submit`].
    pub(crate) fn stage(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        what: &str,
        buffer: &wgpu::Buffer,
        range: Range<u64>,
    ) -> Result<Staged, GpuError> {
        self.status()?;
        if range.end > buffer.size() || range.start >= range.end {
            return Err(GpuError::LimitExceeded {
                what: what.to_owned(),
                limit: "size of the buffer",
                needed: range.end,
                available: buffer.size(),
            });
        }
        let bytes = range.end - range.start;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = match self.staging().take(bytes) {
            Some(staging) => staging,
            None => self.buffer("staging", bytes, usage)?,
        };
        self.checked(what, || {
            encoder.copy_buffer_to_buffer(buffer, range.start, &staging, 0, bytes);
        })?;
        Ok(Staged {
            what: what.to_owned(),
            buffer: staging,
            bytes,
        })
    }
}

impl Staged {
    /// Asks for the copy to become readable once `submission`, the one that contains it, has finished; does
    /// not wait.
    pub(crate) fn start(self, submission: &wgpu::SubmissionIndex) -> Readback {
        let (sender, mapped) = sync_channel(1);
        let map = self.buffer.slice(..self.bytes);
        map.map_async(wgpu::MapMode::Read, move |result| {
            // The receiver is gone if the readback was dropped.
            let _ = sender.send(result);
        });
        Readback {
            staged: self,
            submission: submission.clone(),
            mapped,
        }
    }
}

impl Readback {
    /// Waits for the result and copies it out, as [`Readback::wait_with`] does.
    #[cfg(test)]
    pub(crate) fn wait(self, gpu: &Gpu) -> Result<Vec<u8>, GpuError> {
        self.wait_with(gpu, <[u8]>::to_vec)
    }

    /// Waits for the result and hands it to `read` in place, without a copy.
    ///
    /// # Errors
    /// [`GpuError::DeviceLost`], [`GpuError::Timeout`] after [`READBACK_TIMEOUT`], [`GpuError::Readback`] if
    /// the buffer cannot be mapped.
    pub(crate) fn wait_with<R>(
        self,
        gpu: &Gpu,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, GpuError> {
        self.wait_at_most(gpu, READBACK_TIMEOUT)?;
        let Staged {
            what,
            buffer,
            bytes,
        } = self.staged;
        let value = match buffer.get_mapped_range(..bytes) {
            Ok(view) => read(&view),
            Err(source) => {
                // The loss of the device frees its buffers, even mapped ones.
                gpu.status()?;
                let source = Arc::new(source);
                return Err(GpuError::Readback { what, source });
            }
        };
        buffer.unmap();
        gpu.staging().give_back(buffer);
        Ok(value)
    }

    fn wait_at_most(&self, gpu: &Gpu, timeout: Duration) -> Result<(), GpuError> {
        let start = Instant::now();
        let what = &self.staged.what;
        while start.elapsed() < timeout {
            let finished = gpu.poll(
                what,
                wgpu::PollType::Wait {
                    submission_index: Some(self.submission.clone()),
                    timeout: Some(POLL_SLICE),
                },
            )?;
            // Another thread's poll may have collected our callback and be about to call it.
            let patience = if finished { POLL_SLICE } else { Duration::ZERO };
            match self.mapped.recv_timeout(patience) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    gpu.status()?;
                    return Err(GpuError::Readback {
                        what: what.clone(),
                        source: Arc::new(error),
                    });
                }
                Err(RecvTimeoutError::Timeout) => gpu.status()?,
                Err(RecvTimeoutError::Disconnected) => {
                    gpu.status()?;
                    return Err(GpuError::Readback {
                        what: what.clone(),
                        source: Arc::new(wgpu::BufferAsyncError),
                    });
                }
            }
        }
        Err(GpuError::Timeout {
            what: what.clone(),
            after: timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lock::lock;
    use super::super::testing::any_gpu;
    use super::*;

    const USAGE: wgpu::BufferUsages = wgpu::BufferUsages::COPY_SRC;

    fn submit_copy(gpu: &Gpu, contents: &[u8], range: Range<u64>) -> Readback {
        let buffer = gpu.upload("bytes", USAGE, contents).expect("fits");
        let mut encoder = gpu.encoder("a copy");
        let staged = gpu.stage(&mut encoder, "bytes", &buffer, range);
        let staged = staged.expect("a range inside the buffer");
        let submission = gpu.submit("a copy", encoder).expect("a valid copy");
        staged.start(&submission)
    }

    #[test]
    fn what_was_uploaded_comes_back_even_in_parts_and_odd_lengths() {
        let Some(gpu) = any_gpu() else { return };
        let contents: Vec<u8> = (0..103).collect();
        let back = submit_copy(&gpu, &contents, 0..104).wait(&gpu);
        let back = back.expect("a healthy device");
        assert_eq!((&back[..103], back[103]), (&contents[..], 0));
        let part = submit_copy(&gpu, &contents, 8..16).wait(&gpu);
        assert_eq!(part.expect("a healthy device"), &contents[8..16]);
    }

    #[test]
    fn several_readbacks_in_flight_do_not_mix_and_reuse_their_buffers() {
        let Some(gpu) = any_gpu() else { return };
        for round in 0..4_u8 {
            let in_flight: Vec<_> = (0..5_u8)
                .map(|k| submit_copy(&gpu, &[round * 5 + k; 4096], 0..4096))
                .collect();
            // The last first: the order of waiting is free.
            for (k, readback) in in_flight.into_iter().enumerate().rev() {
                let expected = round * 5 + u8::try_from(k).expect("below 5");
                let same = readback.wait_with(&gpu, |bytes| bytes.iter().all(|&b| b == expected));
                assert!(same.expect("a healthy device"));
            }
        }
        assert_eq!(lock(&gpu.staging().idle).len(), 5);
    }

    #[test]
    fn threads_can_share_the_device() {
        let Some(gpu) = any_gpu() else { return };
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let gpu = &gpu;
                scope.spawn(move || {
                    for _ in 0..8 {
                        let back = submit_copy(gpu, &[thread; 1024], 0..1024).wait(gpu);
                        assert_eq!(back.expect("a healthy device"), [thread; 1024]);
                    }
                });
            }
        });
    }

    #[test]
    fn a_range_outside_the_buffer_is_refused() {
        let Some(gpu) = any_gpu() else { return };
        let buffer = gpu.upload("bytes", USAGE, &[0; 16]).expect("fits");
        let mut encoder = gpu.encoder("a copy");
        for range in [0..20, 16..20, 8..8] {
            let staged = gpu.stage(&mut encoder, "bytes", &buffer, range);
            assert!(matches!(staged, Err(GpuError::LimitExceeded { .. })));
        }
    }

    #[test]
    fn a_misaligned_copy_is_an_error_of_the_submission() {
        let Some(gpu) = any_gpu() else { return };
        let buffer = gpu.upload("bytes", USAGE, &[0; 16]).expect("fits");
        let mut encoder = gpu.encoder("a copy");
        let staged = gpu.stage(&mut encoder, "bytes", &buffer, 1..6);
        let submitted = gpu.submit("a copy", encoder);
        assert!(staged.is_err() || submitted.is_err());
        gpu.status()
            .expect("an error that was caught does not stick");
    }

    #[test]
    fn a_dropped_readback_harms_nobody() {
        let Some(gpu) = any_gpu() else { return };
        drop(submit_copy(&gpu, &[1; 64], 0..64));
        let back = submit_copy(&gpu, &[2; 64], 0..64).wait(&gpu);
        assert_eq!(back.expect("a healthy device"), [2; 64]);
    }
}
