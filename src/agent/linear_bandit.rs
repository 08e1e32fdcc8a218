//! A contextual bandit that all users share.

use super::error::AgentError;
use super::layout::Layout;
use super::linear_model::{LinearModel, LinearState};
use super::linear_options::{LinearBanditOptions, RegressionTarget};
use super::tabular_q::Training;
use crate::vec_env::{Observation, Spaces, VecEnv};
use ndarray::Array2;
use std::mem::replace;
use std::ops::ControlFlow;

/// An agent that scores each document by a regression of the clicks on what is observed, and shows the best ones.
///
/// ```text
/// x = (observed features of the document, observed numbers of the user, optionally 1)
/// A = ridge I + sum x x',   b = sum reward x,   w = A^-1 b
/// ```
///
/// The sums are over all documents that were ever shown, to any user. Scores are those of the
/// [algorithm](super::LinearAlgorithm); the slate is the documents with the largest scores, of equal ones the first. After
/// every step, logistic regressions are fitted anew to the latest observations ([`LinearBanditOptions::window`]); the A of
/// UCB-GLM's bounds is over all. `RecSim` keeps all observations, which takes more and more time.
///
/// ```
/// use slatesim::agent::{LinearBandit, LinearBanditOptions, RegressionTarget};
/// use slatesim::backend::{Simulation, cpu::cpu};
/// use slatesim::vec_env::VecEnv;
/// use std::ops::ControlFlow;
///
/// let simulation = Simulation::of("long_term_satisfaction").build()?;
/// let mut env = VecEnv::new(&simulation, &cpu(Some(1))?, 8)?;
/// let options = LinearBanditOptions { target: RegressionTarget::Reward, ..LinearBanditOptions::default() };
/// let mut agent = LinearBandit::new(&env.spaces(), options)?;
/// agent.train(&mut env, 50, &mut |_| ControlFlow::Continue(()))?;
/// // What pays at once is clickbait.
/// assert!(agent.weights()[0] > 0.0);
/// println!("{}", agent.policy_toml());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Lanes
/// At every step all lanes choose by what was learned before it; Thompson sampling has separate draws for each lane. Then the
/// observations of all lanes are added, in the order of the lanes and of the slates. With one lane, the agent learns from each
/// step before the next, as `RLlib` does.
///
/// # Precision
/// Double. A decision takes O(`num_candidates` d^2) operations, a step O(d^3) more, a logistic fit O(20 `window` d^2).
///
/// # Source
/// Li, Chu, Langford and Schapire (2010), "A contextual-bandit approach to personalized news article recommendation";
/// Agrawal and Goyal (2013), "Thompson sampling for contextual bandits with linear payoffs"; `RLlib`'s `BanditLinUCB` and
/// `BanditLinTS`; `RecSim` 0.2.4, `glm_algorithms`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearBandit {
    pub(super) options: LinearBanditOptions,
    pub(super) layout: Layout,
    pub(super) model: LinearModel,
}

impl LinearBandit {
    /// Makes an agent without any knowledge, for environments of these [spaces](VecEnv::spaces).
    ///
    /// # Errors
    /// [`AgentError::Option`] for an option that is not allowed; [`AgentError::NoContext`] if nothing is observed of documents.
    pub fn new(spaces: &Spaces, options: LinearBanditOptions) -> Result<Self, AgentError> {
        let layout = Layout::new(spaces);
        let dim = dimension(&layout, &options);
        let state = LinearState::new(dim, options.ridge);
        Self::of_parts(options, layout, state)
    }

    /// Makes an agent from its parts.
    pub(super) fn of_parts(
        options: LinearBanditOptions,
        layout: Layout,
        state: LinearState,
    ) -> Result<Self, AgentError> {
        options.check()?;
        if layout.sizes()[0] == 0 {
            return Err(AgentError::NoContext);
        }
        Ok(Self {
            model: LinearModel::new(state, &options),
            options,
            layout,
        })
    }

    /// Returns the options.
    pub fn options(&self) -> &LinearBanditOptions {
        &self.options
    }

    /// Sets whether the agent only shows the best documents by [`weights`](Self::weights), and does not learn.
    pub fn set_eval_mode(&mut self, eval_mode: bool) {
        self.options.eval_mode = eval_mode;
    }

    /// Returns how many documents the agent has learned from.
    pub fn observations(&self) -> u64 {
        self.model.state.observations
    }

    /// Returns the estimated weights: one for each number observed of a document, then one for each of the user, then
    /// that of the constant if there is one.
    pub fn weights(&self) -> &[f64] {
        self.model.weights()
    }

    /// Returns A, the matrix of all observations, row by row.
    pub fn precision(&self) -> &[f64] {
        &self.model.state.precision
    }

    /// Writes the weights as the `[policy]` of a configuration: `linear_softmax` at temperature 0, which shows the best
    /// documents by these weights.
    pub fn policy_toml(&self) -> String {
        format!(
            "[policy]\nname = \"linear_softmax\"\ntemperature = 0.0\nweights = {:?}\n",
            self.weights()
        )
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
        let (num_lanes, slate_size) = (env.num_envs(), self.layout.slate_size as usize);
        let dim = dimension(&self.layout, &self.options);
        let mut training = Training::default();
        let mut shown = Array2::zeros((num_lanes, slate_size));
        let mut contexts = vec![Vec::new(); num_lanes];
        let mut observation = env.reset()?;
        while training.steps < steps {
            for (lane, rows) in contexts.iter_mut().enumerate() {
                self.look_at(&observation, lane, rows);
                let scores = self.model.scores(rows, &self.options);
                for (place, candidate) in shown.row_mut(lane).iter_mut().zip(ranked(&scores)) {
                    *place = candidate;
                }
            }
            let step = env.step(shown.view())?;
            for (lane, rows) in contexts.iter().enumerate() {
                let reward = step.rewards[lane];
                training.reward_sum += reward;
                training.episodes += u64::from(step.terminated[lane] || step.truncated[lane]);
                if self.options.eval_mode {
                    continue;
                }
                let earned = match self.options.target {
                    RegressionTarget::Clicked => 1.0,
                    RegressionTarget::Reward => reward,
                };
                for (position, &candidate) in (0..).zip(shown.row(lane)) {
                    let at = candidate as usize * dim;
                    let is_clicked = step.chosen[lane] == Some(position);
                    let reward = if is_clicked { earned } else { 0.0 };
                    self.model
                        .observe(&rows[at..at + dim], reward, &self.options);
                }
            }
            if !self.options.eval_mode {
                self.model.estimate(&self.options);
            }
            env.recycle(replace(&mut observation, step.observation));
            training.steps += 1;
            if progress(&training).is_break() {
                break;
            }
        }
        Ok(training)
    }

    /// Writes the contexts of a lane's candidates, one after the other.
    fn look_at(&self, observation: &Observation, lane: usize, rows: &mut Vec<f64>) {
        rows.clear();
        for document in observation.documents.of_env(lane).rows() {
            let user = observation.users.row(lane);
            let observed = document.iter().chain(user);
            rows.extend(observed.map(|&number| f64::from(number)));
            rows.extend(self.options.intercept.then_some(1.0));
        }
    }
}

/// Counts the numbers of a context.
pub(super) fn dimension(layout: &Layout, options: &LinearBanditOptions) -> usize {
    layout.sizes().iter().sum::<usize>() + usize::from(options.intercept)
}

/// Lists candidates by score, the largest first; among equals, the one that is offered first.
fn ranked(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(scores.len()).collect();
    order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_scores_the_first_comes_first() {
        assert_eq!(ranked(&[1.0, 3.0, 1.0, 3.0, -2.0]), [1, 3, 0, 2, 4]);
    }
}
