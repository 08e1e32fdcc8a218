//! What is doubtful about figures, told on stderr.

use super::output::{say, warn};
use crate::statistics::Summary;

/// Exit code where a check that was asked for fails.
pub(crate) const FAILED: u8 = 1;

/// Warns of all that makes figures doubtful; tells whether that is an error.
///
/// `whose` begins the sentences: empty, or the variant that is meant. `has_own_max_steps` tells whether the run has said
/// itself at which step episodes are cut.
pub(crate) fn warn_of(
    summary: &Summary,
    whose: &str,
    has_own_max_steps: bool,
    is_strict: bool,
) -> bool {
    let texts = [
        of_invalid_choices(summary),
        of_non_finite(summary),
        of_truncation(summary).filter(|_| !has_own_max_steps),
    ];
    let mut is_refused = false;
    for text in texts.into_iter().flatten() {
        if is_strict {
            say(&format!("{whose}{text}, which --strict forbids"));
        } else {
            warn(&format!("{whose}{text}"));
        }
        is_refused |= is_strict;
    }
    is_refused
}

/// Tells of choices whose scores were clamped.
fn of_invalid_choices(summary: &Summary) -> Option<String> {
    let count = summary.invalid_choices;
    (count > 0).then(|| {
        format!(
            "in {count} of {} choices a score of the slate could be no probability and was clamped",
            summary.user_steps
        )
    })
}

/// Tells of returns that are not finite: figures without them would not be of all episodes.
fn of_non_finite(summary: &Summary) -> Option<String> {
    let count = summary.non_finite_returns;
    (count > 0).then(|| {
        format!(
            "{count} of {} returns are infinite or not a number, so that there is no mean: rewards exceed the range of the \
             numbers",
            summary.episodes
        )
    })
}

/// Tells of episodes that were cut where the user has not asked for it.
fn of_truncation(summary: &Summary) -> Option<String> {
    let count = summary.truncated.episodes;
    (count > 0).then(|| {
        format!(
            "{count} of {} episodes were cut at the built-in limit of {} steps and had not ended: set --max-steps",
            summary.episodes,
            summary.length.max.unwrap_or(0)
        )
    })
}
