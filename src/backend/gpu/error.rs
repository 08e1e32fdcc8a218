//! What can go wrong between this crate and a GPU.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use super::shader_error::ShaderError;

/// Carries the underlying error of a GPU library, shared so that a fault can be reported by every later call.
pub(crate) type Cause = Arc<dyn Error + Send + Sync + 'static>;

/// Says why GPU work could not be done, and what the user can do about it.
///
/// Nothing in `backend::gpu` panics for lack of a device, of memory or of a valid shader: these errors report all of it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// The feature `gpu` was left out when this program was built.
    #[error(
        "this build of slatesim has no GPU support: build it with the feature `gpu`, which cargo leaves out only where \
         it is told `--no-default-features`, or use --backend cpu"
    )]
    NotBuilt,

    /// The graphics library finds no adapter at all, not even a software one.
    #[error(
        "no GPU adapter found: install a Vulkan driver (software rendering on Debian or Ubuntu: \
         apt install mesa-vulkan-drivers libvulkan1), or use --backend cpu"
    )]
    NoAdapter,

    /// There are adapters, all of them software, and hardware was asked for.
    #[error(
        "no hardware GPU found, only software adapters ({}): ask for --backend gpu to use one of them, \
         or use --backend cpu",
        .software.join(", ")
    )]
    NoHardwareAdapter {
        /// Names of the software adapters that were passed over.
        software: Vec<String>,
    },

    /// The adapter is there, but refused to open a device.
    #[error(
        "adapter {adapter:?} refused to open a device: update its driver, or use --backend cpu"
    )]
    DeviceRefused {
        /// Name of the adapter.
        adapter: String,
        /// What the driver said.
        #[source]
        source: Cause,
    },

    /// There are adapters, and none of them is the one that was asked for.
    #[error("no GPU adapter has the {asked}: there are {}", .known.join(", "))]
    NoSuchAdapter {
        /// How it was asked for.
        asked: String,
        /// Index and name of each adapter there is.
        known: Vec<String>,
    },

    /// The adapter is there, and neither it nor the machine had the memory to open a device.
    #[error(
        "out of memory while opening adapter {adapter:?}: leave it and the machine more memory, raise a limit on it (ulimit -v), or \
         use --backend cpu"
    )]
    OutOfMemoryAtStart {
        /// Name of the adapter.
        adapter: String,
        /// What the driver said.
        #[source]
        source: Cause,
    },

    /// The device is gone: a driver reset, a watchdog, an unplugged device, or our own `destroy`.
    #[error(
        "the GPU device was lost ({reason}{}{message}): lower --batch-size so that a dispatch takes less time, \
         or use --backend cpu",
        if .message.is_empty() { "" } else { ": " }
    )]
    DeviceLost {
        /// `destroyed` if this program gave the device up, else `unknown`.
        reason: String,
        /// The driver's message; may be empty.
        message: String,
    },

    /// The device has no memory left for this.
    #[error(
        "out of GPU memory for {what}{}: lower --batch-size",
        .needed.map(|bytes| format!(" ({bytes} bytes)")).unwrap_or_default()
    )]
    OutOfMemory {
        /// The buffer or the operation that did not fit.
        what: String,
        /// Size in bytes, where it is known.
        needed: Option<u64>,
        /// What the driver said.
        #[source]
        source: Cause,
    },

    /// The GPU library rejected a command of ours: a defect in this program or in a user's shader.
    #[error("{what} was rejected by the GPU library")]
    Validation {
        /// What was being done.
        what: String,
        /// What the library said.
        #[source]
        source: Cause,
    },

    /// The request is beyond what the device offers.
    #[error(
        "{what} needs {limit} = {needed}, and the device offers {available}: lower --batch-size"
    )]
    LimitExceeded {
        /// What was being made.
        what: String,
        /// Name of the limit, as WebGPU spells it.
        limit: &'static str,
        /// Value that the request needs.
        needed: u64,
        /// Value that the device offers.
        available: u64,
    },

    /// The loops of a kernel are longer than the driver runs.
    #[error(
        "{what} takes {needed} iterations of loops where the driver of {adapter:?} stops at {available} without a word: \
         use --backend cpu, or fewer candidates, positions, topics, features, units, inputs or remembered documents"
    )]
    LoopLimit {
        /// The kernel and what it is to do.
        what: String,
        /// Name of the adapter.
        adapter: String,
        /// Iterations of an invocation at most.
        needed: u64,
        /// Iterations that are run.
        available: u64,
    },

    /// The number of iterations of a loop cannot be determined, and the driver stops loops at some number.
    #[error(
        "a loop of `{function}` in the kernel {kernel} has no bound that can be told, and the driver of {adapter:?} stops \
         loops without a word: write it as `for (var i = 0u; i < N; i++)` with a constant N, or use --backend cpu"
    )]
    UnboundedLoop {
        /// The kernel.
        kernel: String,
        /// The function.
        function: String,
        /// Name of the adapter.
        adapter: String,
    },

    /// Results that a device has left contradict each other.
    #[error(
        "{adapter:?} did not run episodes to their end ({what}): its driver has a fault or a limit that slatesim does not \
         know; update it, try `slatesim validate --backend gpu`, or use --backend cpu"
    )]
    Inconsistent {
        /// Name of the adapter.
        adapter: String,
        /// What does not fit.
        what: String,
    },

    /// A shader could not be composed; the message shows file, line and caret.
    #[error(transparent)]
    Shader(#[from] ShaderError),

    /// A buffer could not be made readable by the host.
    #[error("{what} could not be read back from the GPU")]
    Readback {
        /// What was being read.
        what: String,
        /// What the library said.
        #[source]
        source: Cause,
    },

    /// The GPU did not finish in time.
    #[error(
        "the GPU did not finish {what} within {} s: lower --batch-size, or use --backend cpu",
        .after.as_secs_f64()
    )]
    Timeout {
        /// What was being waited for.
        what: String,
        /// How long was waited.
        after: Duration,
    },
}

impl GpuError {
    /// Says in a few words what the device lacks, if the work was well-formed but too large for it.
    #[must_use]
    pub fn too_large(&self) -> Option<&'static str> {
        match self {
            Self::LimitExceeded { .. } => Some("a limit of the device is exceeded"),
            Self::LoopLimit { .. } => Some("the driver would cut loops"),
            Self::OutOfMemory { .. } => Some("the device has not enough memory"),
            Self::Timeout { .. } => Some("the device took too long"),
            _ => None,
        }
    }

    /// Tells whether the device is gone, so that only opening a new one can help.
    #[must_use]
    pub fn is_device_lost(&self) -> bool {
        matches!(self, Self::DeviceLost { .. })
    }

    /// Tells whether there is no usable device at all (exit code 3 of the command line).
    #[must_use]
    pub fn is_no_device(&self) -> bool {
        matches!(
            self,
            Self::NotBuilt
                | Self::NoAdapter
                | Self::NoHardwareAdapter { .. }
                | Self::DeviceRefused { .. }
                | Self::OutOfMemoryAtStart { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_remedy_and_do_not_repeat_their_source() {
        assert!(
            GpuError::NoAdapter
                .to_string()
                .contains("mesa-vulkan-drivers libvulkan1")
        );
        let refused = GpuError::DeviceRefused {
            adapter: "some card".into(),
            source: Arc::new(std::io::Error::other("the driver's own words")),
        };
        assert!(!refused.to_string().contains("own words"));
        assert_eq!(
            refused
                .source()
                .expect("the driver's error is the source")
                .to_string(),
            "the driver's own words"
        );
        let lost = GpuError::DeviceLost {
            reason: "unknown".into(),
            message: String::new(),
        };
        assert!(
            lost.to_string()
                .starts_with("the GPU device was lost (unknown):")
        );
        assert!(lost.is_device_lost() && !lost.is_no_device());
        let left_out = GpuError::NotBuilt;
        assert!(left_out.to_string().contains("feature `gpu`") && left_out.is_no_device());
    }

    #[test]
    fn errors_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<GpuError>();
    }
}
