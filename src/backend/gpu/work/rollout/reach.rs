//! How far one dispatch of a rollout may go before the driver stops its loops.

use crate::backend::Simulation;
use crate::backend::gpu::error::GpuError;
use crate::backend::gpu::options::GpuOptions;
use crate::backend::gpu::shader::kernel::Kernel;
use crate::backend::gpu::work::engine::Engine;
use crate::backend::gpu::work::limits::{allowed_iterations, largest};
use crate::backend::gpu::work::program::Program;
use std::sync::Arc;

/// How much a dispatch may do.
pub(super) struct Reach {
    /// Steps at most.
    pub(super) steps: u32,
    /// Candidates of the one step, where all of them are too many.
    pub(super) candidates: Option<u32>,
}

/// Finds how much a dispatch may do before the driver stops its loops, and makes the program for that.
pub(super) fn reach(
    engine: &Engine,
    options: &GpuOptions,
    simulation: &Simulation,
    kernel: Kernel,
    most_steps: u32,
) -> Result<(GpuOptions, Arc<Program>, Reach), GpuError> {
    let gpu = &engine.gpu;
    let num_candidates = simulation.plan.num_candidates;
    let options = options.clone();
    let available = allowed_iterations(gpu, &options).unwrap_or(u64::MAX);
    let get = |options: &GpuOptions| engine.program(options, simulation, kernel, &["rollout"]);
    let job = |steps, candidates| {
        [
            ("step_begin", 0),
            ("step_end", steps),
            ("candidate_begin", 0),
            ("candidate_end", candidates),
        ]
    };
    if options.part_size.is_none() {
        let program = get(&options)?;
        let fits = |steps| {
            Ok(program.iterations(gpu, "rollout", &job(steps, num_candidates))? <= available)
        };
        let steps = largest(most_steps, fits)?;
        if steps > 0 {
            let reach = Reach {
                steps,
                candidates: None,
            };
            return Ok((options, program, reach));
        }
    }
    let options = GpuOptions {
        part_size: Some(options.part_size.unwrap_or(num_candidates).max(1)),
        ..options
    };
    let program = get(&options)?;
    let needed = |candidates| program.iterations(gpu, "rollout", &job(1, candidates));
    let most = options
        .part_size
        .map_or(num_candidates, |size| size.min(num_candidates));
    let candidates = largest(most, |candidates| Ok(needed(candidates)? <= available))?;
    if candidates == 0 {
        return Err(GpuError::LoopLimit {
            what: "one step of this simulation".to_owned(),
            adapter: gpu.info().name.clone(),
            needed: needed(1)?,
            available,
        });
    }
    let reach = Reach {
        steps: 1,
        candidates: Some(candidates),
    };
    Ok((options, program, reach))
}
