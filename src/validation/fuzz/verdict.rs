//! What became of an episode that was looked at step by step.

use serde::Serialize;

/// Counts differences that rounding explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Edges {
    /// Another document clicked, or none.
    pub choices: u64,
    /// Another slate.
    pub slates: u64,
    /// Another reward, by a step of a function.
    pub rewards: u64,
    /// Any of these where the states had drifted apart, within what rounding makes of many steps.
    pub drifts: u64,
    /// Any of these between numbers that single precision holds exactly.
    pub ties: u64,
    /// An end of the session that came sooner or later.
    pub ends: u64,
}

impl Edges {
    /// Adds those of another case.
    pub fn add(&mut self, other: &Self) {
        self.choices += other.choices;
        self.slates += other.slates;
        self.rewards += other.rewards;
        self.drifts += other.drifts;
        self.ties += other.ties;
        self.ends += other.ends;
    }

    /// Counts all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.choices + self.slates + self.rewards + self.drifts + self.ties + self.ends
    }
}

/// What became of one episode that was looked at step by step.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// No step differs; what the steps add up to.
    Alike(Life),
    /// The first difference is a rounding edge.
    Edge(Edge),
    /// The first difference is none.
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

/// What the steps of an episode add up to, on the backend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    pub(super) length: u32,
    pub(super) clicks: u32,
    pub(super) total: f64,
    /// The sum of the magnitudes of rewards.
    pub(super) magnitude: f64,
}
