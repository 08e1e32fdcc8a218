//! The open device: its buffers, copies, clock and pipelines. It knows no programs, no simulations and no shader's meaning.

mod adapter;
mod buffer;
mod checked;
pub(crate) mod context;
mod faults;
pub(crate) mod lock;
mod open;
pub(crate) mod pipeline;
pub(crate) mod readback;
mod staging;
pub(crate) mod stopwatch;
#[cfg(test)]
pub(crate) mod testing;
