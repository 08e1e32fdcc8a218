//! Campaigns: from settings to a result, as the command of the same name goes.

use crate::errors::{Kind, exception, raise};
use crate::registry;
use crate::settings::{BackendArgs, Given, sources, text_of};
use crate::watch::{Watched, watch};
use pyo3::prelude::*;
use slatesim::Error;
use slatesim::backend::Simulation;
use slatesim::cli;
use slatesim::config::{Arrangement, Axis, Config, Override, Point, Variant, run_keys};
use slatesim::evaluation::{
    self, Comparison, ComparisonReport, DEFAULT_MAX_EPISODES, EvaluationError, Extent,
    MAX_COMPARED, MAX_POINTS, Pooling, Precision, Report, Shard, SweepReport, Target,
};
use std::path::PathBuf;

/// A result: its JSON, its text, and what interrupted it, if something did.
type Told = (String, String, Option<PyErr>);

/// Where values come from: a file, and values by their keys.
pub(crate) type Source<'py> = (Option<PathBuf>, Vec<Given<'py>>);

/// Which episodes are run, as `slatesim._device.extent` gives it, which refuses what contradicts itself.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ExtentArgs {
    pub(crate) first_episode: u64,
    pub(crate) shard: Option<String>,
    target_standard_error: Option<f64>,
    target_half_width: Option<f64>,
    max_episodes: Option<u64>,
}

impl ExtentArgs {
    /// Returns the precision that is aimed at, if there is one.
    fn target(&self) -> Result<Option<Target>, Error> {
        let precision = match (self.target_standard_error, self.target_half_width) {
            (Some(value), _) => Precision::StandardError(value),
            (None, Some(value)) => Precision::HalfWidth(value),
            (None, None) => return Ok(None),
        };
        let most = self.max_episodes.unwrap_or(DEFAULT_MAX_EPISODES);
        Ok(Some(Target::new(precision, most)?))
    }
}

/// Turns an error of the library into an exception.
pub(crate) fn or_raise<T, E: Into<Error>>(py: Python<'_>, result: Result<T, E>) -> PyResult<T> {
    result.map_err(|error| raise(py, error))
}

pub(crate) fn json_of(py: Python<'_>, value: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| exception(py, Kind::Other, error.to_string()))
}

/// Estimates the figures of one policy.
#[pyfunction]
#[pyo3(signature = (source, backend, extent, *, curves, progress))]
pub(crate) fn evaluate(
    py: Python<'_>,
    source: Source<'_>,
    backend: BackendArgs,
    extent: ExtentArgs,
    curves: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Told> {
    let registry = registry();
    let sources = sources(py, source.0, source.1)?;
    let config = or_raise(py, Config::resolve(&sources, &registry.declarations()))?;
    let simulation = or_raise(py, registry.simulation(&config))?;
    let target = or_raise(py, extent.target())?;
    let shard = extent.shard.as_deref().map(str::parse::<Shard>).transpose();
    let shard = or_raise(py, shard)?;
    let opened = backend.open(py)?;
    let episodes = match shard {
        Some(shard) => shard.episodes(config.episodes),
        None => 0..config.episodes,
    };
    let first = extent.first_episode;
    let episodes = first.saturating_add(episodes.start)..first.saturating_add(episodes.end);
    let Watched {
        result,
        interruption,
    } = watch(py, progress.as_ref(), |watcher| match &target {
        None => evaluation::evaluate(&simulation, opened.backend.backend(), episodes, watcher)
            .map(|campaign| (campaign, None)),
        Some(target) => {
            evaluation::evaluate_until(&simulation, opened.backend.backend(), target, watcher)
                .map(|(campaign, stopping)| (campaign, Some(stopping)))
        }
    });
    let (mut campaign, stopping) = or_raise(py, result)?;
    if !curves {
        campaign.statistics.drop_curves();
    }
    let report = match stopping {
        None => Report::new(&config, shard, &campaign),
        Some(stopping) => Report::of_stopped(&config, &campaign, stopping),
    };
    let text = cli::text_of_report(&report, registry);
    Ok((json_of(py, &report)?, text, interruption))
}

/// The configurations that are compared, with their labels, and their simulations.
pub(crate) type Compared = (Vec<(String, Config)>, Vec<Simulation>);

/// Resolves variants: each a label, and values by their keys.
pub(crate) fn compared(
    py: Python<'_>,
    source: Source<'_>,
    variants: Vec<(String, Vec<Given<'_>>)>,
) -> PyResult<Compared> {
    let registry = registry();
    let sources = sources(py, source.0, source.1)?;
    let variants = variants
        .into_iter()
        .map(|(label, values)| Ok(Variant::new(label, overrides(values)?)))
        .collect::<PyResult<Vec<_>>>()?;
    let compared = sources.resolve_variants(variants, MAX_COMPARED, &registry.declarations());
    let compared = or_raise(py, compared)?;
    let simulations = or_raise(py, registry.of_variants(&compared))?;
    Ok((compared, simulations))
}

/// Compares variants on the same users: each a label, and values by their keys.
#[pyfunction]
#[pyo3(signature = (source, variants, backend, extent, *, curves, progress))]
pub(crate) fn compare(
    py: Python<'_>,
    source: Source<'_>,
    variants: Vec<(String, Vec<Given<'_>>)>,
    backend: BackendArgs,
    extent: ExtentArgs,
    curves: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Told> {
    let (compared, simulations) = compared(py, source, variants)?;
    let extent = match or_raise(py, extent.target())? {
        Some(target) => Extent::Target(target),
        None => Extent::From {
            first: extent.first_episode,
            episodes: compared[0].1.episodes,
        },
    };
    let (comparison, interruption) =
        run_comparison(py, &simulations, &backend, extent, curves, progress)?;
    let report = ComparisonReport::new(&compared, &comparison);
    let text = cli::text_of_comparison(&report, registry());
    Ok((json_of(py, &report)?, text, interruption))
}

/// Runs a comparison.
pub(crate) fn run_comparison(
    py: Python<'_>,
    simulations: &[Simulation],
    backend: &BackendArgs,
    extent: Extent,
    curves: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(Comparison, Option<PyErr>)> {
    let opened = backend.open(py)?;
    let batch_size = backend.batch_size();
    let Watched {
        result,
        interruption,
    } = watch(py, progress.as_ref(), |watcher| {
        let backend = opened.backend.backend();
        evaluation::compare(simulations, backend, extent, batch_size, watcher)
    });
    let mut comparison = or_raise(py, result)?;
    if !curves {
        for statistics in &mut comparison.statistics {
            statistics.drop_curves();
        }
    }
    Ok((comparison, interruption))
}

/// Resolves the points of a grid or of a list of values; `axes` are keys with their values.
pub(crate) fn points(
    py: Python<'_>,
    source: Source<'_>,
    axes: Vec<(String, Vec<Bound<'_, PyAny>>)>,
    zip: bool,
) -> PyResult<(Vec<Point>, Vec<Simulation>)> {
    let registry = registry();
    let sources = sources(py, source.0, source.1)?;
    let axes = axes
        .into_iter()
        .map(|(key, values)| {
            let values = values.iter().map(|value| text_of(value, &key));
            let values = values.collect::<PyResult<Vec<_>>>()?;
            or_raise(py, Axis::new("vary", &key, values))
        })
        .collect::<PyResult<Vec<_>>>()?;
    let arrangement = if zip {
        Arrangement::Zip
    } else {
        Arrangement::Grid
    };
    let points = sources.resolve_points(&axes, arrangement, MAX_POINTS, &registry.declarations());
    let points = or_raise(py, points)?;
    let simulations = or_raise(py, registry.of_points(&points))?;
    Ok((points, simulations))
}

/// Evaluates a grid or a list of values; `axes` are keys with their values.
#[pyfunction]
#[pyo3(signature = (source, axes, backend, *, zip, first_episode, curves, progress))]
pub(crate) fn sweep(
    py: Python<'_>,
    source: Source<'_>,
    axes: Vec<(String, Vec<Bound<'_, PyAny>>)>,
    backend: BackendArgs,
    zip: bool,
    first_episode: u64,
    curves: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Told> {
    let (points, simulations) = points(py, source, axes, zip)?;
    let opened = backend.open(py)?;
    let episodes = points.first().map_or(0, |point| point.config.episodes);
    let episodes = first_episode..first_episode.saturating_add(episodes);
    let Watched {
        result,
        interruption,
    } = watch(py, progress.as_ref(), |watcher| {
        let backend = opened.backend.backend();
        evaluation::sweep_range(&simulations, backend, episodes, curves, watcher)
    });
    let report = SweepReport::new(&points, or_raise(py, result)?);
    let text = cli::text_of_sweep(&report, registry());
    Ok((json_of(py, &report)?, text, interruption))
}

/// Merges reports, given as names and JSON.
#[pyfunction]
#[pyo3(signature = (reports, *, pool_seeds))]
pub(crate) fn merge(
    py: Python<'_>,
    reports: Vec<(String, String)>,
    pool_seeds: bool,
) -> PyResult<(String, String)> {
    let pooling = if pool_seeds {
        Pooling::Seeds
    } else {
        Pooling::OneSeed
    };
    let merged = py.detach(|| {
        let reports = reports
            .into_iter()
            .map(|(name, json)| Ok((name.clone(), Report::from_json(&name, &json)?)))
            .collect::<Result<Vec<_>, EvaluationError>>()?;
        evaluation::merge_runs(&reports, pooling)
    });
    let report = or_raise(py, merged)?.report;
    let text = cli::text_of_report(&report, registry());
    Ok((json_of(py, &report)?, text))
}

/// Reads a report that was written as JSON, and returns it with its text.
#[pyfunction]
pub(crate) fn read_report(py: Python<'_>, json: String) -> PyResult<(String, String)> {
    let read = py.detach(|| Report::from_json("the text", &json));
    let report = or_raise(py, read)?;
    if !report.environment.is_object() || !report.policy.is_object() {
        let message = "the text has an environment or a policy that is no object: it is no report";
        return Err(exception(py, Kind::Config, message.to_owned()));
    }
    let text = cli::text_of_report(&report, registry());
    Ok((json, text))
}

/// Returns how many standard errors an interval reaches to either side that covers with probability `level`.
#[pyfunction]
pub(crate) fn critical_value(level: f64, count: u64) -> Option<f64> {
    slatesim::statistics::critical_value(level, count)
}

/// Lists environments, policies, layers and the keys of a run, as JSON.
#[pyfunction]
pub(crate) fn declarations(py: Python<'_>) -> PyResult<(String, String)> {
    let declarations = registry().declarations();
    Ok((json_of(py, &declarations)?, json_of(py, &run_keys())?))
}

/// Makes overrides of values.
fn overrides(values: Vec<Given<'_>>) -> PyResult<Vec<Override>> {
    values
        .into_iter()
        .map(|(place, key, value)| Ok(Override::flag(&place, &key, text_of(&value, &key)?)))
        .collect()
}
