//! wgpu: whole episodes in the registers of a GPU, and single steps for agents outside.
//!
//! The shaders are composed per simulation from the twins of its environment, choice model and policy; the files in
//! `shaders/kernel/` are the only ones with bindings. No wgpu type appears outside this room.

mod adapter;
mod backend;
mod device;
mod error;
mod options;
mod panics;
mod shader;
mod shader_error;
mod work;

pub use adapter::{AdapterId, AdapterSelection, AdapterSummary};
pub use backend::GpuBackend;
pub use error::GpuError;
pub use options::{GpuOptions, Patch};
pub use shader::kernel::Kernel;
#[doc(hidden)]
pub use shader::recipe::compose_program;
pub use shader_error::ShaderError;

/// How many rows of results the kernel `probe` writes.
// WGSL: shaders/kernel/probe.wgsl
pub(crate) const PROBE_ROWS: usize = 24;
