//! Environments of one user each, and what those of several users are built on.

use super::size::{check_num_envs, following};
use super::slates;
use super::{
    AutoresetMode, Documents, FinalObservation, Observation, Outcome, Spaces, Step, VecEnvOptions,
};
use crate::backend::{self, Backend, LaneState, Model, Plan, Simulation, StepOutcome, Stepper};
use crate::error::Error;
use crate::policy::r#static::Static;
use crate::policy::{Layered, PolicyModel};
use ndarray::{ArcArray2, Array, Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, Dimension};
use std::fmt;
use std::sync::Arc;

/// For how many observations memory is kept: those of a step with which episodes end.
const MOST_RECYCLED: usize = 2;

/// Steps many environments with slates from outside.
pub struct VecEnv {
    stepper: Box<dyn Stepper>,
    /// Knows which states users can be in.
    model: Arc<dyn Model>,
    plan: Plan,
    options: VecEnvOptions,
    num_lanes: usize,
    /// Neighbouring lanes that live in one environment, and end and begin together.
    users_per_env: usize,
    num_user_fields: usize,
    /// The very first episode of lane 0.
    first_episode: u64,
    /// The episode that each lane begins next.
    next_episodes: Vec<u64>,
    /// Whether the episode of a lane has ended and its next has not begun.
    is_over: Vec<bool>,
    /// Whether a lane has begun its episode since it was last shown a slate.
    begun: Array1<bool>,
    /// The lanes that ended with the last step and began anew within it: the stepper keeps where they were.
    replaced: Option<Array1<bool>>,
    /// What is observed of the documents that all share, once it has been asked for.
    corpus: Option<ArcArray2<f32>>,
    /// Memory for observations.
    recycled: Vec<backend::Observation>,
    has_responses: bool,
    is_running: bool,
}

/// What a step did, for environments of several users.
#[derive(Debug)]
pub(super) struct Advanced {
    pub(super) outcome: Outcome,
    /// Users who were not shown anything, because they had ended before.
    pub(super) idle: Array1<bool>,
    /// Users whose environment has ended with this step.
    pub(super) ended: Array1<bool>,
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
        Self::with_options(simulation, backend, num_envs, VecEnvOptions::default())
    }

    /// Makes environments with options.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::NumEnvs`] too if one had a number of 2^32 or more.
    pub fn with_options(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
        options: VecEnvOptions,
    ) -> Result<Self, Error> {
        Self::of_users(simulation, backend, num_envs, 1, options)
    }

    /// Makes environments of several users each, at least one.
    pub(super) fn of_users(
        simulation: &Simulation,
        backend: &dyn Backend,
        num_envs: usize,
        users_per_env: usize,
        options: VecEnvOptions,
    ) -> Result<Self, Error> {
        let num_user_fields = simulation.model.num_fields().0;
        let first_episode = u64::from(options.first_env).saturating_mul(users_per_env as u64);
        let num_lanes = check_num_envs(
            &simulation.plan,
            num_user_fields,
            num_envs,
            users_per_env,
            first_episode,
        )?;
        let simulation = Simulation {
            model: Arc::clone(&simulation.model),
            plan: Plan {
                // It would remember users, and be taught by every step, for nobody.
                policy: Layered::from(PolicyModel::from(Static)),
                ..simulation.plan.clone()
            },
        };
        let mut env = Self {
            stepper: backend.shared_stepper(&simulation, num_lanes, users_per_env)?,
            model: simulation.model,
            plan: simulation.plan,
            options,
            num_lanes,
            users_per_env,
            num_user_fields,
            first_episode,
            next_episodes: Vec::new(),
            is_over: vec![false; num_lanes],
            begun: Array1::from_elem(num_lanes, false),
            replaced: None,
            corpus: None,
            recycled: Vec::new(),
            has_responses: false,
            is_running: false,
        };
        env.rewind();
        Ok(env)
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

    /// Tells when new episodes begin.
    pub fn autoreset_mode(&self) -> AutoresetMode {
        self.options.autoreset
    }

    /// Describes the arrays that go in and out.
    pub fn spaces(&self) -> Spaces {
        Spaces::new(&self.plan, &[self.num_lanes])
    }

    /// Begins the next episode of every environment and returns what is observed before its first step.
    ///
    /// Episodes under way are given up.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails.
    pub fn reset(&mut self) -> Result<Observation, Error> {
        self.is_running = false;
        self.start(&Array1::from_elem(self.num_lanes, true))?;
        self.go_on()
    }

    /// Begins the next episode of some environments, shape `[num_envs]`, and returns what is observed of all.
    ///
    /// Their episodes under way are given up; those of the others go on. For every [`AutoresetMode`].
    ///
    /// # Errors
    /// [`Error::NotReset`] and [`Error::Shape`] before anything is done; [`Error::Gpu`] if the device fails.
    pub fn reset_lanes(&mut self, mask: ArrayView1<'_, bool>) -> Result<Observation, Error> {
        self.check_is_running()?;
        if mask.len() != self.num_lanes {
            return Err(Error::Shape {
                what: "mask",
                given: vec![mask.len()],
                expected: vec![self.num_lanes],
            });
        }
        let mask = mask.to_owned();
        self.is_running = false;
        self.start(&mask)?;
        self.begun = &self.begun | &mask;
        self.is_running = true;
        self.observe_or_stop()
    }

    /// Lets every environment begin with its very first episode again at its next reset: `RecSim`'s `reset_sampler`.
    ///
    /// Episodes under way go on.
    pub fn rewind(&mut self) {
        let end = self.first_episode + self.num_lanes as u64;
        self.next_episodes = (self.first_episode..end).collect();
    }

    /// Shows every user a slate and fetches what is observed then: [`advance`](Self::advance),
    /// [`observe`](Self::observe) and [`final_observation`](Self::final_observation) at once.
    ///
    /// # Errors
    /// As [`advance`](Self::advance). [`Error::Gpu`] if the device fails; the episodes are lost then, and
    /// [`reset`](Self::reset) begins others.
    pub fn step(&mut self, slates: ArrayView2<'_, u32>) -> Result<Step, Error> {
        let Outcome {
            rewards,
            terminated,
            truncated,
            chosen,
            begun,
        } = self.advance(slates)?;
        let (observation, final_observation) = self.fetch()?;
        Ok(Step {
            observation,
            rewards,
            terminated,
            truncated,
            chosen,
            begun,
            final_observation,
        })
    }

    /// Shows every user a slate, and leaves on the device what is observed then.
    ///
    /// Shape `[num_envs, slate_size]`, of indices of candidates; duplicates are allowed. A shorter slate is filled up
    /// with [`EMPTY`](super::EMPTY). A user who does not look at the whole slate (choice model `first`) responds to
    /// the part that is looked at.
    ///
    /// # Errors
    /// [`Error::NotReset`], [`Error::Ended`], [`Error::Shape`], [`Error::Candidate`], [`Error::Hole`] and
    /// [`Error::EmptySlate`] before anything is done: the environments are as before, and a step with good slates goes
    /// on. [`Error::Gpu`] if the device fails; the episodes are lost then, and [`reset`](Self::reset) begins others.
    pub fn advance(&mut self, slates: ArrayView2<'_, u32>) -> Result<Outcome, Error> {
        self.advance_users(slates).map(|advanced| advanced.outcome)
    }

    pub(super) fn advance_users(&mut self, slates: ArrayView2<'_, u32>) -> Result<Advanced, Error> {
        self.check_is_running()?;
        let was_over = self.of_whole_envs(&self.is_over);
        if self.options.autoreset == AutoresetMode::Disabled
            && let Some(lane) = was_over.iter().position(|&is_over| is_over)
        {
            return Err(Error::Ended { lane });
        }
        slates::check(&self.plan, &slates, &self.is_over)?;

        self.is_running = false;
        let idle = Array1::from(self.is_over.clone());
        let StepOutcome {
            rewards,
            chosen,
            terminated,
            truncated,
        } = self.stepper.step(&slates::marked(&slates, &self.is_over))?;
        let ends = terminated.iter().zip(&truncated);
        for (is_over, (terminated, truncated)) in self.is_over.iter_mut().zip(ends) {
            *is_over |= terminated | truncated;
        }
        let ended = self.of_whole_envs(&self.is_over) & !&was_over;
        self.replaced = None;
        self.has_responses = true;
        self.begun = match self.options.autoreset {
            AutoresetMode::SameStep => ended.clone(),
            AutoresetMode::NextStep => was_over,
            AutoresetMode::Disabled => Array1::from_elem(self.num_lanes, false),
        };
        if self.begun.as_slice().is_some_and(slates::any) {
            if self.options.autoreset == AutoresetMode::SameStep {
                self.stepper.keep()?;
                self.replaced = Some(self.begun.clone());
            }
            self.start(&self.begun.clone())?;
        }
        self.is_running = true;
        Ok(Advanced {
            outcome: Outcome {
                rewards: rewards.into(),
                terminated: terminated.into(),
                truncated: truncated.into(),
                chosen: chosen.into(),
                begun: self.begun.clone(),
            },
            idle,
            ended,
        })
    }

    /// Fetches what is observed now.
    ///
    /// Looking twice shows the same, noise included. Documents that all share are fetched the first time only.
    ///
    /// # Errors
    /// [`Error::NotReset`] if no episode is under way; [`Error::Gpu`] if the device fails.
    pub fn observe(&mut self) -> Result<Observation, Error> {
        self.check_is_running()?;
        let mut seen = self.recycled.pop().unwrap_or_default();
        self.stepper.observe(&mut seen)?;
        self.seen_now(seen)
    }

    /// Fetches what is observed of the responses to the slates shown last: [`Observation::responses`] alone.
    ///
    /// # Errors
    /// [`Error::NotReset`] if no episode is under way; [`Error::Gpu`] if the device fails.
    pub fn responses(&mut self) -> Result<Option<Array3<f32>>, Error> {
        self.check_is_running()?;
        if !self.has_responses {
            return Ok(None);
        }
        let seen = self.stepper.responses()?;
        let mut responses = Some(self.shaped_responses(seen));
        self.forget(&mut responses);
        Ok(responses)
    }

    /// Fetches the last observation of the episodes that ended with the last step, if others have begun in their place.
    ///
    /// That is in [`AutoresetMode::SameStep`]; in the other modes it is what [`observe`](Self::observe) shows after
    /// that step. `None` if none has ended. It can be asked for until the next step or reset of all.
    ///
    /// # Errors
    /// [`Error::NotReset`] if no episode is under way; [`Error::Gpu`] if the device fails.
    pub fn final_observation(&mut self) -> Result<Option<FinalObservation>, Error> {
        self.check_is_running()?;
        self.final_seen(None)
    }

    /// Takes back the memory of an observation that is no longer needed, for one to come.
    ///
    /// Observations of hundreds of thousands of environments are large, and new memory for them comes from the system page
    /// by page, which can take as long as everything else in a step. The memory of more observations than a step
    /// returns is let go.
    pub fn recycle(&mut self, observation: Observation) {
        let Observation {
            users,
            documents,
            responses,
        } = observation;
        self.take_back(memory(users), documents, responses.map(memory));
    }

    pub(super) fn take_back(
        &mut self,
        users: Vec<f32>,
        documents: Documents,
        responses: Option<Vec<f32>>,
    ) {
        if self.recycled.len() < MOST_RECYCLED {
            self.recycled.push(backend::Observation {
                users,
                documents: match documents {
                    Documents::PerEnv(documents) => memory(documents),
                    Documents::Shared(_) => Vec::new(),
                },
                responses: responses.unwrap_or_default(),
            });
        }
    }

    /// Returns the hidden state of all environments, to go on from with [`set_state`](Self::set_state). There is no
    /// policy in it, and it does not tell which episodes have ended.
    ///
    /// # Errors
    /// [`Error::NotReset`] if no episode is under way; [`Error::Gpu`] if the device fails.
    pub fn state(&mut self) -> Result<LaneState, Error> {
        self.check_is_running()?;
        self.stepper.state()
    }

    /// Puts all environments into a state, and returns what is observed there.
    ///
    /// Fields of users are rounded to the arithmetic of the backend. An environment in episode *e* goes on to episode
    /// *e* + 2^32 after it. No episode counts as ended, even if it had when [`state`](Self::state) was asked for.
    ///
    /// # Errors
    /// [`Error::Shape`] if the state is not of so many environments, users have other fields, or there is what a policy
    /// remembers of them, and [`Error::State`] if a user cannot be in it: the environments are as before. [`Error::Gpu`] if
    /// the device fails.
    pub fn set_state(&mut self, state: &LaneState) -> Result<Observation, Error> {
        let lengths = [
            (
                "users",
                state.users.len(),
                self.num_user_fields * self.num_lanes,
            ),
            ("policy", state.policy.len(), 0),
            ("episodes", state.episodes.len(), self.num_lanes),
            ("steps", state.steps.len(), self.num_lanes),
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
        let mut user = vec![0.0; self.num_user_fields];
        for lane in 0..self.num_lanes {
            for (field, number) in user.iter_mut().enumerate() {
                *number = state.users[field * self.num_lanes + lane];
            }
            if let Some(misfit) = self.model.misfit_of_user(&user) {
                return Err(Error::State { lane, misfit });
            }
        }
        self.is_running = false;
        self.stepper.set_state(state)?;
        self.next_episodes = state.episodes.iter().copied().map(following).collect();
        self.is_over.fill(false);
        self.go_on()
    }

    /// Begins the next episode in the lanes of a mask.
    fn start(&mut self, lanes: &Array1<bool>) -> Result<(), Error> {
        let next = self.next_episodes.iter().zip(lanes);
        let starts: Vec<Option<u64>> = next
            .map(|(&episode, &starts)| starts.then_some(episode))
            .collect();
        self.stepper.start(&starts)?;
        for (lane, start) in starts.into_iter().enumerate() {
            if let Some(episode) = start {
                self.next_episodes[lane] = following(episode);
                self.is_over[lane] = false;
            }
        }
        Ok(())
    }

    /// Lets all lanes run after they have been put somewhere, and looks.
    fn go_on(&mut self) -> Result<Observation, Error> {
        self.has_responses = false;
        self.replaced = None;
        self.is_running = true;
        self.observe_or_stop()
    }

    /// Fetches all that is observed after a step; if that fails, the episodes are given up, because their agent has lost
    /// sight of them.
    pub(super) fn fetch(&mut self) -> Result<(Observation, Option<FinalObservation>), Error> {
        self.is_running = false;
        let mut seen = self.recycled.pop().unwrap_or_default();
        self.stepper.observe(&mut seen)?;
        let final_observation = self.final_seen(Some(&seen))?;
        let observation = self.seen_now(seen)?;
        self.is_running = true;
        Ok((observation, final_observation))
    }

    /// Looks, and gives the episodes up if that fails.
    fn observe_or_stop(&mut self) -> Result<Observation, Error> {
        let observation = self.observe();
        self.is_running = observation.is_ok();
        observation
    }

    /// Gives shapes to what the stepper sees now.
    fn seen_now(&mut self, seen: backend::Observation) -> Result<Observation, Error> {
        let mut observation = self.observation(seen)?;
        self.forget(&mut observation.responses);
        Ok(observation)
    }

    /// Looks back at the lanes that others have replaced, if there are any, from what is seen now, if that is known.
    fn final_seen(
        &mut self,
        now: Option<&backend::Observation>,
    ) -> Result<Option<FinalObservation>, Error> {
        let Some(lanes) = self.replaced.clone() else {
            return Ok(None);
        };
        let mut seen = self.recycled.pop().unwrap_or_default();
        self.stepper.observe_kept(now, &mut seen)?;
        let observation = self.observation(seen)?;
        Ok(Some(FinalObservation { observation, lanes }))
    }

    /// Clears the responses of lanes whose episode has just begun: nothing has been shown in it yet.
    fn forget(&self, responses: &mut Option<Array3<f32>>) {
        if let Some(responses) = responses
            && self.begun.as_slice().is_some_and(slates::any)
        {
            for (mut response, &begun) in responses.axis_iter_mut(Axis(0)).zip(&self.begun) {
                if begun {
                    response.fill(0.0);
                }
            }
        }
    }

    fn shaped_responses(&self, seen: Vec<f32>) -> Array3<f32> {
        let shape = (
            self.num_lanes,
            self.plan.slate_size as usize,
            self.plan.outline.response_size(),
        );
        Array3::from_shape_vec(shape, seen).expect("one response a position of each slate")
    }

    /// Gives shapes to what the stepper has seen.
    fn observation(&mut self, seen: backend::Observation) -> Result<Observation, Error> {
        let outline = &self.plan.outline;
        let offered = (self.plan.num_candidates as usize, outline.document_size());
        let documents = match (&self.plan.corpus, &self.corpus) {
            (Some(_), Some(corpus)) => Documents::Shared(corpus.clone()),
            (Some(_), None) => {
                let corpus = Array2::from_shape_vec(offered, self.stepper.corpus()?)
                    .expect("one observation a candidate")
                    .into_shared();
                self.corpus = Some(corpus.clone());
                Documents::Shared(corpus)
            }
            (None, _) => {
                let shape = (self.num_envs(), offered.0, offered.1);
                let documents = Array3::from_shape_vec(shape, seen.documents);
                Documents::PerEnv(documents.expect("one observation a candidate"))
            }
        };
        let users = Array2::from_shape_vec((self.num_lanes, outline.user_size()), seen.users);
        Ok(Observation {
            users: users.expect("one observation a user"),
            documents,
            responses: self
                .has_responses
                .then(|| self.shaped_responses(seen.responses)),
        })
    }

    /// Tells for every user whether something holds for all users of the environment.
    fn of_whole_envs(&self, users: &[bool]) -> Array1<bool> {
        let mut whole = users.to_vec();
        if self.users_per_env > 1 {
            for users in whole.chunks_exact_mut(self.users_per_env) {
                let all = users.iter().all(|&user| user);
                users.fill(all);
            }
        }
        whole.into()
    }

    fn check_is_running(&self) -> Result<(), Error> {
        if self.is_running {
            Ok(())
        } else {
            Err(Error::NotReset)
        }
    }
}

impl fmt::Debug for VecEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VecEnv")
            .field("num_lanes", &self.num_lanes)
            .field("users_per_env", &self.users_per_env)
            .field("options", &self.options)
            .field("is_running", &self.is_running)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// Returns the memory that an array lies in.
pub(super) fn memory<D: Dimension>(array: Array<f32, D>) -> Vec<f32> {
    array.into_raw_vec_and_offset().0
}
