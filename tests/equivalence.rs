//! The figures of the equivalence report, on every backend: `tests/data/README.md` says where they come from.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../examples/equivalence/agents.rs"]
mod agents;
#[path = "../examples/equivalence/campaigns.rs"]
mod campaigns;
#[path = "../examples/equivalence/choices.rs"]
mod choices;
#[path = "../examples/equivalence/closed_forms.rs"]
mod closed_forms;
#[path = "../examples/equivalence/golden.rs"]
mod golden;
#[path = "../examples/equivalence/policies.rs"]
mod policies;
#[path = "../examples/equivalence/row.rs"]
mod row;
#[path = "../examples/equivalence/setup.rs"]
mod setup;

use crate::common;
use slatesim::backend::Backend;
use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;

/// 226 comparisons a backend, those of random figures of two-sided significance 6e-5, quantiles and curves being of 9 and 60
/// figures: by chance one in twenty such suites would fail. The seeds are fixed, so that it either does or does not.
///
/// Each part has its number of comparisons: where there are fewer, a case, a figure or a position of the slate is lost.
fn assert_matches_recsim(backend: &dyn Backend, episodes: u64) {
    let parts = [
        ("recorded transitions", 8, golden::rows(backend, 0)),
        ("choice models", 16, choices::rows(backend, 0)),
        ("campaigns", 54, campaigns::rows(backend, episodes)),
        ("policies", 124, policies::rows(backend, episodes / 4)),
        ("agents", 8, agents::rows(backend, episodes / 4)),
        ("closed forms", 16, closed_forms::rows(backend, episodes)),
    ];
    let mut failed = Vec::new();
    for (part, count, rows) in parts {
        let rows = rows.unwrap();
        assert_eq!(rows.len(), count, "comparisons of {part}");
        for row in rows.iter().filter(|row| !row.passed()) {
            failed.push(format!(
                "{}, {}: {} for {}",
                row.case, row.figure, row.ours, row.theirs
            ));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_reference_matches_the_original() {
    assert_matches_recsim(&reference(None).unwrap(), 1 << 13);
}

#[test]
fn the_cpu_backend_matches_the_original() {
    assert_matches_recsim(&cpu(None).unwrap(), 1 << 14);
}

#[test]
fn the_gpu_backend_matches_the_original() {
    if let Some(gpu) = common::any_gpu() {
        assert_matches_recsim(&gpu, 1 << 13);
    }
}
