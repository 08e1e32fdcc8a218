//! Compares agents that learn within an episode with runs of `RecSim`'s agents: `tests/data/README.md`.

use super::row::Row;
use super::setup::{estimate, simulation};
use slatesim::Error;
use slatesim::backend::{Backend, Unobserved};

/// A run of `RecSim`: its title, its settings, and the return with its standard error.
type Run = (&'static str, &'static [&'static str], (f64, f64));

/// 10 candidates, slates of 2, 100 steps, 1,000 episodes; the return is the number of clicks.
const EXPLORATION: [&str; 2] = ["environment.name=interest_exploration", "max_steps=100"];

/// The tutorial's variant: 10 candidates, slates of 3, four topics.
const TUTORIAL: [&str; 7] = [
    "environment.name=long_term_satisfaction",
    "environment.slate_size=3",
    "environment.user.memory_discount=0.9",
    "environment.user.observation_noise_stddev=0.1",
    "environment.document.num_clusters=4",
    "environment.choice.model=multinomial_logit",
    "policy.faithful=true",
];

#[rustfmt::skip]
const EXPLORATION_RUNS: &[Run] = &[
    ("random slates", &["policy.name=random"], (22.874, 0.17)),
    ("greedy pCTR", &["policy.name=greedy_pctr"], (38.295, 0.27)),
    ("cluster bandit, UCB1", &["policy.name=cluster_bandit", "policy.faithful=true"], (36.849, 0.26)),
    ("cluster bandit, KL-UCB as coded",
        &["policy.name=cluster_bandit", "policy.algorithm=kl_ucb", "policy.faithful=true"], (36.826, 0.26)),
    ("cluster bandit, Thompson sampling",
        &["policy.name=cluster_bandit", "policy.algorithm=thompson_sampling", "policy.faithful=true"], (35.963, 0.30)),
];

#[rustfmt::skip]
const TUTORIAL_RUNS: &[Run] = &[
    ("all topics descending", &["policy.pro_educ=[true, true, true, true]"], (948.28, 4.93)),
    ("all topics ascending", &["policy.pro_educ=[false, false, false, false]"], (905.55, 4.73)),
    ("every other topic descending", &["policy.pro_educ=[true, false, true, false]"], (926.86, 4.81)),
];

/// Compares a backend with every run of `RecSim`.
pub(crate) fn rows(backend: &dyn Backend, episodes: u64) -> Result<Vec<Row>, Error> {
    let parts = [
        ("interest_exploration", &EXPLORATION[..], EXPLORATION_RUNS),
        ("the tutorial's bandit", &TUTORIAL[..], TUTORIAL_RUNS),
    ];
    let mut rows = Vec::new();
    for (title, common, runs) in parts {
        for (seed, (name, settings, theirs)) in (100..).zip(runs) {
            let seed = format!("seed={seed}");
            let name_of_policy = "policy.name=cluster_bandit";
            let all = [&[seed.as_str(), name_of_policy], common, *settings].concat();
            let simulation = simulation(&all)?;
            let returns = backend
                .rollout(&simulation, 0..episodes, &Unobserved)?
                .summary()
                .returns;
            let ours = estimate(returns.mean, returns.standard_error);
            rows.push(Row::of_estimates(title, name, ours, *theirs));
        }
    }
    Ok(rows)
}
