//! The open device: choosing an adapter, catching every error, noticing the loss of the device.
//!
//! wgpu reports a failed command to the innermost *error scope* of the thread, else to the device's handler,
//! which by default panics; and it reports nothing at all once the device is lost, its calls then quietly do
//! nothing. [`Gpu::checked`] is the answer to both: it runs commands inside scopes and asks afterwards
//! whether the device still lives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{debug, warn};

use super::readback::StagingPool;
use crate::backend::gpu::adapter::{AdapterId, AdapterSelection, asked, wanted_name};
use crate::backend::gpu::error::{Cause, GpuError};
use crate::backend::gpu::shader::compose::panic_message;
use crate::backend::gpu::work::program::Programs;

/// Describes an adapter to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterSummary {
    /// Name of the device.
    pub name: String,
    /// Name of the driver and its version, as far as the driver tells.
    pub driver: String,
    /// `discrete`, `integrated`, `virtual`, `other` or `software`.
    pub device_type: &'static str,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: &'static str,
    /// Where it is plugged in, such as `0000:01:00.0`; empty where the driver does not tell.
    pub pci_bus_id: String,
    /// Its maker and model, such as `10de:2330`.
    pub pci_id: String,
}

impl AdapterSummary {
    fn new(info: &wgpu::AdapterInfo) -> Self {
        let device_type = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Other => "other",
            wgpu::DeviceType::Cpu => "software",
        };
        Self {
            name: info.name.clone(),
            driver: format!("{} {}", info.driver, info.driver_info)
                .trim()
                .to_owned(),
            device_type,
            backend: info.backend.to_str(),
            pci_bus_id: info.device_pci_bus_id.clone(),
            pci_id: AdapterId::Model {
                vendor: info.vendor,
                device: info.device,
            }
            .to_string(),
        }
    }

    /// Tells whether the adapter computes on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.device_type == "software"
    }
}

/// Holds an open device and its queue; cheap to share by reference between threads.
#[derive(Debug)]
pub(crate) struct Gpu {
    summary: AdapterSummary,
    limits: wgpu::Limits,
    features: wgpu::Features,
    faults: Arc<Faults>,
    staging: Arc<StagingPool>,
    programs: Programs,
    queue: wgpu::Queue,
    device: wgpu::Device,
    // Kept so that the device outlives neither.
    _adapter: wgpu::Adapter,
    _instance: wgpu::Instance,
}

/// What the device's callbacks have recorded; the first fault of a kind stays.
#[derive(Debug, Default)]
struct Faults {
    lost: Mutex<Option<GpuError>>,
    uncaptured: Mutex<Option<GpuError>>,
}

impl Faults {
    fn record(slot: &Mutex<Option<GpuError>>, fault: GpuError) {
        lock(slot).get_or_insert(fault);
    }
}

/// Locks without giving up on a lock that a panicking thread has held: the values behind ours are always
/// whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What Mesa allows, less a little for what its compiler makes of a shader.
const SOFTWARE_ITERATIONS: u64 = 60_000;

/// How long an error waits for work under way, to tell a defect from the loss of the device.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The graphics interfaces we use; OpenGL would list the same devices again, with fewer features.
const BACKENDS: wgpu::Backends = wgpu::Backends::VULKAN
    .union(wgpu::Backends::METAL)
    .union(wgpu::Backends::DX12);

fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: BACKENDS,
        flags: wgpu::InstanceFlags::from_build_config().with_env(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    })
}

/// Lists adapters, the preferred first; equals keep the driver's order.
fn ranked_adapters(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    let mut adapters = pollster::block_on(instance.enumerate_adapters(BACKENDS));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

impl Gpu {
    /// Lists the adapters of this machine, the one that [`Gpu::open`] would try first in front; empty without
    /// a driver.
    #[must_use]
    pub(crate) fn adapters() -> Vec<AdapterSummary> {
        ranked_adapters(&instance())
            .iter()
            .map(|adapter| AdapterSummary::new(&adapter.get_info()))
            .collect()
    }

    /// Opens the one that is chosen, or the best adapter, discrete before integrated before virtual before software, with
    /// all its limits. `WGPU_ADAPTER_NAME` in the environment restricts the choice to those with this text in their names.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::NoSuchAdapter`], [`GpuError::NoHardwareAdapter`] or, if every suitable adapter
    /// refuses, [`GpuError::DeviceRefused`] or [`GpuError::OutOfMemoryAtStart`] of the first.
    pub(crate) fn open(selection: AdapterSelection) -> Result<Self, GpuError> {
        let instance = instance();
        let adapters = ranked_adapters(&instance);
        if adapters.is_empty() {
            return Err(GpuError::NoAdapter);
        }
        let name = wanted_name();
        let is_meant = |index: usize, info: &wgpu::AdapterInfo| match (selection, &name) {
            (AdapterSelection::Chosen(id), _) => id.is(index, info),
            (_, Some(name)) => info.name.to_lowercase().contains(&name.to_lowercase()),
            (_, None) => true,
        };
        let known: Vec<String> = (0..)
            .zip(&adapters)
            .map(|(index, adapter)| format!("{index} {}", adapter.get_info().name))
            .collect();
        let mut adapters = adapters;
        let mut index = 0..;
        adapters.retain(|adapter| is_meant(index.next().unwrap_or(0), &adapter.get_info()));
        if adapters.is_empty() {
            return Err(GpuError::NoSuchAdapter {
                asked: asked(selection, name.as_deref()),
                known,
            });
        }
        let names = adapters.iter().map(|adapter| adapter.get_info().name);
        let mut refused = GpuError::NoHardwareAdapter {
            software: names.collect(),
        };
        let mut tried = false;
        for adapter in adapters {
            if selection == AdapterSelection::Hardware
                && adapter.get_info().device_type == wgpu::DeviceType::Cpu
            {
                continue;
            }
            match Self::open_adapter(&instance, adapter) {
                Ok(gpu) => {
                    if tried {
                        warn!("{refused}");
                    }
                    return Ok(gpu);
                }
                Err(error) => {
                    // That of the first one is returned, unless another one opens.
                    if tried {
                        warn!("{error}");
                    } else {
                        refused = error;
                    }
                    tried = true;
                }
            }
        }
        Err(refused)
    }

    fn open_adapter(instance: &wgpu::Instance, adapter: wgpu::Adapter) -> Result<Self, GpuError> {
        let summary = AdapterSummary::new(&adapter.get_info());
        let wanted = wgpu::Features::SHADER_INT64 | wgpu::Features::TIMESTAMP_QUERY;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("slatesim"),
            required_features: adapter.features() & wanted,
            // The default limits are those of a small phone: 128 MiB a binding, 8 storage buffers.
            required_limits: adapter.limits(),
            experimental_features: wgpu::ExperimentalFeatures::disabled(),
            memory_hints: wgpu::MemoryHints::Performance,
            trace: wgpu::Trace::Off,
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| {
                let told = error.to_string();
                let adapter = summary.name.clone();
                // The library keeps the kind of this error to itself.
                let is_out_of_memory = told.to_lowercase().contains("memory");
                let source = Cause::from(Box::<dyn std::error::Error + Send + Sync>::from(told));
                match is_out_of_memory {
                    true => GpuError::OutOfMemoryAtStart { adapter, source },
                    false => GpuError::DeviceRefused { adapter, source },
                }
            })?;
        let faults = Arc::new(Faults::default());
        let on_error = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error| {
            let fault = GpuError::from_wgpu("a GPU command", None, error);
            Faults::record(&on_error.uncaptured, fault);
        }));
        let on_loss = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            let reason = match reason {
                wgpu::DeviceLostReason::Unknown => "unknown",
                wgpu::DeviceLostReason::Destroyed => "destroyed",
            };
            let reason = reason.to_owned();
            Faults::record(&on_loss.lost, GpuError::DeviceLost { reason, message });
        });
        debug!(
            adapter = summary.name,
            driver = summary.driver,
            "opened a GPU device"
        );
        Ok(Self {
            summary,
            limits: device.limits(),
            features: device.features(),
            faults,
            staging: Arc::default(),
            programs: Programs::default(),
            queue,
            device,
            _adapter: adapter,
            _instance: instance.clone(),
        })
    }

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

    /// Returns how many iterations all loops of an invocation may take together before the driver leaves them, where it
    /// does that: Mesa's software rasteriser, and to be sure of it whatever else runs on the processor.
    pub(crate) fn most_iterations(&self) -> Option<u64> {
        self.is_software().then_some(SOFTWARE_ITERATIONS)
    }

    /// Returns the programs made so far.
    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Tells whether shaders may use `u64`.
    #[must_use]
    pub(crate) fn native_u64(&self) -> bool {
        self.features.contains(wgpu::Features::SHADER_INT64)
    }

    /// Returns what a tick of the device's clock stands for; `None` where kernels cannot ask it.
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

    pub(crate) fn staging(&self) -> &Arc<StagingPool> {
        &self.staging
    }

    /// Reports whether all is well: the device lives, and no command has failed outside [`Gpu::checked`].
    ///
    /// # Errors
    /// [`GpuError::DeviceLost`] once the device is gone, and from then on by every call; else the first error
    /// that nobody caught.
    pub(crate) fn status(&self) -> Result<(), GpuError> {
        let lost = lock(&self.faults.lost).clone();
        let fault = lost.or_else(|| lock(&self.faults.uncaptured).clone());
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
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
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
        Err(GpuError::from_wgpu(what, needed, error))
    }

    /// Polls the device; tells whether what was waited for is done.
    pub(crate) fn poll(&self, what: &str, poll: wgpu::PollType) -> Result<bool, GpuError> {
        self.poll_with(what, || self.device.poll(poll))
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
                Faults::record(&self.faults.lost, GpuError::DeviceLost { reason, message });
                self.status().map(|()| false)
            }
        }
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
pub(crate) mod testing {
    use super::Gpu;
    use crate::backend::gpu::AdapterSelection;

    /// Opens any adapter; where there is none it says so, and fails if the environment declares that one is
    /// required.
    pub(crate) fn any_gpu() -> Option<Gpu> {
        match Gpu::open(AdapterSelection::Any) {
            Ok(gpu) => Some(gpu),
            Err(error) if std::env::var_os("SLATESIM_REQUIRE_GPU").is_none() => {
                eprintln!("NOT TESTED, no GPU adapter: {error}");
                None
            }
            Err(error) => panic!("SLATESIM_REQUIRE_GPU is set, but {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::any_gpu;
    use super::*;

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
