//! What the tests of all floors share.

use super::context::Gpu;
use crate::backend::gpu::adapter::AdapterSelection;

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
