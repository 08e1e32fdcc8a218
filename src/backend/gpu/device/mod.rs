//! The open device: its buffers, copies, clock and pipelines. It knows no programs, no simulations and no shader's meaning.

pub(crate) mod buffer;
pub(crate) mod context;
pub(crate) mod pipeline;
pub(crate) mod readback;
pub(crate) mod stopwatch;
