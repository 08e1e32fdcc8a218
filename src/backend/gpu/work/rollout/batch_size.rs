//! How many lanes a batch has.

use super::buffers::lane_words;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::blocks::BLOCK_LANES;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::work::limits::most_invocations;
use crate::backend::{BLOCK_EPISODES, Simulation};

/// Batches in flight at once.
pub(super) const MAX_IN_FLIGHT: usize = 3;
/// The fewest and the most episodes of a batch on a real GPU. The fewest fill the largest GPU; with the most, the time
/// between kernels is small. Between them it depends on the number of episodes, so that several batches are in flight.
const HARDWARE_BATCHES: [u64; 2] = [1 << 18, 1 << 20];
/// Episodes of a batch on a software adapter: few enough for its caches.
const SOFTWARE_BATCH: u64 = 1 << 13;
/// Storage for what is remembered of the users of a batch at most, where no number of lanes is asked for.
const MAX_USER_BYTES: u64 = 1 << 29;

/// Returns how many bytes a buffer that a kernel sees may have.
pub(super) fn largest_binding(gpu: &Gpu) -> u64 {
    let limits = gpu.limits();
    limits
        .max_storage_buffer_binding_size
        .min(limits.max_buffer_size)
}

/// Chooses the lanes of a batch: whole blocks, as many as asked for, or as suit the adapter and fit.
pub(super) fn batch_size(
    gpu: &Gpu,
    options: &GpuOptions,
    simulation: &Simulation,
    lanes: u64,
) -> Result<u32, GpuError> {
    let most = most_invocations(gpu, Kernel::Rollout, options);
    let most = most - most % BLOCK_LANES;
    let whole = match options.batch_size {
        Some(asked) if asked > most => {
            return Err(GpuError::LimitExceeded {
                what: "a batch".to_owned(),
                limit: "max_compute_workgroups_per_dimension * workgroup_size",
                needed: u64::from(asked),
                available: u64::from(most),
            });
        }
        Some(asked) => u64::from(asked.max(1)).next_multiple_of(BLOCK_EPISODES),
        None => {
            let [fewest, greatest] = HARDWARE_BATCHES;
            let preferred = match gpu.is_software() {
                true => SOFTWARE_BATCH,
                false => (lanes / (MAX_IN_FLIGHT as u64 + 1)).clamp(fewest, greatest),
            };
            let bytes = largest_binding(gpu).min(MAX_USER_BYTES);
            fitting(preferred, bytes, lane_words(simulation), most)
        }
    };
    Ok(u32::try_from(whole.min(lanes)).expect("at most what was asked, rounded up"))
}

/// Limits the lanes that suit an adapter to those that a dispatch and a buffer can hold: whole blocks, at least one.
fn fitting(preferred: u64, bytes: u64, lane_words: u64, most: u32) -> u64 {
    let whole = preferred.min(bytes / (4 * lane_words)).min(u64::from(most));
    (whole - whole % BLOCK_EPISODES).max(BLOCK_EPISODES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::device::testing::any_gpu;

    #[test]
    fn a_batch_is_whole_blocks_that_a_dispatch_and_a_buffer_hold() {
        // What suits a large device: as it is, with workgroups of 2 in a dispatch of 65,535, and with the users of a policy
        // that remembers 3,010 words of each.
        assert_eq!(fitting(1 << 18, 1 << 29, 8, 65_535 * 64), 1 << 18);
        assert_eq!(fitting(1 << 18, 1 << 29, 8, 65_535 * 2), 511 * 256);
        assert_eq!(fitting(1 << 18, 1 << 29, 3_010, 65_535 * 64), 174 * 256);
        assert_eq!(fitting(1 << 13, 100, 8, 65_535 * 64), 256);
    }

    /// As on a device whose own choice of a batch is larger than a dispatch of small workgroups would be.
    #[test]
    fn small_workgroups_for_single_steps_leave_rollouts_as_they_are() {
        let Some(gpu) = any_gpu() else { return };
        let options = GpuOptions {
            workgroup_size: Some(2),
            ..GpuOptions::default()
        };
        assert_eq!(
            most_invocations(&gpu, Kernel::Rollout, &options),
            most_invocations(&gpu, Kernel::Rollout, &GpuOptions::default())
        );
        let of_steps = most_invocations(&gpu, Kernel::Step, &options);
        let limits = gpu.limits();
        assert_eq!(of_steps, 2 * limits.max_compute_workgroups_per_dimension);
    }
}
