//! The result of looking at an episode step by step.

use serde::Serialize;

/// Counts differences that rounding explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// Another document was clicked, or none.
    pub choices: u64,
    /// Another slate was shown.
    pub slates: u64,
    /// Another reward, at a jump of a function.
    pub rewards: u64,
    /// Any of these after the states had drifted apart, by no more than rounding can in many steps.
    pub drifts: u64,
    /// Any of these between numbers that single precision holds exactly.
    pub ties: u64,
    /// The session ended sooner or later.
    pub ends: u64,
}

impl Edges {
    /// Adds the differences of another case.
    pub fn add(&mut self, other: &Self) {
        self.choices += other.choices;
        self.slates += other.slates;
        self.rewards += other.rewards;
        self.drifts += other.drifts;
        self.ties += other.ties;
        self.ends += other.ends;
    }

    /// Returns the number of all differences.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.choices + self.slates + self.rewards + self.drifts + self.ties + self.ends
    }
}

/// The result of looking at one episode step by step.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// No step differs. Holds the sums over the steps.
    Alike(Life),
    /// The first difference is a rounding edge.
    Edge(Edge),
    /// The first difference is not explained by rounding.
    Fault(String),
}

/// A kind of rounding edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Choice,
    Slate,
    Reward,
    Drift,
    Tie,
    End,
}

impl Edges {
    pub(super) fn count(&mut self, edge: Edge) {
        *match edge {
            Edge::Choice => &mut self.choices,
            Edge::Slate => &mut self.slates,
            Edge::Reward => &mut self.rewards,
            Edge::Drift => &mut self.drifts,
            Edge::Tie => &mut self.ties,
            Edge::End => &mut self.ends,
        } += 1;
    }
}

/// Sums over the steps of an episode on the backend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    pub(super) length: u32,
    pub(super) clicks: u32,
    pub(super) total: f64,
    /// The sum of the magnitudes of rewards.
    pub(super) magnitude: f64,
}
