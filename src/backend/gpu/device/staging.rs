//! Buffers that the host can read, kept for reuse.

use super::lock::lock;
use std::sync::Mutex;

/// How many idle staging buffers are kept; more are never needed at once.
const MAX_IDLE: usize = 16;

/// Keeps staging buffers for reuse.
#[derive(Debug, Default)]
pub(crate) struct StagingPool {
    pub(super) idle: Mutex<Vec<wgpu::Buffer>>,
}

impl StagingPool {
    /// Takes the smallest idle buffer that is large enough, but not wastefully so.
    pub(super) fn take(&self, bytes: u64) -> Option<wgpu::Buffer> {
        let mut idle = lock(&self.idle);
        let fitting = idle.iter().enumerate().filter(|(_, buffer)| {
            buffer.size() >= bytes && buffer.size() / 2 <= bytes.next_power_of_two()
        });
        let best = fitting.min_by_key(|(_, buffer)| buffer.size());
        let index = best.map(|(index, _)| index)?;
        Some(idle.swap_remove(index))
    }

    pub(super) fn give_back(&self, buffer: wgpu::Buffer) {
        let mut idle = lock(&self.idle);
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push(buffer);
    }
}
