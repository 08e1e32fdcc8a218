//! Tabular Q learning where the exact answer is known: learned values of `RecSim`'s test MDP beside the optimal ones, and the
//! policy learned for item transition beside the optimal one.
//!
//! ```text
//! cargo run --release --example tabular_q
//! ```
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use anyhow::Context;
use slatesim::agent::{ExplorationPolicy, LearningRate, TabularQ, TabularQOptions};
use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
use slatesim::exact::{FiniteModel, Table};
use slatesim::registry::Registry;
use slatesim::vec_env::{Documents, VecEnv};
use std::ops::ControlFlow;

const EPISODES: u64 = 1_000_000;

fn simulation(settings: &[&str]) -> anyhow::Result<Simulation> {
    Ok(Registry::built_in().resolve(settings)?)
}

fn solved(simulation: &Simulation) -> anyhow::Result<FiniteModel> {
    let model = simulation.model.finite_model();
    model.context("the environment has a finite state")
}

/// Learns for this many steps from this many users at once; returns the documents, too.
fn learn(
    simulation: &Simulation,
    num_lanes: usize,
    steps: u64,
    options: TabularQOptions,
) -> anyhow::Result<(TabularQ, Documents)> {
    // A step of so few users takes too little time to be divided among threads.
    let mut env = VecEnv::new(simulation, &cpu(Some(1))?, num_lanes)?;
    let mut agent = TabularQ::new(&env.spaces(), options)?;
    agent.train(&mut env, steps, &mut |_| ControlFlow::Continue(()))?;
    let documents = env.observe()?.documents;
    Ok((agent, documents))
}

fn print_values(title: &str, values: &Table) {
    println!("{title}");
    for (state, row) in values.iter().enumerate() {
        let row: Vec<String> = row.iter().map(|value| format!("{value:9.4}")).collect();
        println!("  state {state}:{}", row.concat());
    }
}

/// One user, one endless episode, as in `RecSim`'s own test.
fn test_mdp() -> anyhow::Result<()> {
    let simulation = simulation(&[
        "environment.name=test_mdp",
        "environment.num_candidates=4",
        "max_steps=1000000",
    ])?;
    let options = TabularQOptions {
        gamma: 0.5,
        learning_rate: LearningRate::Harmonic(100.0),
        ..TabularQOptions::default()
    };
    let (agent, documents) = learn(&simulation, 1, 50_000, options)?;
    let learned = agent.action_values(&documents)?;
    let optimal = solved(&simulation)?.action_values(0.5)?;
    println!("test_mdp, discount 0.5, a column an action");
    print_values("learned in 50,000 steps", &learned);
    print_values("optimal", &optimal);
    let pairs = learned.iter().flatten().zip(optimal.iter().flatten());
    let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("largest difference {largest:.4}\n");
    Ok(())
}

/// Many users share a table; the learned values become a policy, which a rollout evaluates.
fn item_transition() -> anyhow::Result<()> {
    const NAME: &str = "environment.name=item_transition";
    let options = TabularQOptions {
        // Sessions end by themselves, and every reward counts the same.
        gamma: 1.0,
        learning_rate: LearningRate::Harmonic(10_000.0),
        exploration_policy: ExplorationPolicy::MinCount,
        ..TabularQOptions::default()
    };
    let training = simulation(&[NAME])?;
    let (agent, documents) = learn(&training, 64, 10_000, options)?;
    let table = format!("policy.table={:?}", agent.table(&documents)?);

    println!("item_transition, mean return");
    println!("  learned from {} steps", agent.updates());
    let learned = simulation(&[NAME, "policy.name=table", &table, "seed=1"])?;
    let statistics = cpu(None)?.rollout(&learned, 0..EPISODES, &Unobserved)?;
    let returns = statistics.summary().returns;
    let mean = returns.mean.context("there are episodes")?;
    let error = returns.standard_error.context("there are many")?;
    println!("    evaluated  {mean:.4} +- {error:.4} over {EPISODES} episodes");

    let model = solved(&training)?;
    let exact = |table: &Table| anyhow::Ok(model.evaluate(table)?.return_mean);
    println!("    exact      {:.4}", exact(&agent.table(&documents)?)?);
    println!("  optimal      {:.4}", exact(&model.optimal()?)?);
    println!("  random       {:.4}", exact(&model.uniform())?);
    Ok(())
}

fn main() -> anyhow::Result<()> {
    test_mdp()?;
    item_transition()
}
