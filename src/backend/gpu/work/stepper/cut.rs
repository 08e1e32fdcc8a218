//! Steps that are cut into parts of the candidates, because the driver would stop loops over all of them.

use crate::backend::Simulation;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::work::engine::Engine;
use crate::backend::gpu::work::limits::{allowed_iterations, largest};
use crate::backend::gpu::work::program::Program;
use std::sync::Arc;

/// Makes a program with some entry points, and returns how many candidates a dispatch of one of them, `cut`, may look at
/// before the driver stops its loops.
pub(super) fn cut_program(
    engine: &Engine,
    options: &GpuOptions,
    simulation: &Simulation,
    kernel: Kernel,
    entry_points: &[&'static str],
    cut: &'static str,
) -> Result<(Arc<Program>, u32), GpuError> {
    let gpu = &engine.gpu;
    let num_candidates = simulation.plan.num_candidates;
    let available = allowed_iterations(gpu, options).unwrap_or(u64::MAX);
    let job = |candidates| [("candidate_begin", 0), ("candidate_end", candidates)];
    let mut options = options.clone();
    let most = options
        .part_size
        .unwrap_or(num_candidates)
        .clamp(1, num_candidates);
    for is_in_parts in [options.part_size.is_some(), true] {
        options.part_size = is_in_parts.then_some(most);
        let program = engine.program(&options, simulation, kernel, entry_points)?;
        for whole in entry_points.iter().filter(|&&name| name != cut) {
            program.check_iterations(gpu, &options, whole, &job(1))?;
        }
        let fits = |candidates| Ok(program.iterations(gpu, cut, &job(candidates))? <= available);
        let part_size = match is_in_parts {
            true => largest(most, fits)?,
            false if fits(num_candidates)? => num_candidates,
            false => 0,
        };
        if part_size > 0 {
            return Ok((program, part_size));
        }
        if is_in_parts {
            program.check_iterations(gpu, &options, cut, &job(1))?;
        }
    }
    unreachable!("a part of one candidate fits, or was refused")
}
