//! What is doubtful about figures, told on stderr.

use super::output::{say, warn};
use crate::evaluation::Warning;

/// Exit code where a check that was asked for fails.
pub(crate) const FAILED: u8 = 1;

/// Lines of warnings on stderr, at most; JSON has all.
const MOST_LINES: usize = 20;

/// Tells all that makes figures doubtful; returns whether that is an error.
pub(crate) fn tell(warnings: &[Warning], is_strict: bool) -> bool {
    for warning in warnings.iter().take(MOST_LINES) {
        if is_strict && warning.is_error_where_strict {
            say(&format!("{}, which --strict forbids", warning.text));
        } else {
            warn(&warning.text);
        }
    }
    if warnings.len() > MOST_LINES {
        let left = warnings.len() - MOST_LINES;
        warn(&format!(
            "{left} more of these are among the `warnings` of --json"
        ));
    }
    is_strict && warnings.iter().any(|warning| warning.is_error_where_strict)
}
