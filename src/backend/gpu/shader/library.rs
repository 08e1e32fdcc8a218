//! The WGSL modules that others import by `#import slatesim::<name>`: functions, what several models share, and what kernels are made of.

use crate::shader::{ShaderSource, embedded};

/// Lists all of them. A kernel is composed of those that it imports, directly or not.
pub(super) fn library() -> Vec<ShaderSource> {
    vec![
        embedded!("slatesim::rng", "rng.wgsl"),
        embedded!("slatesim::math", "math.wgsl"),
        embedded!("slatesim::distribution", "distribution.wgsl"),
        embedded!("slatesim::bandit", "bandit.wgsl"),
        embedded!("slatesim::regression", "regression.wgsl"),
        embedded!("slatesim::compensated", "statistics/compensated.wgsl"),
        embedded!("slatesim::exact_sum", "statistics/exact_sum.wgsl"),
        embedded!("slatesim::slope", "statistics/slope.wgsl"),
        embedded!("slatesim::cascade", "choice/cascade.wgsl"),
        embedded!("slatesim::inputs", "policy/inputs.wgsl"),
        embedded!("slatesim::logistic", "policy/logistic.wgsl"),
        embedded!("slatesim::posterior", "policy/posterior.wgsl"),
        embedded!("slatesim::ranking", "policy/ranking.wgsl"),
        embedded!("slatesim::ridge", "policy/ridge.wgsl"),
        embedded!("slatesim::scoring", "policy/scoring.wgsl"),
        embedded!("slatesim::shuffle", "policy/shuffle.wgsl"),
        embedded!("slatesim::sorting", "policy/sorting.wgsl"),
        embedded!("slatesim::blocks", "kernel/blocks.wgsl"),
        embedded!("slatesim::candidates", "kernel/candidates.wgsl"),
        embedded!("slatesim::carried", "kernel/carried.wgsl"),
        embedded!("slatesim::drive", "kernel/drive.wgsl"),
        embedded!("slatesim::job", "kernel/job.wgsl"),
        embedded!("slatesim::part", "kernel/part.wgsl"),
        embedded!("slatesim::step_sums", "kernel/step_sums.wgsl"),
        embedded!("slatesim::tables", "kernel/tables.wgsl"),
        embedded!("slatesim::tallied", "kernel/tallied.wgsl"),
        embedded!("slatesim::workgroup_sums", "kernel/workgroup_sums.wgsl"),
    ]
}
