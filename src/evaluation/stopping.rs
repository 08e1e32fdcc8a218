//! Sequential stopping: episodes until the interval is as narrow as asked for.
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
//! - Looks are at 4,096 episodes and then at steps of a quarter, in whole blocks, up to the bound: a fixed schedule, so
//!   that the number of episodes is a pure function of the run, whatever the backend's batch or threads. Few looks, none
//!   of them early, leave little room to stop at a spread that is small by chance.
//! - Where a single episode holds more than a 25th of the sum of squares (the condition of Lindeberg and Feller, in a
//!   sample) the run is extended, once, by a factor that is known at that look. To wait for a look at which no episode
//!   holds so much, as one would at first, stops at samples that lack a large episode by chance, and they are those whose
//!   mean is off; what the extension adds is picked by nothing. If it does not fit the bound, the target is not reached.
//! - Returns without any spread count as known after 65,536 episodes only. What happens less often than once in 20,000
//!   episodes can be missed still.
//!
//! The rule looks at the spread and never at the mean, so that it cannot favour a result. Its coverage is that of the
//! interval as the half-width goes to zero; at finite sizes it is measured beside other rules, in the tests and in
//! `docs/comparing.md`. An interval that is to hold at every moment would take two to three times the episodes.
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

/// Episodes after which returns without any spread count as known.
const MIN_WITHOUT_SPREAD: u64 = 65_536;

/// Most that a run is extended by, where that is more than [`LEAST_EXTENDED`] episodes.
///
/// At 16 intervals of log-normal returns of sd 2 cover 92 %, at 32 94 %; see docs/comparing.md, as for the power.
const MOST_EXTENDED: f64 = 32.0;
/// Episodes that a run may be extended to whatever its size.
const LEAST_EXTENDED: f64 = 262_144.0;

/// Says how precise a mean should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Precision {
    /// Its standard error is at most this.
    #[serde(rename = "target_standard_error")]
    StandardError(f64),
    /// The interval of 95 % reaches at most this far to either side.
    #[serde(rename = "target_half_width")]
    HalfWidth(f64),
}

/// Asks for a precision, within a bound on the episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    precision: Precision,
    max_episodes: u64,
}

impl Target {
    /// Asks for a precision.
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

    /// Returns the look after one at `episodes`, the first after 0.
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
    /// Looks that were taken.
    pub looks: u32,
    /// Confidence of the interval, all its means together.
    pub level: f64,
    /// The standard error that was reached; the largest where there are several means.
    pub standard_error: Option<f64>,
    /// Half the width of the interval, likewise.
    pub half_width: Option<f64>,
    /// Share of the sum of squares that a single episode has, the largest such; the largest where there are several means.
    pub largest_share: Option<f64>,
    /// How the run was extended because of one such share; `None` where it was not.
    pub extension: Option<Extension>,
    /// Why the precision was not reached, where it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the precision was reached. Stands beside this object in a report.
    #[serde(skip)]
    pub is_reached: bool,
}

/// Tells that a run went on after it was as precise as asked for, because much hung on one episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Extension {
    /// Episodes at the first look that was precise.
    pub from: u64,
    /// The share of the sum of squares that one of them had.
    pub largest_share: f64,
    /// Episodes that are asked for instead.
    pub to: u64,
}

impl Extension {
    /// Extends a run that is precise after so many episodes; `None` where nothing hangs on a single one.
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

/// Holds what a look sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Episodes that have been run.
    pub(super) episodes: u64,
    /// The largest standard error of the means that are asked for; `None` where one has none.
    pub(super) standard_error: Option<f64>,
    /// The largest share of a sum of squares that a single episode has; `None` where none varies.
    pub(super) largest_share: Option<f64>,
    /// Whether all means have a spread, or enough episodes to believe that there is none.
    pub(super) is_known: bool,
}

impl Look {
    /// Looks at samples after so many episodes.
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

/// Runs from look to look until one is as precise as asked for.
///
/// `advance` runs a range of episodes and looks; interrupted, it has run fewer, and that ends it. `critical` is what a
/// standard error is multiplied by for half the width of the interval.
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

/// Says why a run that came to its bound has not reached its target.
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
/// The campaign is one of exactly the episodes that were run: the same, to the last bit, as [`evaluate`] of so many.
/// Interrupted, it is partial, and what was asked for is the bound.
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
