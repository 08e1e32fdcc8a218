//! Reading and writing where all users are.

use super::VecEnv;
use crate::backend::LaneState;
use crate::vec_env::Observation;
use crate::vec_env::error::{VecEnvError, check_shape};
use crate::vec_env::phase::Phase;

impl VecEnv {
    /// Returns the hidden state of all environments, to go on from with [`set_state`](Self::set_state). There is no
    /// policy in it, and it does not tell which episodes have ended.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn state(&mut self) -> Result<LaneState, VecEnvError> {
        self.check_is_reset()?;
        Ok(self.stepper.state()?)
    }

    /// Puts all environments into a state, and returns what is observed there.
    ///
    /// Fields of users are rounded to the arithmetic of the backend. An environment in episode *e* goes on to episode
    /// *e* + 2^32 after it. No episode counts as ended, even if it had when [`state`](Self::state) was asked for.
    ///
    /// # Errors
    /// [`VecEnvError::Shape`] if the state is not of so many environments, users have other fields, or there is what a
    /// policy remembers of them, and [`VecEnvError::State`] if a user cannot be in it: the environments are as before.
    /// [`VecEnvError::Backend`] if the device fails.
    pub fn set_state(&mut self, state: &LaneState) -> Result<Observation, VecEnvError> {
        let lengths = [
            (
                "users",
                state.users.len(),
                self.num_user_fields * self.num_lanes,
            ),
            ("policy", state.policy.len(), 0),
            ("episodes", state.episodes.len(), self.num_lanes),
            ("steps", state.steps.len(), self.num_lanes),
        ];
        for (what, given, expected) in lengths {
            check_shape(what, &[given], &[expected])?;
        }
        let mut user = vec![0.0; self.num_user_fields];
        for lane in 0..self.num_lanes {
            for (field, number) in user.iter_mut().enumerate() {
                *number = state.users[field * self.num_lanes + lane];
            }
            if let Some(misfit) = self.model.misfit_of_user(&user) {
                return Err(VecEnvError::State { lane, misfit });
            }
        }
        self.phase = Phase::NotReset;
        self.stepper.set_state(state)?;
        self.episodes.put(&state.episodes);
        self.look_around()
    }
}
