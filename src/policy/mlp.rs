//! A small network that scores each candidate. Twin: `shaders/policy/mlp.wgsl`.
//!
//! ```text
//! h_0 = x,   h_l = f(W_l h_(l-1) + b_l),   score = W_L h_(L-1) + b_L
//! ```
//!
//! The input vector x is that of [`inputs`](super::inputs), f the [activation](super::activation), the slate that of
//! [`scoring`].
//!
//! Weights are a safetensors file with the tensors `layers.0.weight` of shape `[units, inputs]`, `layers.0.bias` of shape
//! `[units]`, `layers.1.weight`, ..., the last of one unit; [`dense`](super::dense) describes the names. Or they are a list of
//! layers, each a list of units, each a list of its weights and its bias. There may be any number of layers, each of at most
//! [`MAX_WIDTH`] units.

use super::activation::Activation;
use super::dense::fit;
pub use super::dense::{Dense, MAX_WIDTH};
use super::inputs::Inputs;
use super::propensity::Propensity;
use super::ranking::begin;
use super::scoring;
use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings, Weights};
use crate::keys;
use crate::number::{Number, Word};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource, embedded};
use crate::specimen::Specimen;

keys! {
    /// The keys of the policy, besides the temperature.
    pub struct Keys {
        /// layers of a network whose inputs are the features of the document, what is observed of the user, and
        /// the numbers of the layers around the policy
        weights: Weights = weights("weights"),
        /// what each unit but the last layer's makes of its sum; gelu is the exact one, gelu_tanh its approximation
        activation: Activation = one_of("activation", Activation::Relu),
    }
}

/// The host twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// The inputs of the network.
    pub inputs: Inputs,
    /// The network layers, the last of one unit.
    pub layers: Vec<Dense>,
    /// The activation between them.
    pub activation: Activation,
    /// Randomness of the slate; 0 shows the best candidates.
    pub temperature: f64,
}

impl Mlp {
    /// Returns the largest number of units between two layers.
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
                above[unit] = sum;
                score = sum;
            }
            size = layer.biases.len();
            self.activation.apply(&mut above[..size]);
            std::mem::swap(&mut below, &mut above);
        }
        score
    }
}

/// Three layers over what is observed of a clustered document and its user.
const NETWORK: &str = "policy.weights=[[[1.5, -0.4, 2, -1], [-1, 0.3, 0.5, 1], [2, 0.2, -1, 0.1]], [[1, -1, 0.5, 0.2], [0.3, 1, 1, -0.5]], [[1.5, -1, 0]]]";
/// Two layers over two inputs.
const SMALL_NETWORK: &str = "policy.weights=[[[0.5, -1, 0.1], [1, 2, 0.3]], [[1, -1, 0]]]";

/// Names the settings of a network whose sums run over both signs.
fn network(name: &'static str, activation: &'static str) -> Specimen {
    Specimen::new(
        name,
        &[
            "environment.user.observation_noise_stddev=0.1",
            "environment.user.time_budget=20",
            "environment.document.num_clusters=4",
            "environment.choice.model=multinomial_logit",
            "environment.slate_size=3",
            "policy.temperature=0.7",
            NETWORK,
            activation,
        ],
    )
}

impl PolicyDefinition for Mlp {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        self.clone()
    }

    fn entry() -> Entry {
        let keys = [Keys::declared(), scoring::Keys::declared()].concat();
        let about = "a small network that scores each candidate";
        Entry::policy("mlp", about, keys)
    }

    fn specimens() -> Vec<Specimen> {
        let composed = |activation| Specimen::composed(&[SMALL_NETWORK, activation]);
        vec![
            Specimen::new(
                "a network of three layers",
                &[
                    "environment.user.observation_noise_stddev=0.1",
                    "environment.document.num_clusters=4",
                    "environment.choice.model=multinomial_logit",
                    "environment.slate_size=3",
                    "policy.temperature=0.7",
                    NETWORK,
                ],
            ),
            network("a network of three layers, tanh", "policy.activation=tanh"),
            network("a network of three layers, gelu", "policy.activation=gelu"),
            composed("policy.activation=relu"),
            composed("policy.activation=gelu"),
            composed("policy.activation=gelu_tanh"),
            composed("policy.activation=tanh"),
            composed("policy.activation=silu"),
            composed("policy.activation=sigmoid"),
            // With the clicks and impressions of two topics among the inputs.
            Specimen::composed(&[
                "policy.weights=[[[1, 2, 3, 4, 5, 6, 0.5]]]",
                "policy.temperature=0.5",
                "policy.layer.name=cluster_click_statistics",
            ]),
        ]
    }

    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let inputs = Inputs::of(context);
        let Keys {
            weights,
            activation,
        } = Keys::read(settings);
        let largest = inputs.largest(context);
        let fitted = fit(&weights, inputs, activation, largest);
        let (layers, largest) =
            fitted.map_err(|problem| settings.misfit(Keys::weights, problem))?;
        Ok(Self {
            inputs,
            layers,
            activation,
            temperature: scoring::temperature(settings, largest)?,
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
        defs.extend(self.activation.shader_defs());
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

    /// The temperature, the number of units of each layer, and for each layer its biases and its weights.
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
        let all = 2 * slate.len() + inputs + 2 * width;
        scratch.numbers.resize(all, N::splat(0.0));
        let (ranked, rest) = scratch.numbers.split_at_mut(2 * slate.len());
        let (x, rest) = rest.split_at_mut(inputs);
        let (below, above) = rest.split_at_mut(width);
        let mut words = draws.words();
        self.inputs.begin(offer, state, x);
        for index in 0..offer.num_candidates() {
            offer.look_at(N::Word::splat(index));
            self.inputs.look_at(offer, x);
            let score = self.score(x, below, above);
            scoring::insert(ranked, slate, score, self.temperature, &mut words, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Weights;
    use crate::number::ScalarWord;
    use crate::policy::listed::{Listed, no_draws};

    const INPUTS: Inputs = Inputs {
        document: 1,
        user: 1,
        layers: 0,
    };

    fn weights(text: &str) -> Weights {
        let settings = Mlp::entry().settings_with(&[text]).unwrap();
        Keys::read(&settings).weights
    }

    /// Fits weights to inputs of at most 1.
    fn layers(text: &str) -> Result<Vec<Dense>, String> {
        fit(&weights(text), INPUTS, Activation::Relu, vec![1.0; 2]).map(|(layers, _)| layers)
    }

    fn slate(activation: Activation, text: &str, features: &[f64; 5]) -> [u32; 5] {
        let policy = Mlp {
            inputs: INPUTS,
            layers: layers(text).unwrap(),
            activation,
            temperature: 0.0,
        };
        let mut offer = Listed {
            user: vec![1.0],
            ..Listed::features(features)
        };
        let mut slate = [ScalarWord(0); 5];
        policy.recommend(
            &mut offer,
            &no_draws(),
            &mut [],
            &mut Scratch::default(),
            &mut slate,
        );
        slate.map(|candidate| candidate.0)
    }

    /// `|x_0 - x_1| = relu(x_0 - x_1) + relu(x_1 - x_0)`, which no linear score is.
    #[test]
    fn a_network_of_two_layers_scores_the_distance() {
        let text = "weights=[[[1, -1, 0], [-1, 1, 0]], [[1, 1, 0.5]]]";
        let features = [1.5, 0.0, 3.0, 1.0, -2.0];
        assert_eq!(slate(Activation::Relu, text, &features), [4, 2, 1, 0, 3]);
    }

    /// `tanh(-x)` falls in x, where `max(0, -x)` is 0 for all positive x.
    #[test]
    fn the_activation_is_that_of_the_key() {
        let text = "weights=[[[-1, 0, 0]], [[1, 0]]]";
        let features = [0.5, 0.25, 2.0, 1.0, 0.75];
        assert_eq!(slate(Activation::Relu, text, &features), [0, 1, 2, 3, 4]);
        for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Identity] {
            assert_eq!(slate(activation, text, &features), [1, 0, 4, 3, 2]);
        }
        // Gelu and silu fall and then rise again beyond their minima, at -0.75 and -1.28.
        for activation in [Activation::Gelu, Activation::GeluTanh] {
            assert_eq!(slate(activation, text, &features), [2, 1, 0, 3, 4]);
        }
        let settings = |text| Mlp::entry().settings_with(&["weights=[[[1, 0]]]", text]);
        let words = settings("activation=\"gelu_tanh\"").unwrap();
        assert_eq!(Keys::read(&words).activation, Activation::GeluTanh);
        let refused = settings("activation=\"swish\"").unwrap_err().to_string();
        assert!(
            refused.contains("`policy.activation` = \"swish\" is not allowed; allowed is one of \"relu\", \"tanh\""),
            "{refused}"
        );
        let default = Mlp::entry().settings_with(&["weights=[[[1, 0]]]"]).unwrap();
        assert_eq!(Keys::read(&default).activation, Activation::Relu);
    }

    #[test]
    fn layers_that_do_not_fit_are_refused_with_both_shapes() {
        let refusal = |text: &str| layers(text).unwrap_err();
        assert_eq!(
            refusal("weights=[[[1, 2, 3, 0]], [[1, 0]]]"),
            "its tensor `layers.0.weight` has the shape [1, 3]; allowed is [units, 2] with 1 to 256 units, for 2 inputs, 1 of \
             the document, 1 of the user and 0 of layers"
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
