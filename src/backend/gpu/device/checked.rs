//! Runs commands so that no error is missed, and notices the loss of the device.
//!
//! wgpu reports a failed command to the innermost *error scope* of the thread, else to the device's handler, which by default
//! panics. Once the device is lost it reports nothing at all, and its calls do nothing. [`Gpu::checked`] deals with both: it
//! runs commands inside scopes and asks afterwards whether the device is still there.

use super::context::Gpu;
use super::faults::{Faults, filed};
use super::lock::lock;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::panics::panic_message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for work under way after an error, to see whether the loss of the device has caused it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

impl Gpu {
    /// Reports whether all is well: the device is there, and no command has failed outside [`Gpu::checked`].
    ///
    /// # Errors
    /// [`GpuError::DeviceLost`] once the device is gone, and from then on by every call; else the first error that no scope
    /// caught.
    pub(crate) fn status(&self) -> Result<(), GpuError> {
        let lost = lock(&self.faults().lost).clone();
        let fault = lost.or_else(|| lock(&self.faults().uncaptured).clone());
        fault.map_or(Ok(()), Err)
    }

    /// Runs `work`, which issues GPU commands from this thread, and returns whatever it or they got wrong.
    ///
    /// May be nested. `what` names the work in the error, for example "the user state buffer".
    ///
    /// # Errors
    /// Out of memory, validation, device loss; the first error of the most telling kind.
    pub(crate) fn checked<T>(&self, what: &str, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        self.checked_sized(what, None, work)
    }

    /// As [`Gpu::checked`], for work that needs `needed` bytes of device memory.
    pub(crate) fn checked_sized<T>(
        &self,
        what: &str,
        needed: Option<u64>,
        work: impl FnOnce() -> T,
    ) -> Result<T, GpuError> {
        self.status()?;
        let internal = self.device().push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self
            .device()
            .push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = self
            .device()
            .push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let value = work();
        // Out of memory comes first: the buffer that was not made makes everything after it invalid.
        let memory = pollster::block_on(memory.pop());
        let validation = pollster::block_on(validation.pop());
        let internal = pollster::block_on(internal.pop());
        // A device that went away says so when it is polled, and makes later commands succeed without effect.
        self.poll(what, wgpu::PollType::Poll)?;
        self.status()?;
        let Some(error) = memory.or(validation).or(internal) else {
            return Ok(value);
        };
        // A device that was destroyed with work under way counts as lost only when that is done; until then,
        // errors are mere consequences.
        let drain = wgpu::PollType::Wait {
            submission_index: None,
            timeout: Some(DRAIN_TIMEOUT),
        };
        self.poll(what, drain)?;
        self.status()?;
        Err(filed(what, needed, error))
    }

    /// Polls the device; returns whether the work that was waited for is done.
    pub(crate) fn poll(&self, what: &str, poll: wgpu::PollType) -> Result<bool, GpuError> {
        self.poll_with(what, || self.device().poll(poll))
    }

    fn poll_with(
        &self,
        what: &str,
        poll: impl FnOnce() -> Result<wgpu::PollStatus, wgpu::PollError>,
    ) -> Result<bool, GpuError> {
        // wgpu 30 panics where the driver reports the loss of the device during a poll.
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(wgpu::PollError::Timeout)) => Ok(false),
            Ok(Err(error)) => {
                self.status()?;
                Err(GpuError::Validation {
                    what: what.to_owned(),
                    source: Arc::new(error),
                })
            }
            Err(panic) => {
                let message = panic_message(panic.as_ref());
                let reason = "unknown".to_owned();
                Faults::record(
                    &self.faults().lost,
                    GpuError::DeviceLost { reason, message },
                );
                self.status().map(|()| false)
            }
        }
    }

    /// Waits until a submission has finished, or the timeout has passed.
    ///
    /// # Errors
    /// [`GpuError::Timeout`], [`GpuError::DeviceLost`].
    #[cfg(test)]
    pub(crate) fn wait(
        &self,
        what: &str,
        submission: &wgpu::SubmissionIndex,
        timeout: Duration,
    ) -> Result<(), GpuError> {
        let poll = wgpu::PollType::Wait {
            submission_index: Some(submission.clone()),
            timeout: Some(timeout),
        };
        let finished = self.poll(what, poll)?;
        self.status()?;
        if finished {
            return Ok(());
        }
        Err(GpuError::Timeout {
            what: what.to_owned(),
            after: timeout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::any_gpu;
    use super::*;
    use crate::backend::gpu::adapter::AdapterSelection;

    const STORAGE: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE;

    #[test]
    fn the_adapter_that_opens_is_among_those_listed() {
        let Some(gpu) = any_gpu() else { return };
        let listed = Gpu::adapters();
        assert!(listed.contains(gpu.info()), "{listed:?}");
        assert_eq!(gpu.is_software(), gpu.info().device_type == "software");
        assert!(["vulkan", "metal", "dx12"].contains(&gpu.info().backend));
    }

    #[test]
    fn software_is_not_taken_for_hardware() {
        match Gpu::open(AdapterSelection::Hardware) {
            Ok(gpu) => assert!(!gpu.is_software()),
            Err(error) => assert!(error.is_no_device(), "{error}"),
        }
    }

    #[test]
    fn a_rejected_command_is_an_error_and_the_device_goes_on() {
        let Some(gpu) = any_gpu() else { return };
        let both = wgpu::BufferUsages::MAP_READ | STORAGE;
        match gpu.buffer("a buffer with a forbidden usage", 16, both) {
            Err(GpuError::Validation { what, source }) => {
                assert_eq!(what, "a buffer with a forbidden usage");
                assert!(source.to_string().contains("create_buffer"), "{source}");
            }
            other => panic!("{other:?}"),
        }
        gpu.buffer("a good buffer", 16, STORAGE)
            .expect("an error that was caught does not stick");
    }

    #[test]
    fn an_error_outside_a_scope_does_not_panic_and_sticks() {
        let Some(gpu) = any_gpu() else { return };
        let usage = wgpu::BufferUsages::MAP_READ | STORAGE;
        let _ = gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 16,
            usage,
            mapped_at_creation: false,
        });
        assert!(matches!(gpu.status(), Err(GpuError::Validation { .. })));
        assert!(gpu.buffer("a good buffer", 16, STORAGE).is_err());
    }

    #[test]
    fn after_the_device_is_lost_every_call_says_so_and_none_panics() {
        let Some(gpu) = any_gpu() else { return };
        let usage = STORAGE | wgpu::BufferUsages::COPY_SRC;
        let buffer = gpu.upload("numbers", usage, &[1; 64]).expect("fits");
        let mut encoder = gpu.encoder("before the loss");
        let staged = gpu.stage(&mut encoder, "numbers", &buffer, 0..64);
        let staged = staged.expect("a valid copy");
        let submission = gpu.submit("a copy", encoder).expect("a valid copy");
        let readback = staged.start(&submission);

        gpu.device().destroy();

        let lost = |result: Result<(), GpuError>| {
            let error = result.expect_err("the device is gone");
            assert!(error.is_device_lost(), "{error}");
        };
        lost(gpu.upload("more numbers", usage, &[1; 64]).map(|_| ()));
        lost(gpu.status());
        lost(gpu.buffer("a buffer", 64, usage).map(|_| ()));
        lost(gpu.write("numbers", &buffer, 0, &[2; 64]));
        lost(gpu.checked("nothing at all", || ()));
        lost(readback.wait(&gpu).map(|_| ()));
        let mut encoder = gpu.encoder("after the loss");
        lost(
            gpu.stage(&mut encoder, "numbers", &buffer, 0..64)
                .map(|_| ()),
        );
        lost(gpu.submit("a copy", encoder).map(|_| ()));
        lost(gpu.wait("a copy", &submission, Duration::from_secs(1)));
    }

    #[test]
    fn a_device_lost_between_submission_and_wait_is_noticed_by_the_wait() {
        let Some(gpu) = any_gpu() else { return };
        let usage = STORAGE | wgpu::BufferUsages::COPY_SRC;
        let buffer = gpu.upload("numbers", usage, &[1; 64]).expect("fits");
        let mut encoder = gpu.encoder("before the loss");
        let staged = gpu.stage(&mut encoder, "numbers", &buffer, 0..64);
        let staged = staged.expect("a valid copy");
        let submission = gpu.submit("a copy", encoder).expect("a valid copy");
        gpu.device().destroy();
        // The work was already enqueued, so either its result or the loss is a true answer.
        match staged.start(&submission).wait(&gpu) {
            Ok(bytes) => assert_eq!(bytes, [1; 64]),
            Err(error) => assert!(error.is_device_lost(), "{error}"),
        }
    }

    #[test]
    fn a_panic_of_the_library_during_a_poll_is_the_loss_of_the_device() {
        let Some(gpu) = any_gpu() else { return };
        let polled = gpu.poll_with("nothing", || panic!("the parent device is lost"));
        match polled {
            Err(GpuError::DeviceLost { message, .. }) => {
                assert_eq!(message, "the parent device is lost");
            }
            other => panic!("{other:?}"),
        }
        assert!(gpu.status().is_err_and(|error| error.is_device_lost()));
    }

    #[test]
    fn a_wait_without_work_returns_at_once_and_a_finished_one_too() {
        let Some(gpu) = any_gpu() else { return };
        let submission = gpu.submit("nothing", gpu.encoder("nothing"));
        let submission = submission.expect("an empty recording is valid");
        for _ in 0..2 {
            gpu.wait("nothing", &submission, Duration::from_secs(60))
                .expect("done");
        }
    }
}
