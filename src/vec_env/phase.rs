//! The phase of all environments: not reset, reset, or stepped.

use crate::backend::Kept;
use ndarray::Array1;
use std::mem::replace;

/// The phase of all environments; the documentation of [`vec_env`](crate::vec_env) has a diagram.
#[derive(Debug)]
pub(super) enum Phase {
    /// No episode is under way: before the first reset, and between a failure of the device and the next reset.
    NotReset,
    /// Episodes are under way, and no slate has been shown since all lanes were reset or their state was set.
    Reset,
    /// Slates have been shown.
    Stepped(Stepped),
}

/// The data of the last step that can still be fetched.
#[derive(Debug)]
pub(super) struct Stepped {
    /// Lanes that have begun an episode since they were shown a slate: nothing has been shown in the new one yet.
    pub(super) begun: Array1<bool>,
    /// Episodes that ended with the step and were replaced within it.
    pub(super) replaced: Option<Replaced>,
}

/// Episodes that ended with a step and were replaced within it.
#[derive(Debug)]
pub(super) struct Replaced {
    /// Their lanes.
    pub(super) lanes: Array1<bool>,
    /// All lanes as they were after the end of the old episodes, before the new ones began.
    pub(super) kept: Kept,
}

impl Phase {
    /// Takes the phase out and leaves *not reset* in its place. The caller then sets the next phase, unless the device fails.
    pub(super) fn leave(&mut self) -> Self {
        replace(self, Self::NotReset)
    }

    /// Notes lanes that begin an episode outside of a step.
    pub(super) fn begin(&mut self, lanes: &Array1<bool>) {
        if let Self::Stepped(stepped) = self {
            let begun = &mut stepped.begun;
            begun.zip_mut_with(lanes, |begun, &begins| *begun |= begins);
        }
    }

    /// Returns the data of the last step, if there was one since all lanes were reset.
    pub(super) fn stepped(&self) -> Option<&Stepped> {
        match self {
            Self::Stepped(stepped) => Some(stepped),
            Self::NotReset | Self::Reset => None,
        }
    }
    /// Returns the episodes that were replaced within the last step, if there are any.
    pub(super) fn replaced(&self) -> Option<&Replaced> {
        self.stepped()?.replaced.as_ref()
    }
}
