//! A contextual bandit as in `RLlib`'s exercise: long-term satisfaction, 20 candidates, slates of 2, a sensitivity of
//! 0.058. The bandit learns what pays at once, and that is clickbait, which wears the user out.
//!
//! ```text
//! cargo run --release --example contextual_bandit
//! ```
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use anyhow::Context;
use slatesim::agent::{LinearAlgorithm, LinearBandit, LinearBanditOptions, LinearTarget};
use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
use slatesim::config::{Config, Layers};
use slatesim::registry;
use slatesim::vec_env::VecEnv;
use std::ops::ControlFlow;

const EPISODES: u64 = 100_000;
const NUM_LANES: usize = 32;
const STEPS: u64 = 600;

const ENVIRONMENT: [&str; 5] = [
    "environment.name=long_term_satisfaction",
    "environment.num_candidates=20",
    "environment.slate_size=2",
    "environment.user.sensitivity=0.058",
    "max_steps=120",
];

fn simulation(policy: &[&str]) -> anyhow::Result<Simulation> {
    let mut layers = Layers::new();
    for setting in ENVIRONMENT.iter().chain(policy) {
        layers = layers.set(setting)?;
    }
    let config = Config::resolve(&layers, &registry::catalogue())?;
    Ok(registry::simulation(&config)?)
}

/// Evaluates a policy over many episodes.
fn evaluate(name: &str, policy: &[&str]) -> anyhow::Result<()> {
    let statistics = cpu(None)?.rollout(&simulation(policy)?, 0..EPISODES, &Unobserved)?;
    let returns = statistics.summary().returns;
    let mean = returns.mean.context("there are episodes")?;
    let error = returns.standard_error.context("there are many")?;
    println!("{name:20} {mean:9.2} +- {error:.2} an episode, {EPISODES} episodes");
    Ok(())
}

/// Trains a bandit, and returns whether it would show documents of much clickbait first.
fn learn(algorithm: LinearAlgorithm) -> anyhow::Result<bool> {
    let mut env = VecEnv::new(&simulation(&[])?, &cpu(Some(1))?, NUM_LANES)?;
    let options = LinearBanditOptions {
        algorithm,
        target: LinearTarget::Reward,
        ..LinearBanditOptions::default()
    };
    let mut agent = LinearBandit::new(&env.spaces(), options)?;
    let training = agent.train(&mut env, STEPS, &mut |_| ControlFlow::Continue(()))?;
    let mean = training.reward_sum / training.episodes as f64;
    println!("{algorithm:?}: {mean:.2} an episode while learning, then");
    print!("{}", agent.policy_toml());
    let weight = agent.weights().first().context("clickbait is observed")?;
    Ok(*weight > 0.0)
}

fn main() -> anyhow::Result<()> {
    evaluate("random", &["policy.name=random"])?;
    evaluate("greedy by clickbait", &["policy.name=greedy"])?;
    for algorithm in [LinearAlgorithm::Ucb, LinearAlgorithm::ThompsonSampling] {
        // One feature: the order by the learned score is that by the feature, or its reverse.
        let order = match learn(algorithm)? {
            true => "policy.order=max",
            false => "policy.order=min",
        };
        evaluate("as learned", &["policy.name=greedy", order])?;
    }
    Ok(())
}
