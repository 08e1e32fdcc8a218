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

use super::{Choice, ChoiceDefinition};
use crate::number::{Mask, Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};

/// The name in configurations.
pub const NAME: &str = "multinomial_logit";

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

    fn name(&self) -> &'static str {
        NAME
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
