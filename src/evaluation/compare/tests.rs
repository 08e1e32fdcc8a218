//! Properties of every comparison.

use super::*;
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::{BLOCK_EPISODES, Unobserved, cpu, reference};
use crate::config::Config;
use crate::evaluation::{Precision, Report, evaluate};
use crate::registry;
use crate::test_support::{Impatient, item_transition, short_run};

const GREEDY: [&str; 2] = ["policy.name=greedy", "policy.by=clickbait_score"];

fn three() -> Vec<(String, Config)> {
    let own = "environment.user.sensitivity=0.1";
    [&[][..], &GREEDY, &[own]]
        .iter()
        .zip(["random", "greedy", "sensitive"])
        .map(|(given, label)| (label.to_owned(), short_run(given)))
        .collect()
}

fn simulations(compared: &[(String, Config)]) -> Vec<Simulation> {
    let make = |(_, config): &(String, Config)| registry::simulation(config).unwrap();
    compared.iter().map(make).collect()
}

fn run(
    arithmetic: Arithmetic,
    threads: usize,
    batch_size: Option<u64>,
    episodes: u64,
) -> ComparisonReport {
    let compared = three();
    let backend = CpuBackend::new(arithmetic, Some(threads)).unwrap();
    let comparison = compare(
        &simulations(&compared),
        &backend,
        Extent::Episodes(episodes),
        batch_size,
        &Unobserved,
    );
    ComparisonReport::new(&compared, &comparison.unwrap())
}

/// The report without the fields that may differ between equal runs.
fn figures(report: &ComparisonReport) -> String {
    let mut json = serde_json::to_value(report).unwrap();
    let object = json.as_object_mut().unwrap();
    for key in ["seconds", "user_steps_per_second", "backend"] {
        object.shift_remove(key);
    }
    json.to_string()
}

#[test]
fn batches_and_threads_change_no_bit() {
    for arithmetic in [Arithmetic::Single, Arithmetic::Double] {
        let whole = figures(&run(arithmetic, 1, None, 3_000));
        for (threads, batch_size) in [(3, Some(1)), (2, Some(700)), (1, Some(1 << 40))] {
            assert_eq!(figures(&run(arithmetic, threads, batch_size, 3_000)), whole);
        }
    }
}

#[test]
fn every_figure_of_a_variant_is_that_of_evaluate() {
    let report = run(Arithmetic::Single, 2, Some(512), 1_000);
    let backend = cpu::cpu(Some(2)).unwrap();
    for ((label, config), variant) in three().iter().zip(&report.policies) {
        let simulation = registry::simulation(config).unwrap();
        let campaign = evaluate(&simulation, &backend, 0..1_000, &Unobserved).unwrap();
        let alone = Report::new(config, None, &campaign);
        assert_eq!(&variant.label, label);
        assert_eq!(variant.summary, alone.summary);
        assert_eq!(variant.environment, alone.environment);
        assert_eq!(variant.policy, alone.policy);
    }
}

#[test]
fn differences_are_those_of_the_single_episodes() {
    let compared = three();
    let simulations = simulations(&compared);
    let backend = reference::reference(Some(2)).unwrap();
    let extent = Extent::Episodes(1_000);
    let comparison = compare(&simulations, &backend, extent, Some(256), &Unobserved).unwrap();
    let returns = |simulation: &Simulation| -> Vec<f64> {
        let blocks = backend.episodes(simulation, 0..1_000).unwrap();
        blocks.into_iter().flat_map(|block| block.returns).collect()
    };
    let returns: Vec<Vec<f64>> = simulations.iter().map(returns).collect();
    let mut num_pairs = 0;
    for ((a, b), moments) in comparison.differences() {
        let each: Vec<f64> = (0..1_000).map(|i| returns[a][i] - returns[b][i]).collect();
        let mean = each.iter().sum::<f64>() / 1e3;
        let squares: f64 = each.iter().map(|d| (d - mean) * (d - mean)).sum();
        let error = (squares / 999.0 / 1e3).sqrt();
        assert!((moments.mean().unwrap() - mean).abs() < 1e-12);
        assert!((moments.standard_error().unwrap() / error - 1.0).abs() < 1e-12);
        num_pairs += 1;
    }
    assert_eq!(num_pairs, 3);
}

#[test]
fn differences_are_antisymmetric_and_a_policy_does_not_differ_from_itself() {
    let mut compared = three();
    let forward = simulations(&compared);
    let again = forward[0].clone();
    let mut backward: Vec<Simulation> = forward.iter().rev().cloned().collect();
    backward.push(backward[2].clone());
    let backend = cpu::cpu(Some(2)).unwrap();
    let run = |simulations: &[Simulation]| {
        let extent = Extent::Episodes(600);
        compare(simulations, &backend, extent, None, &Unobserved).unwrap()
    };
    let (forward, backward) = (run(&forward), run(&backward));
    for ((a, b), moments) in forward.differences() {
        let found = backward.estimate(2 - a, 2 - b).unwrap();
        let (mean, error) = (Some(found.mean), Some(found.standard_error));
        assert_eq!(Some(found), forward.estimate(a, b));
        assert_eq!(mean, moments.mean());
        assert_eq!(error, moments.standard_error());
        let turned = forward.estimate(b, a).map(|turned| turned.mean);
        assert_eq!(turned.map(|mean| -mean), mean);
    }
    let same = run(&[again.clone(), again]);
    compared.truncate(2);
    let report = ComparisonReport::new(&compared, &same);
    let pair = &report.differences[0];
    assert_eq!((pair.mean, pair.standard_error), (Some(0.0), Some(0.0)));
    assert_eq!(
        (pair.variance_reduction, pair.p_value_adjusted),
        (None, Some(1.0))
    );
    assert_eq!(report.best.unwrap().confidence, Some(0.0));
}

#[test]
fn the_pairing_reduces_the_variance() {
    let report = run(Arithmetic::Single, 2, None, 5_000);
    for pair in &report.differences {
        assert!(pair.variance_reduction.unwrap() > 1.0, "{pair:?}");
        assert!(pair.correlation.unwrap() > 0.0, "{pair:?}");
        let [[low, high], [wide_low, wide_high]] =
            [pair.ci95, pair.ci95_simultaneous].map(Option::unwrap);
        assert!(wide_low < low && low < high && high < wide_high);
        assert!(pair.p_value <= pair.p_value_adjusted);
    }
}

/// `item_transition` has the exact means 0.978353 under random slates and 8.924550 under the most accepted ones (solved by
/// `exact`, and by the tutorials' authors).
#[test]
fn paired_intervals_cover_the_exact_difference() {
    const RUNS: u64 = 300;
    let backend = cpu::cpu(None).unwrap();
    let mut hits = 0;
    for seed in 0..RUNS {
        let compared = [&[][..], &["policy.name=table", "policy.table=greedy"]].map(|given| {
            let config = item_transition(seed, given);
            (config.policy.name.clone(), config)
        });
        let extent = Extent::Episodes(1_024);
        let comparison = compare(&simulations(&compared), &backend, extent, None, &Unobserved);
        let report = ComparisonReport::new(&compared, &comparison.unwrap());
        let [low, high] = report.differences[0].ci95.unwrap();
        hits += u64::from((low..=high).contains(&(0.978_353 - 8.924_550)));
    }
    // Of 300 intervals of 95 %, fewer cover with a probability of 2.8e-4, by the binomial distribution, and more with 3.5e-6.
    assert!((271..=298).contains(&hits), "{hits} of {RUNS}");
}

#[test]
fn the_same_user_earns_more_in_a_longer_episode_every_time() {
    let compared: Vec<(String, Config)> = [5, 7]
        .map(|steps| {
            let config = short_run(&[&format!("environment.user.time_budget={steps}")]);
            (steps.to_string(), config)
        })
        .into();
    let backend = cpu::cpu(Some(2)).unwrap();
    let comparison = compare(
        &simulations(&compared),
        &backend,
        Extent::Episodes(512),
        None,
        &Unobserved,
    )
    .unwrap();
    // The longer episode begins with the shorter one, so every difference has the same sign.
    let (_, moments) = comparison.differences().next().unwrap();
    assert!(moments.max().unwrap() < 0.0);
}

#[test]
fn a_target_holds_for_every_difference_together_and_stops_at_a_look() {
    let compared = three();
    let simulations = simulations(&compared);
    let target = Target::new(Precision::HalfWidth(0.3), 1_000_000).unwrap();
    let run = |threads, batch_size| {
        let backend = CpuBackend::new(Arithmetic::Single, Some(threads)).unwrap();
        let extent = Extent::Target(target);
        compare(&simulations, &backend, extent, batch_size, &Unobserved).unwrap()
    };
    let comparison = run(1, None);
    let report = ComparisonReport::new(&compared, &comparison);
    assert_eq!(report.target_reached, Some(true));
    assert!(!report.partial);
    let widest = report
        .differences
        .iter()
        .filter_map(|pair| pair.ci95_simultaneous)
        .map(|[low, high]| (high - low) / 2.0)
        .fold(0.0, f64::max);
    let stopping = report.stopping.as_ref().unwrap();
    assert!((widest - stopping.half_width.unwrap()).abs() < 1e-12 && widest <= 0.3);
    assert_eq!(
        figures(&ComparisonReport::new(&compared, &run(3, Some(256)))),
        figures(&report)
    );
}

#[test]
fn an_interrupted_comparison_has_as_many_episodes_of_each() {
    let compared = three();
    let simulations = simulations(&compared);
    let backend = cpu::cpu(Some(1)).unwrap();
    let target = Target::new(Precision::HalfWidth(1e-9), 100_000).unwrap();
    for extent in [Extent::Episodes(100_000), Extent::Target(target)] {
        let observer = Impatient::default();
        let comparison = compare(&simulations, &backend, extent, Some(1), &observer).unwrap();
        assert_eq!(
            (comparison.done, comparison.asked),
            (BLOCK_EPISODES, 100_000)
        );
        let report = ComparisonReport::new(&compared, &comparison);
        assert!(report.partial && report.target_reached != Some(true));
        for statistics in &comparison.statistics {
            assert_eq!(statistics.episodes(), BLOCK_EPISODES);
        }
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let simulations = simulations(&three());
    let backend = cpu::cpu(Some(1)).unwrap();
    let refusal = |simulations: &[Simulation]| {
        let extent = Extent::Episodes(1);
        let outcome = compare(simulations, &backend, extent, None, &Unobserved);
        outcome.unwrap_err().to_string()
    };
    assert_eq!(
        refusal(&simulations[..1]),
        "1 to compare, expected from 2 to 32"
    );
    let many = vec![simulations[0].clone(); 33];
    assert_eq!(refusal(&many), "33 to compare, expected from 2 to 32");
    let mut other = simulations[0].clone();
    other.plan.seed = 9;
    assert_eq!(
        refusal(&[simulations[1].clone(), other]),
        "the seeds to compare are 0 and 9, expected one seed for all"
    );
}
