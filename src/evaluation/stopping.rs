//! Sequential stopping: episodes until the interval is as narrow as asked for.
//!
//! The rule is that of Chow and Robbins for a confidence interval of fixed width, with three precautions that make its
//! coverage hold at finite sizes. After `n` episodes with mean `m`, standard deviation `s` and extremes `min`, `max`
//!
//! ```text
//! stop at the first look with   c s / sqrt(n) <= half-width
//!                         and   max(max - m, m - min)² <= (n - 1) s² / 25
//! ```
//!
//! where `c` is the critical value of the interval that is reported, 1.96 for one of 95 %.
//!
//! - Looks are at 4,096 episodes and then at steps of a quarter, in whole blocks, up to the bound: a fixed schedule, so
//!   that the number of episodes is a pure function of the run, whatever the backend's batch or threads. Few looks, none
//!   of them early, leave little room to stop at a spread that is small by chance.
//! - No single episode may hold more than a 25th of the sum of squares: the condition of Lindeberg and Feller, in a
//!   sample. Where all depends on rare events it asks for at least 25 of them, and under a heavy tail for more episodes
//!   than the spread does.
//! - Returns without any spread count as known after 65,536 episodes only. What happens less often than once in 20,000
//!   episodes can be missed still.
//!
//! The rule looks at the spread and never at the mean, so that it cannot favour a result. Its coverage is that of the
//! interval as the half-width goes to zero, and at the sizes of the tests within a percent of it; an interval that is to
//! hold at every moment would take two to three times the episodes.
//!
//! # Source
//! Chow and Robbins (1965), "On the asymptotic theory of fixed-width sequential confidence intervals for the mean",
//! Annals of Mathematical Statistics 36; Glynn and Whitt (1992), "The asymptotic validity of sequential stopping rules
//! for stochastic simulations", Annals of Applied Probability 2.

use super::normal::{LEVEL, two_sided};
use super::{Campaign, evaluate};
use crate::backend::{BLOCK_EPISODES, Backend, Observer, Simulation};
use crate::error::Error;
use crate::statistics::Moments;
use serde::Serialize;
use std::ops::Range;

/// Episodes before the first look.
pub const FIRST_LOOK: u64 = 4096;

/// Most episodes where no other bound is given.
pub const DEFAULT_MAX_EPISODES: u64 = 100_000_000;

/// Episodes after which returns without any spread count as known.
const MIN_WITHOUT_SPREAD: u64 = 65_536;

/// Most that a single episode may contribute to the sum of squares.
const LARGEST_SHARE: f64 = 1.0 / 25.0;

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
    /// [`Error::Target`] if the precision is not a finite number above 0, or `max_episodes` below [`FIRST_LOOK`].
    pub fn new(precision: Precision, max_episodes: u64) -> Result<Self, Error> {
        let (what, value) = match precision {
            Precision::StandardError(value) => ("target_standard_error", value),
            Precision::HalfWidth(value) => ("target_half_width", value),
        };
        if !(value.is_finite() && value > 0.0) {
            return Err(Error::Target {
                what,
                given: value.to_string(),
                allowed: "a finite number above 0".to_owned(),
            });
        }
        if max_episodes < FIRST_LOOK {
            return Err(Error::Target {
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
    /// Whether the precision was reached. Stands beside this object in a report.
    #[serde(skip)]
    pub is_reached: bool,
}

/// Holds what a look sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Episodes that have been run.
    pub(super) episodes: u64,
    /// The largest standard error of the means that are asked for; `None` where one has none.
    pub(super) standard_error: Option<f64>,
    /// Whether the intervals can be trusted.
    pub(super) is_settled: bool,
}

impl Look {
    /// Looks at samples after so many episodes.
    pub(super) fn at<'a>(episodes: u64, samples: impl Iterator<Item = &'a Moments>) -> Self {
        let mut look = Self {
            episodes,
            standard_error: Some(0.0),
            is_settled: true,
        };
        for sample in samples {
            let largest = look.standard_error.zip(sample.standard_error());
            look.standard_error = largest.map(|(a, b)| a.max(b));
            look.is_settled &= is_settled(sample);
        }
        look
    }
}

/// Tells whether a sample is large enough for its mean to be normal, whatever the precision.
fn is_settled(sample: &Moments) -> bool {
    let (Some(mean), Some(variance)) = (sample.mean(), sample.variance()) else {
        return false;
    };
    let (Some(min), Some(max)) = (sample.min(), sample.max()) else {
        return false;
    };
    if variance == 0.0 {
        return sample.count() >= MIN_WITHOUT_SPREAD;
    }
    let farthest = (max - mean).max(mean - min);
    farthest * farthest <= LARGEST_SHARE * variance * (sample.count() - 1) as f64
}

/// Runs from look to look until one is as precise as asked for.
///
/// `advance` runs a range of episodes and looks; interrupted, it has run fewer, and that ends it. `critical` is what a
/// standard error is multiplied by for half the width of the interval.
pub(super) fn run(
    target: &Target,
    critical: f64,
    mut advance: impl FnMut(Range<u64>) -> Result<Look, Error>,
) -> Result<Stopping, Error> {
    let mut stopping = Stopping {
        precision: target.precision,
        max_episodes: target.max_episodes,
        looks: 0,
        level: LEVEL,
        standard_error: None,
        half_width: None,
        is_reached: false,
    };
    let mut start = 0;
    loop {
        let end = target.next_look(start);
        let look = advance(start..end)?;
        stopping.standard_error = look.standard_error;
        stopping.half_width = look.standard_error.map(|error| critical * error);
        if look.episodes < end {
            return Ok(stopping);
        }
        stopping.looks += 1;
        let is_precise = |reached: Option<f64>, asked| reached.is_some_and(|value| value <= asked);
        stopping.is_reached = look.is_settled
            && match target.precision {
                Precision::StandardError(asked) => is_precise(stopping.standard_error, asked),
                Precision::HalfWidth(asked) => is_precise(stopping.half_width, asked),
            };
        if stopping.is_reached || end == target.max_episodes {
            return Ok(stopping);
        }
        start = end;
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
) -> Result<(Campaign, Stopping), Error> {
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
