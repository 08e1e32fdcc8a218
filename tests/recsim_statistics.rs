//! Returns, quantiles and curves against 10,000-episode runs of the original: `tests/data/README.md`.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use serde_json::Value;
use slatesim::backend::cpu::cpu;
use slatesim::backend::reference::reference;
use slatesim::backend::{Backend, Unobserved};
use slatesim::statistics::joint_standard_errors;
use slatesim::validation::cases;

const EPISODES: u64 = 1 << 14;
/// Joint standard errors. About 350 comparisons a backend: by chance one in fifty such suites would exceed 4.
const MOST_STANDARD_ERRORS: f64 = 4.0;

/// Ours, and the original's name of it.
const CASES: [(&str, &str); 4] = [
    ("random baseline", "lts_seed_20_2_random"),
    ("default parameters", "lts_default_random"),
    ("least clickbaity of a corpus", "lts_seed_10_1_kaleiest"),
    ("most clickbaity of a corpus", "lts_seed_10_1_sweetest"),
];

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

/// Compares a backend with every run of the original.
fn assert_matches_recsim(backend: &dyn Backend) {
    let text = include_str!("data/recsim-statistics.json");
    let originals: Vec<Value> = serde_json::from_str(text).unwrap();
    let cases = cases().unwrap();
    for (name, original) in CASES {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let original = originals
            .iter()
            .find(|run| run["case"] == original)
            .unwrap();
        let number = |key: &str| original[key].as_f64().unwrap();
        let close = |what: &str, ours: f64, our_error: f64, theirs: f64, their_error: f64| {
            let distance = joint_standard_errors(ours, our_error, theirs, their_error);
            assert!(
                distance <= MOST_STANDARD_ERRORS,
                "{name}, {what}: {ours} against {theirs}, {distance:.2} errors"
            );
        };

        let blocks = backend.episodes(&case.simulation, 0..EPISODES).unwrap();
        let statistics = backend
            .rollout(&case.simulation, 0..EPISODES, &Unobserved)
            .unwrap();
        let summary = statistics.summary();
        let returns = &summary.returns;
        let error = returns.standard_error.unwrap();
        close(
            "mean return",
            returns.mean.unwrap(),
            error,
            number("reward_mean"),
            number("reward_sem"),
        );
        assert_eq!(summary.length.mean.unwrap(), number("length_mean"));
        assert_eq!(summary.click_rate.mean.unwrap(), number("click_rate"));

        // How many of our returns lie below a quantile of theirs; both samples are binomial there.
        let ours: Vec<f64> = blocks
            .iter()
            .flat_map(|block| block.returns.iter().copied())
            .collect();
        for (probability, value) in original["reward_quantiles"].as_object().unwrap() {
            let (p, value): (f64, f64) = (probability.parse().unwrap(), value.as_f64().unwrap());
            let below =
                ours.iter().filter(|&&ours| ours <= value).count() as f64 / ours.len() as f64;
            let error = |count: f64| (p * (1.0 - p) / count).sqrt();
            close(
                &format!("quantile {p}"),
                below,
                error(ours.len() as f64),
                p,
                error(number("episodes")),
            );
        }

        let curve = numbers(&original["reward_curve_first_60"]);
        let errors = numbers(&original["reward_curve_sem_first_60"]);
        assert!(curve.len() == 60 && errors.len() == 60);
        for step in 0..60 {
            let ours = summary.reward_per_step[step].unwrap();
            let error = summary.reward_per_step_standard_error[step].unwrap();
            close(
                &format!("reward at step {step}"),
                ours,
                error,
                curve[step],
                errors[step],
            );
        }
    }
}

#[test]
fn the_reference_matches_the_original() {
    assert_matches_recsim(&reference(None).unwrap());
}

#[test]
fn the_cpu_backend_matches_the_original() {
    assert_matches_recsim(&cpu(None).unwrap());
}

#[test]
fn the_gpu_backend_matches_the_original() {
    if let Some(gpu) = common::any_gpu() {
        assert_matches_recsim(&gpu);
    }
}
