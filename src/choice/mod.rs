//! Choice models: which document of the slate a user clicks, if any.
//!
//! A choice model is a pair of twins: a type here and `shaders/choice/<name>.wgsl`. A [`ChoiceDefinition`] ties the two
//! together with the model's checked parameters, and becomes a [`ChoiceModel`] by `from`. To add one, write the two files, and
//! register it. Environments say in their [`Choices`] which registered ones they offer.
//!
//! # Scores that give no probabilities
//! `RecSim` asserts, while it runs, that the numbers it uses as probabilities are valid ones. A lane of a GPU cannot stop, so
//! here [`Choice::are_valid`] says whether the scores of a slate could be used as they are; a model clamps them if not, and
//! these choices are counted: `invalid_choices` of the results.

mod cascade;
pub mod exponential_cascade;
pub mod first;
mod model;
pub mod multinomial_logit;
pub mod multinomial_proportional;
pub mod proportional_cascade;
mod scores;

pub use model::{ChoiceModel, ChoiceTwin};
pub use scores::Scores;

use crate::config::{ChoiceModels, ConfigError, Entry, Settings};
use crate::number::Number;
use crate::shader::{ShaderDefs, ShaderSource};
use crate::specimen::Specimen;
use std::fmt::Debug;

/// The score of an empty position of the slate: no choice model gives it any probability, or if that is an exponential, no more
/// than 2^-125.
///
/// It is finite because WGSL has no infinity, and far enough from the largest number to be scaled and shifted.
// WGSL: const ABSENT in shaders/kernel/drive.wgsl
pub const ABSENT: f64 = -1e30;

/// The host twin of a choice model.
pub trait Choice<N: Number>: Debug + Send + Sync {
    /// Chooses a position of the slate from the scores of its documents and one uniform draw.
    ///
    /// Returns the position, or `scores.len()` if nothing is clicked. The last scores of a slate may be [`ABSENT`].
    fn choose(&self, scores: &[N], uniform: N) -> N::Word;
    /// Tells whether [`choose`](Self::choose) uses the scores as they are, without clamping.
    fn are_valid(&self, scores: &[N]) -> N::Mask;
    /// Returns the weight that the model gives to the score of a single document: `RecSim`'s stored score.
    fn weigh(&self, score: N) -> N;
}

/// A choice model with its parameters: makes the twins.
///
/// Configurations can name it once it is registered, by [`Registry::with_choice`](crate::registry::Registry::with_choice).
/// `docs/authoring.md` shows how to write one; `examples/custom_choice_model.rs` is a whole program.
pub trait ChoiceDefinition: Debug + Sized + Send + Sync + 'static {
    /// The host twin.
    type Twin<N: Number>: Choice<N> + 'static;
    /// Makes the host twin for a number type.
    fn twin<N: Number>(&self) -> Self::Twin<N>;
    /// Names the choice model and declares its configuration keys, which begin with `choice.`.
    fn entry() -> Entry;
    /// Lists settings under which the choice model is checked: at least one for each of its forms.
    fn specimens() -> Vec<Specimen> {
        Vec::new()
    }
    /// Makes the choice model from checked settings of the environment; `scores` is what the environment knows of its scores.
    ///
    /// # Errors
    /// [`ConfigError`] if settings contradict each other, or if no score would give a probability.
    fn new(settings: &Settings, scores: Option<&Scores>) -> Result<Self, ConfigError>;
    /// Returns the numbers of the WGSL twin's `struct Parameters` with their names, in its order; WGSL has no struct without any.
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("unused", 0.0)]
    }
    /// Returns the WGSL twin.
    fn shader(&self) -> ShaderSource;
    /// Returns the definitions that the WGSL twin is specialised by, besides its sizes.
    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::new()
    }
    /// Returns how many documents of a slate the user looks at, from 1 to all; further ones do not influence the choice.
    fn num_considered(&self, slate_size: u32) -> u32 {
        slate_size
    }
    /// Tells whether a slate may be empty, so that the user clicks nothing.
    fn allows_empty(&self) -> bool {
        true
    }
    /// Tells whether the choice depends on scores.
    fn needs_scores(&self) -> bool {
        true
    }
}

/// How users of an environment choose from a slate.
#[derive(Clone, Debug)]
pub enum Choices {
    /// Always by this model, whose parameters are no keys.
    Fixed(ChoiceModel),
    /// By a registered model, or by one of several.
    Registered(ChoiceModels),
}

impl Choices {
    /// Makes all users choose by one model, whose parameters are no keys.
    pub fn fixed(model: impl Into<ChoiceModel>) -> Self {
        Self::Fixed(model.into())
    }
}

impl From<ChoiceModels> for Choices {
    fn from(models: ChoiceModels) -> Self {
        Self::Registered(models)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::{Lanes, LanesMask, ScalarWord};

    /// Probability of each position, and last of no click, found from `choose` by bisecting the uniform draw.
    pub(super) fn probabilities(model: &impl Choice<f64>, scores: &[f64]) -> Vec<f64> {
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
        (0..scores.len() + 1)
            .map(|position| match position {
                last if last == scores.len() => 1.0 - below(last),
                position => below(position + 1) - below(position),
            })
            .collect()
    }

    /// Checks a vector of section 9.1 of the notes on `RecSim`: see tests/data/README.md.
    fn assert_probabilities(model: &impl ChoiceDefinition, scores: &[f64], expected: &[f64]) {
        let double = model.twin::<f64>();
        let found = probabilities(&double, scores);
        approx::assert_abs_diff_eq!(found.as_slice(), expected, epsilon = 1e-9);
        assert!(double.are_valid(scores), "{model:?} {scores:?}");
        // Away from the thresholds, single precision gives the same choice.
        let single = model.twin::<Lanes<1>>();
        let singles: Vec<Lanes<1>> = scores.iter().map(|&score| Lanes::splat(score)).collect();
        assert_eq!(single.are_valid(&singles), LanesMask::splat(true));
        let mut threshold = 0.0;
        for probability in expected {
            threshold += probability;
            for uniform in [threshold - 1e-6, threshold + 1e-6] {
                if (0.0..1.0).contains(&uniform) {
                    let ScalarWord(chosen) = double.choose(scores, uniform);
                    assert_eq!(single.choose(&singles, Lanes::splat(uniform)).0, [chosen]);
                }
            }
        }
    }

    use crate::number::Mask;

    /// `RecSim`'s unit tests, with more digits, from running it.
    #[test]
    fn probabilities_are_those_of_recsim() {
        let logit = |no_click_mass| multinomial_logit::MultinomialLogit { no_click_mass };
        assert_probabilities(
            &logit(None),
            &[1.0, 0.96],
            &[0.509_998_666_9, 0.490_001_333_1, 0.0],
        );
        assert_probabilities(
            &logit(Some(1.0)),
            &[1.0, 0.96],
            &[0.337_747_759_7, 0.324_504_480_6, 0.337_747_759_7],
        );
        assert_probabilities(
            &logit(Some(5.0)),
            &[3.3, 2.1, 1.7],
            &[
                0.143_327_294_8,
                0.043_169_351_6,
                0.028_937_281_8,
                0.784_566_071_8,
            ],
        );
        assert_probabilities(
            &logit(None),
            &[1f64.ln(), 2f64.ln(), 3f64.ln(), 4f64.ln()],
            &[0.1, 0.2, 0.3, 0.4, 0.0],
        );

        let proportional =
            |min_normalizer, no_click_mass| multinomial_proportional::MultinomialProportional {
                no_click_mass,
                min_normalizer,
            };
        assert_probabilities(
            &proportional(0.0, 0.0),
            &[1.0, 0.96],
            &[1.0 / 1.96, 0.96 / 1.96, 0.0],
        );
        assert_probabilities(
            &proportional(0.5, 0.5),
            &[1.0, 0.96],
            &[0.5 / 0.96, 0.46 / 0.96, 0.0],
        );
        assert_probabilities(
            &proportional(-1.0, 1.0),
            &[0.5, -0.25, -1.0],
            &[0.352_941_176_5, 0.176_470_588_2, 0.0, 0.470_588_235_3],
        );

        let exponential = |score_scaling, attention_prob| exponential_cascade::ExponentialCascade {
            attention_prob,
            score_scaling,
        };
        assert_probabilities(
            &exponential(0.04, 1.0),
            &[3.0, 2.0, 1.0],
            &[
                0.803_421_476_9,
                0.058_101_189_4,
                0.015_056_816_8,
                0.123_420_516_9,
            ],
        );
        assert_probabilities(
            &exponential(0.05, 0.65),
            &[0.9, -0.5, 0.2],
            &[
                0.079_937_101_1,
                0.018_136_506_6,
                0.035_802_5,
                0.866_123_892_3,
            ],
        );
        assert_probabilities(
            &exponential(0.0, 1.0),
            &[3.0, 2.0, 1.0],
            &[0.0, 0.0, 0.0, 1.0],
        );

        let cascade = |attention_prob, min_normalizer, score_scaling| {
            proportional_cascade::ProportionalCascade {
                attention_prob,
                score_scaling,
                min_normalizer,
            }
        };
        assert_probabilities(
            &cascade(1.0, -4.0, 0.07),
            &[-3.0, -3.0, 10.0, 1.0, -4.0],
            &[0.07, 0.0651, 0.847_602, 0.006_054_3, 0.0, 0.011_243_7],
        );
        assert_probabilities(
            &cascade(0.5, -1.0, 0.1),
            &[0.0, 0.0, 0.0],
            &[0.05, 0.0475, 0.045_125, 0.857_375],
        );
        assert_probabilities(
            &cascade(0.65, -1.0, 0.05),
            &[0.9, -0.5, 0.2],
            &[0.061_75, 0.015_246_562_5, 0.035_997_134_1, 0.887_006_303_4],
        );

        // The choice of `RecSim` with the first uniform of NumPy's seed 0.
        fn draw(model: &impl ChoiceDefinition, scores: &[f64]) -> u32 {
            model.twin::<f64>().choose(scores, 0.548_813_503_9).0
        }
        assert_eq!(draw(&exponential(0.04, 1.0), &[3.0, 2.0, 1.0]), 0);
        assert_eq!(draw(&exponential(0.0, 1.0), &[3.0, 2.0, 1.0]), 3);
        assert_eq!(
            draw(&cascade(1.0, -4.0, 0.07), &[-3.0, -3.0, 10.0, 1.0, -4.0]),
            2
        );
        assert_eq!(draw(&cascade(0.5, -1.0, 0.1), &[0.0, 0.0, 0.0]), 3);
    }

    #[test]
    fn a_document_alone_weighs_what_the_original_stores_for_it() {
        fn weigh(model: impl ChoiceDefinition) -> f64 {
            model.twin::<f64>().weigh(0.9)
        }
        let logit = multinomial_logit::MultinomialLogit {
            no_click_mass: Some(1.0),
        };
        approx::assert_abs_diff_eq!(
            weigh(logit),
            0.9f64.exp() / (0.9f64.exp() + 1f64.exp()),
            epsilon = 1e-12
        );
        let proportional = multinomial_proportional::MultinomialProportional {
            no_click_mass: 1.0,
            min_normalizer: -1.0,
        };
        assert_eq!(weigh(proportional), 1.9);
        // The first position of the vectors above.
        let exponential = exponential_cascade::ExponentialCascade {
            attention_prob: 0.65,
            score_scaling: 0.05,
        };
        approx::assert_abs_diff_eq!(weigh(exponential), 0.079_937_101_1, epsilon = 1e-9);
        let cascade = proportional_cascade::ProportionalCascade {
            attention_prob: 0.65,
            score_scaling: 0.05,
            min_normalizer: -1.0,
        };
        approx::assert_abs_diff_eq!(weigh(cascade), 0.061_75, epsilon = 1e-12);
    }

    fn assert_absent_documents_have_no_probability(model: &impl ChoiceDefinition) {
        let scores = [0.7, -0.2, 1.3];
        assert!(model.allows_empty());
        let (double, single) = (model.twin::<f64>(), model.twin::<Lanes<1>>());
        let singles = |scores: &[f64]| -> Vec<Lanes<1>> {
            scores.iter().map(|&score| Lanes::splat(score)).collect()
        };
        for length in 0..=scores.len() {
            let short = &scores[..length];
            let filled = [short, &[ABSENT; 2]].concat();
            // The draw is not 0: with that, the smallest exponential of single precision would still be chosen.
            for uniform in (1..1000).map(|step| f64::from(step) / 1000.0) {
                // Models never get an empty list of scores.
                let (mut expected, mut expected_single) = (0, 0);
                let uniform_single = Lanes::splat(uniform);
                if length > 0 {
                    expected = double.choose(short, uniform).0;
                    [expected_single] = single.choose(&singles(short), uniform_single).0;
                }
                // A choice of nothing is the position after the last, so it moves with the length.
                let moved = |chosen: u32| {
                    let is_none = chosen as usize == length;
                    chosen + if is_none { 2 } else { 0 }
                };
                let ScalarWord(found) = double.choose(&filled, uniform);
                assert_eq!(found, moved(expected), "{model:?} {filled:?} {uniform}");
                let [found] = single.choose(&singles(&filled), uniform_single).0;
                assert_eq!(found, moved(expected_single), "{model:?} {filled:?}");
            }
        }
    }

    /// Empty positions do not change the other probabilities, to the last bit.
    #[test]
    fn absent_documents_have_no_probability() {
        assert_absent_documents_have_no_probability(&multinomial_logit::MultinomialLogit {
            no_click_mass: Some(-0.5),
        });
        assert_absent_documents_have_no_probability(
            &multinomial_proportional::MultinomialProportional {
                no_click_mass: 1.0,
                min_normalizer: -1.0,
            },
        );
        assert_absent_documents_have_no_probability(&exponential_cascade::ExponentialCascade {
            attention_prob: 0.9,
            score_scaling: 0.2,
        });
        assert_absent_documents_have_no_probability(&proportional_cascade::ProportionalCascade {
            attention_prob: 0.9,
            score_scaling: 0.4,
            min_normalizer: -1.0,
        });
    }

    #[test]
    fn models_are_equal_where_their_parameters_are() {
        let cascade = |scaling| {
            ChoiceModel::from(exponential_cascade::ExponentialCascade {
                attention_prob: 0.9,
                score_scaling: scaling,
            })
        };
        assert_eq!(cascade(0.2), cascade(0.2));
        assert_ne!(cascade(0.2), cascade(0.3));
        assert_ne!(cascade(0.2), ChoiceModel::from(first::First));
    }

    #[test]
    fn who_must_click_must_be_shown_something() {
        let logit = multinomial_logit::MultinomialLogit {
            no_click_mass: None,
        };
        assert!(!logit.allows_empty());
        assert!(!first::First.allows_empty());
        let proportional = multinomial_proportional::MultinomialProportional {
            no_click_mass: -1.0,
            min_normalizer: -1.0,
        };
        assert!(!proportional.allows_empty());
    }

    #[test]
    fn scores_that_are_no_probabilities_are_told_and_clamped() {
        let proportional = multinomial_proportional::MultinomialProportional {
            no_click_mass: 0.0,
            min_normalizer: 0.0,
        };
        assert!(!proportional.are_valid(&[-1.0, 3.0]));
        approx::assert_abs_diff_eq!(
            probabilities(&proportional, &[-1.0, 3.0]).as_slice(),
            [0.0, 1.0, 0.0].as_slice(),
            epsilon = 1e-9
        );
        // All weights are 0, so nothing is clicked.
        assert!(!proportional.are_valid(&[0.0, 0.0]));
        assert_eq!(proportional.choose(&[0.0, 0.0], 0.3), ScalarWord(2));
        let exponential = exponential_cascade::ExponentialCascade {
            attention_prob: 0.5,
            score_scaling: 1.0,
        };
        assert!(exponential.are_valid(&[-1.0, 0.0]) && !exponential.are_valid(&[-1.0, 0.1]));
        approx::assert_abs_diff_eq!(
            probabilities(&exponential, &[3.0]).as_slice(),
            [0.5, 0.5].as_slice(),
            epsilon = 1e-9
        );
        let cascade = proportional_cascade::ProportionalCascade {
            attention_prob: 0.5,
            score_scaling: 0.5,
            min_normalizer: 0.0,
        };
        assert!(cascade.are_valid(&[0.0, 2.0]));
        assert!(!cascade.are_valid(&[-0.1, 1.0]) && !cascade.are_valid(&[1.0, 2.1]));
        approx::assert_abs_diff_eq!(
            probabilities(&cascade, &[-1.0, 3.0]).as_slice(),
            [0.0, 0.5, 0.5].as_slice(),
            epsilon = 1e-9
        );
    }
}
