//! The cost of a user-step against the number of candidates: proportional to the number for a policy that looks at all of
//! them, constant for one that looks at none.
//!
//! ```text
//! cargo run --release --example cost_of_candidates -- docs/cost_of_candidates.svg
//! ```
//!
//! Prints a table and draws a plot. Software Vulkan is measured like a GPU, and named as what it is.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

mod plotting;

use anyhow::Context;
use plotting::{Curve, Point};
use slatesim::backend::cpu::cpu;
use slatesim::backend::gpu::{AdapterSelection, GpuBackend};
use slatesim::backend::{BLOCK_EPISODES, Backend, Simulation, Unobserved};
use std::time::Instant;

const CANDIDATES: [u32; 4] = [10, 100, 1_000, 10_000];
const POLICIES: [&str; 2] = ["greedy", "random"];
/// Each point is the median of this many runs, each of at least this length.
const RUNS: usize = 3;
const SECONDS: f64 = 0.25;

fn simulation(policy: &str, num_candidates: u32) -> anyhow::Result<Simulation> {
    let simulation = Simulation::of("long_term_satisfaction")
        .set("num_candidates", num_candidates)?
        .policy(policy)
        .build()?;
    Ok(simulation)
}

/// Times runs of a growing number of episodes until they are long enough.
fn measure(backend: &dyn Backend, simulation: &Simulation) -> anyhow::Result<f64> {
    let time = |episodes: u64| -> anyhow::Result<(f64, f64)> {
        let clock = Instant::now();
        let statistics = backend.rollout(simulation, 0..episodes, &Unobserved)?;
        Ok((
            clock.elapsed().as_secs_f64(),
            statistics.user_steps() as f64,
        ))
    };
    // Each thread works on whole blocks: with fewer blocks than threads, some threads would be idle.
    let threads = std::thread::available_parallelism()?.get() as u64;
    let mut episodes = 2 * threads * BLOCK_EPISODES;
    time(episodes)?;
    while time(episodes)?.0 < SECONDS {
        episodes *= 4;
    }
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        let (run, user_steps) = time(episodes)?;
        seconds.push(run / user_steps);
    }
    seconds.sort_unstable_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args()
        .nth(1)
        .context("name the file to draw to")?;
    let mut backends: Vec<(String, Box<dyn Backend>)> =
        vec![("cpu".to_owned(), Box::new(cpu(None)?))];
    if let Ok(gpu) = GpuBackend::open(AdapterSelection::Any) {
        let name = if gpu.adapter().is_software() {
            "gpu (software Vulkan)"
        } else {
            "gpu"
        };
        backends.push((name.to_owned(), Box::new(gpu)));
    }
    let mut curves = Vec::new();
    for (name, backend) in &backends {
        println!("{name}: {}", backend.info().device);
        for policy in POLICIES {
            let mut points = Vec::new();
            for num_candidates in CANDIDATES {
                let cost = measure(backend.as_ref(), &simulation(policy, num_candidates)?)?;
                println!(
                    "{policy:8} {num_candidates:6} candidates  {:12.1} ns a user-step",
                    1e9 * cost
                );
                let y = 1e9 * cost;
                points.push(Point {
                    x: f64::from(num_candidates),
                    y,
                    range: [y, y],
                });
            }
            curves.push(Curve {
                label: format!("{policy}, {name}"),
                points,
            });
        }
    }
    let svg = plotting::curves(&curves, "candidates", "ns a user-step")?;
    std::fs::write(&path, svg).with_context(|| format!("cannot draw to {path}"))
}
