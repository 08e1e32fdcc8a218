//! What several tests share.

use slatesim::backend::gpu::{AdapterSelection, GpuBackend, GpuError};

/// Opens any adapter, a software one too.
///
/// Without one, says so loudly and returns `None`; panics where `SLATESIM_REQUIRE_GPU` is set, as it is in CI.
pub(crate) fn any_gpu() -> Option<GpuBackend> {
    match GpuBackend::open(AdapterSelection::Any) {
        Ok(gpu) => Some(gpu),
        Err(error @ (GpuError::NotBuilt | GpuError::NoAdapter))
            if std::env::var_os("SLATESIM_REQUIRE_GPU").is_none() =>
        {
            eprintln!("NOT TESTED: {error}");
            None
        }
        Err(error) => panic!("a GPU or software Vulkan is required: {error}"),
    }
}
