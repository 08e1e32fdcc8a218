//! Multinomial logit: a softmax over the scores and the logit of choosing nothing.
//!
//! ```text
//! P(i) = exp(x_i) / (sum_j exp(x_j) + exp(no_click_mass))
//! ```
//!
//! The alternative drawn is the first whose cumulative probability exceeds the uniform; choosing nothing comes last.
//! Despite its name, `no_click_mass` is a logit. Twin: `shaders/choice/multinomial_logit.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `choice_model.MultinomialLogitChoiceModel`, with its default of minus infinity for `no_click_mass`
//! as `None`.

use super::{Choice, ChoiceDefinition, Scores};
use crate::config::{Bounds, ConfigError, Entry, Settings};
use crate::keys;
use crate::number::{Mask, Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

/// The name in configurations.
pub const NAME: &str = "multinomial_logit";
/// The largest logit: with larger ones rounding errors become visible in probabilities.
const MAX_LOGIT: f64 = 1e5;

keys! {
    /// The keys of the model.
    pub struct Keys from "RecSim 0.2.4, MultinomialLogitChoiceModel" {
        /// logit of choosing nothing; without it something is always chosen
        no_click_mass: Option<f64> = optional_number("choice.no_click_mass", Bounds::FINITE),
    }
}

/// The model with its parameters, and its host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultinomialLogit<N> {
    /// The logit of choosing nothing; `None`: something is always chosen.
    pub no_click_mass: Option<N>,
}

impl<N: Number> Choice<N> for MultinomialLogit<N> {
    #[inline(always)]
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        // The largest exponent is subtracted, so that no exponential overflows and their sum is at least 1.
        let mut largest = self.no_click_mass.unwrap_or(scores[0]);
        for &score in scores {
            largest = largest.max(score);
        }
        let mut total = N::splat(0.0);
        for &score in scores {
            total = total + (score - largest).exp();
        }
        if let Some(no_click_mass) = self.no_click_mass {
            total = total + (no_click_mass - largest).exp();
        }
        // The number of alternatives whose cumulative weight does not exceed the threshold is the index of the chosen one. The
        // last one is not counted: it gets the rest that rounding leaves.
        let threshold = uniform * total;
        let num_counted = scores.len() - usize::from(self.no_click_mass.is_none());
        let mut cumulative = N::splat(0.0);
        let mut chosen = N::Word::splat(0);
        for &score in &scores[..num_counted] {
            cumulative = cumulative + (score - largest).exp();
            chosen = chosen
                + N::Word::select(
                    cumulative.at_most(threshold),
                    N::Word::splat(1),
                    N::Word::splat(0),
                );
        }
        chosen
    }

    #[inline(always)]
    fn are_valid(&self, _scores: &[N]) -> N::Mask {
        N::Mask::splat(true)
    }

    #[inline(always)]
    fn weigh(&self, score: N) -> N {
        match self.no_click_mass {
            Some(no_click_mass) => (score - no_click_mass).sigmoid(),
            None => N::splat(1.0),
        }
    }
}

impl ChoiceDefinition for MultinomialLogit<f64> {
    type Twin<N: Number> = MultinomialLogit<N>;

    fn twin<N: Number>(&self) -> MultinomialLogit<N> {
        MultinomialLogit {
            no_click_mass: self.no_click_mass.map(N::splat),
        }
    }

    fn entry() -> Entry {
        let about = "a softmax over scores and the logit of choosing nothing";
        Entry::choice(NAME, about, Keys::declared()).only_where_named()
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::new(
            "interest evolution, multinomial logit",
            &[
                "environment.name=interest_evolution",
                "environment.slate_size=3",
            ],
        )]
    }

    fn new(settings: &Settings, scores: Option<&Scores>) -> Result<Self, ConfigError> {
        if let Some(scores) = scores {
            let reason = "whose differences single precision has to resolve";
            scores.check_at_most(settings, MAX_LOGIT, reason)?;
        }
        let Keys { no_click_mass } = Keys::read(settings);
        Ok(Self { no_click_mass })
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("no_click_mass", self.no_click_mass.unwrap_or(0.0))]
    }

    fn shader(&self) -> ShaderSource {
        embedded!("choice", "choice/multinomial_logit.wgsl")
    }

    fn allows_empty(&self) -> bool {
        self.no_click_mass.is_some()
    }

    fn shader_defs(&self) -> ShaderDefs {
        let has_no_click = ShaderDef::Bool(self.no_click_mass.is_some());
        ShaderDefs::from([("HAS_NO_CLICK".to_owned(), has_no_click)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;

    #[test]
    fn huge_scores_do_not_overflow() {
        let model = MultinomialLogit {
            no_click_mass: Some(-1000.0),
        };
        assert_eq!(model.choose(&[800.0, 900.0], 0.5), ScalarWord(1));
        assert_eq!(model.choose(&[-800.0, -900.0], 0.999_999), ScalarWord(0));
    }

    #[test]
    fn without_a_no_click_logit_something_is_always_chosen() {
        let model = MultinomialLogit {
            no_click_mass: None,
        };
        assert_eq!(
            model.choose(&[0.0, -60.0], 1.0 - 1.0 / f64::from(1 << 24)),
            ScalarWord(0)
        );
        assert_eq!(
            model.choose(&[-60.0, 0.0], 1.0 - 1.0 / f64::from(1 << 24)),
            ScalarWord(1)
        );
        assert_eq!(model.choose(&[0.0], 0.999), ScalarWord(0));
    }
}
