//! Observations: those of now, and the last ones of episodes that have been replaced.

use super::VecEnv;
use crate::backend;
use crate::vec_env::error::VecEnvError;
use crate::vec_env::{Documents, FinalObservation, Observation, slates};
use ndarray::{Array, Array1, Array2, Array3, Axis, Dimension};

impl VecEnv {
    /// Fetches what is observed now.
    ///
    /// Calling it twice returns the same, noise included. Documents that all environments share are fetched only the first
    /// time.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn observe(&mut self) -> Result<Observation, VecEnvError> {
        self.check_is_reset()?;
        let mut seen = self.recycled.take();
        self.stepper.observe(&mut seen)?;
        self.seen_now(seen)
    }

    /// Fetches what is observed of the responses to the slates shown last: [`Observation::responses`] alone.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn responses(&mut self) -> Result<Option<Array3<f32>>, VecEnvError> {
        self.check_is_reset()?;
        let Some(stepped) = self.phase.stepped() else {
            return Ok(None);
        };
        let seen = self.stepper.responses()?;
        let mut responses = self.shaped_responses(seen);
        clear(&mut responses, &stepped.begun);
        Ok(Some(responses))
    }

    /// Fetches the last observation of the episodes that ended with the last step, if new ones have begun in their place.
    ///
    /// This happens with [`SameStep`](crate::vec_env::AutoresetMode::SameStep); in the other modes [`observe`](Self::observe)
    /// returns it after that step. `None` if no episode has ended. It can be fetched until the next step or the next reset of
    /// all environments.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn final_observation(&mut self) -> Result<Option<FinalObservation>, VecEnvError> {
        self.check_is_reset()?;
        let Some(replaced) = self.phase.replaced() else {
            return Ok(None);
        };
        let mut seen = self.recycled.take();
        self.stepper.observe_kept(&replaced.kept, &mut seen)?;
        let lanes = replaced.lanes.clone();
        let observation = self.shaped(seen)?;
        Ok(Some(FinalObservation { observation, lanes }))
    }

    /// Takes back the memory of an observation that is no longer needed, for later observations.
    ///
    /// Observations of hundreds of thousands of environments are large, and new memory for them comes from the system page by
    /// page, which can take as long as everything else in a step. Memory is kept for as many observations as a step returns,
    /// and freed beyond that.
    pub fn recycle(&mut self, observation: Observation) {
        let Observation {
            users,
            documents,
            responses,
        } = observation;
        self.take_back(users, documents, responses);
    }

    pub(in crate::vec_env) fn take_back<U: Dimension, R: Dimension>(
        &mut self,
        users: Array<f32, U>,
        documents: Documents,
        responses: Option<Array<f32, R>>,
    ) {
        self.recycled.put(users, documents, responses);
    }

    /// Fetches everything that is observed after a step. If that fails, the episodes are dropped, because the agent cannot
    /// continue without the observation.
    pub(in crate::vec_env) fn fetch(
        &mut self,
    ) -> Result<(Observation, Option<FinalObservation>), VecEnvError> {
        let fetched = self.fetch_all();
        self.or_give_up(fetched)
    }

    fn fetch_all(&mut self) -> Result<(Observation, Option<FinalObservation>), VecEnvError> {
        let Some(replaced) = self.phase.replaced() else {
            return Ok((self.observe()?, None));
        };
        let [mut now, mut then] = [(); 2].map(|()| self.recycled.take());
        let stepper = &mut self.stepper;
        stepper.observe_now_and_kept(&mut now, &replaced.kept, &mut then)?;
        let lanes = replaced.lanes.clone();
        let observation = self.shaped(then)?;
        let last = FinalObservation { observation, lanes };
        Ok((self.seen_now(now)?, Some(last)))
    }

    /// Gives shapes to the stepper's present observation.
    fn seen_now(&mut self, seen: backend::Observation) -> Result<Observation, VecEnvError> {
        let mut observation = self.shaped(seen)?;
        if let Some(stepped) = self.phase.stepped()
            && let Some(responses) = &mut observation.responses
        {
            clear(responses, &stepped.begun);
        }
        Ok(observation)
    }

    fn shaped_responses(&self, seen: Vec<f32>) -> Array3<f32> {
        let shape = (
            self.num_lanes,
            self.plan.slate_size as usize,
            self.plan.outline.response_size(),
        );
        Array3::from_shape_vec(shape, seen).expect("one response a position of each slate")
    }

    /// Gives shapes to an observation of the stepper.
    fn shaped(&mut self, seen: backend::Observation) -> Result<Observation, VecEnvError> {
        let shape = (self.num_lanes, self.plan.outline.user_size());
        let users = Array2::from_shape_vec(shape, seen.users).expect("one observation a user");
        let has_responses = self.phase.stepped().is_some();
        let responses = has_responses.then(|| self.shaped_responses(seen.responses));
        Ok(Observation {
            users,
            documents: self.shaped_documents(seen.documents)?,
            responses,
        })
    }

    /// Gives a shape to the observed features of documents, or returns the stored ones if all environments share them.
    fn shaped_documents(&mut self, seen: Vec<f32>) -> Result<Documents, VecEnvError> {
        let document_size = self.plan.outline.document_size();
        let offered = (self.plan.num_candidates as usize, document_size);
        if self.plan.corpus.is_some() && self.corpus.is_none() {
            let corpus = self.stepper.corpus()?;
            self.corpus = corpus.map(|corpus| {
                let corpus = Array2::from_shape_vec(offered, corpus);
                corpus.expect("one observation a candidate").into_shared()
            });
        }
        Ok(match &self.corpus {
            Some(corpus) => Documents::Shared(corpus.clone()),
            None => {
                let shape = (self.num_envs(), offered.0, offered.1);
                let documents = Array3::from_shape_vec(shape, seen);
                Documents::PerEnv(documents.expect("one observation a candidate"))
            }
        })
    }
}

/// Clears the responses of lanes whose episode has just begun, because nothing has been shown in it yet.
fn clear(responses: &mut Array3<f32>, begun: &Array1<bool>) {
    if begun.as_slice().is_some_and(slates::any) {
        for (mut response, &begun) in responses.axis_iter_mut(Axis(0)).zip(begun) {
            if begun {
                response.fill(0.0);
            }
        }
    }
}
