//! What several tests share.

#[cfg(feature = "cli")]
pub(crate) mod bench_json;
#[cfg(all(unix, feature = "cli"))]
pub(crate) mod interruption;

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
