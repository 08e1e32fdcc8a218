//! Keeps the memory of observations that are no longer needed, for later ones.

use super::Documents;
use crate::backend::Observation;
use ndarray::{Array, Dimension};

/// For how many observations memory is kept: a step with which episodes end returns this many.
const MOST_RECYCLED: usize = 2;

/// Memory for observations.
#[derive(Debug, Default)]
pub(super) struct Recycled {
    observations: Vec<Observation>,
}

impl Recycled {
    /// Takes out memory for an observation; its content has no meaning.
    pub(super) fn take(&mut self) -> Observation {
        self.observations.pop().unwrap_or_default()
    }

    /// Puts in the memory of an observation, unless enough is kept already.
    pub(super) fn put<U: Dimension, R: Dimension>(
        &mut self,
        users: Array<f32, U>,
        documents: Documents,
        responses: Option<Array<f32, R>>,
    ) {
        if self.observations.len() < MOST_RECYCLED {
            self.observations.push(Observation {
                users: memory(users),
                documents: match documents {
                    Documents::PerEnv(documents) => memory(documents),
                    Documents::Shared(_) => Vec::new(),
                },
                responses: responses.map(memory).unwrap_or_default(),
            });
        }
    }
}

/// Returns the memory of an array.
fn memory<D: Dimension>(array: Array<f32, D>) -> Vec<f32> {
    array.into_raw_vec_and_offset().0
}
