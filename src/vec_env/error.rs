//! Errors of environments that are stepped.

use crate::backend::BackendError;

/// Why environments cannot be made, or refuse an argument.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VecEnvError {
    /// The device failed, or cannot hold so many users.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// An array has the wrong shape.
    #[error("`{what}` has shape {given:?}, expected {expected:?}")]
    Shape {
        /// The array.
        what: &'static str,
        /// The shape it has.
        given: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// There is nothing of this name to observe, or it is named twice.
    #[error("column {given:?} is not allowed; allowed are, each once, {allowed}")]
    Column {
        /// The name.
        given: String,
        /// The names that there are.
        allowed: String,
    },
    /// The state that is set is no possible state of a user.
    #[error("lane {lane} is put into what is no state of a user: {misfit}")]
    State {
        /// The lane.
        lane: usize,
        /// What is wrong with it.
        misfit: String,
    },
    /// A slate names a document that is not offered.
    #[error("lane {lane} recommends candidate {given}, expected an index below {num_candidates}")]
    Candidate {
        /// The lane.
        lane: usize,
        /// The index.
        given: u32,
        /// How many candidates there are.
        num_candidates: u32,
    },
    /// A slate has an empty position before a document.
    #[error(
        "lane {lane} recommends nothing in position {position} and a candidate after it, expected nothing up to the end"
    )]
    Hole {
        /// The lane.
        lane: usize,
        /// The first position without a document.
        position: usize,
    },
    /// A slate is empty, but the user always clicks something.
    #[error(
        "lane {lane} recommends nothing, expected a candidate: users of this choice model always click"
    )]
    EmptySlate {
        /// The lane.
        lane: usize,
    },
    /// A step after the end of an episode, in the mode in which the caller must begin the next one.
    #[error("the episode of lane {lane} has ended, expected a reset before the next step")]
    Ended {
        /// The lane.
        lane: usize,
    },
    /// The number of environments is not allowed.
    #[error("num_envs = {given}, expected {expected}")]
    NumEnvs {
        /// The number asked for.
        given: usize,
        /// What is allowed.
        expected: String,
    },
    /// Environments without users.
    #[error("users_per_env = {given}, expected at least 1")]
    NumUsers {
        /// The number asked for.
        given: usize,
    },
    /// Used before the first reset, or after the device failed and before the next one.
    #[error("the environments have not been reset")]
    NotReset,
}

/// Refuses an array of another shape than it should have.
pub(super) fn check_shape(
    what: &'static str,
    given: &[usize],
    expected: &[usize],
) -> Result<(), VecEnvError> {
    if given == expected {
        return Ok(());
    }
    Err(VecEnvError::Shape {
        what,
        given: given.to_vec(),
        expected: expected.to_vec(),
    })
}
