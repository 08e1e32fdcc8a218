//! Options of environments.

/// When a new episode begins after one has ended; the names are Gymnasium's.
///
/// The last observation of an episode is available in all of these modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoresetMode {
    /// Within the step that ends the old one (`AutoresetMode.SAME_STEP`): the observation after that step is the first one of
    /// the new episode, and [`VecEnv::final_observation`](super::VecEnv::final_observation) has the last one of the old
    /// episode.
    #[default]
    SameStep,
    /// With the step after that (`AutoresetMode.NEXT_STEP`): the step that ends an episode returns its last observation. The
    /// next step ignores the slate of that lane, has reward 0, ends nothing, and returns the first observation of the new
    /// episode.
    NextStep,
    /// Not by itself (`AutoresetMode.DISABLED`): [`VecEnv::reset_lanes`](super::VecEnv::reset_lanes) begins it, and
    /// until then a step is [`VecEnvError::Ended`](super::VecEnvError::Ended).
    Disabled,
}

/// The options of [`VecEnv::with_options`](super::VecEnv::with_options).
///
/// ```
/// use slatesim::backend::{Simulation, cpu::cpu};
/// use slatesim::vec_env::{VecEnv, VecEnvOptions};
///
/// let simulation = Simulation::of("interest_exploration").set("max_steps", 20)?.build()?;
/// let backend = cpu(Some(1))?;
/// // Ten environments, and the last two of them as another process would have them.
/// let mut whole = VecEnv::new(&simulation, &backend, 10)?;
/// let mut rest = VecEnv::with_options(&simulation, &backend, 2, VecEnvOptions::default().with_first_env(8))?;
/// let (whole, rest) = (whole.reset()?, rest.reset()?);
/// assert_eq!(whole.documents.of_env(8), rest.documents.of_env(0));
/// assert_ne!(whole.documents.of_env(0), rest.documents.of_env(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VecEnvOptions {
    /// When new episodes begin; by default within the step that ends the old ones.
    pub autoreset: AutoresetMode,
    /// The number of the first environment; by default 0.
    ///
    /// Several processes with the same seed never share a random number if the numbers of their environments differ.
    pub first_env: u32,
}

impl VecEnvOptions {
    /// Chooses when new episodes begin.
    #[must_use]
    pub fn with_autoreset(self, autoreset: AutoresetMode) -> Self {
        Self { autoreset, ..self }
    }

    /// Chooses the number of the first environment.
    #[must_use]
    pub fn with_first_env(self, first_env: u32) -> Self {
        Self { first_env, ..self }
    }
}
