//! Draws and elementary functions one by one, for validation: the kernels of `shaders/kernel/probe.wgsl`.

use super::engine::Engine;
use super::inputs::Inputs;
use super::program::Program;
use crate::backend::Simulation;
use crate::backend::gpu::PROBE_ROWS;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::job::Job;
use crate::backend::gpu::shader::kernel::Kernel;
use std::sync::Arc;
use wgpu::BufferUsages;

/// Runs single draws and functions on a GPU.
#[derive(Debug)]
pub(crate) struct Probe {
    engine: Arc<Engine>,
    program: Arc<Program>,
    inputs: Inputs,
}

impl Probe {
    /// Makes the kernels and uploads the numbers of the simulation.
    pub(crate) fn new(
        engine: Arc<Engine>,
        options: &GpuOptions,
        simulation: &Simulation,
    ) -> Result<Self, GpuError> {
        let program = engine.program(options, simulation, Kernel::Probe, &["probe", "encrypt"])?;
        for kernel in ["probe", "encrypt"] {
            program.check_iterations(&engine.gpu, options, kernel, &[])?;
        }
        let inputs = Inputs::new(&engine.gpu, simulation)?;
        Ok(Self {
            engine,
            program,
            inputs,
        })
    }

    /// Draws the words 0 to n - 1 of purpose `DOCUMENT` of an episode, four each, and takes functions of the n arguments.
    ///
    /// Returns the bits of the results, shape `[PROBE_ROWS, n]`.
    ///
    /// # Errors
    /// [`GpuError`] if the device fails.
    pub(crate) fn run(
        &self,
        seed: u64,
        episode: u64,
        arguments: &[f32],
    ) -> Result<Vec<u32>, GpuError> {
        let job = Job::of_lanes(seed, episode, count(arguments.len()), 0);
        self.dispatch("probe", &job, bytemuck::cast_slice(arguments), PROBE_ROWS)
    }

    /// Encrypts counters of four words with keys of two.
    ///
    /// Returns the words of the results, shape `[4, n]`.
    ///
    /// # Errors
    /// [`GpuError`] if the device fails.
    pub(crate) fn encrypt(&self, counters_and_keys: &[[u32; 6]]) -> Result<Vec<u32>, GpuError> {
        let job = Job::of_lanes(0, 0, count(counters_and_keys.len()), 0);
        self.dispatch("encrypt", &job, bytemuck::cast_slice(counters_and_keys), 4)
    }

    fn dispatch(
        &self,
        entry_point: &'static str,
        job: &Job,
        inputs: &[u8],
        rows: usize,
    ) -> Result<Vec<u32>, GpuError> {
        let gpu = &self.engine.gpu;
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_SRC;
        let arguments = gpu.upload("arguments", storage, inputs)?;
        let bytes = 4 * rows as u64 * u64::from(job.num_lanes);
        let results = gpu.buffer("results", bytes, storage)?;
        let groups = self
            .program
            .bind(gpu, &self.inputs, job, &[&arguments, &results])?;
        let mut encoder = gpu.encoder("probe");
        self.program
            .dispatch(&mut encoder, None, entry_point, &groups, job.num_lanes);
        let staged = gpu.stage(&mut encoder, "results", &results, 0..bytes)?;
        let submission = gpu.submit("probe", encoder)?;
        staged
            .start(&submission)
            .wait_with(gpu, bytemuck::pod_collect_to_vec::<u8, u32>)
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a probe is small")
}
