//! The files that a kernel is made of.

use super::agent;
use super::conversions::with_conversions;
use super::kernel::Kernel;
use crate::backend::Simulation;
use crate::backend::gpu::options::{GpuOptions, Patch};
use crate::shader::{ShaderSource, embedded};

/// Lists the modules of a kernel, each after those it imports, and its entry file.
pub(super) fn sources(
    simulation: &Simulation,
    kernel: Kernel,
    options: &GpuOptions,
) -> (Vec<ShaderSource>, ShaderSource) {
    let mut modules = vec![
        embedded!("slatesim::job", "kernel/job.wgsl"),
        embedded!("slatesim::blocks", "kernel/blocks.wgsl"),
    ];
    modules.extend(match kernel.only_adds() {
        true => modules_of_sums(),
        false => modules_of_episodes(simulation, options.part_size.is_some()),
    });
    let mut entry_source = kernel.source();
    if let Some(patch) = &options.patch {
        modules
            .iter_mut()
            .chain([&mut entry_source])
            .for_each(|source| apply(patch, source));
    }
    (modules, entry_source)
}

/// Lists the modules of the kernels that only add up, after those that all have.
fn modules_of_sums() -> Vec<ShaderSource> {
    vec![
        embedded!("slatesim::exact_sum", "statistics/exact_sum.wgsl"),
        embedded!("slatesim::tallied", "kernel/tallied.wgsl"),
        embedded!("slatesim::workgroup_sums", "kernel/workgroup_sums.wgsl"),
    ]
}

/// Lists the modules of the kernels that run episodes, after those that all have.
fn modules_of_episodes(simulation: &Simulation, is_in_parts: bool) -> Vec<ShaderSource> {
    let plan = &simulation.plan;
    let mut modules = vec![
        embedded!("slatesim::rng", "rng.wgsl"),
        embedded!("slatesim::math", "math.wgsl"),
        embedded!("slatesim::distribution", "distribution.wgsl"),
        embedded!("slatesim::bandit", "bandit.wgsl"),
        embedded!("slatesim::regression", "regression.wgsl"),
        embedded!("slatesim::compensated", "statistics/compensated.wgsl"),
        embedded!("slatesim::slope", "statistics/slope.wgsl"),
        embedded!("slatesim::tables", "kernel/tables.wgsl"),
        embedded!("slatesim::part", "kernel/part.wgsl"),
        embedded!("slatesim::cascade", "choice/cascade.wgsl"),
        with_conversions(
            simulation.model.shader(),
            &simulation.model.user_layout(),
            &simulation.model.document_layout(),
        ),
        plan.choice.definition().shader(),
        embedded!("slatesim::candidates", "kernel/candidates.wgsl"),
        embedded!("slatesim::step_sums", "kernel/step_sums.wgsl"),
        embedded!("slatesim::drive", "kernel/drive.wgsl"),
        embedded!("slatesim::ranking", "policy/ranking.wgsl"),
        embedded!("slatesim::shuffle", "policy/shuffle.wgsl"),
        embedded!("slatesim::sorting", "policy/sorting.wgsl"),
        embedded!("slatesim::inputs", "policy/inputs.wgsl"),
        embedded!("slatesim::scoring", "policy/scoring.wgsl"),
        embedded!("slatesim::ridge", "policy/ridge.wgsl"),
        embedded!("slatesim::logistic", "policy/logistic.wgsl"),
        embedded!("slatesim::posterior", "policy/posterior.wgsl"),
    ];
    if is_in_parts {
        modules.push(embedded!("slatesim::carried", "kernel/carried.wgsl"));
    }
    let agent = plan.policy.shaders();
    let (policy, layers) = agent.split_first().expect("there is a policy");
    let calls = agent::module(policy, layers);
    modules.extend(agent);
    modules.push(calls);
    modules
}

/// Plants a fault in the file that it is meant for.
fn apply(patch: &Patch, source: &mut ShaderSource) {
    if source.path == patch.path {
        assert!(
            source.text.contains(&patch.find),
            "{} does not contain {:?}",
            patch.path,
            patch.find
        );
        source.text = source.text.replace(&patch.find, &patch.replace).into();
    }
}
