//! How fast do users go through their episodes? Measures whole episodes on each backend, a block of every
//! environment on one core, a batch of every environment on a GPU, and single steps.
//!
//! The setting is that of the random baseline unless another is named: 20 candidates, slates of 2, 120 steps. One sample is one
//! call for all of its episodes, so that the cost of a call itself, such as composing a shader, does not count for each of
//! them; on a GPU a call ends when its results are on the host.

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use slatesim::backend::gpu::{AdapterSelection, GpuBackend, GpuOptions};
use slatesim::backend::{BLOCK_EPISODES, Backend, Simulation, Unobserved, cpu, reference};
use slatesim::bench::{self, Case};
use slatesim::registry::Registry;
use std::hint::black_box;
use std::time::{Duration, Instant};

const NUM_STEPS: u64 = 120;

/// Episodes of a batch on a GPU.
const BATCH_SIZE: u32 = 4_096;

/// Makes the simulation of the random baseline, or of another policy in the same setting.
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
    let settings = [&setting, policy].concat();
    Registry::built_in().resolve(&settings).expect("valid")
}

const RANDOM: &[&str] = &["policy.name=random", "policy.with_replacement=true"];

/// Lists every environment with its choice models and samplers, each environment with sorted slates, and every policy in one
/// environment; `slatesim bench` has all pairs.
fn cases() -> Vec<Case> {
    let is_wanted = |environment: &str, policy: &str| {
        environment == "interest_exploration" || ["random", "greedy"].contains(&policy)
    };
    bench::cases(&Registry::built_in(), is_wanted).expect("defaults are valid")
}

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
        // So many episodes that starting, mostly the composition of shaders, is a small part.
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

/// Times a block of each case on this thread: the cost of the innermost loop of `cpu`, without threads.
fn blocks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("block_on_one_core");
    group.sample_size(10);
    let count = usize::try_from(BLOCK_EPISODES).expect("a block is small");
    for case in cases() {
        let Simulation { model, plan } = &case.simulation;
        let mut rollout = model.cpu_rollout(plan);
        let lengths = rollout.run(0, count).lengths;
        group.throughput(Throughput::Elements(
            lengths.iter().copied().map(u64::from).sum(),
        ));
        group.bench_function(BenchmarkId::new("case", &case.name), |bencher| {
            bencher.iter(|| rollout.run(black_box(0), count));
        });
    }
    group.finish();
}

/// Times a batch of each case on a GPU, with its statistics on the host: episodes added up by the host, and by the device.
fn batches(criterion: &mut Criterion) {
    let Ok(gpu) = GpuBackend::open(AdapterSelection::Any) else {
        return;
    };
    let cpu = cpu::cpu(None).expect("threads start");
    let episodes = u64::from(BATCH_SIZE);
    // User-steps are counted on `cpu`, so that shaders are composed, in the warm-up, only for cases that are measured.
    let counted = |case: Case| {
        let statistics = cpu.rollout(&case.simulation, 0..episodes, &Unobserved);
        (case, statistics.expect("the backend runs").user_steps())
    };
    let cases: Vec<(Case, u64)> = cases().into_iter().map(counted).collect();
    for (group, tallies) in [
        ("batch_on_gpu", false),
        ("batch_on_gpu_added_up_there", true),
    ] {
        let gpu = gpu.with_options(GpuOptions {
            batch_size: Some(BATCH_SIZE),
            tallies: Some(tallies),
            ..GpuOptions::default()
        });
        let mut group = criterion.benchmark_group(group);
        group.sample_size(10).sampling_mode(SamplingMode::Flat);
        for (case, user_steps) in &cases {
            let simulation = &case.simulation;
            group.throughput(Throughput::Elements(*user_steps));
            group.bench_function(BenchmarkId::new("case", &case.name), |bencher| {
                bencher.iter_custom(|iterations| {
                    let batches = (0..iterations).map(|_| rollout(&gpu, simulation, episodes));
                    batches.sum()
                });
            });
        }
        group.finish();
    }
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
                    // These users never stop by themselves, so a run may be longer than an episode.
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

criterion_group!(
    benches,
    whole_episodes,
    policies,
    blocks,
    batches,
    single_steps
);
criterion_main!(benches);
