//! Single steps as columns of `NumPy` arrays.

use crate::campaigns::{Source, or_raise};
use crate::registry;
use crate::settings::{BackendArgs, sources};
use crate::watch::{Watched, watch};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use slatesim::Error;
use slatesim::config::Config;
use slatesim::evaluation::trace::{self, Cell, Column, Kind, Recording};

/// The values of one column. Whole numbers that are missing are -1, others are NaN.
enum Values {
    Integers(Vec<i64>),
    Singles(Vec<f32>),
    Doubles(Vec<f64>),
    Flags(Vec<bool>),
}

impl Values {
    fn of(column: &Column) -> Self {
        match column.kind {
            Kind::Integer => Self::Integers(Vec::new()),
            Kind::Single => Self::Singles(Vec::new()),
            Kind::Double => Self::Doubles(Vec::new()),
            Kind::Flag => Self::Flags(Vec::new()),
        }
    }

    fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Integers(values), Cell::Integer(value)) => {
                values.push(i64::try_from(value).unwrap_or(i64::MAX));
            }
            (Self::Integers(values), _) => values.push(-1),
            (Self::Singles(values), Cell::Single(value)) => values.push(value),
            (Self::Singles(values), _) => values.push(f32::NAN),
            (Self::Doubles(values), Cell::Double(value)) => values.push(value),
            (Self::Doubles(values), _) => values.push(f64::NAN),
            (Self::Flags(values), cell) => values.push(cell == Cell::Flag(true)),
        }
    }

    fn into_array(self, py: Python<'_>) -> Bound<'_, PyAny> {
        match self {
            Self::Integers(values) => values.into_pyarray(py).into_any(),
            Self::Singles(values) => values.into_pyarray(py).into_any(),
            Self::Doubles(values) => values.into_pyarray(py).into_any(),
            Self::Flags(values) => values.into_pyarray(py).into_any(),
        }
    }
}

/// The columns of a trace by their names, how many episodes it has, and what interrupted it, if something did.
type Traced<'py> = (Vec<(String, Bound<'py, PyAny>)>, u64, Option<PyErr>);

/// Records every step of the first episodes.
#[pyfunction]
#[pyo3(name = "trace", signature = (source, backend, *, first, first_episode, candidates, progress))]
pub(crate) fn record<'py>(
    py: Python<'py>,
    source: Source<'py>,
    backend: BackendArgs,
    first: u64,
    first_episode: u64,
    candidates: bool,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Traced<'py>> {
    let registry = registry();
    let sources = sources(py, source.0, source.1)?;
    let config = or_raise(py, Config::resolve(&sources, &registry.declarations()))?;
    let simulation = or_raise(py, registry.simulation(&config))?;
    let recording = Recording {
        with_candidates: candidates,
        batch_size: None,
    };
    let opened = backend.open(py)?;
    let columns = trace::columns(&simulation, candidates);
    let mut values: Vec<Values> = columns.iter().map(Values::of).collect();
    let episodes = first_episode..first_episode.saturating_add(first.min(config.episodes));
    let Watched {
        result,
        interruption,
    } = watch(py, progress.as_ref(), |watcher| {
        let mut on_row = |row: &[Cell]| {
            for (values, &cell) in values.iter_mut().zip(row) {
                values.push(cell);
            }
            Ok(())
        };
        let backend = opened.backend.backend();
        let done = trace::record(
            &simulation,
            backend,
            episodes,
            &recording,
            watcher,
            &mut on_row,
        );
        done.map(|done| (done, values)).map_err(Error::from)
    });
    let (done, values) = or_raise(py, result)?;
    let named = columns.iter().zip(values);
    let named = named.map(|(column, values)| (column.name(), values.into_array(py)));
    Ok((named.collect(), done, interruption))
}
