//! What goes back to the agent after a reset and after a step.

use ndarray::{ArcArray2, Array1, Array2, Array3, ArrayView2, Axis};

/// What is observed of all environments before they are shown slates.
///
/// What the numbers along the last axis are, [`Spaces`](super::Spaces) tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observation {
    /// The users. Shape `[num_envs, user_size]`; `user_size` is 0 where nothing of a user is observed.
    pub users: Array2<f32>,
    /// The candidates.
    pub documents: Documents,
    /// The responses to the slates shown last. Shape `[num_envs, slate_size, response_size]`.
    ///
    /// `None` after a reset of all; zeros in lanes whose episode has begun with this observation, and where a slate
    /// showed nothing.
    pub responses: Option<Array3<f32>>,
}

/// What is observed of the candidates.
#[derive(Clone, Debug, PartialEq)]
pub enum Documents {
    /// Each environment offers other documents. Shape `[num_envs, num_candidates, document_size]`.
    PerEnv(Array3<f32>),
    /// All environments offer the same documents, and always do: fetched once, and then lent. Shape
    /// `[num_candidates, document_size]`.
    Shared(ArcArray2<f32>),
}

impl Documents {
    /// Returns the candidates of one environment. Shape `[num_candidates, document_size]`.
    ///
    /// # Panics
    /// Where environments have candidates of their own and there is no such environment.
    pub fn of_env(&self, env: usize) -> ArrayView2<'_, f32> {
        match self {
            Self::PerEnv(documents) => documents.index_axis(Axis(0), env),
            Self::Shared(documents) => documents.view(),
        }
    }
}

/// What one step did to all environments, without what is observed after it. Arrays have shape `[num_envs]`.
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
    /// Whether what is observed now is the first observation of an episode.
    pub begun: Array1<bool>,
}

/// What one step did to all environments, and what is observed after it. Arrays have shape `[num_envs]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// What is observed after the step, and where an episode has begun with it, before the first step of that.
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
    /// The last observation of the episodes that have ended with this step, if others have begun in their place;
    /// `None` where none has.
    pub final_observation: Option<FinalObservation>,
}

/// The last observation of episodes that have ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FinalObservation {
    /// What was observed after the last step of the episode; in other lanes, the same as [`Step::observation`].
    pub observation: Observation,
    /// Whether the episode of a lane has ended: terminated, truncated, or both. Shape `[num_envs]`.
    pub lanes: Array1<bool>,
}
