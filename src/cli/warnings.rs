//! Prints warnings about doubtful figures on stderr.

use super::output::{say, warn};
use crate::evaluation::Warning;

/// The most lines of warnings on stderr; JSON has all.
const MOST_LINES: usize = 20;

/// Prints all warnings; returns whether one of them is an error.
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
