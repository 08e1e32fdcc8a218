//! What is doubtful about figures, told on stderr.

use super::output::{say, warn};
use crate::statistics::Summary;

/// Exit code where a check that was asked for fails.
pub(crate) const FAILED: u8 = 1;

/// Lines of warnings on stderr, at most; JSON has all.
const MOST_LINES: usize = 20;

/// Warns of what a report doubts.
pub(crate) fn warn_of_all(doubts: &[String]) {
    for doubt in doubts.iter().take(MOST_LINES) {
        warn(doubt);
    }
    if doubts.len() > MOST_LINES {
        let left = doubts.len() - MOST_LINES;
        warn(&format!(
            "{left} more of these are among the `warnings` of --json"
        ));
    }
}

/// Warns of choices whose scores were clamped; tells whether that is an error.
///
/// `whose` begins the sentence: empty, or the variant that is meant.
pub(crate) fn warn_of_invalid_choices(summary: &Summary, whose: &str, is_strict: bool) -> bool {
    let count = summary.invalid_choices;
    if count == 0 {
        return false;
    }
    let text = format!(
        "{whose}in {count} of {} choices a score of the slate could be no probability and was clamped",
        summary.user_steps
    );
    if is_strict {
        say(&format!("{text}, which --strict forbids"));
    } else {
        warn(&text);
    }
    is_strict
}

/// Warns of returns that are left out of the figures.
pub(crate) fn warn_of_non_finite(summary: &Summary, whose: &str) {
    let count = summary.non_finite_returns;
    if count > 0 {
        warn(&format!(
            "{whose}{count} of {} returns are infinite or not a number, and left out of the figures: \
             rewards exceed the range of the numbers",
            summary.episodes
        ));
    }
}
