//! The extension module `slatesim._slatesim`: what the Python package calls. Its interface is private to the package.
//!
//! Results go over as JSON, which the package wraps; arrays go over as `NumPy` arrays. Every error is an exception of
//! `slatesim.errors` with the sentence that the command line prints.
#![deny(unsafe_code)]

mod campaigns;
mod env;
mod errors;
mod settings;
mod trace;
mod watch;

use pyo3::prelude::*;
use slatesim::registry::Registry;
use std::ffi::OsString;

/// What the Python package calls; see the stub `_slatesim.pyi`.
#[pymodule]
mod _slatesim {
    #[pymodule_export]
    use super::campaigns::{
        compare, critical_value, declarations, evaluate, merge, read_report, sweep,
    };
    #[pymodule_export]
    use super::env::Env;
    #[pymodule_export]
    use super::trace::record;
    #[pymodule_export]
    use super::{adapters, cli, version};
}

/// Runs the command line, and returns its exit code. `arguments` begin with the name of the program.
#[pyfunction]
fn cli(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| slatesim::cli::run(&Registry::built_in(), arguments))
}

/// Returns the version of the package.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Lists the GPUs of this machine: index, name, driver, kind, and PCI bus number.
#[pyfunction]
fn adapters(py: Python<'_>) -> Vec<(usize, String, String, &'static str, String)> {
    let listed = py.detach(slatesim::backend::gpu::GpuBackend::adapters);
    let row = |(index, adapter): (usize, slatesim::backend::gpu::AdapterSummary)| {
        (
            index,
            adapter.name,
            adapter.driver,
            adapter.device_type,
            adapter.pci_bus_id,
        )
    };
    listed.into_iter().enumerate().map(row).collect()
}
