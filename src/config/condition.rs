//! Under which values of another key something holds.

use serde::Serialize;

/// Holds when another key of the same section has this text as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Condition {
    pub(super) key: &'static str,
    pub(super) is: &'static str,
}
