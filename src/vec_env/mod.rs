//! Many environments that an agent outside steps together, on any backend.
//!
//! A [`VecEnv`] is what Gymnasium calls a vector environment: the agent gets the observations of all users, answers
//! with a slate for each, and gets the rewards and the next observations. Lane *i* is environment *i*.
//!
//! ```
//! use slatesim::backend::cpu::cpu;
//! use slatesim::config::{Config, Sources};
//! use slatesim::registry;
//! use slatesim::vec_env::VecEnv;
//!
//! let config = Config::resolve(&Sources::new().set("environment.slate_size=2")?, &registry::declarations())?;
//! let simulation = registry::simulation(&config)?;
//! let mut env = VecEnv::new(&simulation, &cpu(Some(1))?, 100)?;
//! let first = env.reset()?;
//! let slates = ndarray::Array2::from_shape_fn((100, 2), |(_, position)| position as u32);
//! let step = env.step(slates.view())?;
//! assert_eq!(step.rewards.len(), 100);
//! assert_ne!(step.observation.documents, first.documents);
//! # Ok::<(), slatesim::Error>(())
//! ```
//!
//! # Episodes
//! The *k*-th episode of environment *i*, both counted from 0, is the episode with index
//!
//! ```text
//! k * 2^32 + i
//! ```
//!
//! of the simulation. It follows that no two environments ever share a random number, that environment *i* runs the same
//! episodes whatever the number of environments, and that the first episodes are those that a
//! [rollout](crate::backend::Backend::rollout) over `0..num_envs` runs: given the slates of its policy, on the same
//! backend, they are equal to the last bit. Processes that share the work of one seed must give their environments different
//! numbers with [`VecEnvOptions::first_env`].
//!
//! # States and calls
//! All environments together are in one of three states:
//!
//! ```text
//!               reset, set_state            step, advance
//!   not reset --------------------> reset -----------------> stepped
//!             <--------------------       <-----------------
//!               the device fails            reset, set_state
//!             <---------------------------------------------
//!                                           the device fails
//! ```
//!
//! | call | not reset | reset | stepped |
//! | --- | --- | --- | --- |
//! | [`reset`](VecEnv::reset), [`set_state`](VecEnv::set_state) | to *reset* | stays | to *reset* |
//! | [`step`](VecEnv::step), [`advance`](VecEnv::advance) | [`VecEnvError::NotReset`] | to *stepped* | stays |
//! | [`reset_lanes`](VecEnv::reset_lanes) | `NotReset` | stays | stays |
//! | [`observe`](VecEnv::observe), [`state`](VecEnv::state) | `NotReset` | what is now | what is now |
//! | [`responses`](VecEnv::responses) | `NotReset` | `None` | those to the last slates |
//! | [`final_observation`](VecEnv::final_observation) | `NotReset` | `None` | of episodes that others have replaced; `None` where none has been |
//! | [`rewind`](VecEnv::rewind), [`recycle`](VecEnv::recycle), [`spaces`](VecEnv::spaces), [`select`](VecEnv::select), [`documents`](VecEnv::documents) | as always | as always | as always |
//!
//! A call that changes users and fails on the device leads to *not reset*, wherever it began; one that only reads changes
//! nothing. Arrays that are not valid are refused before anything is done, and change no state.
//!
//! Within that, each lane runs, has ended, or is due for its next episode, which [`AutoresetMode`] begins sooner or later:
//!
//! ```text
//!            its episode ends         those of all users of its environment have ended
//!   runs ----------------------> ended ----------------------------------------------> due
//!    ^    (with one user an environment it is due at once)                              |
//!    |                                                                                  |
//!    |    SameStep: within the same step; the old episode's last observation is kept    |
//!    '--- NextStep: with the next step, which passes the lane over   <------------------'
//!         Disabled: with reset_lanes; until then a step is VecEnvError::Ended
//! ```
//!
//! A lane that has ended is not shown the slate that it is given, and earns nothing.
//!
//! Below this stands a [`Stepper`](crate::backend::Stepper), which knows lanes but no environments, modes or shapes.
//!
//! # Fetching
//! [`VecEnv::advance`] takes a step and leaves the observation where it is: on the device, with the backend `gpu`.
//! [`VecEnv::observe`], [`VecEnv::responses`] and [`VecEnv::final_observation`] fetch it, at once or later, or never.
//! [`VecEnv::step`] does all of that together. Documents that all environments share are fetched once. An observation that is
//! no longer needed may be given back with [`VecEnv::recycle`]: then the next one need not ask the system for memory.
//! [`VecEnv::step_into`] and its kin write to memory of the caller instead, in single or half precision. [`VecEnv::select`] chooses
//! what is observed: what nobody looks at is neither computed nor copied.
//!
//! ```
//! # use slatesim::backend::cpu::cpu;
//! # use slatesim::config::{Config, Sources};
//! # use slatesim::registry;
//! use slatesim::vec_env::{AutoresetMode, EMPTY, VecEnv, VecEnvOptions};
//!
//! # let config = Config::resolve(&Sources::new().set("environment.slate_size=2")?, &registry::declarations())?;
//! # let simulation = registry::simulation(&config)?;
//! let options = VecEnvOptions::default().with_autoreset(AutoresetMode::NextStep);
//! let mut env = VecEnv::with_options(&simulation, &cpu(Some(1))?, 100, options)?;
//! env.reset()?;
//! // One document each, in a slate that has room for two.
//! let slates = ndarray::Array2::from_shape_fn((100, 2), |(_, position)| [3, EMPTY][position]);
//! let mut rewards = 0.0;
//! for _ in 0..10 {
//!     rewards += env.advance(slates.view())?.rewards.sum();
//! }
//! let observation = env.observe()?;
//! # assert!(rewards > 0.0 && observation.responses.is_some());
//! # Ok::<(), slatesim::Error>(())
//! ```
//!
//! # Gymnasium and `RecSim`
//! The names in other interfaces, and their differences:
//!
//! | here | Gymnasium's `VectorEnv` | `RecSim`'s gym environment |
//! | --- | --- | --- |
//! | [`Spaces`], constant, columns by name | `Dict` spaces, constant | a `Dict` keyed by ids of documents, which change |
//! | [`SameStep`](AutoresetMode::SameStep), the default | `SAME_STEP`, `info["final_obs"]` | none: a step after the end goes on |
//! | [`NextStep`](AutoresetMode::NextStep) | `NEXT_STEP`, the default | none |
//! | [`Disabled`](AutoresetMode::Disabled) and [`VecEnv::reset_lanes`] | `DISABLED`, `options["reset_mask"]` | `reset()`; no error if forgotten |
//! | terminated and truncated apart | the same | `done`; no limit of steps |
//! | episodes that follow from the seed and [`first_env`](VecEnvOptions::first_env) | `reset(seed=...)` | three generators, one of them global |
//! | [`VecEnv::rewind`] | `reset(seed=...)` | `reset_sampler()`, which begins a draw before a new environment's first reset |
//! | responses padded with zeros to the size of the slate | constant shapes | a tuple as long as the slate |
//! | [`MultiUserEnv`], done when all users are | none | `MultiUserEnvironment`, without rewards or agents |
//!
//! And slates:
//!
//! | slate | here | `RecSim` |
//! | --- | --- | --- |
//! | duplicates | shown twice | the same |
//! | shorter than it could be | filled up with [`EMPTY`] | a shorter list |
//! | empty | shown | shown |
//! | empty, where users always click | [`VecEnvError::EmptySlate`] | `ValueError` or `IndexError`, half way through the step |
//! | longer | [`VecEnvError::Shape`] | `AssertionError` |
//! | a hole before a document | [`VecEnvError::Hole`] | cannot be said |
//! | index past the end | [`VecEnvError::Candidate`] | `IndexError` |
//! | negative index | cannot be said: indices are `u32` | counts from the end |
//!
//! Slates are checked before anything is done, so an error loses nothing that is running.
//!
//! # Numbers
//! Observations are `f32` on every backend, rounded from `f64` on `reference`. Rewards are `f64`, and on `cpu` and `gpu`
//! hold single-precision values. Arrays are handed over as the backend wrote them.

mod env;
mod episodes;
mod error;
mod memory;
mod multi_user;
mod observation;
mod options;
mod phase;
mod size;
mod slates;
mod spaces;

pub use crate::backend::{EMPTY, Rows, Tables};
pub use env::VecEnv;
pub use error::VecEnvError;
pub use multi_user::{
    MultiUserEnv, MultiUserFinalObservation, MultiUserObservation, MultiUserOutcome, MultiUserStep,
};
pub use observation::{Documents, FinalObservation, Observation, Outcome, Step};
pub use options::{AutoresetMode, VecEnvOptions};
pub use spaces::{DataType, Space, Spaces};
