//! Environments of several users each, who are offered the same documents: `RecSim`'s `MultiUserEnvironment`.

mod observation;

pub use observation::{
    MultiUserFinalObservation, MultiUserObservation, MultiUserOutcome, MultiUserStep,
};

use super::env::Advanced;
use super::error::{VecEnvError, check_shape};
use super::{AutoresetMode, FinalObservation, Observation, Spaces, VecEnv, VecEnvOptions};
use crate::backend::{Backend, LaneState, Simulation};
use ndarray::{Array1, Array2, Array3, Array4, ArrayView1, ArrayView3, CowArray, Ix2};

/// Steps many environments of several users each.
///
/// The users of an environment are offered the same documents at every step, and each is shown a slate of its own.
/// A user whose episode has ended waits, unchanged and without reward or response, until all have ended: then the environment
/// has ended. User *j* of environment *i* is lane *i* `users_per_env` + *j*, and runs the episodes of that lane of a
/// [`VecEnv`], except that the documents are those of the lane of user 0. With one user each it is that `VecEnv`, to the last
/// bit.
///
/// ```
/// use ndarray::Array3;
/// use slatesim::backend::{Simulation, cpu::cpu};
/// use slatesim::vec_env::MultiUserEnv;
///
/// let simulation = Simulation::of("long_term_satisfaction").set("slate_size", 1)?.build()?;
/// // Four environments of three users each.
/// let mut env = MultiUserEnv::new(&simulation, &cpu(Some(1))?, 4, 3)?;
/// env.reset()?;
/// // Every user sees another one of the same documents.
/// let slates = Array3::from_shape_fn((4, 3, 1), |(_, user, _)| user as u32);
/// let step = env.step(slates.view())?;
/// assert_eq!(step.outcome.rewards.shape(), [4, 3]);
/// assert!(step.outcome.rewards.iter().all(|&reward| reward > 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MultiUserEnv {
    lanes: VecEnv,
}

impl MultiUserEnv {
    /// Makes environments; [`reset`](Self::reset) begins their episodes. The simulation's policy is not used.
    ///
    /// # Errors
    /// [`VecEnvError::NumUsers`] if there are none in an environment; else as [`VecEnv::new`], of all users.
    pub fn new(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
        users_per_env: usize,
    ) -> Result<Self, VecEnvError> {
        let options = VecEnvOptions::default();
        Self::with_options(simulation, backend, num_envs, users_per_env, options)
    }

    /// Makes environments with options.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`VecEnv::with_options`].
    pub fn with_options(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
        users_per_env: usize,
        options: VecEnvOptions,
    ) -> Result<Self, VecEnvError> {
        if users_per_env == 0 {
            return Err(VecEnvError::NumUsers {
                given: users_per_env,
            });
        }
        let lanes = VecEnv::of_users(simulation, backend, num_envs, users_per_env, options)?;
        Ok(Self { lanes })
    }

    /// Counts the environments.
    pub fn num_envs(&self) -> usize {
        self.lanes.num_envs()
    }

    /// Counts the users of an environment.
    pub fn users_per_env(&self) -> usize {
        self.lanes.users_per_env()
    }

    /// Returns when new episodes begin; all users of an environment begin together.
    pub fn autoreset_mode(&self) -> AutoresetMode {
        self.lanes.autoreset_mode()
    }

    /// Describes the arrays that go in and out.
    pub fn spaces(&self) -> Spaces {
        self.lanes.spaces_of(&self.axes())
    }

    /// See [`VecEnv::reset`].
    ///
    /// # Errors
    /// [`VecEnvError::Backend`] if the device fails.
    pub fn reset(&mut self) -> Result<MultiUserObservation, VecEnvError> {
        let observation = self.lanes.reset()?;
        Ok(self.observation(observation))
    }

    /// Begins the next episode of some environments, shape `[num_envs]`; see [`VecEnv::reset_lanes`].
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] and [`VecEnvError::Shape`] before anything is done; [`VecEnvError::Backend`] if the device
    /// fails.
    pub fn reset_envs(
        &mut self,
        mask: ArrayView1<'_, bool>,
    ) -> Result<MultiUserObservation, VecEnvError> {
        check_shape("mask", mask.shape(), &[self.num_envs()])?;
        let [num_envs, users_per_env] = self.axes();
        let lanes =
            Array1::from_shape_fn(num_envs * users_per_env, |lane| mask[lane / users_per_env]);
        let observation = self.lanes.reset_lanes(lanes.view())?;
        Ok(self.observation(observation))
    }

    /// See [`VecEnv::rewind`].
    pub fn rewind(&mut self) {
        self.lanes.rewind();
    }

    /// Shows every user a slate and fetches what is observed then; see [`VecEnv::step`].
    ///
    /// # Errors
    /// As [`VecEnv::step`].
    pub fn step(&mut self, slates: ArrayView3<'_, u32>) -> Result<MultiUserStep, VecEnvError> {
        let outcome = self.advance(slates)?;
        let (observation, final_observation) = self.lanes.fetch()?;
        Ok(MultiUserStep {
            observation: self.observation(observation),
            outcome,
            final_observation: final_observation.map(|last| self.final_of(last)),
        })
    }

    /// Shows every user a slate, and leaves the observation on the device; see [`VecEnv::advance`].
    ///
    /// Shape `[num_envs, users_per_env, slate_size]`. Slates of users whose episodes have ended are ignored.
    ///
    /// # Errors
    /// As [`VecEnv::advance`].
    pub fn advance(
        &mut self,
        slates: ArrayView3<'_, u32>,
    ) -> Result<MultiUserOutcome, VecEnvError> {
        let [num_envs, users_per_env] = self.axes();
        let slate_size = self.lanes.plan().slate_size as usize;
        let expected = [num_envs, users_per_env, slate_size];
        check_shape("slates", slates.shape(), &expected)?;
        let Advanced {
            outcome,
            idle,
            ended,
        } = self.lanes.advance_users(by_lane(&slates).view())?;
        // A user who was waiting for a reset is idle in this step, but the new episode has not ended.
        let ended_before = &idle & !(&outcome.begun & !&ended);
        let is_terminated = by_env(&ended_before | &outcome.terminated, users_per_env);
        let is_truncated = by_env(outcome.truncated, users_per_env);
        let envs = |lanes: Array1<bool>| by_env(lanes, users_per_env).column(0).to_owned();
        let ended = envs(ended);
        let all = |users: ArrayView1<'_, bool>| users.iter().all(|&user| user);
        let any = |users: ArrayView1<'_, bool>| users.iter().any(|&user| user);
        Ok(MultiUserOutcome {
            terminated: is_terminated
                .rows()
                .into_iter()
                .map(all)
                .collect::<Array1<_>>()
                & &ended,
            truncated: is_truncated
                .rows()
                .into_iter()
                .map(any)
                .collect::<Array1<_>>()
                & &ended,
            has_ended: is_terminated | is_truncated,
            rewards: by_env(outcome.rewards, users_per_env),
            chosen: by_env(outcome.chosen, users_per_env),
            begun: envs(outcome.begun),
        })
    }

    /// Fetches what is observed now; see [`VecEnv::observe`].
    ///
    /// # Errors
    /// As [`VecEnv::observe`].
    pub fn observe(&mut self) -> Result<MultiUserObservation, VecEnvError> {
        let observation = self.lanes.observe()?;
        Ok(self.observation(observation))
    }

    /// Fetches [`MultiUserObservation::responses`] alone; see [`VecEnv::responses`].
    ///
    /// # Errors
    /// As [`VecEnv::responses`].
    pub fn responses(&mut self) -> Result<Option<Array4<f32>>, VecEnvError> {
        let responses = self.lanes.responses()?;
        Ok(responses.map(|responses| self.responses_of(responses)))
    }

    /// Fetches the last observation of the environments that ended with the last step, if new episodes have begun in their
    /// place; see [`VecEnv::final_observation`].
    ///
    /// # Errors
    /// As [`VecEnv::final_observation`].
    pub fn final_observation(&mut self) -> Result<Option<MultiUserFinalObservation>, VecEnvError> {
        let last = self.lanes.final_observation()?;
        Ok(last.map(|last| self.final_of(last)))
    }

    /// Takes back the memory of an observation that is no longer needed; see [`VecEnv::recycle`].
    pub fn recycle(&mut self, observation: MultiUserObservation) {
        let MultiUserObservation {
            users,
            documents,
            responses,
        } = observation;
        self.lanes.take_back(users, documents, responses);
    }

    /// Returns the hidden state of all users, by lane.
    ///
    /// # Errors
    /// As [`VecEnv::state`].
    pub fn state(&mut self) -> Result<LaneState, VecEnvError> {
        self.lanes.state()
    }

    fn axes(&self) -> [usize; 2] {
        [self.num_envs(), self.users_per_env()]
    }

    fn observation(&self, observation: Observation) -> MultiUserObservation {
        let Observation {
            users,
            documents,
            responses,
        } = observation;
        let [num_envs, users_per_env] = self.axes();
        let user_size = users.ncols();
        MultiUserObservation {
            users: users
                .into_shape_with_order((num_envs, users_per_env, user_size))
                .expect("as many users"),
            documents,
            responses: responses.map(|responses| self.responses_of(responses)),
        }
    }

    fn responses_of(&self, responses: Array3<f32>) -> Array4<f32> {
        let [num_envs, users_per_env] = self.axes();
        let (_, slate_size, response_size) = responses.dim();
        responses
            .into_shape_with_order((num_envs, users_per_env, slate_size, response_size))
            .expect("as many responses")
    }

    fn final_of(&self, last: FinalObservation) -> MultiUserFinalObservation {
        MultiUserFinalObservation {
            observation: self.observation(last.observation),
            envs: by_env(last.lanes, self.users_per_env())
                .column(0)
                .to_owned(),
        }
    }
}

/// Gives slates the shape `[num_envs * users_per_env, slate_size]`, without a copy if they are contiguous.
fn by_lane<'a>(slates: &'a ArrayView3<'_, u32>) -> CowArray<'a, u32, Ix2> {
    let (num_envs, users_per_env, slate_size) = slates.dim();
    slates
        .to_shape((num_envs * users_per_env, slate_size))
        .expect("as many slates")
}

/// Gives an array over all lanes the shape `[num_envs, users_per_env]`.
fn by_env<T>(lanes: Array1<T>, users_per_env: usize) -> Array2<T> {
    let num_envs = lanes.len() / users_per_env;
    lanes
        .into_shape_with_order((num_envs, users_per_env))
        .expect("environments are whole")
}
