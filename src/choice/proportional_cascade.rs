//! Proportional cascade: the user goes down the slate and stops at a document with a probability proportional to its
//! score above a floor.
//!
//! ```text
//! q_i = score_scaling * (x_i - min_normalizer)
//! P(i) = r_i * attention_prob * q_i,  r_1 = 1,  r_(i+1) = r_i * (1 - attention_prob * q_i)
//! ```
//!
//! The rest is the probability of choosing nothing. Attention is not compounded: each position gets it once. A probability q
//! outside [0, 1] counts as the nearer end, and the choice as invalid. Twin: `shaders/choice/proportional_cascade.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `choice_model.ProportionalCascadeChoiceModel`.

use super::{Choice, ChoiceDefinition, Scores, cascade};
use crate::config::{Bounds, ConfigError, Entry, Settings};
use crate::number::{Mask, Number};
use crate::parameters;
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

/// The name in configurations.
pub const NAME: &str = "proportional_cascade";

parameters! {
    /// The model with its parameters, and its host twin.
    pub struct ProportionalCascade from "RecSim 0.2.4, ProportionalCascadeChoiceModel" {
        /// what a cascade multiplies scores with to get probabilities
        score_scaling = non_negative("choice.score_scaling", 0.05),
        /// probability that a cascade looks at a position
        attention_prob = probability("choice.attention_prob", 0.65),
        /// floor of all scores
        min_normalizer = number("choice.min_normalizer", -1.0, Bounds::FINITE),
    }
}

impl<N: Number> ProportionalCascade<N> {
    #[inline(always)]
    fn appeal(&self, score: N) -> N {
        self.score_scaling * (score - self.min_normalizer)
    }
}

impl<N: Number> Choice<N> for ProportionalCascade<N> {
    #[inline(always)]
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        cascade::choose(scores, uniform, |score| self.weigh(score))
    }

    #[inline(always)]
    fn are_valid(&self, scores: &[N]) -> N::Mask {
        let mut are_valid = N::Mask::splat(true);
        for &score in scores {
            are_valid = are_valid
                & self.min_normalizer.at_most(score)
                & self.appeal(score).at_most(N::splat(1.0));
        }
        are_valid
    }

    #[inline(always)]
    fn weigh(&self, score: N) -> N {
        self.attention_prob * self.appeal(score).max(N::splat(0.0)).min(N::splat(1.0))
    }
}

impl ChoiceDefinition for ProportionalCascade<f64> {
    type Twin<N: Number> = ProportionalCascade<N>;

    fn twin<N: Number>(&self) -> ProportionalCascade<N> {
        self.map(N::splat)
    }

    fn entry() -> Entry {
        let about = "from the top of the slate down, by scores above a floor";
        Entry::choice(NAME, about, Self::declared()).only_where_named()
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::new(
            "interest evolution, proportional cascade",
            &[
                "environment.name=interest_evolution",
                "environment.choice.score_scaling=0.3",
                "environment.resample_documents=false",
                "environment.document.num_features=10",
                "environment.slate_size=4",
                "environment.user.user_quality_factor=0.5",
                "max_steps=100",
            ],
        )]
    }

    fn new(settings: &Settings, scores: Option<&Scores>) -> Result<Self, ConfigError> {
        let model = Self::read(settings);
        let floor = model.min_normalizer;
        if let Some(scores) = scores {
            scores.check_floor(settings, Self::min_normalizer, floor)?;
            let lowest = -scores.bound - floor;
            cascade::check_scaling(settings, Self::score_scaling, model.score_scaling, lowest)?;
        }
        Ok(model)
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.named()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("choice", "choice/proportional_cascade.wgsl")
    }
}
