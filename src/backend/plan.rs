//! What an episode depends on besides its environment, and the interface of what runs blocks of episodes.

use crate::choice::ChoiceModel;
use crate::environment::Outline;
use crate::policy::Layered;
use crate::statistics::EpisodeBlock;
use std::sync::Arc;

/// The documents that all users and episodes share.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    /// How many fields a document has.
    pub num_fields: usize,
    /// The fields of document 0, of document 1, and so on; shared by all threads.
    pub fields: Arc<[f64]>,
}

/// All that an episode depends on besides the environment's own functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The seed of the run.
    pub seed: u64,
    /// Episodes still running after this many steps are truncated.
    pub max_steps: u32,
    /// Discounts for which the return is formed besides the plain one, each from 0 to 1.
    pub discounts: Vec<f64>,
    /// How many documents are offered at a step.
    pub num_candidates: u32,
    /// How many of them are shown.
    pub slate_size: u32,
    /// The documents if they are not resampled at every step.
    pub corpus: Option<Corpus>,
    /// How the user picks from the slate.
    pub choice: ChoiceModel,
    /// The policy, with its layers.
    pub policy: Layered,
    /// Sizes and observables of the environment.
    pub outline: Outline,
}

impl Plan {
    /// Returns how many steps an episode can have: it is truncated by then, or has ended by itself.
    pub fn num_steps(&self) -> u32 {
        self.outline
            .horizon
            .map_or(self.max_steps, |horizon| horizon.min(self.max_steps))
    }

    /// Makes a block of no episodes, with room for its counts.
    pub(super) fn empty_block(&self) -> EpisodeBlock {
        let num_topics = self.outline.num_topics as usize;
        let num_considered = self.choice.num_considered(self.slate_size) as usize;
        EpisodeBlock {
            topic_impressions: vec![0; num_topics],
            topic_clicks: vec![0; num_topics],
            position_clicks: vec![0; num_considered],
            discounted: vec![Vec::new(); self.discounts.len()],
            ..EpisodeBlock::default()
        }
    }

    /// Returns how many positions of a slate a rollout has to look at: those that the user considers, and all where
    /// impressions are counted by topic or the policy learns.
    pub(super) fn num_examined(&self) -> u32 {
        if self.outline.num_topics > 0 || self.policy.state_size() > 0 {
            self.slate_size
        } else {
            self.choice.num_considered(self.slate_size)
        }
    }
}

/// Returns the weight that a discount gives the reward of a step: its power, 1 at step 0 whatever the discount.
pub(super) fn power(discount: f64, step: u32) -> f64 {
    discount.powf(f64::from(step))
}

/// Runs blocks of episodes on one thread.
pub trait BlockRollout: Send {
    /// Runs `count` episodes from `first` on, at most a block that starts at a multiple of its size.
    fn run(&mut self, first: u64, count: usize) -> EpisodeBlock;
}
