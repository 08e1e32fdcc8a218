//! Exponential cascade: the user goes down the slate and stops at a document with a probability exponential in its score.
//!
//! ```text
//! q_i = score_scaling * exp(x_i)
//! P(i) = r_i * attention_prob * q_i,  r_1 = 1,  r_(i+1) = r_i * (1 - attention_prob * q_i)
//! ```
//!
//! The rest is the probability of choosing nothing. Attention is not compounded: each position gets it once. A probability q
//! above 1 counts as 1, and the choice as invalid. Twin: `shaders/choice/exponential_cascade.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `choice_model.ExponentialCascadeChoiceModel`.

use super::{Choice, ChoiceDefinition, cascade};
use crate::number::{Mask, Number};
use crate::parameters;
use crate::shader::{ShaderSource, embedded};

/// The name in configurations.
pub const NAME: &str = "exponential_cascade";

parameters! {
    /// The model with its parameters, and its host twin.
    pub struct ExponentialCascade {
        /// Probability that a position is looked at, in [0, 1].
        attention_prob,
        /// Probability of a click at score 0, if looked at; not negative.
        score_scaling,
    }
}

impl<N: Number> ExponentialCascade<N> {
    #[inline(always)]
    fn appeal(&self, score: N) -> N {
        self.score_scaling * score.exp()
    }
}

impl<N: Number> Choice<N> for ExponentialCascade<N> {
    #[inline(always)]
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        cascade::choose(scores, uniform, |score| self.weigh(score))
    }

    #[inline(always)]
    fn are_valid(&self, scores: &[N]) -> N::Mask {
        let mut are_valid = N::Mask::splat(true);
        for &score in scores {
            are_valid = are_valid & self.appeal(score).at_most(N::splat(1.0));
        }
        are_valid
    }

    #[inline(always)]
    fn weigh(&self, score: N) -> N {
        self.attention_prob * self.appeal(score).min(N::splat(1.0))
    }
}

impl ChoiceDefinition for ExponentialCascade<f64> {
    type Twin<N: Number> = ExponentialCascade<N>;

    fn twin<N: Number>(&self) -> ExponentialCascade<N> {
        self.map(N::splat)
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.named()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("choice", "choice/exponential_cascade.wgsl")
    }
}
