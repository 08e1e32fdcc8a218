//! Sequential stopping: runs episodes until the interval is as narrow as asked for.
//!
//! The rule is that of Chow and Robbins for a confidence interval of fixed width, with three precautions that make its
//! coverage hold at finite sizes. After `n` episodes with mean `m`, standard deviation `s` and extremes `min`, `max`
//!
//! ```text
//! precise at the first look with   c s / sqrt(n) <= half-width
//! share = max(max - m, m - min)² / ((n - 1) s²)
//! stop there where share <= 1/25, else at the first precise look from
//!     n min((25 share)³, max(32, 2^18 / n))   episodes on, whatever is seen there
//! ```
//!
//! where `c` is the critical value of the interval that is reported, 1.96 for one of 95 %.
//!
//! - Looks are at 4,096 episodes, and then whenever there are a quarter more, in whole blocks, up to the bound. The schedule is
//!   fixed, so that the number of episodes is a pure function of the run, whatever the backend's batch or threads. Few looks,
//!   and none of them early, leave little chance to stop because the spread happens to look small.
//! - If a single episode has more than a 25th of the sum of squares (the condition of Lindeberg and Feller, in a sample), the
//!   run is extended, once, by a factor that is known at that look. The obvious alternative, to wait for a look at which no
//!   episode has so large a share, stops at samples that lack a large episode by chance, and these are the ones whose mean is
//!   off. The length of the extension does not depend on what it finds. If it exceeds the bound, the target is not reached.
//! - Returns without any spread count as known only after 65,536 episodes. What happens less often than once in 20,000 episodes
//!   can still be missed.
//!
//! The rule looks at the spread and never at the mean, so that it cannot favour a result. Its coverage tends to that of the
//! interval as the half-width goes to zero; for finite samples the tests measure it beside other rules; see
//! `docs/lab/stopping.md`. An interval that holds at every moment would take two to three times the episodes.
//!
//! # Source
//! Chow and Robbins (1965), "On the asymptotic theory of fixed-width sequential confidence intervals for the mean",
//! Annals of Mathematical Statistics 36; Glynn and Whitt (1992), "The asymptotic validity of sequential stopping rules
//! for stochastic simulations", Annals of Applied Probability 2. The extension by a factor from a first stage is of the
//! kind of Stein (1945), "A two-sample test for a linear hypothesis whose power is independent of the variance", Annals of
//! Mathematical Statistics 16.

use super::error::EvaluationError;
use super::warnings::percent;
use super::{Campaign, evaluate};
use crate::backend::{BLOCK_EPISODES, Backend, Observer, Simulation};
use crate::statistics::{LARGEST_SHARE, LEVEL, Moments, two_sided};
use serde::Serialize;
use std::ops::Range;

/// Episodes before the first look.
pub const FIRST_LOOK: u64 = 4096;

/// Most episodes where no other bound is given.
pub const DEFAULT_MAX_EPISODES: u64 = 100_000_000;

/// Episodes after which returns without any spread are believed to have none.
const MIN_WITHOUT_SPREAD: u64 = 65_536;

/// The largest factor by which a run is extended, unless [`LEAST_EXTENDED`] episodes are more.
///
/// With 16, intervals of log-normal returns of sd 2 cover 92 %, with 32 94 %. `docs/lab/stopping.md` has other rules.
const MOST_EXTENDED: f64 = 32.0;
/// Number of episodes up to which a run may always be extended.
const LEAST_EXTENDED: f64 = 262_144.0;

/// Says how precise a mean should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Precision {
    /// The standard error of the mean is at most this.
    #[serde(rename = "target_standard_error")]
    StandardError(f64),
    /// The interval of 95 % reaches at most this far to either side of the mean.
    #[serde(rename = "target_half_width")]
    HalfWidth(f64),
}

/// Asks for a precision, with a bound on the number of episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    precision: Precision,
    max_episodes: u64,
}

impl Target {
    /// Makes a target.
    ///
    /// # Errors
    /// [`EvaluationError::Target`] if the precision is not a finite number above 0, or `max_episodes` below [`FIRST_LOOK`].
    pub fn new(precision: Precision, max_episodes: u64) -> Result<Self, EvaluationError> {
        let (what, value) = match precision {
            Precision::StandardError(value) => ("target_standard_error", value),
            Precision::HalfWidth(value) => ("target_half_width", value),
        };
        if !(value.is_finite() && value > 0.0) {
            return Err(EvaluationError::Target {
                what,
                given: value.to_string(),
                allowed: "a finite number above 0".to_owned(),
            });
        }
        if max_episodes < FIRST_LOOK {
            return Err(EvaluationError::Target {
                what: "max_episodes",
                given: max_episodes.to_string(),
                allowed: format!("at least {FIRST_LOOK}, where the first look is taken"),
            });
        }
        Ok(Self {
            precision,
            max_episodes,
        })
    }

    /// Returns the precision.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Returns the bound on the episodes.
    #[must_use]
    pub fn max_episodes(&self) -> u64 {
        self.max_episodes
    }

    /// Returns the number of episodes at the look that follows one at `episodes`.
    fn next_look(&self, episodes: u64) -> u64 {
        let grown = episodes.saturating_add(episodes / 4);
        let whole = grown
            .div_ceil(BLOCK_EPISODES)
            .saturating_mul(BLOCK_EPISODES);
        whole.clamp(FIRST_LOOK, self.max_episodes)
    }
}

/// Tells how a run to a target precision ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stopping {
    /// What was asked for.
    #[serde(flatten)]
    pub precision: Precision,
    /// The bound on the episodes.
    pub max_episodes: u64,
    /// How many looks were taken.
    pub looks: u32,
    /// Confidence that the intervals of all means hold together.
    pub level: f64,
    /// The standard error that was reached; the largest where there are several means.
    pub standard_error: Option<f64>,
    /// Half the width of the interval, likewise.
    pub half_width: Option<f64>,
    /// The largest share of the sum of squares that a single episode has; the largest of all means where there are several.
    pub largest_share: Option<f64>,
    /// How the run was extended because of such a share; `None` where it was not.
    pub extension: Option<Extension>,
    /// Why the precision was not reached, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the precision was reached. Not part of this object in JSON: a report has it beside the object.
    #[serde(skip)]
    pub is_reached: bool,
}

/// Says that a run went on after it was precise, because a single episode had a large part in the spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Extension {
    /// Episodes at the first look that was precise.
    pub from: u64,
    /// The share of the sum of squares that one of them had.
    pub largest_share: f64,
    /// Number of episodes to which the run was extended.
    pub to: u64,
}

impl Extension {
    /// Decides how far to extend a run that is precise after this many episodes; `None` where no single episode matters much.
    fn of(episodes: u64, largest_share: Option<f64>) -> Option<Self> {
        let share = largest_share.filter(|&share| share > LARGEST_SHARE)?;
        let from = episodes as f64;
        let excess = share / LARGEST_SHARE;
        let factor = (excess * excess * excess).min(MOST_EXTENDED.max(LEAST_EXTENDED / from));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of episodes; the conversion saturates"
        )]
        let to = (from * factor).ceil() as u64;
        Some(Self {
            from: episodes,
            largest_share: share,
            to,
        })
    }
}

/// Holds what a look at the samples found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Episodes that have been run.
    pub(super) episodes: u64,
    /// The largest standard error of the means; `None` where one of them has none.
    pub(super) standard_error: Option<f64>,
    /// The largest share of a sum of squares that a single episode has; `None` where no sample varies.
    pub(super) largest_share: Option<f64>,
    /// Whether every sample has a spread, or enough episodes to believe that it has none.
    pub(super) is_known: bool,
}

impl Look {
    /// Looks at the samples after this many episodes.
    pub(super) fn at<'a>(episodes: u64, samples: impl Iterator<Item = &'a Moments>) -> Self {
        let mut look = Self {
            episodes,
            standard_error: Some(0.0),
            largest_share: None,
            is_known: true,
        };
        for sample in samples {
            let largest = look.standard_error.zip(sample.standard_error());
            look.standard_error = largest.map(|(a, b)| a.max(b));
            let share = sample.largest_share();
            look.largest_share = match (look.largest_share, share) {
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
            look.is_known &= share.is_some()
                || (sample.variance() == Some(0.0) && sample.count() >= MIN_WITHOUT_SPREAD);
        }
        look
    }
}

/// Runs from look to look until a look finds the precision that was asked for.
///
/// `advance` runs a range of episodes and looks. If it was interrupted, it has run fewer, and the run ends. The critical value
/// `critical` times the standard error is half the width of the interval.
pub(super) fn run(
    target: &Target,
    critical: f64,
    mut advance: impl FnMut(Range<u64>) -> Result<Look, EvaluationError>,
) -> Result<Stopping, EvaluationError> {
    let mut stopping = Stopping {
        precision: target.precision,
        max_episodes: target.max_episodes,
        looks: 0,
        level: LEVEL,
        standard_error: None,
        half_width: None,
        largest_share: None,
        extension: None,
        reason: None,
        is_reached: false,
    };
    let mut start = 0;
    loop {
        let end = target.next_look(start);
        let look = advance(start..end)?;
        stopping.standard_error = look.standard_error;
        stopping.half_width = look.standard_error.map(|error| critical * error);
        stopping.largest_share = look.largest_share;
        if look.episodes < end {
            return Ok(stopping);
        }
        stopping.looks += 1;
        let (reached, asked) = match target.precision {
            Precision::StandardError(asked) => (stopping.standard_error, asked),
            Precision::HalfWidth(asked) => (stopping.half_width, asked),
        };
        let is_precise = look.is_known && reached.is_some_and(|reached| reached <= asked);
        if is_precise {
            if stopping.extension.is_none() {
                stopping.extension = Extension::of(end, look.largest_share);
            }
            let extension = stopping.extension;
            stopping.is_reached = extension.is_none_or(|extension| extension.to <= end);
        }
        if !stopping.is_reached && end == target.max_episodes {
            stopping.reason = Some(reason(&stopping, &look, is_precise));
        }
        if stopping.is_reached || end == target.max_episodes {
            return Ok(stopping);
        }
        start = end;
    }
}

/// Says why a run that reached its bound has not reached its target.
fn reason(stopping: &Stopping, look: &Look, is_precise: bool) -> String {
    let episodes = look.episodes;
    match stopping.extension {
        Some(extension) if is_precise => format!(
            "the target cannot be told within {episodes} episodes: after {}, the first look as precise as asked for, one of \
             them had {} of the sum of squares, and so heavy a tail asks for {}",
            extension.from,
            percent(extension.largest_share),
            extension.to
        ),
        _ if look.standard_error.is_none() => {
            format!("the returns of {episodes} episodes have no standard error")
        }
        _ if !look.is_known => format!(
            "{episodes} episodes without any spread are too few to believe that there is none: {MIN_WITHOUT_SPREAD} are \
             asked for"
        ),
        _ => format!("{episodes} episodes are too few for it"),
    }
}

/// Runs episodes from 0 on until the mean return is as precise as asked for.
///
/// The campaign has exactly the episodes that were run: the same result, to the last bit, as [`evaluate`] of that many. If it
/// was interrupted it is partial, and the bound counts as the number asked for.
///
/// ```
/// use slatesim::backend::{Simulation, Unobserved, cpu::cpu};
/// use slatesim::evaluation::{Precision, Target, evaluate_until};
///
/// let simulation = Simulation::of("long_term_satisfaction").set("user.time_budget", 20)?.build()?;
/// // A standard error of 1, or 100,000 episodes if it takes more.
/// let target = Target::new(Precision::StandardError(1.0), 100_000)?;
/// let (campaign, stopping) = evaluate_until(&simulation, &cpu(Some(1))?, &target, &Unobserved)?;
/// let returns = campaign.statistics.summary().returns;
/// println!("{:?} after {} episodes", returns.mean, campaign.done.end);
/// assert!(stopping.is_reached && returns.standard_error.is_some_and(|error| error <= 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Backend::rollout`].
///
/// # Panics
/// Never: all parts are of one simulation.
pub fn evaluate_until(
    simulation: &Simulation,
    backend: &dyn Backend,
    target: &Target,
    observer: &dyn Observer,
) -> Result<(Campaign, Stopping), EvaluationError> {
    let mut whole = evaluate(simulation, backend, 0..0, observer)?;
    let stopping = run(target, two_sided(1.0 - LEVEL), |episodes| {
        whole.asked.end = episodes.end;
        let part = evaluate(simulation, backend, episodes, observer)?;
        whole.done.end = part.done.end;
        whole.seconds += part.seconds;
        whole
            .statistics
            .merge(&part.statistics)
            .expect("both are of the same simulation");
        let returns = std::iter::once(whole.statistics.judged());
        Ok(Look::at(whole.done.end, returns))
    })?;
    if whole.is_partial() {
        whole.asked.end = target.max_episodes;
    }
    Ok((whole, stopping))
}

#[cfg(test)]
mod tests;
