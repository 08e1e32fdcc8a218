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

use super::Choice;
use crate::number::{Number, Word};

/// The host twin.
#[derive(Clone, Copy, Debug)]
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
        // Counting the alternatives that the threshold has passed gives the first that it has not. The last one is
        // never counted: whatever is left over by rounding is its.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;

    /// Probability of each alternative, read off `choose` by bisecting the uniform draw.
    fn probabilities(no_click_mass: Option<f64>, scores: &[f64]) -> Vec<f64> {
        let model = MultinomialLogit { no_click_mass };
        let alternatives = scores.len() + usize::from(no_click_mass.is_some());
        let below = |alternative: usize| {
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..60 {
                let middle: f64 = 0.5 * (low + high);
                if (model.choose(scores, middle).0 as usize) < alternative {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            low
        };
        (0..alternatives).map(|i| below(i + 1) - below(i)).collect()
    }

    /// `RecSim`'s unit tests, with digits from running the original: see tests/data/README.md.
    #[test]
    fn probabilities_are_those_of_recsim() {
        let close = |found: Vec<f64>, expected: &[f64]| {
            approx::assert_abs_diff_eq!(found.as_slice(), expected, epsilon = 1e-9);
        };
        close(
            probabilities(None, &[1.0, 0.96]),
            &[0.509_998_666_9, 0.490_001_333_1],
        );
        close(
            probabilities(Some(1.0), &[1.0, 0.96]),
            &[0.337_747_759_7, 0.324_504_480_6, 0.337_747_759_7],
        );
        close(
            probabilities(Some(5.0), &[3.3, 2.1, 1.7]),
            &[
                0.143_327_294_8,
                0.043_169_351_6,
                0.028_937_281_8,
                0.784_566_071_8,
            ],
        );
        close(
            probabilities(None, &[1f64.ln(), 2f64.ln(), 3f64.ln(), 4f64.ln()]),
            &[0.1, 0.2, 0.3, 0.4],
        );
    }

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
