//! What goes back to the agent after a reset and after a step of environments of several users.

use crate::vec_env::Documents;
use ndarray::{Array1, Array2, Array3, Array4};

/// What is observed of all environments before they are shown slates.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserObservation {
    /// The users, those that have ended included. Shape `[num_envs, users_per_env, user_size]`.
    pub users: Array3<f32>,
    /// The candidates, the same for all users of an environment.
    pub documents: Documents,
    /// The responses to the slates shown last. Shape `[num_envs, users_per_env, slate_size, response_size]`; zeros of
    /// users who had ended before. See [`Observation::responses`](crate::vec_env::Observation::responses).
    pub responses: Option<Array4<f32>>,
}

/// What one step did to all environments, without what is observed after it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserOutcome {
    /// The rewards. Shape `[num_envs, users_per_env]`.
    pub rewards: Array2<f64>,
    /// The position of the slate that was clicked, `None` where nothing was. Shape `[num_envs, users_per_env]`.
    pub chosen: Array2<Option<u32>>,
    /// Whether the episode of a user has ended, with this step or before. Shape `[num_envs, users_per_env]`.
    pub has_ended: Array2<bool>,
    /// Whether an environment has ended with this step, all users by themselves. Shape `[num_envs]`.
    pub terminated: Array1<bool>,
    /// Whether an environment has ended with this step, because users have reached `max_steps`; they may have ended by
    /// themselves as well. Shape `[num_envs]`.
    pub truncated: Array1<bool>,
    /// Whether what is observed now is the first observation of an episode. Shape `[num_envs]`.
    pub begun: Array1<bool>,
}

/// What one step did to all environments, and what is observed after it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserStep {
    /// What is observed after the step, and where an episode has begun with it, before the first step of that.
    pub observation: MultiUserObservation,
    /// What the step did.
    pub outcome: MultiUserOutcome,
    /// The last observation of the environments that have ended with this step, if others have begun in their place.
    pub final_observation: Option<MultiUserFinalObservation>,
}

/// The last observation of environments that have ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserFinalObservation {
    /// What was observed after the last step; of other environments, what is observed now.
    pub observation: MultiUserObservation,
    /// Whether an environment has ended. Shape `[num_envs]`.
    pub envs: Array1<bool>,
}
