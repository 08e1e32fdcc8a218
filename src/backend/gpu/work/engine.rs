//! An open device and the programs made for it.

use super::limits::allowed_iterations;
use super::program::Program;
use crate::backend::Simulation;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::device::lock::lock;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::shader::recipe::Recipe;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How many programs are kept: a sweep over sizes would make any number of them.
const MAX_PROGRAMS: usize = 128;

/// Holds an open device, and the programs that have been made for it.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) gpu: Gpu,
    /// By all that they are made from; compiling one takes a tenth of a second and more.
    programs: Mutex<BTreeMap<String, Arc<Program>>>,
}

impl Engine {
    /// Takes a device for which no program has been made.
    pub(crate) fn new(gpu: Gpu) -> Self {
        Self {
            gpu,
            programs: Mutex::default(),
        }
    }

    /// Makes the program of a kernel, or finds it if it has been made before.
    pub(crate) fn program(
        &self,
        options: &GpuOptions,
        simulation: &Simulation,
        kernel: Kernel,
        entry_points: &[&'static str],
    ) -> Result<Arc<Program>, GpuError> {
        let recipe = Recipe::new(simulation, kernel, options, self.gpu.native_u64());
        let is_counted = allowed_iterations(&self.gpu, options).is_some();
        let key = format!("{recipe:?} {} {is_counted}", options.is_checked);
        let mut programs = lock(&self.programs);
        if let Some(program) = programs.get(&key) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(Program::new(
            &self.gpu,
            &recipe,
            options,
            kernel,
            entry_points,
        )?);
        if programs.len() >= MAX_PROGRAMS {
            programs.clear();
        }
        programs.insert(key, Arc::clone(&program));
        Ok(program)
    }
}
