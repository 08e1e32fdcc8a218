//! What went wrong on the device while nobody asked.

use super::lock::lock;
use crate::backend::gpu::error::{Cause, GpuError};
use std::sync::Mutex;

/// What the device's callbacks have recorded; the first fault of a kind stays.
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

/// Files an error that a wgpu error scope or its uncaptured-error handler delivered.
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
