//! Errors of agents.

use super::slates::MAX_SLATES;
use crate::vec_env::VecEnvError;
use std::io;

/// Why an agent cannot be made, cannot act in an environment, or cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The environments cannot be reset or stepped.
    #[error(transparent)]
    VecEnv(#[from] VecEnvError),
    /// The value of an option is not allowed.
    #[error("`{option}` = {given}: allowed is {allowed}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        given: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// There are too many slates to keep a value of each.
    #[error(
        "{number} slates of {slate_size} of {num_candidates} candidates, expected at most {MAX_SLATES}: fewer candidates, \
         shorter slates{hint}"
    )]
    Slates {
        /// How many there are.
        number: String,
        /// The length of a slate.
        slate_size: u32,
        /// How many candidates there are.
        num_candidates: u32,
        /// Another solution, if there is one.
        hint: &'static str,
    },
    /// Nothing is observed of documents.
    #[error("nothing is observed of a document: a linear bandit has nothing to score it by")]
    NoContext,
    /// The environment is not one that the agent was made for.
    #[error("the environment has {given}; the agent was made for {expected}")]
    Environment {
        /// What it has.
        given: String,
        /// What was expected.
        expected: String,
    },
    /// An observation has the wrong shape.
    #[error("`{what}` has shape {given:?}, expected {expected:?}")]
    Shape {
        /// The observation.
        what: &'static str,
        /// The shape it has.
        given: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// The learned values cannot be written as a table of states and candidates.
    #[error("no table of states and candidates: {why}")]
    NoTable {
        /// The reason.
        why: &'static str,
    },
    /// The text of a saved agent is no JSON.
    #[error("{origin} is no saved agent")]
    Syntax {
        /// The file.
        origin: String,
        /// Where the text stops being JSON.
        #[source]
        source: serde_json::Error,
    },
    /// A field of a saved agent has a value that no saved agent has.
    #[error("{origin} is no saved agent: `{field}` {problem}")]
    Field {
        /// The file.
        origin: String,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
