//! Parts of comparisons and of sweeps, for other processes and machines to run, and what they give together.

use crate::campaigns::{ExtentArgs, Source, compared, json_of, or_raise, points, run_comparison};
use crate::registry;
use crate::settings::{BackendArgs, Given};
use crate::watch::{Watched, watch};
use pyo3::prelude::*;
use slatesim::backend::Observer;
use slatesim::cli;
use slatesim::config::Config;
use slatesim::evaluation::{
    self, Comparison, ComparisonReport, EvaluationError, Extent, Part, Report, Shard, Sweep,
    SweepReport, Warning,
};

/// Runs the shard of a comparison that `extent` names, and returns it as JSON.
#[pyfunction]
#[pyo3(signature = (source, variants, backend, extent, *, curves, progress))]
pub(crate) fn compare_part(
    py: Python<'_>,
    source: Source<'_>,
    variants: Vec<(String, Vec<Given<'_>>)>,
    backend: BackendArgs,
    extent: ExtentArgs,
    curves: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(String, Option<PyErr>)> {
    let (compared, simulations) = compared(py, source, variants)?;
    let shard = or_raise(
        py,
        extent.shard.as_deref().unwrap_or("0/1").parse::<Shard>(),
    )?;
    let episodes = shard.episodes(compared[0].1.episodes);
    let extent = Extent::From {
        first: extent.first_episode.saturating_add(episodes.start),
        episodes: episodes.end - episodes.start,
    };
    let (comparison, interruption) =
        run_comparison(py, &simulations, &backend, extent, curves, progress)?;
    let part = Part::of_comparison(&compared, shard, &comparison);
    Ok((part.to_json(), interruption))
}

/// Puts the parts of a comparison together, given as names and JSON.
#[pyfunction]
#[pyo3(signature = (source, variants, extent, parts, *, curves))]
pub(crate) fn compare_of_parts(
    py: Python<'_>,
    source: Source<'_>,
    variants: Vec<(String, Vec<Given<'_>>)>,
    extent: ExtentArgs,
    parts: Vec<(String, String)>,
    curves: bool,
) -> PyResult<(String, String)> {
    let (compared, simulations) = compared(py, source, variants)?;
    let joined = py.detach(|| {
        let parts = read_parts(parts)?;
        Comparison::of_parts(&compared, &simulations, extent.first_episode, &parts)
    });
    let mut joined = or_raise(py, joined)?;
    if !curves {
        for statistics in &mut joined.result.statistics {
            statistics.drop_curves();
        }
    }
    let mut report = ComparisonReport::new(&compared, &joined.result);
    report.warnings.extend(plain(joined.warnings));
    let text = cli::text_of_comparison(&report, registry());
    Ok((json_of(py, &report)?, text))
}

fn read_parts(parts: Vec<(String, String)>) -> Result<Vec<(String, Part)>, EvaluationError> {
    let read = |(name, json): (String, String)| {
        let part = Part::from_json(&name, &json)?;
        Ok((name, part))
    };
    parts.into_iter().map(read).collect()
}

fn plain(warnings: Vec<String>) -> impl Iterator<Item = Warning> {
    warnings.into_iter().map(Warning::plain)
}

/// Runs a shard of the points of a sweep, and returns it as JSON.
#[pyfunction]
#[pyo3(signature = (source, axes, backend, *, zip, first_episode, shard, curves, progress))]
pub(crate) fn sweep_part(
    py: Python<'_>,
    source: Source<'_>,
    axes: Vec<(String, Vec<Bound<'_, PyAny>>)>,
    backend: BackendArgs,
    zip: bool,
    first_episode: u64,
    shard: &str,
    curves: bool,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(String, Option<PyErr>)> {
    let (points, simulations) = points(py, source, axes, zip)?;
    let shard = or_raise(py, shard.parse::<Shard>())?;
    let opened = backend.open(py)?;
    let episodes = points.first().map_or(0, |point| point.config.episodes);
    let episodes = first_episode..first_episode.saturating_add(episodes);
    let Watched {
        result,
        interruption,
    } = watch(py, progress.as_ref(), |watcher| {
        let backend = opened.backend.backend();
        let mut reports = Vec::new();
        for index in shard.points(points.len()) {
            if watcher.is_interrupted() {
                break;
            }
            let simulation = &simulations[index];
            let campaign = evaluation::evaluate(simulation, backend, episodes.clone(), watcher)?;
            let mut report = Report::new(&points[index].config, None, &campaign);
            if !curves {
                report.drop_curves();
            }
            reports.push((index, report));
        }
        Ok::<_, EvaluationError>(Part::of_points(reports))
    });
    Ok((or_raise(py, result)?.to_json(), interruption))
}

/// Puts the parts of a sweep together, given as names and JSON.
#[pyfunction]
#[pyo3(signature = (source, axes, parts, *, zip, first_episode, curves))]
pub(crate) fn sweep_of_parts(
    py: Python<'_>,
    source: Source<'_>,
    axes: Vec<(String, Vec<Bound<'_, PyAny>>)>,
    parts: Vec<(String, String)>,
    zip: bool,
    first_episode: u64,
    curves: bool,
) -> PyResult<(String, String)> {
    let (points, simulations) = points(py, source, axes, zip)?;
    let joined = py.detach(|| {
        let parts = read_parts(parts)?;
        let configs: Vec<&Config> = points.iter().map(|point| &point.config).collect();
        Sweep::of_parts(&configs, &simulations, first_episode, &parts)
    });
    let mut joined = or_raise(py, joined)?;
    if !curves {
        for point in &mut joined.result.points {
            point.summary.drop_curves();
        }
    }
    let mut report = SweepReport::new(&points, joined.result);
    report.warnings.extend(plain(joined.warnings));
    let text = cli::text_of_sweep(&report, registry());
    Ok((json_of(py, &report)?, text))
}
