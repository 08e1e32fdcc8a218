//! Environments that an agent in Python steps: [`VecEnv`] with arrays of `NumPy`.

use crate::campaigns::{Source, or_raise};
use crate::errors::{Kind, exception, raise};
use crate::memory::Memory;
use crate::registry;
use crate::settings::{BackendArgs, sources};
use numpy::ndarray::{Array1, ArrayView2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, ToPyArray};
use pyo3::prelude::*;
use slatesim::backend::{Backend, OpenBackend, Simulation};
use slatesim::config::{Config, ConfigError, Override, Sources};
use slatesim::vec_env::{AutoresetMode, EMPTY, Outcome, VecEnv, VecEnvError, VecEnvOptions};
use std::sync::{Mutex, PoisonError};

/// What a step did: rewards, terminated, truncated, the position that was clicked or -1, and whether an episode has begun.
type Reacted<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<bool>>,
);

/// The environments, and what is needed to make them again with another seed.
struct Envs {
    env: VecEnv,
    backend: OpenBackend,
    sources: Sources,
    seed: u64,
    options: VecEnvOptions,
    /// Memory for slates.
    slates: Vec<u32>,
    /// The names of what is observed; `None` for everything that is observable.
    columns: Option<Vec<String>>,
}

impl Envs {
    /// Makes the environments of another seed; fixed documents that are drawn from the seed are others then, too.
    fn reseed(&mut self, seed: u64) -> Result<(), Refusal> {
        // Text, because TOML's integers end before.
        let given = Override::flag("reset", "seed", format!("\"{seed}\""));
        let simulation = simulation(&self.sources.clone().with_override(given))?;
        let num_envs = self.env.num_envs();
        let backend = self.backend.backend();
        let columns = self.columns.as_deref();
        self.env = make(&simulation, backend, num_envs, self.options, columns)?;
        self.seed = seed;
        Ok(())
    }
}

/// Makes environments that observe some columns.
fn make(
    simulation: &Simulation,
    backend: &dyn Backend,
    num_envs: usize,
    options: VecEnvOptions,
    columns: Option<&[String]>,
) -> Result<VecEnv, VecEnvError> {
    let mut env = VecEnv::with_options(simulation, backend, num_envs, options)?;
    if let Some(columns) = columns {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        env.select(&names)?;
    }
    Ok(env)
}

/// Makes a simulation of the built-in models.
fn simulation(sources: &Sources) -> Result<Simulation, ConfigError> {
    let registry = registry();
    registry.simulation(&Config::resolve(sources, &registry.declarations())?)
}

/// Many environments that are stepped together.
#[pyclass(frozen, module = "slatesim._slatesim")]
pub(crate) struct Env {
    /// `None` after `close`.
    envs: Mutex<Option<Envs>>,
    /// The process that made it. Threads and devices are not in its forks.
    process: u32,
    has_seed: bool,
}

impl Drop for Env {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // It would wait for threads that are not there.
            let envs = self.envs.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(envs.take());
        }
    }
}

/// Why a call is refused, before an exception is made of it.
enum Refusal {
    Closed,
    Forked(u32),
    Action(String),
    Failed(VecEnvError),
    Misconfigured(ConfigError),
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::Misconfigured(error)
    }
}

impl From<VecEnvError> for Refusal {
    fn from(error: VecEnvError) -> Self {
        Self::Failed(error)
    }
}

impl Refusal {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Closed => {
                let message = "the environments are closed; allowed are new ones";
                exception(py, Kind::Other, message.to_owned())
            }
            Self::Forked(process) => {
                let message = format!(
                    "the environments were made in process {process}, of which this one is a fork; allowed are \
                     environments that are made here"
                );
                exception(py, Kind::Other, message)
            }
            Self::Action(message) => exception(py, Kind::Action, message),
            Self::Misconfigured(error) => raise(py, error),
            Self::Failed(
                error @ (VecEnvError::Shape { .. }
                | VecEnvError::Candidate { .. }
                | VecEnvError::Hole { .. }
                | VecEnvError::EmptySlate { .. }),
            ) => exception(py, Kind::Action, error.to_string()),
            Self::Failed(error @ (VecEnvError::NumEnvs { .. } | VecEnvError::Column { .. })) => {
                exception(py, Kind::Config, error.to_string())
            }
            Self::Failed(error) => raise(py, error),
        }
    }
}

/// Reads slates of signed indices, in which -1 stands for nothing, into memory that is used again.
fn unsigned(slates: ArrayView2<'_, i64>, read: &mut Vec<u32>) -> Result<(), Refusal> {
    // The largest ones have meanings of their own.
    const END: u64 = (u32::MAX - 1) as u64;
    let rows = slates.as_standard_layout();
    let indices = rows.as_slice().unwrap_or_default();
    read.resize(indices.len(), 0);
    // Nearly always all slates are full. Without a branch many indices are converted at a time.
    let mut are_indices = true;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative ones become large, and large ones are told apart below"
    )]
    for (&index, read) in indices.iter().zip(read.iter_mut()) {
        are_indices &= (index as u64) < END;
        *read = index as u32;
    }
    if are_indices {
        return Ok(());
    }
    for (place, (&index, read)) in indices.iter().zip(read).enumerate() {
        if index == -1 {
            *read = EMPTY;
        } else if !u64::try_from(index).is_ok_and(|index| index < END) {
            return Err(Refusal::Action(format!(
                "lane {} recommends candidate {index}, expected an index from 0, or -1 for nothing",
                place / slates.ncols()
            )));
        }
    }
    Ok(())
}

impl Envs {
    /// Reads slates, and calls a function with the environments and them.
    fn with_slates<T>(
        &mut self,
        slates: ArrayView2<'_, i64>,
        call: impl FnOnce(&mut VecEnv, ArrayView2<'_, u32>) -> Result<T, VecEnvError>,
    ) -> Result<T, Refusal> {
        unsigned(slates, &mut self.slates)?;
        let read = ArrayView2::from_shape(slates.raw_dim(), &self.slates);
        Ok(call(&mut self.env, read.expect("as many indices"))?)
    }
}

impl Env {
    /// Calls a function with the environments, without the interpreter's lock.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&mut Envs) -> Result<T, Refusal> + Send,
    ) -> PyResult<T> {
        if self.process != std::process::id() {
            return Err(Refusal::Forked(self.process).raise(py));
        }
        // Within `detach`: a thread that waits for another one must not keep the interpreter from it.
        let called = py.detach(|| {
            let mut envs = self.envs.lock().unwrap_or_else(PoisonError::into_inner);
            call(envs.as_mut().ok_or(Refusal::Closed)?)
        });
        called.map_err(|refusal| refusal.raise(py))
    }
}

fn reacted(py: Python<'_>, outcome: Outcome) -> Reacted<'_> {
    // Positions are far below 2^31, and u32::MAX becomes -1: many at a time, without a branch.
    #[allow(clippy::cast_possible_wrap, reason = "that is meant")]
    let position = |chosen: &Option<u32>| i64::from(chosen.unwrap_or(u32::MAX) as i32);
    let chosen: Array1<i64> = outcome.chosen.map(position);
    (
        outcome.rewards.into_pyarray(py),
        outcome.terminated.into_pyarray(py),
        outcome.truncated.into_pyarray(py),
        chosen.into_pyarray(py),
        outcome.begun.into_pyarray(py),
    )
}

#[pymethods]
impl Env {
    #[new]
    #[pyo3(signature = (source, backend, *, num_envs, autoreset, first_env, columns))]
    fn new(
        py: Python<'_>,
        source: Source<'_>,
        backend: BackendArgs,
        num_envs: usize,
        autoreset: &str,
        first_env: u32,
        columns: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let mode = match autoreset {
            "SameStep" => AutoresetMode::SameStep,
            "NextStep" => AutoresetMode::NextStep,
            "Disabled" => AutoresetMode::Disabled,
            other => {
                let message = format!(
                    "`autoreset` = {other:?} is not allowed; allowed is NextStep, SameStep or Disabled"
                );
                return Err(exception(py, Kind::Config, message));
            }
        };
        let options = VecEnvOptions::default()
            .with_autoreset(mode)
            .with_first_env(first_env);
        let sources = sources(py, source.0, source.1)?;
        let has_seed = or_raise(py, sources.origin("seed"))?.is_some();
        let simulation = or_raise(py, simulation(&sources))?;
        let backend = backend.open(py)?.backend;
        let made = py.detach(|| {
            let env = make(
                &simulation,
                backend.backend(),
                num_envs,
                options,
                columns.as_deref(),
            )?;
            Ok(Envs {
                env,
                backend,
                sources,
                seed: simulation.plan.seed,
                options,
                slates: Vec::new(),
                columns,
            })
        });
        let envs = made.map_err(|error: VecEnvError| Refusal::Failed(error).raise(py))?;
        Ok(Self {
            envs: Mutex::new(Some(envs)),
            process: std::process::id(),
            has_seed,
        })
    }

    /// Tells whether a seed was configured.
    #[getter]
    fn has_seed(&self) -> bool {
        self.has_seed
    }

    /// Describes the arrays, as JSON.
    fn spaces(&self, py: Python<'_>) -> PyResult<String> {
        let spaces = self.with(py, |envs| Ok(envs.env.spaces()))?;
        crate::campaigns::json_of(py, &spaces)
    }

    /// Returns what is observed of the documents that all environments share, if they do.
    fn documents<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f32>>>> {
        let documents = self.with(py, |envs| Ok(envs.env.documents()?))?;
        Ok(documents.map(|documents| documents.to_pyarray(py)))
    }

    /// Begins the next episode of every environment; with a seed, the first one with that seed.
    fn reset(&self, py: Python<'_>, seed: Option<u64>, mut memory: Memory<'_>) -> PyResult<()> {
        let rows = memory.rows(py)?;
        self.with(py, move |envs| {
            match seed {
                Some(seed) if seed != envs.seed => envs.reseed(seed)?,
                Some(_) => envs.env.rewind(),
                None => {}
            }
            Ok(envs.env.reset_into(rows)?)
        })
    }

    /// Begins the next episode of some environments.
    fn reset_lanes(
        &self,
        py: Python<'_>,
        mask: PyReadonlyArray1<'_, bool>,
        mut memory: Memory<'_>,
    ) -> PyResult<()> {
        let mask = mask.as_array();
        let rows = memory.rows(py)?;
        self.with(py, move |envs| Ok(envs.env.reset_lanes_into(mask, rows)?))
    }

    /// Shows slates, and writes what is observed then; what was observed last of episodes that others have replaced goes to `last`,
    /// if there is one, and the second result tells which they are.
    fn step<'py>(
        &self,
        py: Python<'py>,
        slates: PyReadonlyArray2<'py, i64>,
        mut memory: Memory<'py>,
        mut last: Option<Memory<'py>>,
    ) -> PyResult<(Reacted<'py>, Option<Bound<'py, PyArray1<bool>>>)> {
        let slates = slates.as_array();
        let rows = memory.rows(py)?;
        let last = last.as_mut().map(|last| last.rows(py)).transpose()?;
        let (outcome, lanes) = self.with(py, move |envs| {
            envs.with_slates(slates, |env, slates| env.step_into(slates, rows, last))
        })?;
        Ok((
            reacted(py, outcome),
            lanes.map(|lanes| lanes.into_pyarray(py)),
        ))
    }

    /// Shows slates, and leaves what is observed where it is.
    fn advance<'py>(
        &self,
        py: Python<'py>,
        slates: PyReadonlyArray2<'py, i64>,
    ) -> PyResult<Reacted<'py>> {
        let slates = slates.as_array();
        let outcome = self.with(py, move |envs| envs.with_slates(slates, VecEnv::advance))?;
        Ok(reacted(py, outcome))
    }

    /// Shows the same slates several times, for benchmarks: what the step API takes without Python.
    #[pyo3(signature = (slates, steps, *, observes))]
    fn repeat(
        &self,
        py: Python<'_>,
        slates: PyReadonlyArray2<'_, i64>,
        steps: usize,
        observes: bool,
    ) -> PyResult<()> {
        let slates = slates.as_array();
        self.with(py, move |envs| {
            envs.with_slates(slates, |env, slates| {
                for _ in 0..steps {
                    if !observes {
                        env.advance(slates)?;
                        continue;
                    }
                    let (_, observation, last) = env.step(slates)?.split();
                    env.recycle(observation);
                    if let Some(last) = last {
                        env.recycle(last.observation);
                    }
                }
                Ok(())
            })
        })
    }

    /// Writes what is observed now.
    fn observe(&self, py: Python<'_>, mut memory: Memory<'_>) -> PyResult<()> {
        let rows = memory.rows(py)?;
        self.with(py, move |envs| Ok(envs.env.observe_into(rows)?))
    }

    /// Gives everything back; what is called afterwards is refused.
    fn close(&self, py: Python<'_>) {
        if self.process == std::process::id() {
            py.detach(|| {
                let mut envs = self.envs.lock().unwrap_or_else(PoisonError::into_inner);
                *envs = None;
            });
        }
    }
}
