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

use super::{Choice, ChoiceDefinition, Scores, cascade};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Mask, Number};
use crate::parameters;
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

/// The name in configurations.
pub const NAME: &str = "exponential_cascade";
/// The largest score whose exponential single precision holds with room for sums.
const MAX_EXPONENT: f64 = 41.0;

parameters! {
    /// The model with its parameters, and its host twin.
    pub struct ExponentialCascade from "RecSim 0.2.4, ExponentialCascadeChoiceModel" {
        /// what a cascade multiplies scores with to get probabilities
        score_scaling = non_negative("choice.score_scaling", 0.05),
        /// probability that a cascade looks at a position
        attention_prob = probability("choice.attention_prob", 0.65),
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

    fn entry() -> Entry {
        let about = "from the top of the slate down, by exponentials of scores";
        Entry::choice(NAME, about, Self::declared()).only_where_named()
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::new(
            "interest evolution, exponential cascade",
            &[
                "environment.name=interest_evolution",
                // More than the default, with which users click seldom; with interests above 0.916 the probability would exceed
                // 1.
                "environment.choice.score_scaling=0.4",
                "environment.user.user_quality_factor=0.5",
                "max_steps=100",
            ],
        )]
    }

    fn new(settings: &Settings, scores: Option<&Scores>) -> Result<Self, ConfigError> {
        let model = Self::read(settings);
        if let Some(scores) = scores {
            let reason = "whose exponential has to stay in the range of single precision";
            scores.check_at_most(settings, MAX_EXPONENT, reason)?;
            let lowest = (-scores.bound).exp();
            cascade::check_scaling(settings, Self::score_scaling, model.score_scaling, lowest)?;
        }
        Ok(model)
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.named()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("choice", "choice/exponential_cascade.wgsl")
    }
}
