//! The reports of shards, merged into one.

mod mismatch;

use super::error::EvaluationError;
use super::ranges::{count, disjoint_union, union};
use super::report::{Report, Run};
use super::state::SeedState;
use super::warnings::Warning;
use crate::backend::BackendInfo;
use mismatch::{mismatch, overlap, seed_mismatch};

/// Holds a merged report, and warnings about the merging.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The report of all episodes together.
    pub report: Report,
    /// What is doubtful about the merging; the report lists it with its other warnings. Sentences without a full stop.
    pub warnings: Vec<String>,
}

/// Says which reports may be merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Only reports of the same seed.
    #[default]
    OneSeed,
    /// Reports of any seeds.
    Seeds,
}

/// Merges reports of runs with one seed; see [`merge_runs`]. Each report comes with the name that errors call it by.
///
/// ```
/// use slatesim::backend::{Unobserved, cpu::cpu};
/// use slatesim::config::{Config, Sources};
/// use slatesim::evaluation::{Report, Shard, evaluate, merge};
/// use slatesim::registry;
///
/// let config = Config::resolve(&Sources::new().set("episodes=600")?, &registry::declarations())?;
/// let (simulation, backend) = (registry::simulation(&config)?, cpu(Some(1))?);
/// let mut reports = Vec::new();
/// for name in ["0/2", "1/2"] {
///     let shard: Shard = name.parse()?;
///     let campaign = evaluate(&simulation, &backend, shard.episodes(config.episodes), &Unobserved)?;
///     reports.push((name.to_owned(), Report::new(&config, Some(shard), &campaign)));
/// }
/// let whole = Report::new(&config, None, &evaluate(&simulation, &backend, 0..600, &Unobserved)?);
/// assert_eq!(merge(&reports)?.report.summary, whole.summary);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`merge_runs`].
pub fn merge(reports: &[(String, Report)]) -> Result<Merged, EvaluationError> {
    merge_runs(reports, Pooling::OneSeed)
}

/// Merges reports of runs of one simulation that have no episode in common. Each comes with the name that errors call it by.
///
/// Merging all shards of a run gives the report of that run, bit for bit, except for the time; the order does not matter.
/// Separate runs give the report of all episodes that were asked for, and if some of these are missing the result is marked
/// partial. Different backends round differently: they are merged with a warning, and the result names all of them. Weights
/// from a file are compared by the contents of the file: a shard may have read them from another path, and the result has the
/// path of the first report.
///
/// # Errors
/// [`EvaluationError::Merge`] if there are no reports, if they are of different simulations, or of different seeds where these
/// are not to be pooled, or if two of them contain the same episode.
pub fn merge_runs(
    reports: &[(String, Report)],
    pooling: Pooling,
) -> Result<Merged, EvaluationError> {
    let Some(((first_name, first), others)) = reports.split_first() else {
        return Err(EvaluationError::Merge {
            what: "results".to_owned(),
            why: "there are none".to_owned(),
        });
    };
    for (name, report) in others {
        let seeds = match pooling {
            Pooling::OneSeed => seed_mismatch(first, report),
            Pooling::Seeds => None,
        };
        if let Some(why) = mismatch(first, report).or(seeds) {
            return Err(EvaluationError::Merge {
                what: format!("{first_name} and {name}"),
                why: format!("they are of different runs: {why}"),
            });
        }
    }
    let by_seed = by_seed(reports)?;
    let mut state = first.state.clone();
    for (name, report) in others {
        let statistics = &report.state.statistics;
        state
            .statistics
            .merge(statistics)
            .map_err(|error| EvaluationError::Merge {
                what: name.clone(),
                why: error.to_string(),
            })?;
    }
    state.slatesim = env!("CARGO_PKG_VERSION").to_owned();
    let requested = by_seed.iter().try_fold(0u64, |sum, one| {
        sum.checked_add(count(&one.requested_ranges)?)
    });
    state.requested_episodes = requested.ok_or_else(|| EvaluationError::Merge {
        what: "results".to_owned(),
        why: "what was asked for is more than 2^64 - 1 episodes".to_owned(),
    })?;
    let seed = by_seed[0].seed;
    if let [one] = by_seed.as_slice() {
        let is_from_the_start = one.requested_ranges.len() <= 1
            && one.requested_ranges.iter().all(|&(start, _)| start == 0);
        state.requested_ranges = match is_from_the_start {
            true => Vec::new(),
            false => one.requested_ranges.clone(),
        };
        state.episode_ranges.clone_from(&one.episode_ranges);
        state.pooled = Vec::new();
    } else {
        state.requested_ranges = Vec::new();
        state.episode_ranges = Vec::new();
        state.pooled = by_seed;
    }
    // Sorted, so that the sum does not depend on the order of the files.
    let mut seconds: Vec<f64> = reports.iter().map(|(_, report)| report.seconds).collect();
    seconds.sort_unstable_by(f64::total_cmp);
    let run = Run {
        environment: first.environment.clone(),
        policy: first.policy.clone(),
        seed,
        backend: all_backends(reports),
        seconds: seconds.iter().sum(),
        state,
    };
    let warnings = warnings(reports);
    let mut report = run.report();
    let all = warnings.iter().cloned().map(Warning::plain);
    report.warnings.extend(all);
    Ok(Merged { report, warnings })
}

/// Gathers the episodes of each seed, the seeds ascending.
fn by_seed(reports: &[(String, Report)]) -> Result<Vec<SeedState>, EvaluationError> {
    let mut parts: Vec<SeedState> = reports
        .iter()
        .flat_map(|(_, report)| report.state.by_seed(report.seed))
        .collect();
    parts.sort_by_key(|part| part.seed);
    let mut all: Vec<SeedState> = Vec::new();
    for part in parts {
        match all.last_mut() {
            Some(one) if one.seed == part.seed => {
                one.requested_ranges.extend(part.requested_ranges);
                one.episode_ranges.extend(part.episode_ranges);
                one.returns.merge(&part.returns);
            }
            _ => all.push(part),
        }
    }
    for one in &mut all {
        one.requested_ranges = union(std::mem::take(&mut one.requested_ranges));
        one.episode_ranges = disjoint_union(std::mem::take(&mut one.episode_ranges))
            .map_err(|overlapping| overlap(reports, one.seed, overlapping[1]))?;
    }
    Ok(all)
}

/// Lists every backend, device and driver once.
pub(super) fn all_backends(reports: &[(String, Report)]) -> BackendInfo {
    let all = |part: fn(&BackendInfo) -> &str| {
        let mut names: Vec<&str> = reports
            .iter()
            .map(|(_, report)| part(&report.backend))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.join("; ")
    };
    BackendInfo {
        name: all(|backend| &backend.name),
        device: all(|backend| &backend.device),
        driver: all(|backend| &backend.driver),
    }
}

fn warnings(reports: &[(String, Report)]) -> Vec<String> {
    let mut warnings = Vec::new();
    let unverified: Vec<&str> = reports
        .iter()
        .filter(|(_, report)| report.is_unverified)
        .map(|(name, _)| name.as_str())
        .collect();
    if let Some(first) = unverified.first() {
        let more = match unverified.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        warnings.push(format!(
            "{first}{more} without `state.hash`, as earlier versions wrote it: damage may go unnoticed"
        ));
    }
    // The number of threads, which is the device of the host backends, changes no bit.
    let arithmetic = |backend: &BackendInfo| match backend.name.as_str() {
        "gpu" => format!("gpu, {}, {}", backend.device, backend.driver),
        name => name.to_owned(),
    };
    let distinct = |part: &dyn Fn(&Report) -> String| {
        let mut all: Vec<String> = reports.iter().map(|(_, report)| part(report)).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let backends = distinct(&|report| arithmetic(&report.backend));
    if backends.len() > 1 {
        warnings.push(format!(
            "the results are of different backends, which round differently: {}",
            backends.join("; ")
        ));
    }
    let has_curves = |report: &Report| report.state.statistics.has_curves();
    let (with, without): (Vec<_>, Vec<_>) =
        reports.iter().partition(|(_, report)| has_curves(report));
    if let ([_, ..], [(name, _), ..]) = (&with[..], &without[..]) {
        warnings.push(format!(
            "{name} has no curves by step (`--no-curves`), and so the merged result has none"
        ));
    }
    let versions = distinct(&|report| report.state.slatesim.clone());
    if versions.len() > 1 {
        warnings.push(format!(
            "the results are of different versions of slatesim: {}",
            versions.join(", ")
        ));
    }
    warnings
}

#[cfg(test)]
mod tests;
