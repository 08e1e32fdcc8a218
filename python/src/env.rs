//! Environments that an agent in Python steps: [`VecEnv`] with arrays of `NumPy`.

use crate::campaigns::{Source, or_raise};
use crate::errors::{Kind, exception, raise};
use crate::settings::{BackendArgs, sources};
use numpy::ndarray::{Array1, Array2, ArrayView2};
use numpy::{IntoPyArray, PyArray1, PyArrayDyn, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use slatesim::backend::{OpenBackend, Simulation};
use slatesim::config::{Config, ConfigError, Override, Sources};
use slatesim::registry::Registry;
use slatesim::vec_env::{
    AutoresetMode, Documents, EMPTY, FinalObservation, Observation, Outcome, VecEnv, VecEnvError,
    VecEnvOptions,
};
use std::sync::{Mutex, PoisonError};

/// What is observed: users, documents (of each environment, or of all) and responses.
type Observed<'py> = (
    Bound<'py, PyArrayDyn<f32>>,
    Bound<'py, PyArrayDyn<f32>>,
    Option<Bound<'py, PyArrayDyn<f32>>>,
);

/// What a step did: rewards, terminated, truncated, the position that was clicked or -1, and whether an episode has begun.
type Reacted<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<bool>>,
);

/// The last observation of episodes that have been replaced, and which these are.
type Replaced<'py> = (Observed<'py>, Bound<'py, PyArray1<bool>>);

/// The environments, and what is needed to make them again with another seed.
struct Envs {
    env: VecEnv,
    backend: OpenBackend,
    sources: Sources,
    seed: u64,
    options: VecEnvOptions,
}

impl Envs {
    /// Makes the environments of another seed; fixed documents that are drawn from the seed are others then, too.
    fn reseed(&mut self, seed: u64) -> Result<(), Refusal> {
        // Text, because TOML's integers end before.
        let given = Override::flag("reset", "seed", format!("\"{seed}\""));
        let simulation = simulation(&self.sources.clone().with_override(given))?;
        let num_envs = self.env.num_envs();
        let backend = self.backend.backend();
        self.env = VecEnv::with_options(&simulation, backend, num_envs, self.options)?;
        self.seed = seed;
        Ok(())
    }
}

/// Makes a simulation of the built-in models.
fn simulation(sources: &Sources) -> Result<Simulation, ConfigError> {
    let registry = Registry::built_in();
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
            Self::Failed(error @ VecEnvError::NumEnvs { .. }) => {
                exception(py, Kind::Config, error.to_string())
            }
            Self::Failed(error) => raise(py, error),
        }
    }
}

/// Reads slates of signed indices, in which -1 stands for nothing.
fn unsigned(slates: ArrayView2<'_, i64>) -> Result<Array2<u32>, Refusal> {
    let mut read = Array2::zeros(slates.raw_dim());
    for ((lane, position), &index) in slates.indexed_iter() {
        read[(lane, position)] = match u32::try_from(index) {
            // The largest ones have meanings of their own.
            Ok(index) if index < u32::MAX - 1 => index,
            _ if index == -1 => EMPTY,
            _ => {
                return Err(Refusal::Action(format!(
                    "lane {lane} recommends candidate {index}, expected an index from 0, or -1 for nothing"
                )));
            }
        };
    }
    Ok(read)
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

fn observed(py: Python<'_>, observation: Observation) -> Observed<'_> {
    let documents = match observation.documents {
        Documents::PerEnv(documents) => documents.into_dyn().into_pyarray(py),
        Documents::Shared(documents) => documents.into_owned().into_dyn().into_pyarray(py),
    };
    (
        observation.users.into_dyn().into_pyarray(py),
        documents,
        observation
            .responses
            .map(|responses| responses.into_dyn().into_pyarray(py)),
    )
}

fn reacted(py: Python<'_>, outcome: Outcome) -> Reacted<'_> {
    let position = |chosen: &Option<u32>| chosen.map_or(-1, i64::from);
    let chosen: Array1<i64> = outcome.chosen.map(position);
    (
        outcome.rewards.into_pyarray(py),
        outcome.terminated.into_pyarray(py),
        outcome.truncated.into_pyarray(py),
        chosen.into_pyarray(py),
        outcome.begun.into_pyarray(py),
    )
}

fn replaced(py: Python<'_>, last: FinalObservation) -> Replaced<'_> {
    (observed(py, last.observation), last.lanes.into_pyarray(py))
}

#[pymethods]
impl Env {
    #[new]
    #[pyo3(signature = (source, backend, *, num_envs, autoreset, first_env))]
    fn new(
        py: Python<'_>,
        source: Source<'_>,
        backend: BackendArgs,
        num_envs: usize,
        autoreset: &str,
        first_env: u32,
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
            let env = VecEnv::with_options(&simulation, backend.backend(), num_envs, options)?;
            Ok(Envs {
                env,
                backend,
                sources,
                seed: simulation.plan.seed,
                options,
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

    /// Begins the next episode of every environment; with a seed, the first one with that seed.
    #[pyo3(signature = (seed))]
    fn reset<'py>(&self, py: Python<'py>, seed: Option<u64>) -> PyResult<Observed<'py>> {
        let observation = self.with(py, |envs| {
            match seed {
                Some(seed) if seed != envs.seed => envs.reseed(seed)?,
                Some(_) => envs.env.rewind(),
                None => {}
            }
            Ok(envs.env.reset()?)
        })?;
        Ok(observed(py, observation))
    }

    /// Begins the next episode of some environments.
    fn reset_lanes<'py>(
        &self,
        py: Python<'py>,
        mask: PyReadonlyArray1<'py, bool>,
    ) -> PyResult<Observed<'py>> {
        let mask = mask.as_array().to_owned();
        let observation = self.with(py, |envs| Ok(envs.env.reset_lanes(mask.view())?))?;
        Ok(observed(py, observation))
    }

    /// Shows slates, and fetches what is observed then.
    fn step<'py>(
        &self,
        py: Python<'py>,
        slates: PyReadonlyArray2<'py, i64>,
    ) -> PyResult<(Reacted<'py>, Observed<'py>, Option<Replaced<'py>>)> {
        let slates = unsigned(slates.as_array()).map_err(|refusal| refusal.raise(py))?;
        let step = self.with(py, |envs| Ok(envs.env.step(slates.view())?))?;
        let (outcome, observation, last) = step.split();
        Ok((
            reacted(py, outcome),
            observed(py, observation),
            last.map(|last| replaced(py, last)),
        ))
    }

    /// Shows slates, and leaves what is observed where it is.
    fn advance<'py>(
        &self,
        py: Python<'py>,
        slates: PyReadonlyArray2<'py, i64>,
    ) -> PyResult<Reacted<'py>> {
        let slates = unsigned(slates.as_array()).map_err(|refusal| refusal.raise(py))?;
        let outcome = self.with(py, |envs| Ok(envs.env.advance(slates.view())?))?;
        Ok(reacted(py, outcome))
    }

    /// Fetches what is observed now.
    fn observe<'py>(&self, py: Python<'py>) -> PyResult<Observed<'py>> {
        let observation = self.with(py, |envs| Ok(envs.env.observe()?))?;
        Ok(observed(py, observation))
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
