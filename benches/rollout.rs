//! How fast do users go through their episodes? Whole episodes on each backend, then step by step.
//!
//! The setting is that of the random baseline: 20 candidates, slates of 2, 120 steps. One sample is one call for all of
//! its episodes, so what a call costs once, such as the composition of a shader, is not counted for each of them; on a
//! GPU a call ends when its results are on the host.

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use slatesim::backend::gpu::{AdapterSelection, GpuBackend};
use slatesim::backend::{BLOCK_EPISODES, Backend, Simulation, Unobserved, cpu, reference};
use slatesim::config::{Config, Layers};
use slatesim::registry;
use std::hint::black_box;
use std::time::{Duration, Instant};

const NUM_STEPS: u64 = 120;

/// Prepares the random baseline, or another policy in its place.
fn simulation(policy: &[&str]) -> Simulation {
    let setting = [
        "environment.name=long_term_satisfaction",
        "environment.num_candidates=20",
        "environment.slate_size=2",
        "environment.user.sensitivity=0.058",
        "environment.user.time_budget=120",
        "environment.user.choc_stddev=0.1",
        "environment.user.kale_stddev=0.1",
    ];
    let mut layers = Layers::new();
    for text in setting.iter().chain(policy) {
        layers = layers.set(text).expect("well-formed");
    }
    let config = Config::resolve(&layers, &registry::catalogue()).expect("valid");
    registry::simulation(&config).expect("consistent")
}

const RANDOM: &[&str] = &["policy.name=random", "policy.with_replacement=true"];

/// Opens every backend that this machine has, and says which adapter `gpu` is.
fn backends() -> Vec<(&'static str, Box<dyn Backend>)> {
    let mut backends: Vec<(&'static str, Box<dyn Backend>)> = vec![
        (
            "reference",
            Box::new(reference::reference(None).expect("threads start")),
        ),
        ("cpu", Box::new(cpu::cpu(None).expect("threads start"))),
    ];
    match GpuBackend::open(AdapterSelection::Any) {
        Ok(gpu) => {
            let adapter = gpu.adapter();
            let kind = if adapter.is_software() {
                "SOFTWARE adapter, not a GPU"
            } else {
                "a real GPU"
            };
            eprintln!(
                "gpu: {} ({}, {}): {kind}",
                adapter.name, adapter.backend, adapter.driver
            );
            backends.push(("gpu", Box::new(gpu)));
        }
        Err(error) => eprintln!("gpu: left out, {error}"),
    }
    backends
}

/// Times one call for all the episodes of a sample.
fn rollout(backend: &dyn Backend, simulation: &Simulation, episodes: u64) -> Duration {
    let start = Instant::now();
    let statistics = backend.rollout(simulation, 0..episodes, &Unobserved);
    black_box(statistics.expect("the backend runs"));
    start.elapsed()
}

fn whole_episodes(criterion: &mut Criterion) {
    let backends = backends();
    let simulation = simulation(RANDOM);
    let mut group = criterion.benchmark_group("rollout");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .measurement_time(Duration::from_secs(6));
    for (name, backend) in &backends {
        // So many that starting, most of all the composition of the shaders, is a small part.
        let episodes = BLOCK_EPISODES
            * match *name {
                "reference" => 16,
                "cpu" => 128,
                _ => 1024,
            };
        group.throughput(Throughput::Elements(episodes * NUM_STEPS));
        group.bench_function(BenchmarkId::new("backend", name), |bencher| {
            bencher.iter_custom(|iterations| {
                rollout(backend.as_ref(), &simulation, episodes * iterations)
            });
        });
    }
    group.finish();
}

fn policies(criterion: &mut Criterion) {
    let cpu = cpu::cpu(None).expect("threads start");
    let episodes = BLOCK_EPISODES * 32;
    let mut group = criterion.benchmark_group("rollout_on_cpu");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(episodes * NUM_STEPS));
    for (name, policy) in [
        ("random_with_replacement", RANDOM),
        ("random", &["policy.name=random"]),
        ("static", &["policy.name=static"]),
        (
            "greedy",
            &["policy.name=greedy", "policy.by=clickbait_score"],
        ),
    ] {
        let simulation = simulation(policy);
        group.bench_function(BenchmarkId::new("policy", name), |bencher| {
            bencher.iter_custom(|iterations| rollout(&cpu, &simulation, episodes * iterations));
        });
    }
    group.finish();
}

fn single_steps(criterion: &mut Criterion) {
    let backends = backends();
    let simulation = simulation(RANDOM);
    let mut group = criterion.benchmark_group("step");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for (name, backend) in &backends {
        for num_lanes in [1_024, 16_384_u32] {
            group.throughput(Throughput::Elements(u64::from(num_lanes)));
            let mut stepper = backend
                .stepper(&simulation, num_lanes as usize)
                .expect("the lanes fit");
            let starts: Vec<Option<u64>> = (0..u64::from(num_lanes)).map(Some).collect();
            let slates: Vec<u32> = (0..2 * num_lanes).map(|index| index % 20).collect();
            group.bench_function(
                BenchmarkId::new(*name, format!("lanes={num_lanes}")),
                |bencher| {
                    // Users do not stop by themselves, so a run may be longer than an episode.
                    bencher.iter_custom(|iterations| {
                        stepper.start(&starts).expect("the device works");
                        let start = Instant::now();
                        for _ in 0..iterations {
                            black_box(stepper.step(&slates).expect("the device works"));
                        }
                        start.elapsed()
                    });
                },
            );
        }
    }
    group.finish();
}

criterion_group!(benches, whole_episodes, policies, single_steps);
criterion_main!(benches);
