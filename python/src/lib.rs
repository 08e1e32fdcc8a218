//! The extension module `slatesim._slatesim`: what the Python package calls. Its interface is private to the package.
//!
//! Results go over as JSON, which the package wraps; arrays go over as `NumPy` arrays. Every error is an exception of
//! `slatesim.errors` with the sentence that the command line prints.
#![deny(unsafe_code)]

mod campaigns;
mod env;
mod errors;
mod exact;
mod memory;
mod parts;
mod settings;
mod trace;
mod watch;

use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use slatesim::registry::Registry;
use std::ffi::OsString;
use std::sync::OnceLock;

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
    use super::exact::exact;
    #[pymodule_export]
    use super::parts::{compare_of_parts, compare_part, sweep_of_parts, sweep_part};
    #[pymodule_export]
    use super::trace::record;
    #[pymodule_export]
    use super::{adapters, cli, version};
}

/// The models that configurations can name.
static REGISTRY: OnceLock<Registry> = OnceLock::new();

/// Returns the models that configurations can name: the built-in ones, unless others were given to [`extend`].
fn registry() -> &'static Registry {
    REGISTRY.get_or_init(Registry::built_in)
}

/// Makes a module of one's own do everything that the extension module of slatesim does, with the models of `registry`, which
/// begins with [`Registry::built_in`]. In Python `slatesim.use(module)` then takes it in place of its own.
///
/// Called in the `#[pymodule_init]` of the module, once.
///
/// # Errors
/// What Python raises.
pub fn extend(module: &Bound<'_, PyModule>, registry: Registry) -> PyResult<()> {
    let _ = REGISTRY.set(registry);
    let py = module.py();
    let own = wrap_pymodule!(_slatesim)(py);
    for name in own.bind(py).dir()? {
        let name: String = name.extract()?;
        if !name.starts_with("__") {
            module.add(name.as_str(), own.getattr(py, name.as_str())?)?;
        }
    }
    Ok(())
}

/// Runs the command line, and returns its exit code. `arguments` begin with the name of the program.
#[pyfunction]
fn cli(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| slatesim::cli::run(registry(), arguments))
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
