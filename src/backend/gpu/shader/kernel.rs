//! The kernels: which there are, and how large their workgroups are.

use super::blocks::{BLOCK_LANES, SPAN};
use crate::backend::gpu::options::GpuOptions;
use crate::shader::{ShaderSource, embedded};

const DEFAULT_WORKGROUP_SIZE: u32 = 64;
/// Invocations of a workgroup of `tally`, which has all slices of some blocks and room for their sums.
pub(crate) const TALLY_WORKGROUP_SIZE: u32 = 256;

/// A program for the device: a file of `shaders/kernel/` with its entry points, specialised in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Whole episodes.
    Rollout,
    /// Whole episodes of simulations that differ in their numbers only.
    Sweep,
    /// Sums of steps over blocks.
    Fold,
    /// Statistics of the episodes of whole blocks.
    Tally,
    /// Single steps.
    Step,
    /// Slates for single steps: a program of its own, since most agents are outside.
    Recommend,
    /// Single draws and functions.
    Probe,
}

impl Kernel {
    /// All kernels.
    pub const ALL: [Self; 7] = [
        Self::Rollout,
        Self::Sweep,
        Self::Fold,
        Self::Tally,
        Self::Step,
        Self::Recommend,
        Self::Probe,
    ];

    /// Tells whether slates come from outside or go there: they have all positions, and may be short.
    pub(super) fn is_stepped(self) -> bool {
        matches!(self, Self::Step | Self::Recommend)
    }

    /// Tells whether a kernel only adds up what others leave: one program serves all simulations.
    pub(super) fn only_adds(self) -> bool {
        matches!(self, Self::Fold | Self::Tally)
    }

    /// Returns how many invocations a workgroup has.
    pub(crate) fn workgroup_size(self, options: &GpuOptions) -> u32 {
        let asked = options.workgroup_size.unwrap_or(DEFAULT_WORKGROUP_SIZE);
        match self {
            // Whole spans of one block.
            Self::Rollout | Self::Sweep => asked.clamp(SPAN, BLOCK_LANES).next_power_of_two(),
            Self::Tally => TALLY_WORKGROUP_SIZE,
            _ => asked,
        }
    }

    pub(super) fn source(self) -> ShaderSource {
        match self {
            Self::Rollout | Self::Sweep => embedded!("rollout", "kernel/rollout.wgsl"),
            Self::Fold => embedded!("fold", "kernel/fold.wgsl"),
            Self::Tally => embedded!("tally", "kernel/tally.wgsl"),
            Self::Step | Self::Recommend => embedded!("step", "kernel/step.wgsl"),
            Self::Probe => embedded!("probe", "kernel/probe.wgsl"),
        }
    }
}
