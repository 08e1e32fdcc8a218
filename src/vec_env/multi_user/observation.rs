//! The results of a reset and of a step, for environments of several users.

use crate::vec_env::Documents;
use ndarray::{Array1, Array2, Array3, Array4};

/// What is observed of all environments before they are shown slates.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserObservation {
    /// The users, also those whose episodes have ended. Shape `[num_envs, users_per_env, user_size]`.
    pub users: Array3<f32>,
    /// The candidates, the same for all users of an environment.
    pub documents: Documents,
    /// The responses to the slates shown last. Shape `[num_envs, users_per_env, slate_size, response_size]`; zeros for users
    /// whose episodes had ended before. See [`Observation::responses`](crate::vec_env::Observation::responses).
    pub responses: Option<Array4<f32>>,
}

/// The results of one step of all environments, without the observation after it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserOutcome {
    /// The rewards. Shape `[num_envs, users_per_env]`.
    pub rewards: Array2<f64>,
    /// The position of the slate that was clicked, `None` where nothing was. Shape `[num_envs, users_per_env]`.
    pub chosen: Array2<Option<u32>>,
    /// Whether the episode of a user has ended, with this step or before. Shape `[num_envs, users_per_env]`.
    pub has_ended: Array2<bool>,
    /// Whether an environment has ended with this step because the episodes of all users ended by themselves. Shape
    /// `[num_envs]`.
    pub terminated: Array1<bool>,
    /// Whether an environment has ended with this step because users have reached `max_steps`; others may have ended by
    /// themselves. Shape `[num_envs]`.
    pub truncated: Array1<bool>,
    /// Whether the observation after the step is the first one of an episode. Shape `[num_envs]`.
    pub begun: Array1<bool>,
}

/// The results of one step of all environments, with the observation after it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserStep {
    /// The observation after the step; if an episode has begun with it, the first one of that episode.
    pub observation: MultiUserObservation,
    /// The results of the step.
    pub outcome: MultiUserOutcome,
    /// The last observation of the environments that have ended with this step, if new episodes have begun in their place.
    pub final_observation: Option<MultiUserFinalObservation>,
}

/// The last observation of environments that have ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultiUserFinalObservation {
    /// The observation after the last step; for other environments, that of now.
    pub observation: MultiUserObservation,
    /// Whether an environment has ended. Shape `[num_envs]`.
    pub envs: Array1<bool>,
}
