//! The figures that are reported, each with its uncertainty.

use super::collected::Collected;
use super::curves::{Curves, Running};
use super::lengths::Lengths;
use super::moments::{Moments, safe_share};
use super::quantiles::Quantiles;
use super::ratio::Ratio;
use super::step_bins::first_step_of_bin;
use super::tails::FEW_EPISODES;
use super::trimmed::TrimmedMean;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::ops::Deref;

/// The probabilities at which quantiles are reported.
const PROBABILITIES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// Fewest blocks of episodes that a standard error is estimated from, where the block is the independent unit.
///
/// A few blocks say little about the spread of others: with 30 blocks, ±1.96 standard errors cover 94.0 % where 95 % are
/// meant (Student's t with 29 degrees of freedom), and with two 70 %.
pub const FEWEST_BLOCKS: u64 = 30;

/// Fewest episodes still running that the standard error of a step's figures is estimated from.
///
/// Rewards of late steps are skew and clicks rare: ±1.96 standard errors cover 92 % of 30 to 50 episodes, 73 % of 5 to 10,
/// and of 2 to 5 half of the standard errors are 0 (`item_transition`).
pub const FEWEST_RUNNING: u64 = 30;

/// Reports a campaign of episodes.
///
/// A figure that the campaign does not determine (the standard error of a single episode, the mean of
/// none) is `None`, `null` in JSON. So is, below [`FEWEST_BLOCKS`], a standard error that comes from blocks
/// of episodes: those of topics, of positions of the slate and of the clicked quality. A block has
/// [`BLOCK_EPISODES`](crate::backend::BLOCK_EPISODES) episodes. Serialises with the keys of the JSON report;
/// `episodes` is left to the report around it.
///
/// ```
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
///
/// let simulation = Simulation::of("long_term_satisfaction").set("user.time_budget", 20)?.build()?;
/// let summary = cpu(Some(1))?.rollout(&simulation, 0..512, &Unobserved)?.summary();
/// let mean = summary.returns.mean.expect("there are episodes");
/// println!("{mean} ± {:?}, median {:?}", summary.returns.standard_error, summary.returns.quantiles.at(0.5));
/// // All episodes have 20 steps, so that what these earn one by one adds up.
/// let by_step: f64 = summary.reward_per_step.iter().flatten().sum();
/// assert_eq!(summary.length.max, Some(20));
/// assert!((by_step / mean - 1.0).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Number of episodes.
    #[serde(skip)]
    pub episodes: u64,
    /// Number of steps of all episodes.
    pub user_steps: u64,
    /// Sum of rewards of an episode.
    #[serde(rename = "return")]
    pub returns: ReturnSummary,
    /// Episodes whose return is infinite or not a number, in which case `returns` has no figures; 0 in a sound model.
    pub non_finite_returns: u64,
    /// Episodes that were cut off.
    pub truncated: TruncatedSummary,
    /// Returns at each discount that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discounted_returns: Vec<DiscountedSummary>,
    /// Choices whose scores could be no probabilities and were clamped, one at most a user-step; 0 as a rule.
    pub invalid_choices: u64,
    /// Steps of an episode.
    pub length: LengthSummary,
    /// Share of the user-steps with a click.
    pub click_rate: ClickRateSummary,
    /// First steps of the bins that the curves have, those of the fields that end in `per_step`; `None` where each step is by
    /// itself, up to step [`SINGLE_STEPS`](super::SINGLE_STEPS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curve_bins: Option<Vec<u64>>,
    /// Mean reward at each step over the episodes still running, in a bin over all steps taken there; `None` where one was
    /// not finite.
    #[serde(skip_serializing_if = "Curve::is_left_out")]
    pub reward_per_step: Curve<Option<f64>>,
    /// Standard error of `reward_per_step`; in a bin of several steps that of one step, which is more. `None`
    /// where fewer than [`FEWEST_RUNNING`] episodes are still running.
    ///
    /// # Precision
    /// Its variance is the difference of a mean square and a squared mean. `reference` sums both in double precision;
    /// `cpu` and `gpu` sum a block of episodes in single precision, so that the relative error is some
    /// 1e-8 (mean / standard deviation)². Where the standard deviation is a thousandth of the mean that is a percent; at a
    /// ten-thousandth no digit is right, and 0 may be reported.
    #[serde(skip_serializing_if = "Curve::is_left_out")]
    pub reward_per_step_standard_error: Curve<Option<f64>>,
    /// Share of the episodes still running that click, at each step.
    #[serde(skip_serializing_if = "Curve::is_left_out")]
    pub click_rate_per_step: Curve<Option<f64>>,
    /// Standard error of `click_rate_per_step`; in a bin of several steps that of one step, which is more. `None`
    /// where fewer than [`FEWEST_RUNNING`] episodes are still running.
    #[serde(skip_serializing_if = "Curve::is_left_out")]
    pub click_rate_per_step_standard_error: Curve<Option<f64>>,
    /// Episodes still running at each step, in a bin at its first.
    #[serde(skip_serializing_if = "Curve::is_left_out")]
    pub running_per_step: Curve<u64>,
    /// Least-squares slope of reward over the step index, averaged over episodes.
    pub reward_slope: RewardSlopeSummary,
    /// Shown and clicked documents of each topic; empty where the environment has no topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicSummary>,
    /// Clicked documents at each position of the slate that users consider.
    // The name in JSON is older than the word position.
    #[serde(rename = "slots")]
    pub positions: Vec<PositionSummary>,
    /// Quality of clicked documents; `None` where documents have no quality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicked_quality: Option<ClickedQualitySummary>,
}

/// A figure by step; empty, and not written, where curves are left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Curve<T>(Option<Vec<T>>);

impl<T> Curve<T> {
    /// Tells whether curves are left out.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        self.0.is_none()
    }
}

impl<T> Deref for Curve<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Reports the episodes that were cut off at `max_steps`, and had not ended by themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TruncatedSummary {
    /// Number of them.
    pub episodes: u64,
    /// Their share of all episodes.
    pub share: Option<f64>,
    /// Standard error of `share`: sqrt(p (1 - p) / (n - 1)).
    pub standard_error: Option<f64>,
}

/// Reports the returns at one discount: the sums of rewards, that of step `t` weighted by its `t`-th power.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiscountedSummary {
    /// The discount.
    pub discount: f64,
    /// Mean over the episodes.
    pub mean: Option<f64>,
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
    /// Standard deviation between episodes, with `n - 1`.
    pub standard_deviation: Option<f64>,
    /// Smallest one.
    pub min: Option<f64>,
    /// Largest one.
    pub max: Option<f64>,
    /// As that of the returns.
    pub largest_share: Option<f64>,
}

/// Reports the returns of the episodes.
///
/// If a return is not finite, no figure is reported: it would not be of all episodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReturnSummary {
    /// Mean over the episodes.
    pub mean: Option<f64>,
    /// Standard error of the mean; at least a rounding of the backend, see [`Conditions::resolution`](super::Conditions),
    /// where returns are not whole numbers.
    pub standard_error: Option<f64>,
    /// Standard deviation between episodes, with `n - 1`.
    pub standard_deviation: Option<f64>,
    /// Smallest return.
    pub min: Option<f64>,
    /// Largest return.
    pub max: Option<f64>,
    /// Quantiles, each within 2^-12 of its magnitude.
    pub quantiles: QuantileTable,
    /// The largest share that a single episode has of the sum of squares around the mean; above
    /// [`LARGEST_SHARE`](super::LARGEST_SHARE) the mean must not be taken for normal. `None` without spread.
    pub largest_share: Option<f64>,
    /// A figure that hardly depends on the largest and the smallest returns.
    pub trimmed_mean: TrimmedMean,
}

/// Reports the lengths of the episodes, in steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LengthSummary {
    /// Mean over the episodes.
    pub mean: Option<f64>,
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
    /// Standard deviation between episodes, with `n - 1`.
    pub standard_deviation: Option<f64>,
    /// Shortest episode.
    pub min: Option<u32>,
    /// Longest episode.
    pub max: Option<u32>,
    /// Quantiles, exact up to [`LONGEST_COUNTED`](super::LONGEST_COUNTED), within 2^-11 of the length above.
    pub quantiles: QuantileTable,
    /// As that of the returns.
    pub largest_share: Option<f64>,
}

/// Reports the share of user-steps with a click.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClickRateSummary {
    /// Clicks by user-steps.
    pub mean: Option<f64>,
    /// Standard error by the delta method, with the episode as the independent unit.
    pub standard_error: Option<f64>,
}

/// Reports the least-squares slope of reward over the step index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RewardSlopeSummary {
    /// Mean over the episodes of at least two steps.
    pub mean: Option<f64>,
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
    /// Episodes of at least two steps, with a finite slope.
    pub episodes: u64,
    /// As that of the returns.
    pub largest_share: Option<f64>,
}

/// Reports the documents of one topic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicSummary {
    /// Documents shown.
    pub impressions: u64,
    /// Documents clicked.
    pub clicks: u64,
    /// Clicks by impressions.
    pub click_rate: Option<f64>,
    /// Standard error of `click_rate` by the delta method, with the block as the independent unit; `None` below
    /// [`FEWEST_BLOCKS`].
    pub standard_error: Option<f64>,
    /// Clicks by user-steps: the share of this topic in what users do, `RecSim`'s `cluster_watch_count_frac`. Steps
    /// without a click have the rest.
    pub click_share: Option<f64>,
    /// Standard error of `click_share` by the delta method, with the block as the independent unit; `None` below
    /// [`FEWEST_BLOCKS`], and if results that do not have it are merged in.
    pub click_share_standard_error: Option<f64>,
}

/// Reports one position of the slate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PositionSummary {
    /// Documents clicked at this position.
    pub clicks: u64,
    /// Clicks by user-steps.
    pub click_rate: Option<f64>,
    /// Standard error of `click_rate` by the delta method, with the block as the independent unit; `None` below
    /// [`FEWEST_BLOCKS`].
    pub standard_error: Option<f64>,
}

/// Reports the quality of clicked documents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClickedQualitySummary {
    /// Mean over the clicked documents; `None` without clicks or where a quality was not finite.
    pub mean: Option<f64>,
    /// Standard error by the delta method, with the block of episodes as the independent unit; `None` below
    /// [`FEWEST_BLOCKS`].
    pub standard_error: Option<f64>,
    /// Clicked documents.
    pub clicks: u64,
}

/// Lists quantiles by probability; an object keyed by probability in JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileTable(Vec<(f64, Option<f64>)>);

impl QuantileTable {
    /// Iterates over probability and quantile, by rising probability.
    pub fn iter(&self) -> impl Iterator<Item = (f64, Option<f64>)> {
        self.0.iter().copied()
    }

    /// Looks up the quantile of one of the probabilities that are reported.
    #[must_use]
    pub fn at(&self, probability: f64) -> Option<f64> {
        self.iter().find(|&(listed, _)| listed == probability)?.1
    }

    fn of(quantile: impl Fn(f64) -> Option<f64>) -> Self {
        Self(
            PROBABILITIES
                .iter()
                .map(|&probability| (probability, quantile(probability)))
                .collect(),
        )
    }
}

impl Serialize for QuantileTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (probability, quantile) in self.iter() {
            map.serialize_entry(&probability.to_string(), &quantile)?;
        }
        map.end()
    }
}

impl Summary {
    /// Leaves out the curves by step.
    pub fn drop_curves(&mut self) {
        self.curve_bins = None;
        self.reward_per_step = Curve(None);
        self.reward_per_step_standard_error = Curve(None);
        self.click_rate_per_step = Curve(None);
        self.click_rate_per_step_standard_error = Curve(None);
        self.running_per_step = Curve(None);
    }

    /// Tells whether the tail of the returns is so heavy that their mean is not to be taken for normal.
    ///
    /// Below [`FEW_EPISODES`] every sample has an episode of a large share.
    #[must_use]
    pub fn is_heavy_tailed(&self) -> bool {
        let share = self.returns.largest_share;
        let is_large = |share| share > safe_share(self.episodes);
        self.episodes >= FEW_EPISODES && share.is_some_and(is_large)
    }

    pub(super) fn of(collected: &Collected) -> Self {
        let curves = collected.curves.as_ref();
        let running = curves.map(|_| collected.lengths.running());
        let running = running.unwrap_or_default();
        let curve = |curve: fn(&Curves, &[Running]) -> Vec<Option<f64>>| {
            Curve(curves.map(|curves| curve(curves, &running)))
        };
        Self {
            episodes: collected.click_rate.units(),
            user_steps: collected.click_rate.denominator(),
            returns: ReturnSummary::of(
                &collected.returns,
                &collected.return_quantiles,
                collected.conditions.resolution,
            ),
            non_finite_returns: collected.returns.non_finite(),
            truncated: TruncatedSummary::of(collected.truncated, collected.click_rate.units()),
            discounted_returns: (collected.conditions.discounts.iter())
                .zip(&collected.discounted)
                .map(|(&discount, moments)| {
                    DiscountedSummary::of(discount, moments, collected.conditions.resolution)
                })
                .collect(),
            invalid_choices: collected.invalid_choices,
            length: LengthSummary::of(&collected.lengths),
            click_rate: ClickRateSummary {
                mean: collected.click_rate.value(),
                standard_error: collected.click_rate.standard_error(),
            },
            curve_bins: (running.iter().any(|bin| bin.steps > 1))
                .then(|| (0..running.len()).map(first_step_of_bin).collect()),
            reward_per_step: curve(Curves::mean_reward),
            reward_per_step_standard_error: of_enough(
                curve(Curves::mean_reward_standard_error),
                &running,
            ),
            click_rate_per_step: curve(Curves::click_rate),
            click_rate_per_step_standard_error: of_enough(
                curve(Curves::click_rate_standard_error),
                &running,
            ),
            running_per_step: Curve(
                curves.map(|_| running.iter().map(|bin| bin.episodes).collect()),
            ),
            reward_slope: RewardSlopeSummary {
                mean: (collected.reward_slope.mean())
                    .filter(|_| collected.reward_slope.non_finite() == 0),
                standard_error: (collected.reward_slope.standard_error())
                    .filter(|_| collected.reward_slope.non_finite() == 0)
                    .map(|error| error.max(slope_resolution(collected))),
                episodes: collected.reward_slope.count(),
                largest_share: collected.reward_slope.largest_share(),
            },
            topics: collected
                .topics
                .iter()
                .enumerate()
                .map(|(index, topic)| TopicSummary {
                    click_share_standard_error: collected
                        .topic_shares
                        .get(index)
                        .and_then(standard_error_of_blocks),
                    ..TopicSummary::of(topic, collected.click_rate.denominator())
                })
                .collect(),
            positions: collected
                .positions
                .iter()
                .map(PositionSummary::of)
                .collect(),
            clicked_quality: collected
                .clicked_quality
                .as_ref()
                .map(ClickedQualitySummary::of),
        }
    }
}

impl ReturnSummary {
    fn of(moments: &Moments, quantiles: &Quantiles, resolution: f64) -> Self {
        let of_all = moments.non_finite() == 0;
        let told = |figure: Option<f64>| figure.filter(|_| of_all);
        Self {
            mean: told(moments.mean()),
            standard_error: told(standard_error(moments, resolution)),
            standard_deviation: told(moments.standard_deviation()),
            min: told(moments.min()),
            max: told(moments.max()),
            quantiles: QuantileTable::of(|probability| told(quantiles.quantile(probability))),
            largest_share: told(moments.largest_share()),
            trimmed_mean: match of_all {
                true => TrimmedMean::of(quantiles),
                false => TrimmedMean::of(&Quantiles::new()),
            },
        }
    }
}

/// Estimates the standard error of a mean, at least a rounding of the backend.
///
/// An error that all episodes have in the same direction, such as the rounding of an exponential, does not become smaller
/// with more episodes. Whole numbers are not rounded.
fn standard_error(moments: &Moments, resolution: f64) -> Option<f64> {
    let error = moments.standard_error()?;
    if moments.is_whole() {
        return Some(error);
    }
    Some(error.max(resolution * moments.mean()?.abs()))
}

impl TruncatedSummary {
    fn of(truncated: u64, episodes: u64) -> Self {
        let share = (episodes > 0).then(|| truncated as f64 / episodes as f64);
        let others = episodes.saturating_sub(1) as f64;
        Self {
            episodes: truncated,
            share,
            standard_error: share
                .filter(|_| episodes >= 2)
                .map(|share| (share * (1.0 - share) / others).sqrt()),
        }
    }
}

impl DiscountedSummary {
    fn of(discount: f64, moments: &Moments, resolution: f64) -> Self {
        let told = |figure: Option<f64>| figure.filter(|_| moments.non_finite() == 0);
        Self {
            discount,
            mean: told(moments.mean()),
            standard_error: told(standard_error(moments, resolution)),
            standard_deviation: told(moments.standard_deviation()),
            min: told(moments.min()),
            max: told(moments.max()),
            largest_share: told(moments.largest_share()),
        }
    }
}

/// Leaves out the standard errors of steps that fewer than [`FEWEST_RUNNING`] episodes reach.
fn of_enough(errors: Curve<Option<f64>>, running: &[Running]) -> Curve<Option<f64>> {
    let kept =
        |(error, bin): (Option<f64>, &Running)| error.filter(|_| bin.episodes >= FEWEST_RUNNING);
    let told = |errors: Vec<Option<f64>>| errors.into_iter().zip(running).map(kept).collect();
    Curve(errors.0.map(told))
}

impl LengthSummary {
    fn of(lengths: &Lengths) -> Self {
        Self {
            mean: lengths.mean(),
            standard_error: lengths.standard_error(),
            standard_deviation: lengths.standard_deviation(),
            min: lengths.min(),
            max: lengths.max(),
            quantiles: QuantileTable::of(|probability| lengths.quantile(probability)),
            largest_share: lengths.largest_share(),
        }
    }
}

/// Returns the slope that roundings of the sums alone can make: 12 / n³ times one of the sum of step · reward.
fn slope_resolution(collected: &Collected) -> f64 {
    let (mean, length) = (collected.returns.mean(), collected.lengths.mean());
    match (mean, length) {
        (Some(mean), Some(length)) if length > 0.0 && !collected.returns.is_whole() => {
            6.0 * collected.conditions.resolution * mean.abs() / (length * length)
        }
        _ => 0.0,
    }
}

/// Reads a count back from a sum.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of clicks; the conversion saturates"
)]
fn count(ratio: &Ratio) -> u64 {
    ratio.numerator() as u64
}

/// Estimates the standard error of a ratio whose units are blocks; `None` below [`FEWEST_BLOCKS`].
fn standard_error_of_blocks(ratio: &Ratio) -> Option<f64> {
    if ratio.units() < FEWEST_BLOCKS {
        return None;
    }
    ratio.standard_error()
}

impl TopicSummary {
    fn of(ratio: &Ratio, user_steps: u64) -> Self {
        let clicks = count(ratio);
        Self {
            impressions: ratio.denominator(),
            clicks,
            click_rate: ratio.value(),
            standard_error: standard_error_of_blocks(ratio),
            click_share: (user_steps > 0).then(|| clicks as f64 / user_steps as f64),
            click_share_standard_error: None,
        }
    }
}

impl PositionSummary {
    fn of(ratio: &Ratio) -> Self {
        Self {
            clicks: count(ratio),
            click_rate: ratio.value(),
            standard_error: standard_error_of_blocks(ratio),
        }
    }
}

impl ClickedQualitySummary {
    fn of(ratio: &Ratio) -> Self {
        Self {
            mean: ratio.value(),
            standard_error: standard_error_of_blocks(ratio),
            clicks: ratio.denominator(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::statistics::{EpisodeBlock, Statistics};

    #[test]
    fn no_episodes_give_a_summary_without_figures() {
        let mut empty = Statistics::new(0, false);
        empty.add(&EpisodeBlock::default());
        let summary = empty.summary();
        assert_eq!(
            (
                summary.returns.mean,
                summary.click_rate.mean,
                summary.length.min
            ),
            (None, None, None)
        );
        let json = serde_json::to_value(&summary).unwrap();
        assert!(json["return"]["mean"].is_null());
        assert!(json["return"]["quantiles"]["0.5"].is_null());
        let text = serde_json::to_string(&empty).unwrap();
        assert_eq!(serde_json::from_str::<Statistics>(&text).unwrap(), empty);
    }

    #[test]
    fn the_summary_has_the_keys_of_the_report() {
        let json = serde_json::to_value(Statistics::new(3, true).summary()).unwrap();
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        for key in [
            "user_steps",
            "return",
            "non_finite_returns",
            "length",
            "click_rate",
            "reward_per_step",
            "reward_per_step_standard_error",
            "click_rate_per_step",
            "click_rate_per_step_standard_error",
            "running_per_step",
            "reward_slope",
            "topics",
            "slots",
            "clicked_quality",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
        let figures = [
            "mean",
            "standard_error",
            "standard_deviation",
            "min",
            "max",
            "quantiles",
        ];
        let with = |more: &[&'static str]| [&figures[..], more].concat();
        assert_eq!(
            keys(&json["return"]),
            with(&["largest_share", "trimmed_mean"])
        );
        assert_eq!(keys(&json["length"]), with(&["largest_share"]));
        let trimmed = ["mean", "standard_error", "trimmed", "ci95"];
        assert_eq!(keys(&json["return"]["trimmed_mean"]), trimmed);
        let probabilities = [
            "0.01", "0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95", "0.99",
        ];
        assert_eq!(keys(&json["return"]["quantiles"]), probabilities);
        let bare = serde_json::to_value(Statistics::new(0, false).summary()).unwrap();
        assert!(bare.get("topics").is_none() && bare.get("clicked_quality").is_none());
    }
}
