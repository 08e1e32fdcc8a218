//! A contextual bandit as in `RLlib`'s exercise: long-term satisfaction, 20 candidates, slates of 2, a sensitivity of
//! 0.058. The bandit learns what pays at once, which is clickbait, and clickbait lowers the user's satisfaction.
//!
//! The learned weights are evaluated inside the simulator, as the policy `linear_softmax` at temperature 0, against random
//! slates for the same users.
//!
//! ```text
//! cargo run --release --example contextual_bandit
//! ```
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use slatesim::Error;
use slatesim::agent::{LinearAlgorithm, LinearBandit, LinearBanditOptions, RegressionTarget};
use slatesim::backend::{Simulation, Unobserved, cpu::cpu};
use slatesim::config::{Config, ConfigFile, Sources};
use slatesim::evaluation::{Extent, compare};
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

/// Makes the simulation of the environment and a policy, which is given as the text of a configuration file.
fn simulation(policy: &str) -> Result<Simulation, Error> {
    let file = ConfigFile::from_text("policy.toml", policy);
    let mut sources = Sources::new().with_file(file);
    for setting in ENVIRONMENT {
        sources = sources.set(setting)?;
    }
    let config = Config::resolve(&sources, &registry::declarations())?;
    Ok(registry::simulation(&config)?)
}

/// Trains a bandit, and returns the learned policy as the text of a configuration file.
fn learn(algorithm: LinearAlgorithm) -> Result<String, Error> {
    let mut env = VecEnv::new(&simulation("")?, &cpu(Some(1))?, NUM_LANES)?;
    let options = LinearBanditOptions {
        algorithm,
        target: RegressionTarget::Reward,
        ..LinearBanditOptions::default()
    };
    let mut agent = LinearBandit::new(&env.spaces(), options)?;
    let training = agent.train(&mut env, STEPS, &mut |_| ControlFlow::Continue(()))?;
    let mean = training.reward_sum / training.episodes as f64;
    println!("{algorithm:?}: {mean:.2} an episode while learning, then the policy");
    println!("{}", agent.policy_toml());
    Ok(agent.policy_toml())
}

fn main() -> Result<(), Error> {
    let policies = [
        ("LinUCB", learn(LinearAlgorithm::Ucb)?),
        (
            "Thompson sampling",
            learn(LinearAlgorithm::ThompsonSampling)?,
        ),
        ("random", "[policy]\nname = \"random\"".to_owned()),
    ];
    let simulations = policies
        .iter()
        .map(|(_, policy)| simulation(policy))
        .collect::<Result<Vec<_>, _>>()?;
    let extent = Extent::Episodes(EPISODES);
    let comparison = compare(&simulations, &cpu(None)?, extent, None, &Unobserved)?;

    println!("{EPISODES} episodes of each policy, mean return ± standard error:");
    for ((name, _), statistics) in policies.iter().zip(&comparison.statistics) {
        let returns = statistics.summary().returns;
        report(name, returns.mean, returns.standard_error);
    }
    println!("Less the return of random slates, episode by episode:");
    let random = policies.len() - 1;
    for ((a, b), difference) in comparison.differences() {
        if b == random {
            report(
                policies[a].0,
                difference.mean(),
                difference.standard_error(),
            );
        }
    }
    Ok(())
}

/// Prints a figure of an episode with its uncertainty.
fn report(what: &str, mean: Option<f64>, standard_error: Option<f64>) {
    let known = "two episodes are enough for either";
    let (mean, standard_error) = (mean.expect(known), standard_error.expect(known));
    println!("  {what:<17} {mean:8.2} ± {standard_error:.2}");
}
