//! Q learning with a table.

use super::discretisation::Bins;
use super::error::AgentError;
use super::layout::{Layout, Situation};
use super::options::{ExplorationPolicy, TabularQOptions};
use super::q_table::{Entry, QTable};
use super::slates::{MAX_SLATES, num_slates, slates};
use crate::distribution::{bounded_integer, uniform};
use crate::exact::Table;
use crate::number::ScalarWord;
use crate::rng::Philox;
use crate::vec_env::{Documents, Observation, Spaces, VecEnv};
use ndarray::{Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// An agent that keeps a value for every slate that it has tried in a situation.
///
/// See [`agent`](super) for how it learns, and [`TabularQOptions`] for its options.
#[derive(Clone, Debug, PartialEq)]
pub struct TabularQ {
    pub(super) options: TabularQOptions,
    pub(super) layout: Layout,
    pub(super) table: QTable,
    pub(super) counters: Counters,
    bins: Bins,
    slates: Vec<Vec<u32>>,
}

/// The progress of an agent, as far as it influences later decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counters {
    /// Decisions made while learning; each uses up a block of random words.
    pub(super) decisions: u64,
    /// Updates of the table.
    pub(super) updates: u64,
    /// Episodes that have ended.
    pub(super) episodes: u64,
    /// The present exploration temperature.
    pub(super) temperature: f64,
}

/// The results of a call of [`TabularQ::train`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Training {
    /// Steps; a step of all environments together counts once.
    pub steps: u64,
    /// Episodes that have ended, in all environments.
    pub episodes: u64,
    /// The sum of the rewards of all steps of all environments.
    pub reward_sum: f64,
}

impl TabularQ {
    /// Makes an agent without any knowledge, for environments of these [spaces](VecEnv::spaces).
    ///
    /// # Errors
    /// [`AgentError::Option`] for an option that is not allowed; [`AgentError::Slates`] if there are more slates than
    /// [`MAX_SLATES`].
    pub fn new(spaces: &Spaces, options: TabularQOptions) -> Result<Self, AgentError> {
        let counters = Counters {
            temperature: options.exploration_temperature,
            ..Counters::default()
        };
        Self::of_parts(options, Layout::new(spaces), counters, QTable::default())
    }

    /// Makes an agent from its parts.
    pub(super) fn of_parts(
        options: TabularQOptions,
        layout: Layout,
        counters: Counters,
        table: QTable,
    ) -> Result<Self, AgentError> {
        options.check()?;
        let (num_candidates, slate_size) = (layout.num_candidates, layout.slate_size);
        let ordinal = options.ordinal_slates;
        let number = num_slates(num_candidates, slate_size, ordinal);
        if !number.is_some_and(|number| (1..=u128::from(MAX_SLATES)).contains(&number)) {
            return Err(AgentError::Slates {
                number: number.map_or("more than 2^128".to_owned(), |number| number.to_string()),
                slate_size,
                num_candidates,
                hint: match ordinal {
                    true => ", or `ordinal_slates` = false",
                    false => "",
                },
            });
        }
        let [low, high] = options.discretization_bounds;
        Ok(Self {
            bins: Bins::new(low, high, options.number_bins),
            slates: slates(num_candidates, slate_size, ordinal),
            options,
            layout,
            table,
            counters,
        })
    }

    /// Returns the options.
    pub fn options(&self) -> &TabularQOptions {
        &self.options
    }

    /// Sets whether the agent only shows the best slates, and does not learn.
    pub fn set_eval_mode(&mut self, eval_mode: bool) {
        self.options.eval_mode = eval_mode;
    }

    /// Counts the episodes that have ended while the agent learned.
    pub fn episodes(&self) -> u64 {
        self.counters.episodes
    }

    /// Counts the updates of the table.
    pub fn updates(&self) -> u64 {
        self.counters.updates
    }

    /// Returns the probability of a random slate: after n episodes, the temperature to the power of n + 1.
    pub fn epsilon(&self) -> f64 {
        self.counters.temperature
    }

    /// Lists what was learned, by key in lexicographic order; [`agent`](super) describes keys.
    pub fn q_values(&self) -> impl Iterator<Item = (&[u32], Entry)> {
        self.table.iter()
    }

    /// Returns the learned value of a key, `None` if it was never tried.
    pub fn q_value(&self, key: &[u32]) -> Option<f64> {
        self.table.find(key).map(|entry| entry.value)
    }

    /// Returns the first slate with the largest value, for one user. Shapes `[user_size]` and
    /// `[num_candidates, document_size]`.
    ///
    /// # Errors
    /// [`AgentError::Shape`] for observations of another shape.
    pub fn greedy_slate(
        &self,
        user: ArrayView1<'_, f32>,
        documents: ArrayView2<'_, f32>,
    ) -> Result<&[u32], AgentError> {
        let [document_size, user_size] = self.layout.sizes();
        let observed = [user_size];
        let offered = [self.layout.num_candidates as usize, document_size];
        let checks = [
            ("user", user.shape(), &observed[..]),
            ("documents", documents.shape(), &offered[..]),
        ];
        for (what, given, expected) in checks {
            if given != expected {
                return Err(AgentError::Shape {
                    what,
                    given: given.to_vec(),
                    expected: expected.to_vec(),
                });
            }
        }
        let situation = self.layout.situation(&self.bins, user, documents);
        Ok(&self.slates[self.best(&situation).0])
    }

    /// Lets the agent act in environments for this many steps, and learn from them unless it is in `eval_mode`.
    ///
    /// Begins the next episode of every environment. After every step `progress` is called, and may end the training. That
    /// loses nothing, because the agent learns from each step at once.
    ///
    /// # Errors
    /// [`AgentError::Environment`] if the environment has other sizes or observations than the agent was made for, or
    /// does not begin new episodes within the step that ends the old ones; [`AgentError::VecEnv`] if a step fails, as when the device is lost.
    pub fn train(
        &mut self,
        env: &mut VecEnv,
        steps: u64,
        progress: &mut dyn FnMut(&Training) -> ControlFlow<()>,
    ) -> Result<Training, AgentError> {
        self.layout.check_env(env)?;
        let num_lanes = env.num_envs();
        let mut training = Training::default();
        let mut keys = vec![Vec::new(); num_lanes];
        let mut shown = Array2::zeros((num_lanes, self.layout.slate_size as usize));
        let mut situations = self.situations(&env.reset()?, num_lanes);
        while training.steps < steps {
            for (lane, situation) in situations.iter().enumerate() {
                let chosen = self.choose(situation);
                situation.key(&self.slates[chosen], &mut keys[lane]);
                let slate = ArrayView1::from(&self.slates[chosen]);
                shown.row_mut(lane).assign(&slate);
            }
            let step = env.step(shown.view())?;
            let last = step.final_observation.map(|last| {
                let situations = self.situations(&last.observation, num_lanes);
                env.recycle(last.observation);
                situations
            });
            situations = self.situations(&step.observation, num_lanes);
            env.recycle(step.observation);
            for lane in 0..num_lanes {
                let reward = step.rewards[lane];
                training.reward_sum += reward;
                let (terminated, truncated) = (step.terminated[lane], step.truncated[lane]);
                let has_ended = terminated || truncated;
                let next = match &last {
                    _ if terminated => None,
                    Some(last) => Some(&last[lane]),
                    None => Some(&situations[lane]),
                };
                if !self.options.eval_mode {
                    if !(has_ended && self.options.faithful) {
                        self.learn(&keys[lane], reward, next);
                    }
                    if has_ended {
                        self.counters.episodes += 1;
                        self.counters.temperature *= self.options.exploration_temperature;
                    }
                }
                training.episodes += u64::from(has_ended);
            }
            training.steps += 1;
            if progress(&training).is_break() {
                break;
            }
        }
        Ok(training)
    }

    fn situations(&self, observation: &Observation, num_lanes: usize) -> Vec<Situation> {
        let lanes = 0..num_lanes;
        let situation = |lane| {
            let documents = observation.documents.of_env(lane);
            let user = observation.users.row(lane);
            self.layout.situation(&self.bins, user, documents)
        };
        lanes.map(situation).collect()
    }

    /// Chooses a slate, and returns its number: in training by the exploration policy, else the best.
    fn choose(&mut self, situation: &Situation) -> usize {
        if self.options.eval_mode {
            return self.best(situation).0;
        }
        let decision = self.counters.decisions;
        self.counters.decisions += 1;
        match self.options.exploration_policy {
            ExplorationPolicy::EpsilonGreedy => {
                let [explores, slate, ..] = Philox::block(self.options.seed, decision);
                if uniform::<f64>(ScalarWord(explores)) <= self.counters.temperature {
                    let number = u32::try_from(self.slates.len()).expect("MAX_SLATES is checked");
                    bounded_integer(ScalarWord(slate), ScalarWord(number)).0 as usize
                } else {
                    self.best(situation).0
                }
            }
            ExplorationPolicy::MinCount => self.least_tried(situation),
        }
    }

    /// Finds the first slate with the largest value, and that value.
    fn best(&self, situation: &Situation) -> (usize, f64) {
        let mut best = (0, f64::NEG_INFINITY);
        for (slate, entry) in self.entries(situation) {
            if entry.value > best.1 {
                best = (slate, entry.value);
            }
        }
        best
    }

    /// Finds the first of the slates that were tried least often; the search ends at one that was never tried.
    fn least_tried(&self, situation: &Situation) -> usize {
        let mut least = (0, u64::MAX);
        for (slate, entry) in self.entries(situation) {
            if entry.count < least.1 {
                least = (slate, entry.count);
            }
            if least.1 == 0 {
                break;
            }
        }
        least.0
    }

    /// Iterates over the entries of all slates in a situation, in order.
    fn entries(&self, situation: &Situation) -> impl Iterator<Item = (usize, Entry)> {
        let mut key = Vec::with_capacity(self.layout.key_length());
        self.slates.iter().enumerate().map(move |(number, slate)| {
            situation.key(slate, &mut key);
            (number, self.table.get(&key))
        })
    }

    /// Moves the value of a key towards the reward plus the best discounted value of the next situation; `None` after the end.
    fn learn(&mut self, key: &[u32], reward: f64, next: Option<&Situation>) {
        let rest = next.map_or(0.0, |next| self.best(next).1);
        let rate = self.options.learning_rate.at(self.counters.updates);
        let Entry { value, count } = self.table.get(key);
        let learned = Entry {
            value: rate * (reward + self.options.gamma * rest) + (1.0 - rate) * value,
            count: count + 1,
        };
        self.table.insert(key, learned);
        self.counters.updates += 1;
    }

    /// Returns the learned value of each candidate in each state, if slates have one document, the state is one whole number
    /// that is observed of the user, and all environments share the [`documents`](Observation::documents). Shape
    /// `[state][candidate]`.
    ///
    /// # Errors
    /// [`AgentError::NoTable`] in other cases, and [`AgentError::Shape`] for documents of another shape.
    pub fn action_values(&self, documents: &Documents) -> Result<Table, AgentError> {
        let refuse = |why| Err(AgentError::NoTable { why });
        let Some(num_states) = self.layout.num_states() else {
            return refuse("what is observed of the user is not one whole number");
        };
        if self.layout.slate_size != 1 {
            return refuse("slates have several documents");
        }
        let Documents::Shared(documents) = documents else {
            return refuse("documents are not the same for all (`resample_documents` = false)");
        };
        let expected = [self.layout.num_candidates as usize, self.layout.sizes()[0]];
        if documents.shape() != expected {
            return Err(AgentError::Shape {
                what: "documents",
                given: documents.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let row = |state: u32| {
            let user = [state as f32];
            let user = ArrayView1::from(&user);
            let situation = self.layout.situation(&self.bins, user, documents.view());
            // Slate j consists of candidate j.
            self.entries(&situation)
                .map(|(_, entry)| entry.value)
                .collect()
        };
        Ok((0..num_states).map(row).collect())
    }

    /// Makes the table of the policy [`table`](crate::policy::table) that takes the first candidate with the largest learned
    /// value in each state: probabilities, shape `[state][candidate]`. It exists if [`action_values`](Self::action_values) do.
    ///
    /// # Errors
    /// Those of [`action_values`](Self::action_values).
    pub fn table(&self, documents: &Documents) -> Result<Table, AgentError> {
        let row = |values: Vec<f64>| {
            let mut best = (0, f64::NEG_INFINITY);
            for (candidate, &value) in values.iter().enumerate() {
                if value > best.1 {
                    best = (candidate, value);
                }
            }
            let mut row = vec![0.0; values.len()];
            row[best.0] = 1.0;
            row
        };
        Ok(self
            .action_values(documents)?
            .into_iter()
            .map(row)
            .collect())
    }
}
