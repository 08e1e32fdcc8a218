//! Environments of one user each, on which those of several users are built.

mod columns;
mod observe;
mod reset;
mod state;
mod step;

pub(super) use step::Advanced;

use super::episodes::{Episodes, first_episode};
use super::error::VecEnvError;
use super::memory::Recycled;
use super::phase::Phase;
use super::size::check_num_envs;
use super::{AutoresetMode, Spaces, VecEnvOptions};
use crate::backend::{Backend, Columns, Model, Plan, Simulation, Stepper};
use crate::policy::r#static::Static;
use crate::policy::{Layered, PolicyModel};
use ndarray::ArcArray2;
use std::fmt;
use std::sync::Arc;

/// Steps many environments with slates from outside.
///
/// ```
/// use ndarray::{Array1, Array2};
/// use slatesim::backend::{Backend, Simulation, Unobserved, cpu::cpu};
/// use slatesim::vec_env::VecEnv;
///
/// let simulation = Simulation::of("long_term_satisfaction").policy("static").set("user.time_budget", 10)?;
/// let (simulation, backend) = (simulation.build()?, cpu(Some(1))?);
/// let mut env = VecEnv::new(&simulation, &backend, 100)?;
/// let slate_size = env.spaces().slates.shape[1];
/// env.reset()?;
/// let mut returns = Array1::<f64>::zeros(100);
/// for _ in 0..10 {
///     // An agent looks at the observations here; this one shows the first documents.
///     let slates = Array2::from_shape_fn((100, slate_size), |(_, position)| position as u32);
///     returns += &env.step(slates.view())?.rewards;
/// }
/// // The policy that does the same earns the same.
/// let rollout = backend.rollout(&simulation, 0..100, &Unobserved)?.summary().returns;
/// let both = returns.mean().zip(rollout.mean);
/// assert!(both.is_some_and(|(stepped, rolled)| (stepped / rolled - 1.0).abs() < 1e-6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct VecEnv {
    stepper: Box<dyn Stepper>,
    /// Knows which states of users are possible.
    model: Arc<dyn Model>,
    plan: Plan,
    options: VecEnvOptions,
    num_lanes: usize,
    /// Number of neighbouring lanes that belong to one environment, and begin and end together.
    users_per_env: usize,
    num_user_fields: usize,
    /// The phase that all environments are in.
    phase: Phase,
    /// The episode of each lane.
    episodes: Episodes,
    /// What is observed.
    columns: Columns,
    /// The observed features of documents that all environments share, once they have been fetched.
    corpus: Option<ArcArray2<f32>>,
    recycled: Recycled,
}

impl VecEnv {
    /// Makes environments; [`reset`](Self::reset) begins their episodes. The simulation's policy is not used.
    ///
    /// # Errors
    /// [`VecEnvError::NumEnvs`] if there are none, 2^32 or more, or more than memory holds; [`VecEnvError::Backend`] if the
    /// device fails, or cannot hold so many.
    pub fn new(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
    ) -> Result<Self, VecEnvError> {
        Self::with_options(simulation, backend, num_envs, VecEnvOptions::default())
    }

    /// Makes environments with options.
    ///
    /// # Errors
    /// As [`new`](Self::new); also [`VecEnvError::NumEnvs`] if an environment had a number of 2^32 or more.
    pub fn with_options(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
        options: VecEnvOptions,
    ) -> Result<Self, VecEnvError> {
        Self::of_users(simulation, backend, num_envs, 1, options)
    }

    /// Makes environments of several users each, at least one.
    pub(super) fn of_users(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
        users_per_env: usize,
        options: VecEnvOptions,
    ) -> Result<Self, VecEnvError> {
        let num_user_fields = simulation.model.num_fields().0;
        let num_lanes = check_num_envs(
            &simulation.plan,
            num_user_fields,
            num_envs,
            users_per_env,
            first_episode(users_per_env, options),
        )?;
        let simulation = Simulation {
            model: Arc::clone(&simulation.model),
            plan: Plan {
                // The simulation's policy would cost memory and learn at every step, and its slates are not used.
                policy: Layered::from(PolicyModel::from(Static)),
                ..simulation.plan.clone()
            },
        };
        let stepper = backend.shared_stepper(&simulation, num_lanes, users_per_env)?;
        Ok(Self {
            columns: stepper.sizes().observable(),
            stepper,
            model: simulation.model,
            plan: simulation.plan,
            options,
            num_lanes,
            users_per_env,
            num_user_fields,
            phase: Phase::NotReset,
            episodes: Episodes::new(num_lanes, users_per_env, options),
            corpus: None,
            recycled: Recycled::default(),
        })
    }

    /// Counts the environments.
    pub fn num_envs(&self) -> usize {
        self.num_lanes / self.users_per_env
    }

    pub(super) fn users_per_env(&self) -> usize {
        self.users_per_env
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns when new episodes begin.
    pub fn autoreset_mode(&self) -> AutoresetMode {
        self.options.autoreset
    }

    /// Describes the arrays that go in and out.
    pub fn spaces(&self) -> Spaces {
        self.spaces_of(&[self.num_lanes])
    }

    /// Describes the arrays; `users` are the leading axes of arrays of users.
    pub(super) fn spaces_of(&self, users: &[usize]) -> Spaces {
        Spaces::new(&self.plan, &self.model.user_layout(), &self.columns, users)
    }

    /// Refuses calls that need episodes under way.
    fn check_is_reset(&self) -> Result<(), VecEnvError> {
        match self.phase {
            Phase::NotReset => Err(VecEnvError::NotReset),
            Phase::Reset | Phase::Stepped(_) => Ok(()),
        }
    }

    /// Drops the episodes under way if a call has failed whose result the agent needs.
    fn or_give_up<T>(&mut self, seen: Result<T, VecEnvError>) -> Result<T, VecEnvError> {
        if seen.is_err() {
            self.phase = Phase::NotReset;
        }
        seen
    }
}

impl fmt::Debug for VecEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VecEnv")
            .field("num_lanes", &self.num_lanes)
            .field("users_per_env", &self.users_per_env)
            .field("options", &self.options)
            .field("is_reset", &self.check_is_reset().is_ok())
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
