//! What environments are in the middle of.

use crate::backend::Kept;
use ndarray::Array1;
use std::mem::replace;

/// What environments are in the middle of; the documentation of [`vec_env`](crate::vec_env) has the picture.
#[derive(Debug)]
pub(super) enum Phase {
    /// No episode is under way: before the first reset, and from a failure of the device to the next reset.
    NotReset,
    /// Episodes are under way, and no slate has been shown since all lanes were reset or put into a state.
    Reset,
    /// Slates have been shown.
    Stepped(Stepped),
}

/// What the last step has left to be looked at.
#[derive(Debug)]
pub(super) struct Stepped {
    /// Lanes that have begun an episode since they were shown a slate: nothing has been shown in it yet.
    pub(super) begun: Array1<bool>,
    /// Episodes that ended with the step, where others have begun within it.
    pub(super) replaced: Option<Replaced>,
}

/// Episodes that others have replaced within the step that ended them.
#[derive(Debug)]
pub(super) struct Replaced {
    /// The lanes that they were in.
    pub(super) lanes: Array1<bool>,
    /// All lanes as they were after the old episodes and before the new ones.
    pub(super) kept: Kept,
}

impl Phase {
    /// Returns the phase, and counts as not reset from now on: until the caller has put back what comes after it, which it
    /// does not if the device fails.
    pub(super) fn leave(&mut self) -> Self {
        replace(self, Self::NotReset)
    }

    /// Notes lanes that begin an episode without a step.
    pub(super) fn begin(&mut self, lanes: &Array1<bool>) {
        if let Self::Stepped(stepped) = self {
            let begun = &mut stepped.begun;
            begun.zip_mut_with(lanes, |begun, &begins| *begun |= begins);
        }
    }

    /// Returns what the last step has left, if one was taken since all were reset.
    pub(super) fn stepped(&self) -> Option<&Stepped> {
        match self {
            Self::Stepped(stepped) => Some(stepped),
            Self::NotReset | Self::Reset => None,
        }
    }
    /// Returns the episodes that others have replaced within the last step, if there are any.
    pub(super) fn replaced(&self) -> Option<&Replaced> {
        self.stepped()?.replaced.as_ref()
    }
}
