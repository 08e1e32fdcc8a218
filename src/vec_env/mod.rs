//! Many environments stepped together by an agent outside, on any backend.
//!
//! A [`VecEnv`] is what Gymnasium calls a vector environment: the agent gets the observations of all users, answers
//! with a slate for each, and gets the rewards and the next observations. Lane *i* is environment *i*.
//!
//! ```
//! use slatesim::backend::cpu::cpu;
//! use slatesim::config::{Config, Layers};
//! use slatesim::registry;
//! use slatesim::vec_env::VecEnv;
//!
//! let config = Config::resolve(&Layers::new().set("environment.slate_size=2")?, &registry::catalogue())?;
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
//! of the simulation. It follows that no two environments ever share a random number, that environment *i* lives
//! through the same whatever the number of environments, and that the first episodes are those that a
//! [rollout](crate::backend::Backend::rollout) over `0..num_envs` runs: given the slates of its policy, on the same
//! backend, they are equal to the last bit.
//!
//! # Numbers
//! Observations are `f32` on every backend, rounded from `f64` on `reference`. Rewards are `f64`, and on `cpu` and `gpu`
//! hold single-precision values. Arrays are handed over as the backend made them, without a copy.

mod observation;
mod spaces;

pub use observation::{Documents, FinalObservation, Observation, Step};
pub use spaces::{DataType, Space, Spaces};

use crate::backend::{Backend, LaneState, Plan, Simulation, StepOutcome, Stepper};
use crate::error::Error;
use ndarray::{Array1, Array3, ArrayView2, Axis};
use std::fmt;

/// From one episode of an environment to its next.
const NEXT_EPISODE: u64 = 1 << 32;
/// Environments are numbered in 32 bits.
const MAX_ENVS: u64 = NEXT_EPISODE - 1;

/// When a new episode begins after one has ended; the names are Gymnasium's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoresetMode {
    /// Within the step that ends the old one (`AutoresetMode.SAME_STEP`): the observation returned is the new
    /// episode's first, and [`Step::final_observation`] keeps the old one's last.
    #[default]
    SameStep,
}

/// Steps many environments with slates from outside.
pub struct VecEnv {
    stepper: Box<dyn Stepper>,
    plan: Plan,
    num_envs: usize,
    num_user_fields: usize,
    /// The episode that each lane begins next.
    next_episodes: Vec<u64>,
    is_running: bool,
}

impl VecEnv {
    /// Makes environments, which begin with [`reset`](Self::reset). The simulation's policy has no part in them.
    ///
    /// # Errors
    /// [`Error::NumEnvs`] if there are none, 2^32 or more, or more than memory holds; [`Error::Gpu`] if the device
    /// fails, or cannot hold so many.
    pub fn new(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
    ) -> Result<Self, Error> {
        let num_user_fields = simulation.model.num_fields().0;
        check_num_envs(&simulation.plan, num_user_fields, num_envs)?;
        Ok(Self {
            stepper: backend.stepper(simulation, num_envs)?,
            plan: simulation.plan.clone(),
            num_envs,
            num_user_fields,
            next_episodes: (0..num_envs as u64).collect(),
            is_running: false,
        })
    }

    /// Counts the environments.
    pub fn num_envs(&self) -> usize {
        self.num_envs
    }

    /// Tells when new episodes begin.
    pub fn autoreset_mode(&self) -> AutoresetMode {
        AutoresetMode::SameStep
    }

    /// Describes the arrays that go in and out.
    pub fn spaces(&self) -> Spaces {
        Spaces::new(&self.plan, self.num_envs)
    }

    /// Begins the next episode of every environment and returns what is observed before its first step.
    ///
    /// Episodes under way are given up.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    pub fn reset(&mut self) -> Result<Observation, Error> {
        self.is_running = false;
        self.start(&Array1::from_elem(self.num_envs, true))?;
        let observation = self.observe()?;
        self.is_running = true;
        Ok(observation)
    }

    /// Shows every user a slate, and begins the next episode where one has ended.
    ///
    /// Shape `[num_envs, slate_size]`, of indices of candidates; duplicates are allowed. A user who does not look at
    /// the whole slate (choice model `first`) responds to the part that is looked at.
    ///
    /// # Errors
    /// [`Error::NotReset`], [`Error::Shape`] and [`Error::Candidate`] before anything is done: the environments are as
    /// before, and a step with good slates goes on. [`Error::Gpu`] if the device fails; the episodes are lost then, and
    /// [`reset`](Self::reset) begins others.
    pub fn step(&mut self, slates: ArrayView2<'_, u32>) -> Result<Step, Error> {
        self.check_slates(&slates)?;
        self.is_running = false;
        let rearranged: Vec<u32>;
        let slates = match slates.to_slice() {
            Some(slates) => slates,
            None => {
                rearranged = slates.iter().copied().collect();
                &rearranged
            }
        };
        let StepOutcome {
            rewards,
            chosen,
            terminated,
            truncated,
            responses,
        } = self.stepper.step(slates)?;
        let mut responses = observation::responses(responses, &self.plan, self.num_envs);
        let ended: Array1<bool> = terminated
            .iter()
            .zip(&truncated)
            .map(|(&terminated, &truncated)| terminated || truncated)
            .collect();

        let mut observation = self.observe()?;
        let mut final_observation = None;
        if ended.iter().any(|&ended| ended) {
            observation.responses = Some(responses.clone());
            final_observation = Some(FinalObservation {
                observation,
                lanes: ended.clone(),
            });
            self.start(&ended)?;
            forget(&mut responses, &ended);
            observation = self.observe()?;
        }
        observation.responses = Some(responses);
        self.is_running = true;
        Ok(Step {
            observation,
            rewards: rewards.into(),
            terminated: terminated.into(),
            truncated: truncated.into(),
            chosen: chosen.into(),
            final_observation,
        })
    }

    /// Returns what is observed now, without the responses to the last slates.
    ///
    /// Looking twice shows the same, noise included.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    fn observe(&mut self) -> Result<Observation, Error> {
        let seen = self.stepper.observe()?;
        Ok(Observation::new(seen, &self.plan, self.num_envs))
    }

    /// Returns the hidden state of all environments, to go on from with [`set_state`](Self::set_state).
    ///
    /// # Errors
    /// [`Error::NotReset`] if no episode is under way; [`Error::Gpu`] if the device fails.
    pub fn state(&mut self) -> Result<LaneState, Error> {
        if !self.is_running {
            return Err(Error::NotReset);
        }
        self.stepper.state()
    }

    /// Puts all environments into a state, and returns what is observed there.
    ///
    /// Fields of users are rounded to the arithmetic of the backend. An environment in episode *e* goes on to episode
    /// *e* + 2^32 after it.
    ///
    /// # Errors
    /// [`Error::Shape`] if the state is not of so many environments or users have other fields: the environments are
    /// as before. [`Error::Gpu`] if the device fails.
    pub fn set_state(&mut self, state: &LaneState) -> Result<Observation, Error> {
        let lengths = [
            (
                "users",
                state.users.len(),
                self.num_user_fields * self.num_envs,
            ),
            ("episodes", state.episodes.len(), self.num_envs),
            ("steps", state.steps.len(), self.num_envs),
        ];
        for (what, given, expected) in lengths {
            if given != expected {
                let (given, expected) = (vec![given], vec![expected]);
                return Err(Error::Shape {
                    what,
                    given,
                    expected,
                });
            }
        }
        self.is_running = false;
        self.stepper.set_state(state)?;
        self.next_episodes = state.episodes.iter().copied().map(following).collect();
        let observation = self.observe()?;
        self.is_running = true;
        Ok(observation)
    }

    /// Begins the next episode in the lanes of a mask.
    fn start(&mut self, lanes: &Array1<bool>) -> Result<(), Error> {
        let next = self.next_episodes.iter().zip(lanes);
        let starts: Vec<Option<u64>> = next
            .map(|(&episode, &starts)| starts.then_some(episode))
            .collect();
        self.stepper.start(&starts)?;
        for (next, start) in self.next_episodes.iter_mut().zip(starts) {
            if let Some(episode) = start {
                *next = following(episode);
            }
        }
        Ok(())
    }

    fn check_slates(&self, slates: &ArrayView2<'_, u32>) -> Result<(), Error> {
        if !self.is_running {
            return Err(Error::NotReset);
        }
        let expected = [self.num_envs, self.plan.slate_size as usize];
        if slates.shape() != expected {
            return Err(Error::Shape {
                what: "slates",
                given: slates.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let num_candidates = self.plan.num_candidates;
        let wrong = slates
            .indexed_iter()
            .find(|&(_, &candidate)| candidate >= num_candidates);
        match wrong {
            None => Ok(()),
            Some(((lane, _), &given)) => Err(Error::Candidate {
                lane,
                given,
                num_candidates,
            }),
        }
    }
}

impl fmt::Debug for VecEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VecEnv")
            .field("num_envs", &self.num_envs)
            .field("is_running", &self.is_running)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// Returns the episode that the same environment lives through next.
fn following(episode: u64) -> u64 {
    episode.wrapping_add(NEXT_EPISODE)
}

/// Clears the responses of lanes whose episode has just begun: nothing has been shown in it yet.
fn forget(responses: &mut Array3<f32>, lanes: &Array1<bool>) {
    for (mut response, &begins) in responses.axis_iter_mut(Axis(0)).zip(lanes) {
        if begins {
            response.fill(0.0);
        }
    }
}

/// Refuses numbers of environments that cannot be, before anything is allocated for them.
fn check_num_envs(plan: &Plan, num_user_fields: usize, num_envs: usize) -> Result<(), Error> {
    if num_envs == 0 || num_envs as u64 > MAX_ENVS {
        return Err(Error::NumEnvs {
            given: num_envs,
            expected: format!("from 1 to {MAX_ENVS}"),
        });
    }
    // What a step with ending episodes holds at once, nearly: the users, the outcome, and two observations.
    let outline = &plan.outline;
    let documents = match plan.corpus {
        Some(_) => 0,
        None => plan.num_candidates as usize * outline.document_features().len(),
    };
    let singles = 2 * (outline.user_size() + documents)
        + plan.slate_size as usize * (1 + 2 * outline.response_size());
    let bytes = 4 * singles + 8 * num_user_fields + 64;
    let total = bytes.checked_mul(num_envs);
    // Asking for it all at once is an error where asking for its parts would end the process.
    let fits = total.is_some_and(|total| Vec::<u8>::new().try_reserve_exact(total).is_ok());
    if !fits {
        return Err(Error::NumEnvs {
            given: num_envs,
            expected: format!("few enough for the memory at {bytes} bytes each"),
        });
    }
    Ok(())
}
