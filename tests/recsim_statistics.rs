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
/// Joint standard errors. About 650 comparisons a backend: by chance one in twenty-five such suites would exceed 4.
const MOST_STANDARD_ERRORS: f64 = 4.0;

/// Ours, and the original's name of it.
const CASES: [(&str, &str); 9] = [
    ("random baseline", "lts_seed_20_2_random"),
    ("default parameters", "lts_default_random"),
    ("least clickbaity of a corpus", "lts_seed_10_1_kaleiest"),
    ("most clickbaity of a corpus", "lts_seed_10_1_sweetest"),
    ("interest exploration", "iex_default_random"),
    (
        "interest exploration, best quality",
        "iex_default_best_quality",
    ),
    ("interest evolution", "iev_utility_random"),
    (
        "interest evolution, static slate of a corpus",
        "iev_utility_static",
    ),
    (
        "interest evolution, free features",
        "iev_distribution_random",
    ),
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
    let cases = cases(&slatesim::registry::Registry::built_in()).unwrap();
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
        close(
            "mean length",
            summary.length.mean.unwrap(),
            summary.length.standard_error.unwrap(),
            number("length_mean"),
            number("length_sem"),
        );
        // The original's error of the click rate is not on record: of as many episodes it is ours, scaled.
        let click_error = summary.click_rate.standard_error.unwrap();
        close(
            "click rate",
            summary.click_rate.mean.unwrap(),
            click_error,
            number("click_rate"),
            click_error * (EPISODES as f64 / number("episodes")).sqrt(),
        );
        assert_eq!(summary.invalid_choices, 0, "{name}");

        // How many of our returns lie below a quantile of theirs; both samples are binomial there. Where returns are
        // whole numbers many lie at the quantile, and the probability is between the shares with and without them.
        let ours: Vec<f64> = blocks
            .iter()
            .flat_map(|block| block.returns.iter().copied())
            .collect();
        for (probability, value) in original["reward_quantiles"].as_object().unwrap() {
            let (p, value): (f64, f64) = (probability.parse().unwrap(), value.as_f64().unwrap());
            let rounding = 1e-5 * value.abs().max(1.0);
            let share = |limit: f64| {
                ours.iter().filter(|&&ours| ours <= limit).count() as f64 / ours.len() as f64
            };
            let nearest = p.clamp(share(value - rounding), share(value + rounding));
            let error = |count: f64| (p * (1.0 - p) / count).sqrt();
            close(
                &format!("quantile {p}"),
                nearest,
                error(ours.len() as f64),
                p,
                error(number("episodes")),
            );
        }

        let curve = numbers(&original["reward_curve_first_60"]);
        let errors = numbers(&original["reward_curve_sem_first_60"]);
        assert!(curve.len() == errors.len() && curve.len() > 20);
        // Where few of the original's episodes are still running, their mean is not normal.
        let running = |step: usize| {
            let lengths = blocks.iter().flat_map(|block| &block.lengths);
            lengths.filter(|&&length| length as usize > step).count()
        };
        for step in (0..curve.len()).filter(|&step| running(step) >= 200) {
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
