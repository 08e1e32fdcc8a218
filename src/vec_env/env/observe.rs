//! Observations: those of now, and the last ones of episodes that have been replaced.

use super::VecEnv;
use crate::backend::{self, Columns, Rows};
use crate::vec_env::error::{VecEnvError, check_shape};
use crate::vec_env::{Documents, FinalObservation, Observation, slates};
use ndarray::{ArcArray2, Array, Array1, Array2, Array3, Axis, Dimension};

impl VecEnv {
    /// Fetches what is observed now.
    ///
    /// Calling it twice returns the same, noise included. Documents that all environments share are fetched only the first
    /// time.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn observe(&mut self) -> Result<Observation, VecEnvError> {
        let mut seen = self.recycled.take();
        self.observe_into(seen.rows(self.lengths()))?;
        self.shaped(seen)
    }

    /// Writes what is observed now to memory of the caller, in single or half precision: [`observe`](Self::observe) without new
    /// memory.
    ///
    /// After a reset of all environments responses are zero. With [`Tables::Together`](crate::vec_env::Tables::Together) documents are in each row, also those
    /// that all environments share.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] and [`VecEnvError::Shape`] before anything is written; [`VecEnvError::Backend`] if the device
    /// fails.
    pub fn observe_into(&mut self, mut rows: Rows<'_>) -> Result<(), VecEnvError> {
        self.check_is_reset()?;
        self.check_rows("observation", &rows)?;
        self.stepper.observe_into(&self.columns, rows.reborrow())?;
        self.clear_begun(&self.columns, rows);
        Ok(())
    }

    /// Fetches what is observed of the responses to the slates shown last: [`Observation::responses`] alone.
    ///
    /// # Errors
    /// [`VecEnvError::NotReset`] if no episode is under way; [`VecEnvError::Backend`] if the device fails.
    pub fn responses(&mut self) -> Result<Option<Array3<f32>>, VecEnvError> {
        self.check_is_reset()?;
        if self.phase.stepped().is_none() {
            return Ok(None);
        }
        let columns = Columns {
            responses: self.columns.responses.clone(),
            ..Columns::default()
        };
        let mut seen = backend::Observation::default();
        let mut rows = seen.rows(self.stepper.sizes().lengths(&columns));
        self.stepper.observe_into(&columns, rows.reborrow())?;
        self.clear_begun(&columns, rows);
        Ok(Some(self.shaped_responses(seen.responses)))
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
        let rows = seen.rows(self.lengths());
        self.stepper
            .observe_kept_into(&replaced.kept, &self.columns, rows)?;
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
        if self.phase.replaced().is_none() {
            return Ok((self.observe()?, None));
        }
        let [mut now, mut then] = [(); 2].map(|()| self.recycled.take());
        let lengths = self.lengths();
        let lanes = self.observe_step(now.rows(lengths), Some(then.rows(lengths)))?;
        let observation = self.shaped(then)?;
        let last = lanes.map(|lanes| FinalObservation { observation, lanes });
        Ok((self.shaped(now)?, last))
    }

    /// Writes what is observed after a step, and the last observation of episodes that have been replaced if there is memory for
    /// it; returns which those are.
    pub(super) fn observe_step(
        &mut self,
        mut rows: Rows<'_>,
        last: Option<Rows<'_>>,
    ) -> Result<Option<Array1<bool>>, VecEnvError> {
        let (stepper, columns) = (&mut self.stepper, &self.columns);
        let replaced = self.phase.replaced();
        match (replaced, last) {
            (Some(replaced), Some(last)) => {
                let kept = &replaced.kept;
                stepper.observe_now_and_kept_into(columns, rows.reborrow(), kept, last)?;
            }
            _ => stepper.observe_into(columns, rows.reborrow())?,
        }
        let lanes = replaced.map(|replaced| replaced.lanes.clone());
        self.clear_begun(&self.columns, rows);
        Ok(lanes)
    }

    fn shaped_responses(&self, seen: Vec<f32>) -> Array3<f32> {
        let shape = (
            self.num_lanes,
            self.plan.slate_size as usize,
            self.columns.responses.len(),
        );
        Array3::from_shape_vec(shape, seen).expect("one response a position of each slate")
    }

    /// Gives shapes to an observation of the stepper.
    fn shaped(&mut self, seen: backend::Observation) -> Result<Observation, VecEnvError> {
        let user_size = self.columns.users.len() + self.columns.hidden.len();
        let shape = (self.num_lanes, user_size);
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
        if self.plan.corpus.is_some() {
            return Ok(Documents::Shared(self.shared_documents()?));
        }
        let num_candidates = self.plan.num_candidates as usize;
        let shape = (
            self.num_envs(),
            num_candidates,
            self.columns.documents.len(),
        );
        let documents = Array3::from_shape_vec(shape, seen);
        Ok(Documents::PerEnv(
            documents.expect("one observation a candidate"),
        ))
    }

    /// Returns what is observed of the documents that all environments share at all steps, shape `[num_candidates, document_size]`;
    /// `None` where each environment offers its own. They are fetched once.
    ///
    /// # Errors
    /// [`VecEnvError::Backend`] if the device fails.
    pub fn documents(&mut self) -> Result<Option<ArcArray2<f32>>, VecEnvError> {
        let is_shared = self.plan.corpus.is_some();
        is_shared.then(|| self.shared_documents()).transpose()
    }

    /// Returns the documents that all environments share; they are fetched once.
    fn shared_documents(&mut self) -> Result<ArcArray2<f32>, VecEnvError> {
        if let Some(corpus) = &self.corpus {
            return Ok(corpus.clone());
        }
        let corpus = self.stepper.corpus()?.expect("documents are shared");
        let size = self.plan.outline.document_size();
        let corpus = Array2::from_shape_vec((self.plan.num_candidates as usize, size), corpus);
        let corpus = corpus.expect("one observation a candidate");
        let chosen = corpus
            .select(Axis(1), &self.columns.documents)
            .into_shared();
        self.corpus = Some(chosen.clone());
        Ok(chosen)
    }

    /// Counts the numbers of users, documents and responses.
    fn lengths(&self) -> [usize; 3] {
        self.stepper.sizes().lengths(&self.columns)
    }

    /// Refuses memory of another size than observations have.
    pub(super) fn check_rows(
        &self,
        what: &'static str,
        rows: &Rows<'_>,
    ) -> Result<(), VecEnvError> {
        let given = match rows {
            Rows::Single(tables) => tables.lengths(),
            Rows::Half(tables) => tables.lengths(),
        };
        let expected = match given.len() {
            1 => {
                let row = self.stepper.sizes().row(&self.columns);
                vec![self.num_lanes * row.iter().sum::<usize>()]
            }
            _ => self.lengths().to_vec(),
        };
        check_shape(what, &given, &expected)
    }

    /// Clears the responses of lanes in whose episode nothing has been shown yet.
    fn clear_begun(&self, columns: &Columns, rows: Rows<'_>) {
        let begun = self.phase.stepped().map(|stepped| &stepped.begun);
        // Nearly always there are none.
        if begun.is_some_and(|begun| !begun.as_slice().is_some_and(slates::any)) {
            return;
        }
        let row = self.stepper.sizes().row(columns);
        let is_begun = |lane: usize| begun.is_none_or(|begun| begun[lane]);
        match rows {
            Rows::Single(tables) => tables.clear(is_begun, row),
            Rows::Half(tables) => tables.clear(is_begun, row),
        }
    }
}
