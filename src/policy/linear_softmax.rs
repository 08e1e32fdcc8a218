//! A linear score for each candidate, and a slate by softmax. Twin: `shaders/policy/linear_softmax.wgsl`.
//!
//! ```text
//! score = w . x
//! ```
//!
//! The input vector x is that of [`inputs`](super::inputs), the slate that of [`scoring`]. Only the features of the document
//! distinguish the candidates of a step: a bias, and the weights of the user's and the layers' numbers, add the same to all
//! scores. Files may have both, so both are read; but they are left out of the score, so that the rounding of a large one does
//! not hide the differences.
//!
//! Weights are a list of numbers, one for each input, and optionally the bias after them; or a safetensors file with the
//! tensors `weight` of shape `[inputs]` or `[1, inputs]` and optionally `bias` of one number, and no others.

use super::dense::{largest_sum, refuse_large, refuse_overflow};
use super::inputs::Inputs;
use super::propensity::Propensity;
use super::ranking::begin;
use super::scoring;
use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings, Weights, WeightsSource};
use crate::keys;
use crate::number::{Number, Word};
use crate::shader::{ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy, besides the temperature.
    pub struct Keys {
        /// one number for each feature of the document, number observed of the user, and number of the layers;
        /// perhaps a bias
        weights: Weights = weights("weights"),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearSoftmax {
    /// The inputs of the score.
    pub inputs: Inputs,
    /// One number for each feature of a document, in single precision.
    pub weights: Vec<f64>,
    /// Randomness of the slate; 0 shows the best candidates.
    pub temperature: f64,
}

/// Finds weights and bias, or describes what does not fit.
fn fit(weights: &Weights, inputs: Inputs) -> Result<(Vec<f64>, f64), String> {
    let size = inputs.len();
    let allowed = format!("[{size}] or [1, {size}], for {}", inputs.description());
    let Some(weight) = weights.tensor("weight") else {
        return Err(format!(
            "it has no tensor `weight`, whose shape would be {allowed}; it has {}",
            weights.listed()
        ));
    };
    let names = ["weight", "bias"];
    weights.refuse_unasked(
        |tensor| names.contains(&tensor.name.as_str()),
        &names.map(str::to_owned),
        "`weight` and `bias`",
    )?;
    weights.tensors.iter().try_for_each(refuse_large)?;
    if weights.source == WeightsSource::List && weight.values.len() == size + 1 {
        return Ok((weight.values[..size].to_vec(), weight.values[size]));
    }
    if weight.shape != [size] && weight.shape != [1, size] {
        return Err(format!(
            "its tensor `weight` has the shape {:?}; allowed is {allowed}",
            weight.shape
        ));
    }
    let bias = match weights.tensor("bias") {
        None => 0.0,
        Some(bias) if bias.values.len() == 1 => bias.values[0],
        Some(bias) => {
            return Err(format!(
                "its tensor `bias` has the shape {:?}; allowed is [1]",
                bias.shape
            ));
        }
    };
    Ok((weight.values.clone(), bias))
}

impl LinearSoftmax {
    /// Scores a candidate by its input vector, which begins with the features of the document.
    #[inline(always)]
    fn score<N: Number>(&self, x: &[N]) -> N {
        let mut score = N::splat(0.0);
        for (&weight, &number) in self.weights.iter().zip(x) {
            score = score + N::splat(weight) * number;
        }
        score
    }
}

impl PolicyDefinition for LinearSoftmax {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let keys = [Keys::declared(), scoring::Keys::declared()].concat();
        let about = "a linear score for each candidate, and a slate by softmax";
        Entry::policy("linear_softmax", about, keys)
    }

    fn specimens() -> Vec<Specimen> {
        vec![
            Specimen::new(
                "interest exploration, linear scores and softmax",
                &[
                    "environment.name=interest_exploration",
                    "max_steps=30",
                    "policy.weights=[1.5, 0.4, 0.03, -0.02, 0.1, 0.15, -0.2]",
                    "policy.layer.name=cluster_click_statistics",
                ],
            ),
            Specimen::composed(&["policy.weights=[0.5, -1]"]),
            Specimen::composed(&["policy.weights=[0.5, -1, 2]", "policy.temperature=0"]),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let inputs = Inputs::of(context);
        let misfit = |problem| settings.misfit(Keys::weights, problem);
        let (mut weights, bias) = fit(&Keys::read(settings).weights, inputs).map_err(misfit)?;
        let largest = largest_sum(&weights, bias, &inputs.largest(context));
        refuse_overflow("weight", largest).map_err(misfit)?;
        weights.truncate(inputs.document);
        Ok(Self {
            inputs,
            weights,
            temperature: scoring::temperature(settings, largest)?,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/linear_softmax.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        let mut defs = self.inputs.shader_defs();
        defs.extend(scoring::shader_defs(self.temperature));
        defs
    }

    /// The temperature, then the weights.
    fn tables(&self) -> Vec<f64> {
        [&[self.temperature], &self.weights[..]].concat()
    }

    fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        let scores = || self.inputs.scores(offer, state, |x| self.score(x));
        scoring::propensity(scores, self.temperature, own, slate)
    }
}

impl<N: Number> Policy<N> for LinearSoftmax {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        _: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        begin(scratch, slate.len());
        let all = 2 * slate.len() + self.inputs.document;
        scratch.numbers.resize(all, N::splat(0.0));
        let (ranked, x) = scratch.numbers.split_at_mut(2 * slate.len());
        let mut words = draws.words();
        for index in 0..offer.num_candidates() {
            offer.look_at(N::Word::splat(index));
            self.inputs.look_at(offer, x);
            let score = self.score(x);
            scoring::insert(ranked, slate, score, self.temperature, &mut words, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tensor;
    use crate::number::ScalarWord;
    use crate::policy::listed::{Listed, draws};
    use std::collections::BTreeMap;

    fn policy(temperature: f64) -> LinearSoftmax {
        LinearSoftmax {
            inputs: Inputs {
                document: 1,
                user: 1,
                layers: 1,
            },
            weights: vec![2.0],
            temperature,
        }
    }

    fn slate(policy: &LinearSoftmax, features: &[f64], episode: u64) -> Vec<u32> {
        let mut offer = Listed {
            user: vec![3.0],
            ..Listed::features(features)
        };
        let mut slate = [ScalarWord(0); 3];
        policy.recommend(
            &mut offer,
            &draws(5, episode, 0),
            &mut [7.0],
            &mut Scratch::default(),
            &mut slate,
        );
        slate.map(|candidate| candidate.0).to_vec()
    }

    #[test]
    fn without_temperature_the_best_come_first_and_ties_go_to_the_lower_index() {
        let features = [0.5, -1.0, 2.0, 0.5];
        assert_eq!(slate(&policy(0.0), &features, 0), [2, 0, 3]);
    }

    /// Chi-square of the 24 ordered slates of 3 out of 4 against Plackett-Luce probabilities, over 100,000 episodes with
    /// seed 5; the bound is the 0.9999 quantile of the chi-square distribution with 23 degrees of freedom.
    #[test]
    fn slates_have_the_probabilities_of_plackett_and_luce() {
        const EPISODES: u32 = 100_000;
        const BOUND: f64 = 58.6;
        let (temperature, features) = (1.5, [0.5, -0.3, 1.0, 0.0]);
        let mut counts: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        for episode in 0..EPISODES {
            let slate = slate(&policy(temperature), &features, episode.into());
            *counts.entry(slate).or_default() += 1;
        }
        // The score of the user, which all candidates share, cancels out.
        let masses = features.map(|feature| (2.0 * feature / temperature).exp());
        assert_eq!(counts.len(), 24);
        let mut chi_square = 0.0;
        for (slate, count) in counts {
            let mut left: f64 = masses.iter().sum();
            let mut probability = 1.0;
            for candidate in slate {
                probability *= masses[candidate as usize] / left;
                left -= masses[candidate as usize];
            }
            let expected = f64::from(EPISODES) * probability;
            chi_square += (f64::from(count) - expected).powi(2) / expected;
        }
        assert!(chi_square < BOUND, "{chi_square}");
    }

    #[test]
    fn a_temperature_that_is_lost_in_the_rounding_of_scores_is_refused() {
        let temperature = |given: &str, largest_score: f64| {
            let given = ["weights=[1]", given];
            let settings = LinearSoftmax::entry().settings_with(&given).unwrap();
            scoring::temperature(&settings, largest_score)
        };
        assert_eq!(temperature("temperature=0", 1e20).unwrap(), 0.0);
        assert_eq!(temperature("temperature=4e-6", 1e3).unwrap(), 4e-6);
        assert_eq!(temperature("temperature=1e-30", 0.0).unwrap(), 1e-30);
        for (given, largest_score, expected) in [
            (
                "temperature=3e-6",
                1e3,
                "at least 3.7e-6: scores could reach 1.0e3",
            ),
            ("temperature=1e-40", 0.0, "at least 1.0e-30"),
        ] {
            let refused = temperature(given, largest_score).unwrap_err().to_string();
            assert!(
                refused.contains("0, or a number of ") && refused.contains(expected),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_tensor_that_nobody_asked_for_is_refused_with_the_nearest_name() {
        let tensor = |name: &str, size: usize| Tensor {
            name: name.to_owned(),
            shape: vec![size],
            values: vec![1.0; size],
        };
        let refusal = |name: &str| {
            let weights = Weights {
                source: WeightsSource::Layers,
                tensors: vec![tensor("weight", 3), tensor(name, 1)],
            };
            fit(&weights, policy(1.0).inputs).unwrap_err()
        };
        assert_eq!(
            refusal("Bias"),
            "its tensor `Bias` is not asked for (did you mean `bias`?): allowed are `weight` and `bias`"
        );
        assert_eq!(
            refusal("running_mean"),
            "its tensor `running_mean` is not asked for: allowed are `weight` and `bias`"
        );
    }

    #[test]
    fn weights_that_do_not_fit_are_refused_with_both_shapes() {
        let inputs = policy(1.0).inputs;
        let weights = |text: &str| {
            let settings = LinearSoftmax::entry().settings_with(&[text]).unwrap();
            Keys::read(&settings).weights
        };
        assert_eq!(
            fit(&weights("weights=[1, 2, 3]"), inputs).unwrap(),
            (vec![1.0, 2.0, 3.0], 0.0)
        );
        assert_eq!(
            fit(&weights("weights=[1, 2, 3, 4]"), inputs).unwrap().1,
            4.0
        );
        assert_eq!(
            fit(&weights("weights=[1, 2]"), inputs).unwrap_err(),
            "its tensor `weight` has the shape [2]; allowed is [3] or [1, 3], for 3 inputs, 1 of the document, 1 of the \
             user and 1 of layers"
        );
        let missing = fit(&weights("weights=[[[1, 2]]]"), inputs).unwrap_err();
        assert!(missing.contains("no tensor `weight`"), "{missing}");
        assert!(
            missing.ends_with("it has layers.0.weight [1, 1], layers.0.bias [1]"),
            "{missing}"
        );
    }

    #[test]
    fn both_twins_hold_the_same_constants() {
        let (rust, wgsl) = (
            include_str!("scoring.rs"),
            include_str!("../../shaders/policy/scoring.wgsl"),
        );
        crate::math::tests::assert_same_constants(rust, wgsl, &[]);
    }
}
