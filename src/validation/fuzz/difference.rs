//! The first difference between two runs of an episode.

use super::nudge::{Nudge, NudgedPolicy};
use crate::backend::{Backend, Simulation};

/// Relative difference of a reward that rounding explains: an exponential of arguments up to some 40, and some operations.
pub(super) const SAME_REWARD: f64 = 3e-5;
/// The rounding error of single precision.
pub(super) const SINGLE: f64 = 1.2e-7;

/// What happened to a user at a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Deed {
    pub(super) slate: Vec<u32>,
    pub(super) chosen: Option<u32>,
    pub(super) reward: f64,
    pub(super) has_ended: bool,
}

impl Deed {
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.slate == other.slate && self.has_same_outcome(other)
    }

    pub(super) fn has_same_outcome(&self, other: &Self) -> bool {
        self.chosen == other.chosen
            && self.has_ended == other.has_ended
            && is_same_reward(self.reward, other.reward)
    }

    pub(super) fn text(&self) -> String {
        const MOST_SHOWN: usize = 8;
        let shown = &self.slate[..self.slate.len().min(MOST_SHOWN)];
        let dots = if shown.len() < self.slate.len() {
            " ..."
        } else {
            ""
        };
        let chosen = self.chosen.map_or("nothing".to_owned(), |position| {
            format!("position {position}")
        });
        let end = if self.has_ended {
            ", and the session ends"
        } else {
            ""
        };
        format!(
            "slate {shown:?}{dots}, chosen {chosen}, reward {:e}{end}",
            self.reward
        )
    }
}

/// Tells whether two rewards are the same up to rounding.
fn is_same_reward(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= SAME_REWARD * a.abs().max(1e-30)
}

/// The first difference between two runs of an episode.
pub(super) struct Difference<'a> {
    pub(super) simulation: &'a Simulation,
    pub(super) nudged_policy: NudgedPolicy<'a>,
    /// The reference, and the backend.
    pub(super) backends: [&'a dyn Backend; 2],
    pub(super) episode: u64,
    pub(super) step: u32,
    /// Fields of the user and memory of the policy before the step: first the reference's, then the backend's.
    pub(super) before: [[Vec<f64>; 2]; 2],
    /// How much each number of the user has changed since the beginning, all changes added.
    pub(super) changes: Vec<f64>,
    /// What the reference did at the step, then what the backend did.
    pub(super) deeds: [Deed; 2],
}

impl Difference<'_> {
    /// Returns what the side that takes the step again should do: what the other side did.
    pub(super) fn wanted(&self, nudge: Nudge) -> &Deed {
        &self.deeds[1 - nudge.side]
    }
}
