//! The rungs of `slatesim validate`, with an effort that a test can afford.

#![allow(clippy::unwrap_used, reason = "a test may")]

use crate::common;
use slatesim::backend::cpu::cpu;
use slatesim::registry::Registry;
use slatesim::validation::{Effort, Rung, Subject, cases, validate};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Rungs of the ladder by name: of 44 cases, five environments, and all figures known of the cases. Where there are fewer, a
/// case, a figure or a function is compared no more; what is added is added here.
const RUNGS: [(&str, usize); 8] = [
    ("known answers", 1),
    ("integer paths", 9),
    ("functions", 15),
    ("single steps", 44),
    ("trajectories", 44),
    ("step equals rollout", 44),
    ("invariance", 6),
    ("statistics", 44),
];

/// What a GPU has besides.
const RUNGS_OF_A_GPU: [(&str, usize); 2] = [("episodes end", 44), ("gpu and cpu", 44)];

fn assert_passes(subject: Subject<'_>, more: &[(&'static str, usize)]) {
    let mut failed = Vec::new();
    let cases = cases(&Registry::built_in()).unwrap();
    let rungs = validate(subject, Effort::Quick, &cases, &mut |rung: &Rung| {
        if !rung.passed {
            failed.push(rung.clone());
        }
        ControlFlow::Continue(())
    });
    assert!(failed.is_empty(), "{failed:#?}");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rung in rungs.unwrap() {
        *counts.entry(rung.name).or_insert(0) += 1;
    }
    let expected: BTreeMap<&str, usize> = RUNGS.iter().chain(more).copied().collect();
    assert_eq!(counts, expected, "rungs were lost or added");
}

#[test]
fn the_cpu_backend_passes_every_rung() {
    assert_passes(Subject::Cpu(&cpu(None).unwrap()), &[]);
}

#[test]
fn the_gpu_backend_passes_every_rung() {
    if let Some(gpu) = common::any_gpu() {
        assert_passes(Subject::Gpu(&gpu), &RUNGS_OF_A_GPU);
    }
}
