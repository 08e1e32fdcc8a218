//! Agents that learn across episodes. They run on the host, and step a [`VecEnv`](crate::vec_env::VecEnv).
//!
//! A [policy](crate::policy) runs inside the kernels and is the same in every episode. An agent changes with every step from
//! which it learns. [`TabularQ`] is `RecSim`'s `TabularQAgent`: it learns a value for every slate in every situation, by
//!
//! ```text
//! Q(s, a) <- rate (reward + gamma max_b Q(s', b)) + (1 - rate) Q(s, a)
//! ```
//!
//! where a situation is what is observed of the user and of the candidates: whole numbers as they are, and others by the bin
//! that they fall into ([`Bins`]). If the state is one whole number and slates have one document, the learned values give a
//! table for the policy [`table`](crate::policy::table), and a rollout can evaluate it over millions of episodes.
//!
//! ```
//! use slatesim::agent::{LearningRate, TabularQ, TabularQOptions};
//! use slatesim::backend::cpu::cpu;
//! use slatesim::config::{Config, Sources};
//! use slatesim::registry;
//! use slatesim::vec_env::VecEnv;
//! use std::ops::ControlFlow;
//!
//! let sources = Sources::new().set("environment.name=test_mdp")?.set("max_steps=1000")?;
//! let simulation = registry::simulation(&Config::resolve(&sources, &registry::declarations())?)?;
//! let mut env = VecEnv::new(&simulation, &cpu(Some(1))?, 1)?;
//! let options = TabularQOptions {
//!     gamma: 0.0,
//!     learning_rate: LearningRate::Constant(0.8),
//!     ..TabularQOptions::default()
//! };
//! let mut agent = TabularQ::new(&env.spaces(), options)?;
//! agent.train(&mut env, 2000, &mut |_| ControlFlow::Continue(()))?;
//! // Action 0 in state 3 earns 4.
//! let learned = agent.q_value(&[0, 3]).expect("seen in 2000 steps");
//! assert!((learned - 4.0).abs() < 1e-7);
//! # Ok::<(), slatesim::Error>(())
//! ```
//!
//! [`LinearBandit`] is `RLlib`'s contextual bandits, `LinUCB` and linear Thompson sampling, and `RecSim`'s UCB-GLM and GLM-TS:
//! it scores a document by the observed numbers of it and of the user, and learns one set of weights from all users and
//! episodes. The weights are those of a policy `linear_softmax`.
//!
//! # Keys
//! The key of a slate in a situation is the list of the documents' numbers in the order of the slate, and then the
//! user's: those of a document, and of the user, in alphabetical order of their names, as `RecSim` has them. Two slates
//! of equal documents are one key. The table holds the keys that were tried, and others have value 0.
//!
//! # Lanes
//! All environments of the `VecEnv` share one table. At every step the lanes are visited in order: each first learns from its
//! last step and then chooses, so that the next lane already uses what this one has learned. One lane is `RecSim`'s agent.
//!
//! # Reproducibility
//! What an agent learns depends only on the options, the environment's configuration, the number of lanes and the number of
//! steps. The draws of a decision are block *n* of the host's generator
//! ([`Philox`](crate::rng::Philox)) with the seed of the options, *n* being the number of decisions before, which is saved
//! with the table: a loaded agent goes on exactly as the saved one would have.
//!
//! # What `RecSim` does otherwise
//!
//! | here | `RecSim` 0.2.4 |
//! | --- | --- |
//! | the last reward of an episode is learned, with `faithful` it is not | it is not |
//! | where an episode is truncated, what could still come counts; where it has ended by itself, nothing | neither is learned |
//! | a uniform slate with probability epsilon: two draws a decision | the same probability, and a draw for every slate |
//! | responses are not part of the situation | the same; `ignore_response = False` fails at the first step |
//! | exploration is one of two, checked | a function of one's own fails at the first step |
//! | saved: the table, the options and all that it takes to go on | the values and counts |
//! | more than [`MAX_SLATES`] slates are refused | runs for as long as it takes |

mod discretisation;
mod error;
mod layout;
mod linear_bandit;
mod linear_model;
mod linear_options;
mod linear_saved;
mod options;
mod q_table;
mod saved;
mod slates;
mod tabular_q;

pub use discretisation::Bins;
pub use error::AgentError;
pub use linear_bandit::LinearBandit;
pub use linear_options::{LinearAlgorithm, LinearBanditOptions, RegressionTarget};
pub use options::{ExplorationPolicy, LearningRate, TabularQOptions};
pub use q_table::Entry;
pub use slates::{MAX_SLATES, num_slates, slates};
pub use tabular_q::{TabularQ, Training};
