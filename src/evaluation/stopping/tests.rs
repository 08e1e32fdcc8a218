//! Coverage over seeded campaigns, and the schedule.

use super::*;
use crate::backend::cpu::{Arithmetic, CpuBackend};
use crate::backend::{Unobserved, cpu};
use crate::evaluation::fixtures;
use crate::registry;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::f64::consts::TAU;

const CAMPAIGNS: u32 = 2_000;

/// Of 2,000 campaigns of a rule that covers 94 %, fewer cover with a probability of 1.3e-4, by the binomial distribution;
/// 1840 is 1880 - 3.77 sqrt(2000 · 0.94 · 0.06).
const FEWEST_COVERED: u32 = 1_840;

fn normal(random: &mut SmallRng) -> f64 {
    let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
    radius * (TAU * random.random::<f64>()).cos()
}

/// Runs a campaign of draws; tells whether its interval covers `mean`, and its episodes.
fn campaign(
    seed: u64,
    target: &Target,
    mean: f64,
    draw: &dyn Fn(&mut SmallRng) -> f64,
    judge: &dyn Fn(Look) -> Look,
) -> (bool, u64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut sample = Moments::new();
    let stopping = run(target, two_sided(1.0 - LEVEL), |episodes| {
        let draws: Vec<f64> = episodes.map(|_| draw(&mut random)).collect();
        sample.add_all(&draws);
        Ok(judge(Look::at(sample.count(), std::iter::once(&sample))))
    })
    .unwrap();
    let half_width = stopping.half_width.unwrap();
    let is_covered = (sample.mean().unwrap() - mean).abs() <= half_width;
    (is_covered, sample.count())
}

/// Counts the campaigns, with the seeds 0, 1, ..., whose interval covers the mean, and the mean number of episodes.
fn covered(
    mean: f64,
    deviation: f64,
    draw: &dyn Fn(&mut SmallRng) -> f64,
    judge: &dyn Fn(Look) -> Look,
) -> (u32, f64) {
    // What 6,000 episodes have, if their spread is as it should be.
    let precision = Precision::StandardError(deviation / 6_000_f64.sqrt());
    let target = Target::new(precision, 1_000_000).unwrap();
    let all = (0..CAMPAIGNS).map(|seed| campaign(seed.into(), &target, mean, draw, judge));
    let (hits, episodes) = all.fold((0, 0), |(hits, sum), (hit, episodes)| {
        (hits + u32::from(hit), sum + episodes)
    });
    (hits, episodes as f64 / f64::from(CAMPAIGNS))
}

#[test]
fn intervals_of_normal_returns_cover_the_mean() {
    let (hits, episodes) = covered(3.0, 2.0, &|random| 3.0 + 2.0 * normal(random), &|look| look);
    assert!(hits >= FEWEST_COVERED, "{hits}");
    assert!((6_000.0..6_700.0).contains(&episodes), "{episodes}");
}

#[test]
fn intervals_of_skewed_returns_cover_the_mean() {
    // exp(z): mean exp(1/2), variance (e - 1) e, skewness 6.2.
    let e = 1_f64.exp();
    let (mean, deviation) = (0.5_f64.exp(), ((e - 1.0) * e).sqrt());
    let (hits, episodes) = covered(mean, deviation, &|random| normal(random).exp(), &|look| {
        look
    });
    assert!(hits >= FEWEST_COVERED, "{hits} in {episodes} episodes");
}

#[test]
fn intervals_of_rare_events_cover_their_rate_and_without_the_guard_they_do_not() {
    let rate: f64 = 0.001;
    let deviation = (rate * (1.0 - rate)).sqrt();
    let draw = |random: &mut SmallRng| f64::from(u8::from(random.random_bool(rate)));
    let (hits, episodes) = covered(rate, deviation, &draw, &|look| look);
    assert!(hits >= FEWEST_COVERED, "{hits} in {episodes} episodes");
    let unguarded = |look| Look {
        is_settled: true,
        ..look
    };
    let (hits, _) = covered(rate, deviation, &draw, &unguarded);
    assert!(hits < FEWEST_COVERED, "{hits}");
}

/// The returns of `item_transition` under random slates have the exact mean 0.978353 (solved by `exact`).
#[test]
fn intervals_of_an_environment_cover_its_exact_value() {
    const RUNS: u64 = 1_000;
    let backend = cpu::cpu(None).unwrap();
    let target = Target::new(Precision::HalfWidth(0.04), 1_000_000).unwrap();
    let mut hits = 0;
    for seed in 0..RUNS {
        let config = fixtures::item_transition(seed, &[]);
        let simulation = registry::simulation(&config).unwrap();
        let (campaign, stopping) =
            evaluate_until(&simulation, &backend, &target, &Unobserved).unwrap();
        assert!(stopping.is_reached && !campaign.is_partial());
        let mean = campaign.statistics.returns().mean().unwrap();
        hits += u64::from((mean - 0.978_353).abs() <= stopping.half_width.unwrap());
    }
    // Of 1,000 runs of a rule that covers 94 %, fewer cover with a probability of 1.7e-4, by the binomial distribution.
    assert!(hits >= 912, "{hits} of {RUNS}");
}

#[test]
fn looks_are_whole_blocks_that_depend_on_nothing_but_the_bound() {
    let target = Target::new(Precision::HalfWidth(1.0), 100_100).unwrap();
    let mut looks = vec![target.next_look(0)];
    while looks[looks.len() - 1] < 100_100 {
        looks.push(target.next_look(looks[looks.len() - 1]));
    }
    let expected = [
        4096, 5120, 6400, 8192, 10_240, 12_800, 16_128, 20_224, 25_344, 31_744, 39_680, 49_664,
        62_208, 77_824, 97_280, 100_100,
    ];
    assert_eq!(looks, expected);
    // The schedule ends whatever the bound.
    let endless = Target::new(Precision::HalfWidth(1.0), u64::MAX).unwrap();
    assert_eq!(endless.next_look(u64::MAX - 5), u64::MAX);
}

#[test]
fn a_stopped_campaign_is_the_campaign_of_its_episodes_on_any_threads_and_batch() {
    let simulation = registry::simulation(&fixtures::config(&[])).unwrap();
    let target = Target::new(Precision::HalfWidth(0.5), 100_000).unwrap();
    let run = |threads, batch_size| {
        let backend = CpuBackend::new(Arithmetic::Single, Some(threads)).unwrap();
        let backend = backend.with_batch_size(batch_size);
        let (campaign, stopping) =
            evaluate_until(&simulation, &backend, &target, &Unobserved).unwrap();
        (campaign.done, campaign.statistics, stopping)
    };
    let (done, statistics, stopping) = run(1, 256);
    assert_eq!(
        run(3, 1_000_000),
        (done.clone(), statistics.clone(), stopping.clone())
    );
    assert!(stopping.is_reached && stopping.looks > 1, "{stopping:?}");
    let backend = cpu::cpu(Some(2)).unwrap();
    let plain = evaluate(&simulation, &backend, done, &Unobserved).unwrap();
    assert_eq!(plain.statistics, statistics);
}

#[test]
fn a_precision_out_of_reach_ends_at_the_bound() {
    let simulation = registry::simulation(&fixtures::config(&[])).unwrap();
    let backend = cpu::cpu(Some(2)).unwrap();
    let target = Target::new(Precision::StandardError(1e-9), 5_000).unwrap();
    let (campaign, stopping) = evaluate_until(&simulation, &backend, &target, &Unobserved).unwrap();
    assert!(!stopping.is_reached && !campaign.is_partial());
    assert_eq!((campaign.done, stopping.looks), (0..5_000, 2));
    let standard_error = campaign.statistics.returns().standard_error();
    assert_eq!(stopping.standard_error, standard_error);
}

#[test]
fn returns_without_spread_are_believed_late() {
    let target = Target::new(Precision::HalfWidth(1.0), 1_000_000).unwrap();
    let (is_covered, episodes) = campaign(0, &target, 2.0, &|_| 2.0, &|look| look);
    assert!(is_covered);
    assert_eq!(episodes, 77_824);
}

#[test]
fn a_target_that_cannot_be_is_refused() {
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Target::new(Precision::HalfWidth(value), FIRST_LOOK).unwrap_err();
        assert!(error.to_string().starts_with("`target_half_width` = "));
        let error = Target::new(Precision::StandardError(value), FIRST_LOOK).unwrap_err();
        assert!(error.to_string().contains("a finite number above 0"));
    }
    assert_eq!(
        Target::new(Precision::HalfWidth(1.0), 4095)
            .unwrap_err()
            .to_string(),
        "`max_episodes` = 4095 is not allowed; allowed is at least 4096, where the first look is taken"
    );
}
