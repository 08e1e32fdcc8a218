//! Exact solutions.

use crate::campaigns::{Source, json_of, or_raise};
use crate::registry;
use crate::settings::sources;
use pyo3::prelude::*;
use slatesim::config::Config;
use slatesim::evaluation::solve;

/// Returns the exact figures of a configured policy, as JSON.
#[pyfunction]
pub(crate) fn exact(py: Python<'_>, source: Source<'_>) -> PyResult<String> {
    let registry = registry();
    let sources = sources(py, source.0, source.1)?;
    let config = or_raise(py, Config::resolve(&sources, &registry.declarations()))?;
    let simulation = or_raise(py, registry.simulation(&config))?;
    let solution = or_raise(py, py.detach(|| solve(&config, &simulation)))?;
    json_of(py, &solution)
}
