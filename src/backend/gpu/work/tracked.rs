//! The work of several rollouts together.

use super::program::Program;
use super::rollout::Taken;
use crate::backend::gpu::device::stopwatch::add_times;
use crate::backend::{KernelTime, Launches};
use std::sync::Arc;
use tracing::debug;

/// Adds up the work that rollouts gave the device.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    programs: Vec<Arc<Program>>,
    dispatches: u64,
    times: Vec<KernelTime>,
}

impl Tracked {
    /// Adds the work of one rollout, if there was anything to run.
    pub(crate) fn add<C>(&mut self, taken: Option<Taken<C>>) {
        let Some(taken) = taken else { return };
        debug!(
            dispatches = taken.num_dispatches,
            times = ?taken.times,
            waited = ?taken.waited,
            calibrated = ?taken.shape,
            "ran episodes"
        );
        self.dispatches += taken.num_dispatches;
        add_times(&mut self.times, &taken.times);
        let is_known = |known: &Arc<Program>| Arc::ptr_eq(known, &taken.program);
        if !self.programs.iter().any(is_known) {
            self.programs.push(taken.program);
        }
    }

    /// Returns the work of all of them.
    pub(crate) fn launches(self) -> Launches {
        let seconds = self.times.iter().map(|time| time.seconds);
        Launches {
            pipelines: self.programs.len() as u64,
            dispatches: self.dispatches,
            kernel_seconds: (!self.times.is_empty()).then(|| seconds.sum()),
            by_kernel: self.times,
        }
    }
}
