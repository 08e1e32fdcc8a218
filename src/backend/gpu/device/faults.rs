//! Errors that the device reports by itself, outside of checked commands.

use super::lock::lock;
use crate::backend::gpu::error::{Cause, GpuError};
use std::sync::Mutex;

/// Faults that the device's callbacks have recorded, the first of each kind.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) lost: Mutex<Option<GpuError>>,
    pub(super) uncaptured: Mutex<Option<GpuError>>,
}

impl Faults {
    pub(super) fn record(slot: &Mutex<Option<GpuError>>, fault: GpuError) {
        lock(slot).get_or_insert(fault);
    }
}

/// Converts an error that a wgpu error scope or its uncaptured-error handler delivered.
pub(super) fn filed(what: &str, needed: Option<u64>, error: wgpu::Error) -> GpuError {
    let what = what.to_owned();
    match error {
        wgpu::Error::OutOfMemory { source } => GpuError::OutOfMemory {
            what,
            needed,
            source: Cause::from(source),
        },
        wgpu::Error::Validation { source, .. } | wgpu::Error::Internal { source, .. } => {
            GpuError::Validation {
                what,
                source: Cause::from(source),
            }
        }
    }
}
