//! Results as text for people, and as comma-separated values: one file for each kind of result.

pub(super) mod comparison;
pub(super) mod layout;
pub(super) mod numbers;
pub(super) mod report;
pub(super) mod sweep;
