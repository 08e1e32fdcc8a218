//! What goes back to the agent after a reset and after a step.

use crate::backend::{self, Plan};
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};

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
    /// `None` after a reset; zeros in lanes whose episode has begun with this observation.
    pub responses: Option<Array3<f32>>,
}

impl Observation {
    /// Gives shapes to what a stepper has seen.
    pub(super) fn new(seen: backend::Observation, plan: &Plan, num_envs: usize) -> Self {
        let outline = &plan.outline;
        let offered = (
            plan.num_candidates as usize,
            outline.document_features().len(),
        );
        let documents = match plan.corpus {
            Some(_) => Array2::from_shape_vec(offered, seen.documents).map(Documents::Shared),
            None => Array3::from_shape_vec((num_envs, offered.0, offered.1), seen.documents)
                .map(Documents::PerUser),
        };
        Self {
            users: Array2::from_shape_vec((num_envs, outline.user_size()), seen.users)
                .expect("one observation a user"),
            documents: documents.expect("one observation a candidate"),
            responses: None,
        }
    }
}

/// Gives shape to the responses that a stepper has seen.
pub(super) fn responses(seen: Vec<f32>, plan: &Plan, num_envs: usize) -> Array3<f32> {
    let shape = (
        num_envs,
        plan.slate_size as usize,
        plan.outline.response_size(),
    );
    Array3::from_shape_vec(shape, seen).expect("one response a position of each slate")
}

/// What is observed of the candidates.
#[derive(Clone, Debug, PartialEq)]
pub enum Documents {
    /// Each user is offered other documents. Shape `[num_envs, num_candidates, document_size]`.
    PerUser(Array3<f32>),
    /// All users are offered the same documents, told once. Shape `[num_candidates, document_size]`.
    Shared(Array2<f32>),
}

impl Documents {
    /// Returns the candidates of one user. Shape `[num_candidates, document_size]`.
    ///
    /// # Panics
    /// Where users have candidates of their own and there is no such lane.
    pub fn of_user(&self, lane: usize) -> ArrayView2<'_, f32> {
        match self {
            Self::PerUser(documents) => documents.index_axis(Axis(0), lane),
            Self::Shared(documents) => documents.view(),
        }
    }
}

/// What one step did to all environments. Arrays have shape `[num_envs]`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// What is observed after the step, and where an episode has ended, before the first step of the next.
    pub observation: Observation,
    /// The rewards.
    pub rewards: Array1<f64>,
    /// Whether the episode has ended by itself.
    pub terminated: Array1<bool>,
    /// Whether the episode has reached `max_steps`; it may have ended by itself as well.
    pub truncated: Array1<bool>,
    /// The position of the slate that was clicked, `None` where nothing was.
    pub chosen: Array1<Option<u32>>,
    /// The last observation of the episodes that have ended with this step; `None` where none has.
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
