//! Begins episodes.

use super::VecEnv;
use crate::vec_env::Observation;
use crate::vec_env::error::{VecEnvError, check_shape};
use crate::vec_env::phase::Phase;
use ndarray::{Array1, ArrayView1};

impl VecEnv {
    /// Begins the next episode of every environment and returns what is observed before its first step.
    ///
    /// Episodes under way are dropped.
    ///
    /// # Errors
    /// [`VecEnvError::Backend`] if the device fails.
    pub fn reset(&mut self) -> Result<Observation, VecEnvError> {
        self.phase = Phase::NotReset;
        self.begin(&Array1::from_elem(self.num_lanes, true))?;
        self.look_around()
    }

    /// Begins the next episode of some environments, shape `[num_envs]`, and returns what is observed of all.
    ///
    /// Their episodes under way are dropped; those of the other environments continue. It works with every
    /// [`AutoresetMode`](crate::vec_env::AutoresetMode).
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] and [`VecEnvError::Shape`] before anything is done; [`VecEnvError::Backend`] if the device
    /// fails.
    pub fn reset_lanes(&mut self, mask: ArrayView1<'_, bool>) -> Result<Observation, VecEnvError> {
        self.check_is_reset()?;
        check_shape("mask", mask.shape(), &[self.num_lanes])?;
        let mask = mask.to_owned();
        let mut phase = self.phase.leave();
        self.begin(&mask)?;
        phase.begin(&mask);
        self.phase = phase;
        let observation = self.observe();
        self.or_give_up(observation)
    }

    /// Makes every environment begin with its very first episode again at its next reset, as `RecSim`'s `reset_sampler` does.
    ///
    /// Episodes under way continue.
    pub fn rewind(&mut self) {
        self.episodes.rewind();
    }

    /// Begins the next episode in the lanes of a mask.
    pub(super) fn begin(&mut self, lanes: &Array1<bool>) -> Result<(), VecEnvError> {
        let starts = self.episodes.next(lanes);
        self.stepper.start(&starts)?;
        self.episodes.begin(&starts);
        Ok(())
    }

    /// Fetches the observation of all lanes after a reset or a new state.
    pub(super) fn look_around(&mut self) -> Result<Observation, VecEnvError> {
        self.phase = Phase::Reset;
        let observation = self.observe();
        self.or_give_up(observation)
    }
}
