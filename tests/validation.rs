//! The ladder of `slatesim validate`, at the effort that a test can afford.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use slatesim::backend::cpu::cpu;
use slatesim::registry::Registry;
use slatesim::validation::{Effort, Rung, Subject, cases, validate};
use std::ops::ControlFlow;

fn assert_passes(subject: Subject<'_>) {
    let mut failed = Vec::new();
    let cases = cases(&Registry::built_in()).unwrap();
    let rungs = validate(subject, Effort::Quick, &cases, &mut |rung: &Rung| {
        if !rung.passed {
            failed.push(rung.clone());
        }
        ControlFlow::Continue(())
    });
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(rungs.unwrap().len() > 40, "the ladder has lost rungs");
}

#[test]
fn the_cpu_backend_passes_every_rung() {
    assert_passes(Subject::Cpu(&cpu(None).unwrap()));
}

#[test]
fn the_gpu_backend_passes_every_rung() {
    if let Some(gpu) = common::any_gpu() {
        assert_passes(Subject::Gpu(&gpu));
    }
}
