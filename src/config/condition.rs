//! Conditions on the value of another key.

use serde::Serialize;

/// Is true if another key of the same section has this text as its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Condition {
    pub(super) key: &'static str,
    pub(super) is: &'static str,
}
