//! A module for Python with slatesim's models and one of one's own, the environment of `examples/custom_environment.rs`.
//!
//! ```python
//! import custom_models, slatesim
//!
//! slatesim.use(custom_models)
//! slatesim.evaluate(environment="boredom", episodes=1_000_000)
//! ```
#![allow(missing_docs, reason = "it is a module for Python")]

#[path = "../../../../examples/custom_environment.rs"]
mod custom_environment;

/// `pip install .` makes it.
#[pyo3::pymodule]
mod custom_models {
    use pyo3::prelude::*;
    use slatesim::registry::Registry;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let registry = Registry::built_in();
        let registry = registry.with_environment::<super::custom_environment::Boredom<f64>>();
        slatesim_python::extend(module, registry)
    }
}
