//! Checks that results do not depend on batch size, threads, fusion length, workgroup size, shards, or on what else runs.

use super::cases::Case;
use super::error::ValidationError;
use super::rung::{Effort, Rung, Subject};
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::gpu::{GpuBackend, GpuOptions};
use crate::backend::{BLOCK_EPISODES, Backend, Simulation, Unobserved};
use crate::statistics::Statistics;
use std::ops::Range;

/// Which ways of cutting the work are tried on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cuts {
    /// All ways.
    All,
    /// Those whose result could depend on the model.
    OfModels,
}

/// Compares statistics, which are exact sums, between all ways of cutting the work.
pub(super) fn invariance(
    subject: Subject<'_>,
    effort: Effort,
    cuts: Cuts,
    case: &Case,
) -> Result<Rung, ValidationError> {
    // A number that is no multiple of a block, a vector or a workgroup.
    let episodes = if effort == Effort::Full {
        9 * BLOCK_EPISODES + 133
    } else {
        2 * BLOCK_EPISODES + 33
    };
    let simulation = &case.simulation;
    let expected = subject
        .backend()
        .rollout(simulation, 0..episodes, &Unobserved)?;
    let mut compared = 0;
    let mut wrong = Vec::new();
    let mut check = |what: String, found: Statistics| {
        compared += 1;
        if found != expected {
            wrong.push(what);
        }
    };
    match subject {
        Subject::Cpu(_) => {
            for (threads, batch_size) in [(1, None), (2, Some(1)), (3, Some(700))] {
                let mut backend = CpuBackend::new(Arithmetic::Single, Some(threads))?;
                if let Some(batch_size) = batch_size {
                    backend = backend.with_batch_size(batch_size);
                }
                check(
                    format!("{threads} threads"),
                    backend.rollout(simulation, 0..episodes, &Unobserved)?,
                );
            }
        }
        Subject::Gpu(gpu) => {
            for (what, options) in variants(gpu, effort, cuts) {
                check(
                    what,
                    gpu.with_options(options)
                        .rollout(simulation, 0..episodes, &Unobserved)?,
                );
            }
        }
    }
    let twice = [simulation.clone(), simulation.clone()];
    let together = subject
        .backend()
        .rollout_many(&twice, 0..episodes, &Unobserved)?;
    for found in together.statistics {
        check("two simulations side by side".to_owned(), found);
    }
    let cut = BLOCK_EPISODES;
    check(
        "shards".to_owned(),
        merged(
            subject.backend(),
            simulation,
            &[0..cut, cut..cut, cut..episodes],
        )?,
    );
    Ok(Rung {
        name: "invariance",
        case: case.name().to_owned(),
        passed: wrong.is_empty(),
        measured: if wrong.is_empty() {
            format!("{compared} ways to cut {episodes} episodes, all equal")
        } else {
            format!(
                "{} of {compared} ways to cut {episodes} episodes differ: {}",
                wrong.len(),
                wrong.join(", ")
            )
        },
    })
}

fn variants(gpu: &GpuBackend, effort: Effort, cuts: Cuts) -> Vec<(String, GpuOptions)> {
    let base = gpu.options().clone();
    let of_models = vec![
        (
            "batches of 256".to_owned(),
            GpuOptions {
                batch_size: Some(256),
                ..base.clone()
            },
        ),
        (
            "7 fused steps".to_owned(),
            GpuOptions {
                fusion_length: Some(7),
                ..base.clone()
            },
        ),
        (
            "parts of three candidates".to_owned(),
            GpuOptions {
                part_size: Some(3),
                ..base.clone()
            },
        ),
    ];
    if cuts == Cuts::OfModels {
        return of_models;
    }
    let mut variants = of_models;
    variants.extend([
        (
            "workgroups of 128".to_owned(),
            GpuOptions {
                workgroup_size: Some(128),
                ..base.clone()
            },
        ),
        (
            "workgroups of 256".to_owned(),
            GpuOptions {
                workgroup_size: Some(256),
                ..base.clone()
            },
        ),
        (
            "limb products".to_owned(),
            GpuOptions {
                avoids_native_u64: true,
                ..base.clone()
            },
        ),
        (
            "statistics by the device, workgroups of 2".to_owned(),
            GpuOptions {
                workgroup_size: Some(2),
                tallies: Some(true),
                ..base.clone()
            },
        ),
        (
            "statistics by the device, batches of 512, 7 fused steps".to_owned(),
            GpuOptions {
                batch_size: Some(512),
                fusion_length: Some(7),
                tallies: Some(true),
                ..base.clone()
            },
        ),
        (
            "bounds checks".to_owned(),
            GpuOptions {
                is_checked: true,
                ..base.clone()
            },
        ),
    ]);
    if effort == Effort::Full {
        let mixed = GpuOptions {
            batch_size: Some(512),
            fusion_length: Some(33),
            workgroup_size: Some(256),
            ..base.clone()
        };
        variants.push((
            "one step a dispatch".to_owned(),
            GpuOptions {
                fusion_length: Some(1),
                ..base
            },
        ));
        variants.push((
            "workgroups of 256, batches of 512, 33 fused steps".to_owned(),
            mixed,
        ));
    }
    variants
}

fn merged(
    backend: &dyn Backend,
    simulation: &Simulation,
    ranges: &[Range<u64>],
) -> Result<Statistics, ValidationError> {
    let mut whole = simulation.statistics();
    for range in ranges.iter().rev() {
        whole.merge(&backend.rollout(simulation, range.clone(), &Unobserved)?)?;
    }
    Ok(whole)
}
