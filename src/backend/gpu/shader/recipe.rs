//! From a simulation to the composed shader of a kernel. Needs no GPU.

use super::compose::compose;
use super::definitions::definitions;
use super::interface;
use super::kernel::Kernel;
use super::parameters::Parameters;
use super::sources::{models, sources};
use crate::backend::Simulation;
use crate::backend::gpu::options::{GpuOptions, Patch};
use crate::backend::gpu::shader_error::ShaderError;
use crate::shader::{ShaderDefs, ShaderSource};
use wgpu::naga;

/// All that the shader of a kernel is made from, besides the modules that are the same for all: equal recipes give equal shaders.
#[derive(Debug, PartialEq)]
pub(crate) struct Recipe {
    defs: ShaderDefs,
    kernel: Kernel,
    /// What the models bring; nothing for kernels that serve all simulations.
    models: Vec<ShaderSource>,
    parameters: Vec<Parameters>,
    patch: Option<Patch>,
}

/// A shader.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) module: naga::Module,
    /// Whether a release build may leave out the guards of arrays and loops.
    pub(crate) is_trusted: bool,
}

impl Recipe {
    /// Collects what the shader of a kernel is made from; `native_u64` tells whether the device has 64-bit integers.
    pub(crate) fn new(
        simulation: &Simulation,
        kernel: Kernel,
        options: &GpuOptions,
        native_u64: bool,
    ) -> Self {
        let (models, parameters) = match kernel.only_adds() {
            true => (Vec::new(), Vec::new()),
            false => (models(simulation), Parameters::of(simulation).into()),
        };
        Self {
            defs: definitions(simulation, kernel, options, native_u64),
            kernel,
            models,
            parameters,
            patch: options.patch.clone(),
        }
    }

    /// Makes the shader.
    ///
    /// # Errors
    /// [`ShaderError`] with file, line and caret.
    ///
    /// # Panics
    /// As [`compose_program`].
    pub(crate) fn compose(&self) -> Result<Composed, ShaderError> {
        let (modules, entry) = sources(self.kernel, &self.models, self.patch.as_ref());
        for module in &modules {
            interface::check(module, &self.defs)?;
        }
        let module = compose(&modules, &entry, &self.defs)?;
        for parameters in &self.parameters {
            parameters.check(&module)?;
        }
        let is_trusted = modules.iter().all(ShaderSource::is_trusted);
        Ok(Composed { module, is_trusted })
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
    let recipe = Recipe::new(simulation, kernel, options, native_u64);
    recipe.compose().map(|composed| composed.module)
}
