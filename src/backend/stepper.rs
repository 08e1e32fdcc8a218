//! Steps of users with slates from outside: what [`VecEnv`](crate::vec_env::VecEnv) is built on.

use crate::error::Error;

/// The state of all lanes, for tests that begin anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneState {
    /// The fields of the users: field 0 of all lanes, field 1 of all lanes, and so on.
    pub users: Vec<f64>,
    /// The episode that each lane is in.
    pub episodes: Vec<u64>,
    /// The step that each lane takes next.
    pub steps: Vec<u32>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// The reward of each lane.
    pub rewards: Vec<f64>,
    /// The position of the slate that was clicked, if one was.
    pub chosen: Vec<Option<u32>>,
    /// Whether the episode has ended by itself.
    pub terminated: Vec<bool>,
    /// Whether the episode has reached `max_steps`.
    pub truncated: Vec<bool>,
    /// What is observed of the response, shape `[lanes, slate_size, response_size]`.
    pub responses: Vec<f32>,
}

impl StepOutcome {
    pub(super) fn new(num_lanes: usize, slate_size: usize, response_size: usize) -> Self {
        Self {
            rewards: vec![0.0; num_lanes],
            chosen: vec![None; num_lanes],
            terminated: vec![false; num_lanes],
            truncated: vec![false; num_lanes],
            responses: vec![0.0; num_lanes * slate_size * response_size],
        }
    }
}

/// What an agent sees before it recommends.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Shape `[lanes, user_size]`.
    pub users: Vec<f32>,
    /// Shape `[lanes, num_candidates, document_size]`; `[1, ...]` where all users share a corpus.
    pub documents: Vec<f32>,
}

impl Observation {
    pub(super) fn new(
        num_lanes: usize,
        user_size: usize,
        num_candidates: usize,
        document_size: usize,
        is_shared: bool,
    ) -> Self {
        let document_lanes = if is_shared { 1 } else { num_lanes };
        Self {
            users: vec![0.0; num_lanes * user_size],
            documents: vec![0.0; document_lanes * num_candidates * document_size],
        }
    }
}

/// Steps a fixed number of users, one lane each.
pub trait Stepper: Send {
    /// Begins the given episode in each lane that has one.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), Error>;

    /// Shows each lane its slate, shape `[lanes, slate_size]`, of indices below the number of candidates.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, Error>;

    /// Returns what is observed of the users and of the documents now offered.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    fn observe(&mut self) -> Result<Observation, Error>;

    /// Returns the state of all lanes.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    fn state(&mut self) -> Result<LaneState, Error>;

    /// Puts all lanes into a state.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    fn set_state(&mut self, state: &LaneState) -> Result<(), Error>;
}
