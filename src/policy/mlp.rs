//! A small network that scores each candidate. Twin: `shaders/policy/mlp.wgsl`.
//!
//! ```text
//! h_0 = x,   h_l = max(0, W_l h_(l-1) + b_l),   score = W_L h_(L-1) + b_L
//! ```
//!
//! The input vector x is that of [`inputs`](super::inputs), the slate that of [`scoring`].
//!
//! Weights are a safetensors file with the tensors `layers.0.weight` of shape `[units, inputs]`, `layers.0.bias` of shape
//! `[units]`, `layers.1.weight`, ..., the last of one unit; the names that `PyTorch`'s `Sequential` gives (`0.weight`,
//! `2.weight`, ...) will do, with any prefix. Or they are a list of layers, each a list of units, each a list of its weights
//! and its bias. Any number of layers, each of at most [`MAX_WIDTH`] units.

use super::inputs::Inputs;
use super::propensity::Propensity;
use super::ranking::{begin, insert};
use super::scoring;
use super::{Draws, Offer, Policy, PolicyDefinition, Scratch, Target};
use crate::config::{ConfigError, Entry, Key, Settings, Tensor, Weights};
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};

/// So many units a layer may have: a GPU lane keeps the numbers of two layers.
pub const MAX_WIDTH: usize = 256;

/// A linear map and what is added to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Shape `[units][inputs]`, row by row, in single precision.
    pub weights: Vec<f64>,
    /// Shape `[units]`.
    pub biases: Vec<f64>,
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// What candidates are scored by.
    pub inputs: Inputs,
    /// The layers, the last of one unit.
    pub layers: Vec<Dense>,
    /// Randomness of the slate; 0 for the best candidates.
    pub temperature: f64,
}

/// Finds the layers in order: pairs of tensors that differ in the number in their names.
fn find(weights: &Weights) -> Vec<(u32, &Tensor, Option<&Tensor>)> {
    let layer = |tensor: &'_ Tensor| {
        let stem = tensor.name.strip_suffix(".weight")?;
        let number = stem.rsplit('.').next()?;
        number.parse().ok()
    };
    let mut layers: Vec<_> = weights
        .tensors
        .iter()
        .filter_map(|tensor| {
            let stem = tensor.name.strip_suffix(".weight")?;
            Some((
                layer(tensor)?,
                tensor,
                weights.tensor(&format!("{stem}.bias")),
            ))
        })
        .collect();
    layers.sort_by_key(|(number, _, _)| *number);
    layers
}

/// Makes layers that fit one on the other, or tells what does not fit.
fn fit(weights: &Weights, inputs: Inputs) -> Result<Vec<Dense>, String> {
    let found = find(weights);
    if found.is_empty() {
        return Err(format!(
            "it has no tensor `layers.0.weight`, whose shape would be [units, {}], for {}; it has {}",
            inputs.len(),
            inputs.description(),
            weights.listed()
        ));
    }
    let mut width = inputs.len();
    let mut layers = Vec::new();
    for (index, (_, weight, bias)) in found.iter().enumerate() {
        let is_last = index + 1 == found.len();
        let fits = match weight.shape[..] {
            [units, columns] => {
                columns == width && (1..=MAX_WIDTH).contains(&units) && (units == 1 || !is_last)
            }
            _ => false,
        };
        if !fits {
            let units = if is_last { "1" } else { "units" };
            let of = if index == 0 {
                inputs.description()
            } else {
                format!("as many columns as the layer before has units, at most {MAX_WIDTH}")
            };
            return Err(format!(
                "its tensor `{}` has the shape {:?}; allowed is [{units}, {width}], for {of}",
                weight.name, weight.shape
            ));
        }
        width = weight.shape[0];
        let biases = match bias {
            None => vec![0.0; width],
            Some(bias) if bias.shape == [width] => bias.values.clone(),
            Some(bias) => {
                return Err(format!(
                    "its tensor `{}` has the shape {:?}; allowed is [{width}]",
                    bias.name, bias.shape
                ));
            }
        };
        layers.push(Dense {
            weights: weight.values.clone(),
            biases,
        });
    }
    Ok(layers)
}

impl Mlp {
    /// Returns the largest number of numbers between two layers.
    fn width(&self) -> usize {
        let widths = self.layers.iter().map(|layer| layer.biases.len());
        widths.max().unwrap_or(0).max(self.inputs.len())
    }

    /// Scores a candidate by its input vector; `below` and `above` have room for the numbers between two layers.
    #[inline(always)]
    fn score<'a, N: Number>(&self, x: &[N], mut below: &'a mut [N], mut above: &'a mut [N]) -> N {
        below[..x.len()].copy_from_slice(x);
        let mut size = x.len();
        let mut score = N::splat(0.0);
        for layer in &self.layers {
            let rows = layer.weights.chunks_exact(size);
            for (unit, (row, &bias)) in rows.zip(&layer.biases).enumerate() {
                let mut sum = N::splat(bias);
                for (&weight, &number) in row.iter().zip(below.iter()) {
                    sum = sum + N::splat(weight) * number;
                }
                above[unit] = sum.max(N::splat(0.0));
                score = sum;
            }
            size = layer.biases.len();
            std::mem::swap(&mut below, &mut above);
        }
        score
    }
}

impl PolicyDefinition for Mlp {
    fn entry() -> Entry {
        let keys = vec![
            Key::weights(
                "weights",
                "layers of a network whose inputs are the features of the document, what is observed of the user, and \
                 the numbers of the layers around the policy",
            ),
            scoring::temperature_key(),
        ];
        let about = "a small network that scores each candidate";
        Entry::policy("mlp", about, keys)
    }

    fn new(settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError> {
        let inputs = Inputs::of(target);
        let layers = fit(settings.weights("weights"), inputs)
            .map_err(|problem| settings.misfit("weights", problem))?;
        Ok(Self {
            inputs,
            layers,
            temperature: scoring::temperature(settings)?,
        })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/mlp.wgsl")
    }

    fn shader_defs(&self) -> ShaderDefs {
        let size = |name: &str, size: usize| {
            let size = u32::try_from(size).expect("layers are few and narrow");
            (name.to_owned(), ShaderDef::UInt(size))
        };
        let mut defs = self.inputs.shader_defs();
        defs.extend(scoring::shader_defs(self.temperature));
        defs.extend([
            size("MLP_LAYERS", self.layers.len()),
            size("MLP_WIDTH", self.width()),
            size(
                "MLP_WEIGHTS",
                self.layers.iter().map(|layer| layer.weights.len()).sum(),
            ),
        ]);
        defs
    }

    /// The temperature, the units of each layer, and for each layer its biases and its weights.
    fn tables(&self) -> Vec<f64> {
        let mut tables = vec![self.temperature];
        let units = self.layers.iter().map(|layer| layer.biases.len() as f64);
        tables.extend(units);
        for layer in &self.layers {
            tables.extend(&layer.biases);
            tables.extend(&layer.weights);
        }
        tables
    }

    fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        let (mut below, mut above) = (vec![0.0; self.width()], vec![0.0; self.width()]);
        let score = |x: &[f64]| self.score(x, &mut below, &mut above);
        let scores = || self.inputs.scores(offer, state, score);
        scoring::propensity(scores, self.temperature, own, slate)
    }
}

impl<N: Number> Policy<N> for Mlp {
    #[inline(always)]
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        begin(scratch, slate.len());
        let (inputs, width) = (self.inputs.len(), self.width());
        let all = slate.len() + inputs + 2 * width;
        scratch.numbers.resize(all, N::splat(0.0));
        let (keys, rest) = scratch.numbers.split_at_mut(slate.len());
        let (x, rest) = rest.split_at_mut(inputs);
        let (below, above) = rest.split_at_mut(width);
        let mut words = draws.words();
        self.inputs.begin(offer, state, x);
        for index in 0..offer.num_candidates() {
            let candidate = N::Word::splat(index);
            offer.look_at(candidate);
            self.inputs.look_at(offer, x);
            let score = self.score(x, below, above);
            let key = scoring::key(score, self.temperature, &mut words, index);
            insert(keys, slate, key, candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::ScalarWord;
    use crate::policy::listed::{Listed, no_draws};

    const INPUTS: Inputs = Inputs {
        document: 1,
        user: 1,
        layers: 0,
    };

    fn weights(text: &str) -> Weights {
        let settings = Mlp::entry().settings_with(&[text]).unwrap();
        settings.weights("weights").clone()
    }

    /// `|x_0 - x_1| = relu(x_0 - x_1) + relu(x_1 - x_0)`, which no linear score is.
    #[test]
    fn a_network_of_two_layers_scores_the_distance() {
        let text = "weights=[[[1, -1, 0], [-1, 1, 0]], [[1, 1, 0.5]]]";
        let policy = Mlp {
            inputs: INPUTS,
            layers: fit(&weights(text), INPUTS).unwrap(),
            temperature: 0.0,
        };
        let mut offer = Listed {
            user: vec![1.0],
            ..Listed::features(&[1.5, 0.0, 3.0, 1.0, -2.0])
        };
        let mut slate = [ScalarWord(0); 5];
        policy.recommend(
            &mut offer,
            &no_draws(),
            &mut [],
            &mut Scratch::default(),
            &mut slate,
        );
        assert_eq!(slate, [4, 2, 1, 0, 3].map(ScalarWord));
    }

    #[test]
    fn layers_are_found_under_the_names_of_a_sequential_in_the_order_of_their_numbers() {
        let tensor = |name: &str, shape: &[usize]| Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: vec![1.0; shape.iter().product()],
        };
        let weights = Weights {
            source: crate::config::WeightsSource::Layers,
            tensors: vec![
                tensor("net.0.bias", &[3]),
                tensor("net.0.weight", &[3, 2]),
                tensor("net.10.weight", &[1, 4]),
                tensor("net.2.weight", &[4, 3]),
            ],
        };
        let layers = fit(&weights, INPUTS).unwrap();
        let widths: Vec<usize> = layers.iter().map(|layer| layer.biases.len()).collect();
        assert_eq!(widths, [3, 4, 1]);
        assert_eq!(layers[1].biases, [0.0; 4]);
    }

    #[test]
    fn layers_that_do_not_fit_are_refused_with_both_shapes() {
        let refusal = |text: &str| fit(&weights(text), INPUTS).unwrap_err();
        assert_eq!(
            refusal("weights=[[[1, 2, 3, 0]], [[1, 0]]]"),
            "its tensor `layers.0.weight` has the shape [1, 3]; allowed is [units, 2], for 2 inputs, 1 of the document, 1 \
             of the user and 0 of layers"
        );
        let second = refusal("weights=[[[1, 2, 0]], [[1, 1, 0]]]");
        assert!(
            second.contains("`layers.1.weight` has the shape [1, 2]; allowed is [1, 1]"),
            "{second}"
        );
        let last = refusal("weights=[[[1, 2, 0], [1, 2, 0]]]");
        assert!(last.contains("shape [2, 2]; allowed is [1, 2]"), "{last}");
        assert!(refusal("weights=[1, 2]").contains("no tensor `layers.0.weight`"));
    }
}
