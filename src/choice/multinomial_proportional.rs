//! Multinomial proportional: each document in proportion to its score above a floor.
//!
//! ```text
//! w_i = x_i - min_normalizer,  w = no_click_mass - min_normalizer
//! P(i) = w_i / (sum_j w_j + w)
//! ```
//!
//! The floor is also subtracted from the mass of choosing nothing. A negative weight counts as 0; if all weights are 0, nothing
//! is clicked; both count as invalid. Twin: `shaders/choice/multinomial_proportional.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `choice_model.MultinomialProportionalChoiceModel`.

use super::{Choice, ChoiceDefinition, Scores};
use crate::config::{Bounds, ConfigError, Entry, Settings};
use crate::number::{Mask, Number, Word};
use crate::parameters;
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

/// The name in configurations.
pub const NAME: &str = "multinomial_proportional";

parameters! {
    /// The model with its parameters, and its host twin.
    pub struct MultinomialProportional from "RecSim 0.2.4, MultinomialProportionalChoiceModel" {
        /// score of choosing nothing
        no_click_mass = number("choice.no_click_mass", 0.0, Bounds::FINITE),
        /// floor of all scores
        min_normalizer = number("choice.min_normalizer", -1.0, Bounds::FINITE),
    }
}

impl<N: Number> MultinomialProportional<N> {
    #[inline(always)]
    fn weight(&self, score: N) -> N {
        (score - self.min_normalizer).max(N::splat(0.0))
    }
}

impl<N: Number> Choice<N> for MultinomialProportional<N> {
    #[inline(always)]
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        let mut total = N::splat(0.0);
        for &score in scores {
            total = total + self.weight(score);
        }
        total = total + self.weight(self.no_click_mass);
        // The number of alternatives whose cumulative weight does not exceed the threshold is the index of the chosen one.
        let threshold = uniform * total;
        let mut cumulative = N::splat(0.0);
        let mut chosen = N::Word::splat(0);
        for &score in scores {
            cumulative = cumulative + self.weight(score);
            let is_passed = cumulative.at_most(threshold);
            chosen = chosen + N::Word::select(is_passed, N::Word::splat(1), N::Word::splat(0));
        }
        chosen
    }

    #[inline(always)]
    fn are_valid(&self, scores: &[N]) -> N::Mask {
        let mut are_valid = N::Mask::splat(true);
        let mut total = self.weight(self.no_click_mass);
        for &score in scores {
            are_valid = are_valid & self.min_normalizer.at_most(score);
            total = total + self.weight(score);
        }
        are_valid & N::splat(0.0).less_than(total)
    }

    #[inline(always)]
    fn weigh(&self, score: N) -> N {
        self.weight(score)
    }
}

impl ChoiceDefinition for MultinomialProportional<f64> {
    type Twin<N: Number> = MultinomialProportional<N>;

    fn twin<N: Number>(&self) -> MultinomialProportional<N> {
        self.map(N::splat)
    }

    fn entry() -> Entry {
        let about = "each document in proportion to its score above a floor";
        Entry::choice(NAME, about, Self::declared()).only_where_named()
    }

    // Episodes are run with it by the specimens of the environment whose default it is.
    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&["environment.name=interest_evolution"])]
    }

    fn new(settings: &Settings, scores: Option<&Scores>) -> Result<Self, ConfigError> {
        let model = Self::read(settings);
        let floor = model.min_normalizer;
        if let Some(scores) = scores {
            scores.check_floor(settings, Self::min_normalizer, floor)?;
        }
        if model.no_click_mass < floor {
            let allowed = format!("at least min_normalizer = {floor}");
            return Err(settings.invalid(Self::no_click_mass, allowed));
        }
        Ok(model)
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.named()
    }

    fn shader(&self) -> ShaderSource {
        embedded!("choice", "choice/multinomial_proportional.wgsl")
    }

    fn allows_empty(&self) -> bool {
        self.no_click_mass > self.min_normalizer
    }
}
