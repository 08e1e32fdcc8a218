//! Reads and sets the state of all users.

use super::VecEnv;
use crate::backend::LaneState;
use crate::vec_env::Observation;
use crate::vec_env::error::{VecEnvError, check_shape};
use crate::vec_env::phase::Phase;

impl VecEnv {
    /// Returns the hidden state of all environments, to continue from with [`set_state`](Self::set_state). It does not include
    /// a policy, and does not say which episodes have ended.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn state(&mut self) -> Result<LaneState, VecEnvError> {
        self.check_is_reset()?;
        Ok(self.stepper.state()?)
    }

    /// Sets the state of all environments, and returns the observation there.
    ///
    /// Fields of users are rounded to the arithmetic of the backend. After episode *e* an environment continues with episode
    /// *e* + 2^32. No episode counts as ended, even if it had ended when [`state`](Self::state) was called.
    ///
    /// # Errors
    /// [`VecEnvError::Shape`] if the state has another number of environments, other fields of users, or the memory of a
    /// policy, and [`VecEnvError::State`] if a user cannot be in it; in these cases nothing has changed.
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
