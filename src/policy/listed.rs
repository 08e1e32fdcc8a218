//! Documents listed by a test, which serve as an offer and as feedback.

use super::{Feedback, Offer};
use crate::number::ScalarWord;

/// Some documents of one user, with the numbers that a policy can ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// The features of each candidate, or of each document of the slate.
    pub(crate) features: Vec<Vec<f64>>,
    /// The topic of each.
    pub(crate) topics: Vec<u32>,
    /// The score of each.
    pub(crate) scores: Vec<f64>,
    /// What is observed of the user.
    pub(crate) user: Vec<f64>,
    /// Which position was clicked.
    pub(crate) clicked: Option<usize>,
    /// The reward.
    pub(crate) reward: f64,
    /// What layers have charged for the slate.
    pub(crate) penalty: f64,
    /// What is observed of the response to each document.
    pub(crate) responses: Vec<Vec<f64>>,
    pub(crate) looked_at: usize,
}

impl Listed {
    /// Lists documents of one feature each, and nothing else.
    pub(crate) fn features(features: &[f64]) -> Self {
        Self {
            features: features.iter().map(|&feature| vec![feature]).collect(),
            ..Self::default()
        }
    }
}

impl Offer<f64> for Listed {
    fn num_candidates(&self) -> u32 {
        u32::try_from(self.features.len()).unwrap()
    }
    fn user(&mut self, number: usize) -> f64 {
        self.user[number]
    }
    fn look_at(&mut self, candidate: ScalarWord) {
        self.looked_at = candidate.0 as usize;
    }
    fn feature(&mut self, feature: usize) -> f64 {
        self.features[self.looked_at][feature]
    }
    fn topic(&mut self) -> ScalarWord {
        ScalarWord(self.topics[self.looked_at])
    }
    fn quality(&mut self) -> f64 {
        self.features[self.looked_at][0]
    }
    fn score(&mut self) -> f64 {
        self.scores[self.looked_at]
    }
    fn believed_score(&mut self) -> f64 {
        self.scores[self.looked_at]
    }
}

impl Feedback<f64> for Listed {
    fn num_shown(&self) -> usize {
        self.features.len()
    }
    fn num_considered(&self) -> usize {
        self.features.len()
    }
    fn topic(&mut self, position: usize) -> ScalarWord {
        ScalarWord(self.topics[position])
    }
    fn feature(&mut self, position: usize, feature: usize) -> f64 {
        self.features[position][feature]
    }
    fn is_clicked(&self, position: usize) -> bool {
        self.clicked == Some(position)
    }
    fn observe_response(&mut self, position: usize, observation: &mut [f64]) {
        observation.copy_from_slice(&self.responses[position]);
    }
    fn reward(&self) -> f64 {
        self.reward
    }
    fn penalty(&self) -> f64 {
        self.penalty
    }
    fn penalise(&mut self, cost: f64) {
        self.penalty += cost;
    }
}

/// The draws of step 0 of episode 0, for a policy that uses none.
pub(crate) fn no_draws() -> super::Draws<ScalarWord> {
    super::Draws {
        first_word: ScalarWord(0),
        ..draws(0, 0, 0)
    }
}

/// The draws of a step of an episode.
pub(crate) fn draws(seed: u64, episode: u64, step: u32) -> super::Draws<ScalarWord> {
    let stream = crate::rng::Stream::of_consecutive_episodes(seed, episode, step);
    super::Draws {
        stream,
        first_word: stream.words(crate::rng::STEP, ScalarWord(0))[3],
    }
}
