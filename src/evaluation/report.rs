//! The report of a run: its configuration, its results, and what is needed to merge it with other reports.

mod json;

use super::ranges::count;
use super::warnings::{self, Warning};
use super::{Campaign, Shard, State, Stopping, uncertainty};
use crate::backend::BackendInfo;
use crate::config::{Config, Section};
use crate::rng::LAYOUT_VERSION;
use crate::statistics::{self, LEVEL, Moments, Summary};
use serde::Serialize;
use serde_json::Value;

/// Version of the JSON object; raised when a key is removed or changes its meaning.
pub const SCHEMA: u32 = 1;

/// Reports a run, or a part of one; serialises as the object that `slatesim evaluate --json` prints.
///
/// Floating-point numbers are written in the shortest form that reads back as the same `f64`. Integers above 2^53 are written
/// as strings, because not every program that reads JSON has such integers. `state.hash` is the FNV-1a hash of the report, so
/// that damage is noticed; it leaves out the time, the shard and the device.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the package that wrote the report.
    pub slatesim: String,
    /// The environment with all parameters, `{"name", ...}`.
    pub environment: Value,
    /// The policy with all parameters, `{"name", ...}`.
    pub policy: Value,
    /// Key of all random numbers. With several seeds, the smallest one, and `null` in JSON.
    pub seed: u64,
    /// All seeds in ascending order, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// The returns of each seed, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_seed: Vec<SeedReport>,
    /// The mean of the means of several seeds, all with equal weight, and the standard error that follows from their spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_across_seeds: Option<Estimate>,
    /// What the standard errors cover, where that is not everything that the environment draws: a sentence without a full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<String>,
    /// Steps after which an episode is truncated, if that was given.
    pub max_steps: Option<u32>,
    /// Which shard of the run this is, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Whether episodes are missing, because the work was interrupted or shards are missing.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    /// Whether the target precision was reached, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_reached: Option<bool>,
    /// How a run to a target precision ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping: Option<Stopping>,
    /// What is doubtful about the figures.
    pub warnings: Vec<Warning>,
    /// The backends that ran it.
    pub backend: BackendInfo,
    /// Episodes in this report.
    pub episodes: u64,
    /// The figures.
    #[serde(flatten)]
    pub summary: Summary,
    /// Wall-clock time, summed over shards.
    pub seconds: f64,
    /// User-steps per second; `None` where no time was taken.
    pub user_steps_per_second: Option<f64>,
    /// The exact state of the statistics, for merging.
    pub state: State,
    /// Whether it was read from a text without a hash, so that damage may have gone unnoticed.
    #[serde(skip)]
    pub is_unverified: bool,
}

/// Reports the returns of one of several seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// Its episodes in the report.
    pub episodes: u64,
    /// Mean of their returns.
    pub mean: Option<f64>,
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
}

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// The mean.
    pub mean: Option<f64>,
    /// The standard error of the mean.
    pub standard_error: Option<f64>,
    /// Interval of 95 %, from Student's distribution, because seeds are few. `None` where all means are equal.
    pub ci95: Option<[f64; 2]>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
pub(super) fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// Writes the parameters of an environment or a policy.
pub(super) fn section(section: &Section) -> Value {
    serde_json::to_value(section).expect("checked values are something that JSON can hold")
}

impl Report {
    /// Reports a campaign of a configured run.
    ///
    /// # Panics
    /// Never: a checked configuration is something that JSON can hold.
    #[must_use]
    pub fn new(config: &Config, shard: Option<Shard>, campaign: &Campaign) -> Self {
        let done = &campaign.done;
        let ranges = (!done.is_empty()).then_some((done.start, done.end));
        // A shard's range is relative to the first episode of the whole run, which need not be 0.
        let before = shard.map_or(0, |shard| shard.episodes(config.episodes).start);
        let first = campaign.asked.start.saturating_sub(before);
        let requested = (first, first.saturating_add(config.episodes));
        let state = State {
            layout: LAYOUT_VERSION,
            slatesim: env!("CARGO_PKG_VERSION").to_owned(),
            requested_episodes: requested.1 - requested.0,
            requested_ranges: (first > 0).then_some(requested).into_iter().collect(),
            max_steps: config.max_steps,
            episode_ranges: ranges.into_iter().collect(),
            pooled: Vec::new(),
            statistics: campaign.statistics.clone(),
        };
        let run = Run {
            environment: section(&config.environment),
            policy: section(&config.policy),
            seed: config.seed,
            backend: campaign.backend.clone(),
            seconds: campaign.seconds,
            state,
        };
        let mut report = run.report();
        report.shard = shard;
        report.partial = campaign.is_partial();
        report
    }

    /// Leaves out the curves by step, of the figures and of the state.
    pub fn drop_curves(&mut self) {
        self.summary.drop_curves();
        self.state.statistics.drop_curves();
    }

    /// Reports a campaign that ran to a target precision.
    ///
    /// The report is that of a run of exactly the episodes that were needed; if it was interrupted, of a run up to the bound.
    ///
    /// # Panics
    /// As [`Report::new`].
    #[must_use]
    pub fn of_stopped(config: &Config, campaign: &Campaign, stopping: Stopping) -> Self {
        let config = Config {
            episodes: campaign.asked.end,
            ..config.clone()
        };
        let mut report = Self::new(&config, None, campaign);
        report.target_reached = Some(stopping.is_reached);
        report.stopping = Some(stopping);
        report
    }
}

/// Everything from which the report of a whole run is computed.
pub(super) struct Run {
    pub(super) environment: Value,
    pub(super) policy: Value,
    pub(super) seed: u64,
    pub(super) backend: BackendInfo,
    pub(super) seconds: f64,
    pub(super) state: State,
}

impl Run {
    /// Makes the report, of no shard; it is partial if episodes are missing from the state.
    pub(super) fn report(self) -> Report {
        let statistics = &self.state.statistics;
        let rate = statistics.user_steps() as f64 / self.seconds;
        let summary = statistics.summary();
        let mut doubts = warnings::of_size(summary.episodes);
        doubts.extend(warnings::of_figures(
            &summary,
            "",
            self.state.max_steps.is_some(),
        ));
        let pooled = &self.state.pooled;
        let uncertainty = if pooled.is_empty() {
            uncertainty::of_run(&self.environment, self.seed)
        } else {
            Some(uncertainty::of_pool(&self.environment, pooled.len()))
        };
        let by_seed: Vec<SeedReport> = pooled
            .iter()
            .map(|one| SeedReport {
                seed: one.seed,
                episodes: count(&one.episode_ranges).unwrap_or(0),
                mean: one.returns.mean(),
                standard_error: one.returns.standard_error(),
            })
            .collect();
        Report {
            schema: SCHEMA,
            slatesim: env!("CARGO_PKG_VERSION").to_owned(),
            environment: self.environment,
            policy: self.policy,
            seed: self.seed,
            max_steps: (statistics.conditions().max_steps).or(self.state.max_steps),
            seeds: by_seed.iter().map(|one| one.seed).collect(),
            return_across_seeds: (!by_seed.is_empty()).then(|| across(&by_seed)),
            by_seed,
            uncertainty,
            shard: None,
            partial: !self.state.is_complete(),
            target_reached: None,
            stopping: None,
            warnings: doubts,
            backend: self.backend,
            episodes: statistics.episodes(),
            summary,
            seconds: self.seconds,
            user_steps_per_second: rate.is_finite().then_some(rate),
            state: self.state,
            is_unverified: false,
        }
    }
}

/// Averages the means of the seeds, all with equal weight.
fn across(by_seed: &[SeedReport]) -> Estimate {
    let mut means = Moments::new();
    for one in by_seed {
        // A seed without a mean makes the overall mean undefined.
        means.add(one.mean.unwrap_or(f64::NAN));
    }
    let is_whole = means.non_finite() == 0;
    let mean = means.mean().filter(|_| is_whole);
    let standard_error = means.standard_error().filter(|_| is_whole);
    let estimate = statistics::Estimate::of(mean, standard_error, means.count());
    Estimate {
        mean,
        standard_error,
        ci95: estimate.map(|estimate| estimate.interval(1.0 - LEVEL)),
    }
}
