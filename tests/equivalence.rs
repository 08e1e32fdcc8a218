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
mod common;
#[path = "../examples/equivalence/golden.rs"]
mod golden;
#[path = "../examples/equivalence/policies.rs"]
mod policies;
#[path = "../examples/equivalence/row.rs"]
mod row;
#[path = "../examples/equivalence/setup.rs"]
mod setup;

use slatesim::backend::Backend;
use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;

/// About 320 comparisons a backend of two-sided significance 6e-5, those of quantiles and curves being of 9 and 60 figures:
/// by chance one in twenty such suites would fail. The seeds are fixed, so that it either does or does not.
fn assert_matches_recsim(backend: &dyn Backend, episodes: u64) {
    let mut rows = campaigns::rows(backend, episodes).unwrap();
    rows.extend(policies::rows(backend, episodes / 4).unwrap());
    rows.extend(agents::rows(backend, episodes / 4).unwrap());
    rows.extend(closed_forms::rows(backend, episodes).unwrap());
    rows.extend(golden::rows(backend, 0).unwrap());
    rows.extend(choices::rows(backend, 0).unwrap());
    assert!(rows.len() > 190, "figures are lost");
    let failed = rows.iter().filter(|row| !row.passed());
    let failed: Vec<String> = failed
        .map(|row| {
            format!(
                "{}, {}: {} for {}",
                row.case, row.figure, row.ours, row.theirs
            )
        })
        .collect();
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
