//! The common parts of the comparisons: simulations from settings, and figures with their errors.

use slatesim::Error;
use slatesim::backend::Simulation;
use slatesim::registry::Registry;

/// Makes a simulation from settings, as `--set` takes them.
pub(crate) fn simulation<S: AsRef<str>>(settings: &[S]) -> Result<Simulation, Error> {
    Ok(Registry::built_in().resolve(settings)?)
}

/// Pairs a figure with its standard error; one that is not determined is NaN, which never passes.
pub(crate) fn estimate(mean: Option<f64>, standard_error: Option<f64>) -> (f64, f64) {
    (mean.unwrap_or(f64::NAN), standard_error.unwrap_or(f64::NAN))
}
