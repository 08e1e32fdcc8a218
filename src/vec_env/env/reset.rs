//! Begins episodes.

use super::VecEnv;
use crate::backend::Rows;
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
        self.begin_all()?;
        self.look_around()
    }

    /// Begins the next episode of every environment, and writes what is observed to memory of the caller; see
    /// [`reset`](Self::reset) and [`observe_into`](Self::observe_into).
    ///
    /// # Errors
    /// [`VecEnvError::Shape`] before anything is done; [`VecEnvError::Backend`] if the device fails.
    pub fn reset_into(&mut self, rows: Rows<'_>) -> Result<(), VecEnvError> {
        self.check_rows("observation", &rows)?;
        self.begin_all()?;
        self.phase = Phase::Reset;
        let written = self.observe_into(rows);
        self.or_give_up(written)
    }

    /// Begins the next episode of every environment.
    fn begin_all(&mut self) -> Result<(), VecEnvError> {
        self.phase = Phase::NotReset;
        self.begin(&Array1::from_elem(self.num_lanes, true))
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
        self.begin_some(mask)?;
        let observation = self.observe();
        self.or_give_up(observation)
    }

    /// Begins the next episode of some environments, and writes what is observed of all to memory of the caller; see
    /// [`reset_lanes`](Self::reset_lanes) and [`observe_into`](Self::observe_into).
    ///
    /// # Errors
    /// As [`reset_lanes`](Self::reset_lanes), and [`VecEnvError::Shape`] before anything is done if the memory has another size.
    pub fn reset_lanes_into(
        &mut self,
        mask: ArrayView1<'_, bool>,
        rows: Rows<'_>,
    ) -> Result<(), VecEnvError> {
        self.check_rows("observation", &rows)?;
        self.begin_some(mask)?;
        let written = self.observe_into(rows);
        self.or_give_up(written)
    }

    /// Begins the next episode of the environments of a mask.
    fn begin_some(&mut self, mask: ArrayView1<'_, bool>) -> Result<(), VecEnvError> {
        self.check_is_reset()?;
        check_shape("mask", mask.shape(), &[self.num_lanes])?;
        let mask = mask.to_owned();
        let mut phase = self.phase.leave();
        self.begin(&mask)?;
        phase.begin(&mask);
        self.phase = phase;
        Ok(())
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
