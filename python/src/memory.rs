//! Memory of `NumPy` that observations are written to.

use crate::errors::{Kind, exception};
use half::f16;
use numpy::{Element, PyArrayDyn, PyReadwriteArrayDyn};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use slatesim::vec_env::{Rows, Tables};

/// Arrays in single or half precision: one whose rows hold everything of an environment, or one each for users, documents and
/// responses.
pub(crate) enum Memory<'py> {
    SingleTogether(PyReadwriteArrayDyn<'py, f32>),
    HalfTogether(PyReadwriteArrayDyn<'py, f16>),
    SingleApart([PyReadwriteArrayDyn<'py, f32>; 3]),
    HalfApart([PyReadwriteArrayDyn<'py, f16>; 3]),
}

// By hand, because a derived one makes an exception for each kind that it tries, at every step.
impl<'py> FromPyObject<'_, 'py> for Memory<'py> {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(parts) = given.cast::<PyTuple>() {
            let first = parts.get_item(0)?;
            return Ok(match first.cast::<PyArrayDyn<f32>>() {
                Ok(_) => Self::SingleApart(given.extract()?),
                Err(_) => Self::HalfApart(given.extract()?),
            });
        }
        Ok(match given.cast::<PyArrayDyn<f32>>() {
            Ok(_) => Self::SingleTogether(given.extract()?),
            Err(_) => Self::HalfTogether(given.extract()?),
        })
    }
}

impl Memory<'_> {
    /// Returns the numbers.
    pub(crate) fn rows(&mut self, py: Python<'_>) -> PyResult<Rows<'_>> {
        Ok(match self {
            Self::SingleTogether(array) => Rows::Single(Tables::Together(numbers(py, array)?)),
            Self::HalfTogether(array) => Rows::Half(Tables::Together(numbers(py, array)?)),
            Self::SingleApart(arrays) => Rows::Single(apart(py, arrays)?),
            Self::HalfApart(arrays) => Rows::Half(apart(py, arrays)?),
        })
    }
}

fn apart<'a, T: Element>(
    py: Python<'_>,
    [users, documents, responses]: &'a mut [PyReadwriteArrayDyn<'_, T>; 3],
) -> PyResult<Tables<'a, T>> {
    Ok(Tables::Apart([
        numbers(py, users)?,
        numbers(py, documents)?,
        numbers(py, responses)?,
    ]))
}

fn numbers<'a, T: Element>(
    py: Python<'_>,
    array: &'a mut PyReadwriteArrayDyn<'_, T>,
) -> PyResult<&'a mut [T]> {
    array.as_slice_mut().map_err(|_not_contiguous| {
        let message = "the memory for observations has gaps; allowed are contiguous arrays";
        exception(py, Kind::Action, message.to_owned())
    })
}
