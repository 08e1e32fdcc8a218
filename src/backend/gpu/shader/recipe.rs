//! From a simulation to the composed shader of a kernel. Needs no GPU.

use super::compose::compose;
use super::definitions::definitions;
use super::interface;
use super::kernel::Kernel;
use super::parameters::Parameters;
use super::sources::sources;
use crate::backend::Simulation;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader_error::ShaderError;
use crate::shader::{ShaderDefs, ShaderSource};
use wgpu::naga;

/// All that the shader of a kernel is made from: equal recipes give equal shaders.
#[derive(Debug, PartialEq)]
pub(crate) struct Recipe {
    defs: ShaderDefs,
    modules: Vec<ShaderSource>,
    entry_source: ShaderSource,
    parameters: [Parameters; 2],
}

impl Recipe {
    /// Collects what the shader of a kernel is made from; `native_u64` tells whether the device has 64-bit integers.
    ///
    /// # Panics
    /// As [`compose_program`].
    pub(crate) fn new(
        simulation: &Simulation,
        kernel: Kernel,
        options: &GpuOptions,
        native_u64: bool,
    ) -> Self {
        let (modules, entry_source) = sources(simulation, kernel, options);
        Self {
            defs: definitions(simulation, kernel, options, native_u64),
            modules,
            entry_source,
            parameters: Parameters::of(simulation),
        }
    }

    /// Tells whether a release build may leave out the guards of arrays and loops.
    pub(crate) fn is_trusted(&self) -> bool {
        self.modules.iter().all(ShaderSource::is_trusted)
    }

    /// Makes the shader.
    ///
    /// # Errors
    /// [`ShaderError`] with file, line and caret.
    pub(crate) fn compose(&self) -> Result<naga::Module, ShaderError> {
        for module in &self.modules {
            interface::check(module, &self.defs)?;
        }
        let module = compose(&self.modules, &self.entry_source, &self.defs)?;
        for parameters in &self.parameters {
            parameters.check(&module)?;
        }
        Ok(module)
    }
}

/// Composes the shader of a kernel for a simulation; needs no GPU. For tests of the shaders of one's own models, and for tools that look
/// at shaders.
///
/// # Errors
/// [`ShaderError`] with file, line and caret.
///
/// # Panics
/// If [`GpuOptions::patch`] looks for a text that its file does not contain: a fault that was not planted would look like one
/// that no check finds.
pub fn compose_program(
    simulation: &Simulation,
    kernel: Kernel,
    options: &GpuOptions,
    native_u64: bool,
) -> Result<naga::Module, ShaderError> {
    Recipe::new(simulation, kernel, options, native_u64).compose()
}
