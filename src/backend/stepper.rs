//! Steps of users with slates from outside: what [`VecEnv`](crate::vec_env::VecEnv) is built on.
//!
//! Calls may come in any order. Users exist from the moment a stepper is made; a policy that is asked twice before a step
//! answers the same twice; and a call about an earlier moment takes the token of that moment, [`Kept`].

use super::error::BackendError;
use super::observation::{Columns, Observation, Rows, Sizes};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Stands in a slate where no document is shown; only further ones may follow it.
// WGSL: an index that is no candidate's, in shaders/kernel/step.wgsl
pub const EMPTY: u32 = u32::MAX;
/// Stands in the first position of a slate whose user takes no part in a step.
// WGSL: const IDLE in shaders/kernel/step.wgsl
pub const IDLE: u32 = u32::MAX - 1;

/// The state of all lanes, for tests that begin anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneState {
    /// The fields of the users: field 0 of all lanes, field 1 of all lanes, and so on.
    pub users: Vec<f64>,
    /// What the policy of the simulation remembers of the users, number by number in the same way; empty where it does
    /// not learn.
    pub policy: Vec<f64>,
    /// The episode that each lane is in.
    pub episodes: Vec<u64>,
    /// The step that each lane takes next.
    pub steps: Vec<u32>,
}

/// The users of a stepper on the host, and the threads that it runs on.
#[derive(Clone, Debug)]
pub struct SteppedUsers {
    pub(super) num_lanes: usize,
    /// How many neighbouring lanes share an environment; `num_lanes` is a multiple of it.
    pub(super) users_per_env: usize,
    /// `None` for the thread of the caller.
    pub(super) pool: Option<Arc<rayon::ThreadPool>>,
}

/// What a step did; all zero, `None` and false in lanes that took no part.
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
}

impl StepOutcome {
    pub(super) fn new(num_lanes: usize) -> Self {
        Self {
            rewards: vec![0.0; num_lanes],
            chosen: vec![None; num_lanes],
            terminated: vec![false; num_lanes],
            truncated: vec![false; num_lanes],
        }
    }
}

/// Stands for the state of all lanes when they were [kept](Stepper::keep). It is valid until the stepper goes on: with a
/// step, with [`Stepper::set_state`], or by keeping the lanes again.
#[derive(Debug)]
pub struct Kept {
    number: u64,
}

/// The moment that a stepper can look back at, if there is one.
#[derive(Debug, Default)]
pub(super) struct LastKept {
    number: Option<u64>,
}

impl LastKept {
    /// Makes the present that moment, and returns its token.
    pub(super) fn set(&mut self) -> Kept {
        // All tokens of a program differ, so that one of another stepper is never accepted.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.number = Some(number);
        Kept { number }
    }

    /// Makes its token invalid.
    pub(super) fn forget(&mut self) {
        self.number = None;
    }

    pub(super) fn check(&self, kept: &Kept) -> Result<(), BackendError> {
        match self.number {
            Some(number) if number == kept.number => Ok(()),
            _ => Err(BackendError::NotKept),
        }
    }
}

/// Steps a fixed number of users, one lane each. Lane *i* begins in episode *i*.
///
/// Neighbouring lanes may share an environment, as many as the stepper was made for: they begin and step together, and are
/// offered the same documents, which are drawn from the episode of the first of them.
///
/// Calls may come in any order. Arrays have one row for each lane; the stepper panics if one does not.
///
/// # Errors
/// [`BackendError::Gpu`] of every method if the device fails.
pub trait Stepper: Send {
    /// Begins the given episode in each lane that has one.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn start(&mut self, starts: &[Option<u64>]) -> Result<(), BackendError>;

    /// Asks the policy of the simulation, with its layers, for the slate of each lane at its next step, shape
    /// `[lanes, slate_size]`: what a rollout shows.
    ///
    /// Asked again before that step, the policy gives the same slates, and remembers no more of the users than after the
    /// first time. If an episode begins before the step, the policy forgets of all lanes that it was asked.
    ///
    /// # Errors
    /// [`BackendError::SharedDocuments`] if several users share an environment, and [`BackendError::Gpu`] if the device
    /// fails.
    fn recommend(&mut self) -> Result<Vec<u32>, BackendError>;

    /// Shows each lane its slate, shape `[lanes, slate_size]`.
    ///
    /// A policy that learns takes note of every slate without [`EMPTY`] positions, also of those that it did not recommend.
    ///
    /// A slate has indices below the number of candidates, then [`EMPTY`] up to its end. A slate that begins with
    /// [`IDLE`] is not shown: its user stays as it is, and only the step is counted.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn step(&mut self, slates: &[u32]) -> Result<StepOutcome, BackendError>;

    /// Shows each lane its slate, with random words that are given: the block `STEP` of each lane, with the layout described
    /// in [`rng`](crate::rng). For replaying what was recorded elsewhere.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn step_with_words(
        &mut self,
        slates: &[u32],
        words: &[[u32; 4]],
    ) -> Result<StepOutcome, BackendError>;

    /// Returns what is observed of the responses to the slates shown last, shape `[lanes, slate_size, response_size]`.
    ///
    /// Zero where nothing was shown.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn responses(&mut self) -> Result<Vec<f32>, BackendError> {
        let sizes = self.sizes();
        let columns = Columns {
            responses: sizes.observable().responses,
            ..Columns::default()
        };
        let mut seen = Observation::default();
        self.observe_into(&columns, seen.rows(sizes.lengths(&columns)))?;
        Ok(seen.responses)
    }

    /// Returns how many rows observations have, and from how many numbers they are taken.
    fn sizes(&self) -> Sizes;

    /// Writes what is observed of the users, of the documents now offered, and of the last responses: the numbers of
    /// `columns`, to `rows`, which have the [lengths](Sizes::lengths) of these columns.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn observe_into(&mut self, columns: &Columns, rows: Rows<'_>) -> Result<(), BackendError>;

    /// Writes everything that can be observed: into the memory of `observation`, whatever that held.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn observe(&mut self, observation: &mut Observation) -> Result<(), BackendError> {
        let sizes = self.sizes();
        let all = sizes.observable();
        self.observe_into(&all, observation.rows(sizes.lengths(&all)))
    }

    /// Returns what is observed of the documents that all environments share, shape `[num_candidates, document_size]`; `None`
    /// where each environment offers its own.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn corpus(&mut self) -> Result<Option<Vec<f32>>, BackendError>;

    /// Remembers the present state of all lanes, in place of an earlier one, so that one can look back at it after episodes
    /// have begun.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails, or has no room for so many users twice.
    fn keep(&mut self) -> Result<Kept, BackendError>;

    /// Writes what [`observe_into`](Self::observe_into) would have written when the lanes were kept.
    ///
    /// # Errors
    /// [`BackendError::NotKept`] if the token is not that of the last [`keep`](Self::keep), or if a step was
    /// taken or a state set since then.
    fn observe_kept_into(
        &mut self,
        kept: &Kept,
        columns: &Columns,
        rows: Rows<'_>,
    ) -> Result<(), BackendError>;

    /// Writes what [`observe`](Self::observe) would have written when the lanes were kept.
    ///
    /// # Errors
    /// As [`observe_kept_into`](Self::observe_kept_into).
    fn observe_kept(
        &mut self,
        kept: &Kept,
        observation: &mut Observation,
    ) -> Result<(), BackendError> {
        let sizes = self.sizes();
        let all = sizes.observable();
        self.observe_kept_into(kept, &all, observation.rows(sizes.lengths(&all)))
    }

    /// Writes both the present observation and that of the moment when the lanes were kept, which may take less work than two
    /// calls. Both have the same precision and arrangement.
    ///
    /// # Errors
    /// As [`observe_kept_into`](Self::observe_kept_into).
    fn observe_now_and_kept_into(
        &mut self,
        columns: &Columns,
        now: Rows<'_>,
        kept: &Kept,
        then: Rows<'_>,
    ) -> Result<(), BackendError> {
        self.observe_kept_into(kept, columns, then)?;
        self.observe_into(columns, now)
    }

    /// Returns the state of all lanes.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn state(&mut self) -> Result<LaneState, BackendError>;

    /// Puts all lanes into a state.
    ///
    /// # Errors
    /// [`BackendError::Gpu`] if the device fails.
    fn set_state(&mut self, state: &LaneState) -> Result<(), BackendError>;
}

/// What a followed step did.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// The outcome, as of [`Stepper::step`].
    pub outcome: StepOutcome,
    /// The probability with which the policy of the simulation shows each lane its slate at this step; `None` where the slate
    /// is not drawn, where no closed form is known, and for slates that are short or not shown.
    pub propensities: Vec<Option<f64>>,
}

/// Follows users that another stepper has stepped: the slates and the choices are theirs, and everything else is computed
/// in double precision.
///
/// Its results are a pure function of the seed, the episodes, the slates and the choices, whatever backend they come from. Each
/// environment has one user.
pub trait Follower: Stepper {
    /// Shows each lane its slate, as [`Stepper::step`] does, and takes what it chooses as given. The policy is asked before
    /// that, as [`Stepper::recommend`] does.
    ///
    /// # Errors
    /// As [`Stepper::step`].
    fn follow(&mut self, slates: &[u32], choices: &[Option<u32>])
    -> Result<Followed, BackendError>;
}
