//! Compares means with closed forms and with `RecSim`'s.

use super::cases::Case;
use super::error::ValidationError;
use super::rung::{Effort, Rung, Subject};
use crate::backend::Unobserved;
use crate::specimen::{Figure, Known};
use crate::statistics::joint_standard_errors;

/// How far apart two figures may be, in joint standard errors: two-sided significance 6e-5 a row.
const MOST_STANDARD_ERRORS: f64 = 4.0;

/// Compares the figures of a campaign with known ones.
pub(super) fn rungs(
    subject: Subject<'_>,
    effort: Effort,
    case: &Case,
) -> Result<Vec<Rung>, ValidationError> {
    if case.specimen.known.is_empty() {
        return Ok(Vec::new());
    }
    let episodes = if effort == Effort::Full {
        1 << 16
    } else {
        1 << 12
    };
    let statistics = subject
        .backend()
        .rollout(&case.simulation, 0..episodes, &Unobserved)?;
    let summary = statistics.summary();
    let rung = |known: &Known| {
        let (what, mean, error) = match known.figure {
            Figure::Return => (
                "return",
                summary.returns.mean,
                summary.returns.standard_error,
            ),
            Figure::RewardSlope => (
                "reward slope",
                summary.reward_slope.mean,
                summary.reward_slope.standard_error,
            ),
            Figure::Length => ("length", summary.length.mean, summary.length.standard_error),
            Figure::ClickRate => (
                "click rate",
                summary.click_rate.mean,
                summary.click_rate.standard_error,
            ),
        };
        let (mean, error) = (mean.unwrap_or(f64::NAN), error.unwrap_or(f64::NAN));
        let distance = joint_standard_errors(mean, error, known.mean, known.standard_error);
        Rung {
            name: "statistics",
            case: format!("{}, {what}, {}", case.name(), known.source),
            passed: distance <= MOST_STANDARD_ERRORS
                && summary.non_finite_returns == 0
                && statistics.episodes() == episodes,
            measured: format!(
                "{mean:.6} +- {error:.6} against {} +- {}: {distance:.2} joint standard errors ({MOST_STANDARD_ERRORS} allowed)",
                known.mean, known.standard_error
            ),
        }
    };
    Ok(case.specimen.known.iter().map(rung).collect())
}
