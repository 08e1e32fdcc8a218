//! The report of a comparison.

use super::best::{Best, best};
use super::comparison::Comparison;
use super::paired_difference::{PairedDifference, paired_differences};
use crate::backend::BackendInfo;
use crate::config::Config;
use crate::evaluation::report::{SCHEMA, is_false, is_zero, section};
use crate::evaluation::stopping::Stopping;
use crate::evaluation::warnings::{self, Warning};
use crate::evaluation::{json_numbers, uncertainty};
use crate::statistics::Summary;
use serde::Serialize;
use serde_json::Value;

/// Reports a comparison; serialises as the object that `slatesim compare --json` prints.
///
/// ```
/// use slatesim::backend::{Unobserved, cpu::cpu};
/// use slatesim::config::{Sources, Variant};
/// use slatesim::evaluation::{ComparisonReport, Extent, MAX_COMPARED, compare};
/// use slatesim::registry;
///
/// let variants = vec![
///     Variant::of_policy("random"),
///     Variant::parse("least clickbait: policy.name=greedy, policy.order=min")?,
/// ];
/// let compared = Sources::new().resolve_variants(variants, MAX_COMPARED, &registry::declarations())?;
/// let simulations = compared.iter().map(|(_, config)| registry::simulation(config));
/// let simulations = simulations.collect::<Result<Vec<_>, _>>()?;
/// let comparison = compare(&simulations, &cpu(Some(1))?, Extent::Episodes(512), None, &Unobserved)?;
/// let report = ComparisonReport::new(&compared, &comparison);
/// assert_eq!(report.best.expect("both have a mean").label, "random");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparisonReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the package that wrote the report.
    pub slatesim: String,
    /// Key of all random numbers.
    #[serde(serialize_with = "json_numbers::serialize")]
    pub seed: u64,
    /// The first episode of each variant; left out where it is 0.
    #[serde(
        skip_serializing_if = "is_zero",
        serialize_with = "json_numbers::serialize"
    )]
    pub first_episode: u64,
    /// What the standard errors cover, where that is not everything that the environment draws: a sentence without a full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<String>,
    /// Episodes of each variant in this report.
    pub episodes: u64,
    /// Whether episodes are missing because the work was interrupted.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    /// Episodes of each variant that were asked for.
    #[serde(skip)]
    pub asked: u64,
    /// Whether the target precision was reached, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_reached: Option<bool>,
    /// How a run to a target precision ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping: Option<Stopping>,
    /// What is doubtful about the figures.
    pub warnings: Vec<Warning>,
    /// The backend that ran it.
    pub backend: BackendInfo,
    /// The variants that were compared.
    pub policies: Vec<VariantReport>,
    /// The difference of every pair of them.
    pub differences: Vec<PairedDifference>,
    /// The best of them; `None` where returns are undefined.
    pub best: Option<Best>,
    /// Wall-clock time.
    pub seconds: f64,
    /// User-steps of all variants per second; `None` where no time was taken.
    pub user_steps_per_second: Option<f64>,
}

/// Reports one of the variants, with the figures that `slatesim evaluate` gives for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VariantReport {
    /// The label of the variant.
    pub label: String,
    /// The environment with all parameters, `{"name", ...}`.
    pub environment: Value,
    /// The policy with all parameters, `{"name", ...}`.
    pub policy: Value,
    /// Steps after which an episode is truncated, given or built in, or after which all episodes have ended.
    pub max_steps: Option<u32>,
    /// The figures.
    #[serde(flatten)]
    pub summary: Summary,
}

impl ComparisonReport {
    /// Reports a comparison of configurations, each with its label, in the order in which they were compared.
    ///
    /// # Panics
    /// If there are not as many configurations as were compared.
    #[must_use]
    pub fn new(compared: &[(String, Config)], comparison: &Comparison) -> Self {
        let statistics = &comparison.statistics;
        assert_eq!(
            compared.len(),
            statistics.len(),
            "a configuration for each that was compared"
        );
        let labels: Vec<&str> = compared.iter().map(|(label, _)| label.as_str()).collect();
        let variants = compared.iter().zip(statistics);
        let policies: Vec<VariantReport> = variants
            .map(|((label, config), statistics)| VariantReport {
                label: label.clone(),
                environment: section(&config.environment),
                policy: section(&config.policy),
                max_steps: statistics.conditions().max_steps.or(config.max_steps),
                summary: statistics.summary(),
            })
            .collect();
        let means: Vec<Option<f64>> = statistics
            .iter()
            .map(|statistics| statistics.judged().mean())
            .collect();
        let user_steps: f64 = statistics
            .iter()
            .map(|statistics| statistics.user_steps() as f64)
            .sum();
        let rate = user_steps / comparison.seconds;
        let seed = compared[0].1.seed;
        let environments = policies.iter().map(|policy| (&policy.environment, seed));
        let uncertainty = uncertainty::of_runs(environments);
        let mut doubts = warnings::of_size(comparison.done);
        for (variant, (_, config)) in policies.iter().zip(compared) {
            let whose = format!("variant {:?}: ", variant.label);
            let has_max_steps = config.max_steps.is_some();
            doubts.extend(warnings::of_figures(
                &variant.summary,
                &whose,
                has_max_steps,
            ));
        }
        for ((a, b), moments) in comparison.differences() {
            let pair = format!("{} - {}: ", labels[a], labels[b]);
            doubts.extend(warnings::of_difference(moments, &pair));
        }
        Self {
            schema: SCHEMA,
            slatesim: env!("CARGO_PKG_VERSION").to_owned(),
            seed: compared[0].1.seed,
            first_episode: comparison.first,
            uncertainty,
            episodes: comparison.done,
            partial: comparison.is_partial(),
            asked: comparison.asked,
            target_reached: comparison
                .stopping
                .as_ref()
                .map(|stopping| stopping.is_reached),
            stopping: comparison.stopping.clone(),
            warnings: doubts,
            backend: comparison.backend.clone(),
            policies,
            differences: paired_differences(&labels, comparison),
            best: best(&labels, &means, |i, j| comparison.estimate(i, j)),
            seconds: comparison.seconds,
            user_steps_per_second: rate.is_finite().then_some(rate),
        }
    }
}
