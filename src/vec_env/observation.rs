//! The results of a reset and of a step.

use ndarray::{ArcArray2, Array1, Array2, Array3, ArrayView2, Axis};

/// The observation of all environments before they are shown slates.
///
/// [`Spaces`](super::Spaces) describes the numbers along the last axis.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observation {
    /// The users. Shape `[num_envs, user_size]`; `user_size` is 0 if nothing of a user is observed.
    pub users: Array2<f32>,
    /// The candidates.
    pub documents: Documents,
    /// The responses to the slates shown last. Shape `[num_envs, slate_size, response_size]`.
    ///
    /// `None` after a reset of all environments; zeros in lanes whose episode begins with this observation, and at empty
    /// positions of slates.
    pub responses: Option<Array3<f32>>,
}

/// The observed features of the candidates.
#[derive(Clone, Debug, PartialEq)]
pub enum Documents {
    /// Each environment offers other documents. Shape `[num_envs, num_candidates, document_size]`.
    PerEnv(Array3<f32>),
    /// All environments offer the same documents at all steps; they are fetched once, and then shared. Shape `[num_candidates,
    /// document_size]`.
    Shared(ArcArray2<f32>),
}

impl Documents {
    /// Returns the candidates of one environment. Shape `[num_candidates, document_size]`.
    ///
    /// # Panics
    /// If environments have candidates of their own and there is no such environment.
    pub fn of_env(&self, env: usize) -> ArrayView2<'_, f32> {
        match self {
            Self::PerEnv(documents) => documents.index_axis(Axis(0), env),
            Self::Shared(documents) => documents.view(),
        }
    }
}

/// The results of one step of all environments, without the observation after it. Arrays have shape `[num_envs]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The rewards.
    pub rewards: Array1<f64>,
    /// Whether the episode has ended by itself.
    pub terminated: Array1<bool>,
    /// Whether the episode has reached `max_steps`; it may have ended by itself as well.
    pub truncated: Array1<bool>,
    /// The position of the slate that was clicked, `None` where nothing was.
    pub chosen: Array1<Option<u32>>,
    /// Whether the observation after the step is the first one of an episode.
    pub begun: Array1<bool>,
}

/// The results of one step of all environments, with the observation after it. Arrays have shape `[num_envs]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The observation after the step; if an episode has begun with it, the first one of that episode.
    pub observation: Observation,
    /// See [`Outcome::rewards`].
    pub rewards: Array1<f64>,
    /// See [`Outcome::terminated`].
    pub terminated: Array1<bool>,
    /// See [`Outcome::truncated`].
    pub truncated: Array1<bool>,
    /// See [`Outcome::chosen`].
    pub chosen: Array1<Option<u32>>,
    /// See [`Outcome::begun`].
    pub begun: Array1<bool>,
    /// The last observation of the episodes that have ended with this step, if new ones have begun in their place; `None` if
    /// none has ended.
    pub final_observation: Option<FinalObservation>,
}

impl Step {
    /// Takes apart what the step did, the observation after it, and the last one of episodes that have been replaced.
    pub fn split(self) -> (Outcome, Observation, Option<FinalObservation>) {
        let outcome = Outcome {
            rewards: self.rewards,
            terminated: self.terminated,
            truncated: self.truncated,
            chosen: self.chosen,
            begun: self.begun,
        };
        (outcome, self.observation, self.final_observation)
    }
}

/// The last observation of episodes that have ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FinalObservation {
    /// The observation after the last step of the episode; in other lanes, the same as [`Step::observation`].
    pub observation: Observation,
    /// Whether the episode of a lane has ended: terminated, truncated, or both. Shape `[num_envs]`.
    pub lanes: Array1<bool>,
}
