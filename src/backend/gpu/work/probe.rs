//! Draws and elementary functions one by one, for validation: the kernels of `shaders/kernel/probe.wgsl`.

use super::program::{Entry, Inputs, Job, Program};
use crate::backend::Simulation;
use crate::backend::gpu::GpuOptions;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use std::sync::Arc;
use wgpu::BufferUsages;

/// How many rows of results the kernel `probe` writes.
pub const PROBE_ROWS: usize = 24;

/// Runs single draws and functions on a GPU.
#[derive(Debug)]
pub struct Probe {
    gpu: Arc<Gpu>,
    program: Arc<Program>,
    inputs: Inputs,
}

impl Probe {
    pub(crate) fn new(
        gpu: Arc<Gpu>,
        options: &GpuOptions,
        simulation: &Simulation,
    ) -> Result<Self, GpuError> {
        let program = Program::get(
            &gpu,
            options,
            simulation,
            Entry::Probe,
            &["probe", "encrypt"],
        )?;
        for kernel in ["probe", "encrypt"] {
            program.check_iterations(&gpu, options, kernel, &[])?;
        }
        let inputs = Inputs::new(&gpu, simulation)?;
        Ok(Self {
            gpu,
            program,
            inputs,
        })
    }

    /// Takes the blocks 0 to n - 1 of purpose `DOCUMENT` of an episode, and functions of the n arguments.
    ///
    /// Returns the bits of the results, shape `[PROBE_ROWS, n]`.
    ///
    /// # Errors
    /// [`GpuError`] if the device fails.
    pub fn run(&self, seed: u64, episode: u64, arguments: &[f32]) -> Result<Vec<u32>, GpuError> {
        let job = Job::of_lanes(seed, episode, count(arguments.len()), 0);
        self.dispatch("probe", &job, bytemuck::cast_slice(arguments), PROBE_ROWS)
    }

    /// Encrypts counters of four words with keys of two.
    ///
    /// Returns the words of the results, shape `[4, n]`.
    ///
    /// # Errors
    /// [`GpuError`] if the device fails.
    pub fn encrypt(&self, counters_and_keys: &[[u32; 6]]) -> Result<Vec<u32>, GpuError> {
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
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_SRC;
        let arguments = self.gpu.upload("arguments", storage, inputs)?;
        let bytes = 4 * rows as u64 * u64::from(job.num_lanes);
        let results = self.gpu.buffer("results", bytes, storage)?;
        let groups = self
            .program
            .bind(&self.gpu, &self.inputs, job, &[&arguments, &results])?;
        let mut encoder = self.gpu.encoder("probe");
        self.program
            .dispatch(&mut encoder, None, entry_point, &groups, job.num_lanes);
        let staged = self
            .gpu
            .stage(&mut encoder, "results", &results, 0..bytes)?;
        let submission = self.gpu.submit("probe", encoder)?;
        staged
            .start(&submission)
            .wait_with(&self.gpu, bytemuck::pod_collect_to_vec::<u8, u32>)
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a probe is small")
}
