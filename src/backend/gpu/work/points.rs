//! Simulations that one pipeline can run side by side: the points of a sweep.
//!
//! Lanes of one batch belong to several of them, whole blocks to each, and read their parameters by point. That needs the
//! same shader for all, the same seed and the same number of steps; everything else may differ.

use super::inputs::{Inputs, upload, values};
use crate::backend::Simulation;
use crate::backend::gpu::device::context::Gpu;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::job::Job;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::shader::recipe::Recipe;
use wgpu::BufferUsages;

/// What simulations must have in common to run side by side.
#[derive(Debug, PartialEq)]
struct Common {
    recipe: Recipe,
    seed: u64,
    num_steps: u32,
    /// The lengths of the parameters of environment and choice model, and of the other numbers.
    lengths: [usize; 5],
}

impl Common {
    fn of(gpu: &Gpu, options: &GpuOptions, simulation: &Simulation) -> Self {
        Self {
            recipe: Recipe::new(simulation, Kernel::Sweep, options, gpu.native_u64()),
            seed: simulation.plan.seed,
            num_steps: simulation.plan.num_steps(),
            lengths: numbers(simulation).map(|numbers| numbers.len()),
        }
    }
}

/// All numbers of a simulation: the parameters of environment and choice model, the tables of environment and policy,
/// the corpus.
fn numbers(simulation: &Simulation) -> [Vec<f64>; 5] {
    let Simulation { model, plan } = simulation;
    let corpus = plan.corpus.as_ref();
    [
        values(model.parameters()),
        values(plan.choice.parameters()),
        model.tables(),
        plan.policy.tables(),
        corpus.map_or_else(Vec::new, |corpus| corpus.fields.to_vec()),
    ]
}

/// Sorts simulations into groups that can run side by side: the indices of each, ascending.
pub(crate) fn groups(
    gpu: &Gpu,
    options: &GpuOptions,
    simulations: &[Simulation],
) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Common, Vec<usize>)> = Vec::new();
    for (index, simulation) in simulations.iter().enumerate() {
        let common = Common::of(gpu, options, simulation);
        match groups.iter_mut().find(|(other, _)| *other == common) {
            Some((_, members)) => members.push(index),
            None => groups.push((common, vec![index])),
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

/// The numbers of some simulations that can run side by side, on the device.
#[derive(Debug)]
pub(crate) struct Points {
    pub(crate) inputs: Inputs,
    numbers_per_point: u32,
    policy_numbers: u32,
    corpus_numbers: u32,
}

impl Points {
    /// Uploads what `struct Point` in `shaders/kernel/candidates.wgsl` and the array in `tables.wgsl` hold; of a single
    /// simulation, its inputs as they are.
    pub(crate) fn new(gpu: &Gpu, simulations: &[&Simulation]) -> Result<Self, GpuError> {
        if let [simulation] = simulations {
            return Ok(Self {
                inputs: Inputs::new(gpu, simulation)?,
                numbers_per_point: 0,
                policy_numbers: 0,
                corpus_numbers: 0,
            });
        }
        let (mut parameters, mut others) = (Vec::new(), Vec::new());
        let mut lengths = [0; 3];
        for simulation in simulations {
            let [environment, choice, tables, policy_tables, corpus] = numbers(simulation);
            parameters.extend(environment);
            parameters.extend(choice);
            lengths = [tables.len(), policy_tables.len(), corpus.len()];
            others.extend([tables, policy_tables, corpus].into_iter().flatten());
        }
        let points = upload(gpu, "parameters", BufferUsages::STORAGE, &parameters)?;
        let numbers = upload(gpu, "tables", BufferUsages::STORAGE, &others)?;
        let word = |number: usize| u32::try_from(number).expect("what a buffer holds is fewer");
        Ok(Self {
            numbers_per_point: word(lengths.iter().sum()),
            policy_numbers: word(lengths[0]),
            corpus_numbers: word(lengths[0] + lengths[1]),
            // The shader has bindings 1 and 4 only.
            inputs: Inputs {
                buffers: [
                    points.clone(),
                    points.clone(),
                    points,
                    numbers.clone(),
                    numbers,
                ],
            },
        })
    }

    /// Returns a job that knows where the numbers of points are.
    pub(crate) fn tell(&self, job: Job) -> Job {
        Job {
            numbers_per_point: self.numbers_per_point,
            policy_numbers: self.policy_numbers,
            corpus_numbers: self.corpus_numbers,
            ..job
        }
    }
}
