//! Policies that score candidates.

use super::long_term_satisfaction::CORPUS;
use super::{Case, case};
use crate::error::Error;

/// Three layers over what is observed of a clustered document and its user.
const NETWORK: &str = "policy.weights=[[[1.5, -0.4, 2, -1], [-1, 0.3, 0.5, 1], [2, 0.2, -1, 0.1]], [[1, -1, 0.5, 0.2], [0.3, 1, 1, -0.5]], [[1.5, -1, 0]]]";

/// A network whose sums run over both signs.
fn network(name: &'static str, activation: &'static str) -> Result<Case, Error> {
    case(
        name,
        &[
            "environment.user.observation_noise_stddev=0.1",
            "environment.user.time_budget=20",
            "environment.document.num_clusters=4",
            "environment.choice.model=multinomial_logit",
            "environment.slate_size=3",
            "policy.name=mlp",
            "policy.temperature=0.7",
            NETWORK,
            activation,
        ],
        &[],
    )
}

/// Policies that score candidates by weights or by what they have learned; nothing is known of them from outside.
pub(super) fn cases() -> Result<Vec<Case>, Error> {
    let explored = |more: &[&'static str]| {
        [
            &["environment.name=interest_exploration", "max_steps=30"],
            more,
        ]
        .concat()
    };
    let evolved = |more: &[&'static str]| {
        [
            &["environment.name=interest_evolution", "max_steps=6"],
            more,
        ]
        .concat()
    };
    Ok(vec![
        case(
            "interest exploration, linear scores and softmax",
            &explored(&[
                "policy.name=linear_softmax",
                "policy.weights=[1.5, 0.4, 0.03, -0.02, 0.1, 0.15, -0.2]",
                "policy.layer.name=cluster_click_statistics",
            ]),
            &[],
        )?,
        case(
            "interest exploration, linear upper confidence bounds",
            &explored(&["policy.name=linear_ucb"]),
            &[],
        )?,
        case(
            "interest exploration, logistic upper confidence bounds",
            &explored(&[
                "max_steps=12",
                "policy.name=glm_ucb",
                "policy.optimism_scaling=0.1",
            ]),
            &[],
        )?,
        case(
            "interest exploration, logistic Thompson sampling, forgetting",
            &explored(&[
                "max_steps=12",
                "policy.name=glm_thompson",
                "policy.history_length=14",
            ]),
            &[],
        )?,
        case(
            "linear Thompson sampling of rewards",
            &[
                "environment.user.observation_noise_stddev=0.1",
                "environment.user.time_budget=20",
                "policy.name=linear_thompson",
                "policy.target=reward",
                "policy.ridge=2",
            ],
            &[],
        )?,
        case(
            "linear Thompson sampling with a history, decided now and then",
            &[
                CORPUS,
                "environment.resample_documents=false",
                "environment.user.observation_noise_stddev=0.1",
                "environment.user.time_budget=20",
                "policy.name=linear_thompson",
                "policy.target=reward",
                "policy.layer.name=fixed_length_history",
                "policy.layer.history_length=2",
                "policy.layer.layer.name=temporal_aggregation",
                "policy.layer.layer.aggregation_period=3",
                "policy.layer.layer.switching_cost=0.5",
            ],
            &[],
        )?,
        case(
            "a network of three layers",
            &[
                "environment.user.observation_noise_stddev=0.1",
                "environment.document.num_clusters=4",
                "environment.choice.model=multinomial_logit",
                "environment.slate_size=3",
                "policy.name=mlp",
                "policy.temperature=0.7",
                NETWORK,
            ],
            &[],
        )?,
        network("a network of three layers, tanh", "policy.activation=tanh")?,
        network("a network of three layers, gelu", "policy.activation=gelu")?,
        case(
            "interest evolution, linear upper confidence bounds of 20 inputs",
            &evolved(&[
                "environment.document.sampler=distribution",
                "environment.document.num_features=10",
                "policy.name=linear_ucb",
            ]),
            &[],
        )?,
        case(
            "interest evolution, linear Thompson sampling of 12 inputs",
            &evolved(&[
                "environment.document.sampler=distribution",
                "environment.document.num_features=6",
                "environment.num_candidates=4",
                "policy.name=linear_thompson",
                "policy.target=reward",
            ]),
            &[],
        )?,
        case(
            "interest evolution, logistic upper confidence bounds",
            &evolved(&[
                "environment.document.sampler=distribution",
                "environment.document.num_features=3",
                "max_steps=12",
                "policy.name=glm_ucb",
                "policy.history_length=12",
                "policy.optimism_scaling=0.1",
            ]),
            &[],
        )?,
    ])
}
