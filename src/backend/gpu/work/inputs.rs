//! The parameters and tables of a simulation, which kernels read.

use crate::backend::Simulation;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use wgpu::BufferUsages;

/// The parameters of a simulation, on the device.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// Bindings 1 to 5 of group 0.
    pub(crate) buffers: [wgpu::Buffer; 5],
}

impl Inputs {
    pub(crate) fn new(gpu: &Gpu, simulation: &Simulation) -> Result<Self, GpuError> {
        let upload = |what, usage, numbers: &[f64]| upload(gpu, what, usage, numbers);
        let corpus = simulation
            .plan
            .corpus
            .as_ref()
            .map_or(&[][..], |corpus| &corpus.fields);
        Ok(Self {
            buffers: [
                upload(
                    "environment parameters",
                    BufferUsages::UNIFORM,
                    &values(simulation.model.parameters()),
                )?,
                upload(
                    "choice parameters",
                    BufferUsages::UNIFORM,
                    &values(simulation.plan.choice.parameters()),
                )?,
                upload("corpus", BufferUsages::STORAGE, corpus)?,
                upload("tables", BufferUsages::STORAGE, &simulation.model.tables())?,
                upload(
                    "policy tables",
                    BufferUsages::STORAGE,
                    &simulation.plan.policy.tables(),
                )?,
            ],
        })
    }
}

/// Leaves the names of parameters out.
pub(crate) fn values(named: Vec<(&str, f64)>) -> Vec<f64> {
    named.into_iter().map(|(_, value)| value).collect()
}

/// Makes a buffer of numbers in the precision of lanes.
pub(crate) fn upload(
    gpu: &Gpu,
    what: &str,
    usage: BufferUsages,
    numbers: &[f64],
) -> Result<wgpu::Buffer, GpuError> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "lanes compute in single precision"
    )]
    let singles: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
    gpu.upload(what, usage, bytemuck::cast_slice(&singles))
}
