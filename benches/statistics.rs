//! What does it cost to collect statistics of episodes, compared with simulating the episodes?

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use slatesim::backend::BLOCK_EPISODES;
use slatesim::rng::Philox;
use slatesim::statistics::{EpisodeBlock, Statistics};
use std::hint::black_box;

const NUM_TOPICS: usize = 4;

/// Makes a block of episodes of `num_steps` steps, with a click at each.
fn block(rng: &mut Philox, num_steps: u32) -> EpisodeBlock {
    let episodes = usize::try_from(BLOCK_EPISODES).expect("a block is small");
    let steps = f64::from(num_steps);
    let mut episode_sums = |mean: f64| {
        (0..episodes)
            .map(|_| mean * rng.random_range(0.9..1.1))
            .collect::<Vec<f64>>()
    };
    let returns = episode_sums(10.0 * steps);
    let slopes = episode_sums(0.1);
    let mut step_sums = |mean: f64| {
        (0..num_steps)
            .map(|_| mean * rng.random_range(0.9..1.1))
            .collect::<Vec<f64>>()
    };
    EpisodeBlock {
        returns,
        lengths: vec![num_steps; episodes],
        clicks: vec![num_steps; episodes],
        slopes,
        reward_by_step: step_sums(10.0 * BLOCK_EPISODES as f64),
        squared_reward_by_step: step_sums(100.0 * BLOCK_EPISODES as f64),
        clicks_by_step: vec![BLOCK_EPISODES; num_steps as usize],
        curve_remainders: Vec::new(),
        discounted: Vec::new(),
        truncated: 0,
        clicked_quality: 0.0,
        invalid_choices: 0,
        topic_impressions: vec![
            2 * u64::from(num_steps) * BLOCK_EPISODES / NUM_TOPICS as u64;
            NUM_TOPICS
        ],
        position_clicks: vec![u64::from(num_steps) * BLOCK_EPISODES],
        topic_clicks: vec![u64::from(num_steps) * BLOCK_EPISODES / NUM_TOPICS as u64; NUM_TOPICS],
    }
}

fn adding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("add_block");
    for num_steps in [60, 120, 1_000] {
        let block = block(&mut Philox::seed_from_u64(7), num_steps);
        group.throughput(Throughput::Elements(BLOCK_EPISODES * u64::from(num_steps)));
        group.bench_function(BenchmarkId::new("steps", num_steps), |bencher| {
            let mut statistics = Statistics::new(NUM_TOPICS, false);
            bencher.iter(|| statistics.add(black_box(&block)));
        });
    }
    group.finish();
}

/// Collects as many episodes as one of several threads or shards would.
fn share(seed: u64) -> Statistics {
    let mut rng = Philox::seed_from_u64(seed);
    let mut statistics = Statistics::new(NUM_TOPICS, false);
    for _ in 0..64 {
        statistics.add(&block(&mut rng, 120));
    }
    statistics
}

fn merging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merge");
    for num_shares in [2, 16] {
        let shares: Vec<Statistics> = (0..num_shares).map(share).collect();
        group.throughput(Throughput::Elements(
            shares.iter().map(Statistics::user_steps).sum(),
        ));
        group.bench_function(BenchmarkId::new("shares", num_shares), |bencher| {
            let empty = || Statistics::new(NUM_TOPICS, false);
            let merge = |mut total: Statistics| {
                for share in &shares {
                    total.merge(share).expect("all are of the same environment");
                }
                total
            };
            bencher.iter_batched(empty, merge, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn summarising(criterion: &mut Criterion) {
    let statistics = share(7);
    let mut group = criterion.benchmark_group("summary");
    group.throughput(Throughput::Elements(statistics.user_steps()));
    group.bench_function(BenchmarkId::new("steps", 120), |bencher| {
        bencher.iter(|| black_box(&statistics).summary());
    });
    group.finish();
}

criterion_group!(benches, adding, merging, summarising);
criterion_main!(benches);
