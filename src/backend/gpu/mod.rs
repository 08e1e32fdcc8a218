//! wgpu: whole episodes in the registers of a GPU, and single steps for agents outside.
//!
//! The shaders are composed per simulation from the twins of its environment, choice model and policy; the files in
//! `shaders/kernel/` are the only ones with bindings. No wgpu type appears outside this room.
//!
//! Three floors, each of which knows what is below it and nothing of what is above:
//!
//! ```text
//!   backend   GpuBackend: chooses who adds episodes up, and what runs side by side
//!      |
//!   work      rollouts, single steps and probes; the programs that have been made
//!      |
//!   shader    the text of kernels: modules, definitions, composition, what loops cost
//!      |
//!   device    the open adapter: buffers, copies, clock, pipelines; every error caught
//! ```
//!
//! Options, errors and names of adapters are plain data that all floors use, and exist without the feature `gpu` too. How
//! episodes are added up is described, with a picture, in `work/rollout/mod.rs`.
//!
//! Without the feature `gpu` there is no wgpu, and [`GpuBackend::open`] says so.

mod adapter;
mod error;
mod options;
mod shader_error;

#[cfg(feature = "gpu")]
mod backend;
#[cfg(feature = "gpu")]
mod device;
#[cfg(feature = "gpu")]
mod panics;
#[cfg(feature = "gpu")]
mod shader;
#[cfg(feature = "gpu")]
mod work;

#[cfg(not(feature = "gpu"))]
mod absent;

#[cfg(not(feature = "gpu"))]
pub use absent::GpuBackend;
pub use adapter::{AdapterId, AdapterSelection, AdapterSummary};
#[cfg(feature = "gpu")]
pub use backend::GpuBackend;
pub use error::GpuError;
pub use options::{GpuOptions, Patch};
#[cfg(feature = "gpu")]
pub use shader::kernel::Kernel;
#[cfg(feature = "gpu")]
pub use shader::recipe::compose_program;
pub use shader_error::ShaderError;

/// How many rows of results the kernel `probe` writes.
// WGSL: shaders/kernel/probe.wgsl
pub(crate) const PROBE_ROWS: usize = 24;
