//! How much one dispatch may do.

use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::kernel::Kernel;
use std::ops::Range;

/// Returns how many iterations the loops of an invocation may take, if that is bounded.
pub(crate) fn allowed_iterations(gpu: &Gpu, options: &GpuOptions) -> Option<u64> {
    options.most_iterations.or(gpu.most_iterations())
}

/// Returns the largest number up to `most` for which a condition holds, which must hold for all smaller ones too; 0 if there
/// is none.
pub(crate) fn largest(
    most: u32,
    holds: impl Fn(u32) -> Result<bool, GpuError>,
) -> Result<u32, GpuError> {
    if holds(most)? {
        return Ok(most);
    }
    let (mut good, mut bad) = (0, most);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(good)
}

/// Cuts candidates into parts of a size, at least one.
pub(crate) fn candidate_parts(
    num_candidates: u32,
    size: u32,
) -> impl Iterator<Item = Range<u32>> + Clone {
    let size = size.clamp(1, num_candidates.max(1));
    (0..num_candidates.max(1))
        .step_by(size as usize)
        .map(move |begin| begin..begin.saturating_add(size).min(num_candidates))
}

/// Returns how many invocations of a kernel one dispatch may have.
pub(crate) fn most_invocations(gpu: &Gpu, kernel: Kernel, options: &GpuOptions) -> u32 {
    gpu.limits()
        .max_compute_workgroups_per_dimension
        .saturating_mul(kernel.workgroup_size(options))
}
