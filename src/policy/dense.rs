//! The layers of a network, found among the tensors of its weights.
//!
//! Layers are numbered in the names of their tensors, `layers.0.weight`, `layers.0.bias`, `layers.1.weight`, ...; any other
//! prefix will do, or none. They count from 0 by ones, or as `torch.nn.Sequential` counts, whose activations have a number too:
//! `0.weight`, `2.weight`, ... (by threes with a dropout after the activation). A layer may have no bias. Any other tensor is
//! an error: without it the network would not be the one in the file.

use super::activation::Activation;
use super::inputs::Inputs;
use crate::config::{Tensor, Weights};
use std::collections::BTreeMap;

/// The most units of a network layer: a GPU lane keeps the numbers of two.
pub const MAX_WIDTH: usize = 256;

/// The largest sum that is allowed. It is far below the limit of single precision, so that the sums of an earlier layer may be
/// larger than estimated.
const LARGEST_SUM: f64 = 1e30;

/// The largest magnitude of a weight: a larger number that is added to every candidate's score would hide, in single precision,
/// the differences between candidates.
const LARGEST_WEIGHT: f64 = 1e4;

/// A network layer: a linear map with biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Shape `[units][inputs]`, row by row, in single precision.
    pub weights: Vec<f64>,
    /// Shape `[units]`.
    pub biases: Vec<f64>,
}

impl Dense {
    /// Returns how large each unit's sum may be in magnitude, its partial sums included, given how large the inputs may be.
    fn largest_sums(&self, largest: &[f64]) -> Vec<f64> {
        let rows = self.weights.chunks_exact(largest.len());
        rows.zip(&self.biases)
            .map(|(row, bias)| largest_sum(row, *bias, largest))
            .collect()
    }
}

/// Returns how large a weighted sum may be in magnitude, given how large the inputs may be.
pub(super) fn largest_sum(weights: &[f64], bias: f64, largest: &[f64]) -> f64 {
    let products = weights.iter().zip(largest).map(|(w, x)| (w * x).abs());
    bias.abs() + products.sum::<f64>()
}

/// Describes the overflow if a sum of `name` may leave single precision.
pub(super) fn refuse_overflow(name: &str, largest: f64) -> Result<(), String> {
    if largest <= LARGEST_SUM {
        return Ok(());
    }
    Err(format!(
        "its tensor `{name}` has such large numbers that a sum could reach {largest:.1e}, where single precision ends at \
         3.4e38; allowed are sums up to {LARGEST_SUM:e}"
    ))
}

/// Describes the number of a tensor that is too large, if there is one.
pub(super) fn refuse_large(tensor: &Tensor) -> Result<(), String> {
    let is_large = |number: &&f64| number.abs() > LARGEST_WEIGHT;
    match tensor.values.iter().find(is_large) {
        None => Ok(()),
        Some(number) => Err(format!(
            "its tensor `{}` has the number {number}; allowed are numbers from -{LARGEST_WEIGHT} to {LARGEST_WEIGHT}, beside which \
             single precision still tells candidates apart",
            tensor.name
        )),
    }
}

/// The parts of the name of a layer's tensor.
struct Name<'a> {
    prefix: &'a str,
    number: u32,
    is_bias: bool,
}

impl<'a> Name<'a> {
    /// Splits a name such as `net.2.weight`; `None` for a name of another form.
    fn of(tensor: &'a Tensor) -> Option<Self> {
        let (stem, kind) = tensor.name.rsplit_once('.')?;
        let (prefix, digits) = match stem.rsplit_once('.') {
            Some((prefix, digits)) => (prefix, digits),
            None => ("", stem),
        };
        let number: u32 = digits.parse().ok()?;
        let is_canonical = number.to_string() == digits;
        (is_canonical && ["weight", "bias"].contains(&kind)).then_some(Self {
            prefix,
            number,
            is_bias: kind == "bias",
        })
    }
}

/// Composes a tensor's name.
fn name(prefix: &str, layer: impl std::fmt::Display, kind: &str) -> String {
    let dot = if prefix.is_empty() { "" } else { "." };
    format!("{prefix}{dot}{layer}.{kind}")
}

/// Finds the layers in order, each with its bias if it has one.
fn find(weights: &Weights, inputs: Inputs) -> Result<Vec<(&Tensor, Option<&Tensor>)>, String> {
    let mut networks: BTreeMap<&str, BTreeMap<u32, &Tensor>> = BTreeMap::new();
    for tensor in &weights.tensors {
        if let Some(name) = Name::of(tensor).filter(|name| !name.is_bias) {
            let layers = networks.entry(name.prefix).or_default();
            layers.insert(name.number, tensor);
        }
    }
    // For the message, the network with the most layers counts as the intended one; among equals, that of the usual prefix, or
    // the first. The tensors of the others are reported as unexpected.
    let key =
        |(prefix, layers): &(&&str, &BTreeMap<u32, &Tensor>)| (layers.len(), **prefix == "layers");
    let largest = networks.iter().rev().max_by_key(key);
    let Some((&prefix, layers)) = largest else {
        return Err(format!(
            "it has no tensor `layers.0.weight`, whose shape would be [units, {}], for {}; it has {}",
            inputs.len(),
            inputs.description(),
            weights.listed()
        ));
    };
    let is_asked = |tensor: &Tensor| {
        let name = Name::of(tensor);
        name.is_some_and(|name| name.prefix == prefix && layers.contains_key(&name.number))
    };
    let numbers: Vec<u32> = layers.keys().copied().collect();
    let last = numbers[numbers.len() - 1];
    let possible = numbers.iter().copied().chain([0, last + 1, last + 2]);
    let possible: Vec<String> = possible
        .flat_map(|layer| ["weight", "bias"].map(|kind| name(prefix, layer, kind)))
        .collect();
    let allowed = format!(
        "`{}` and `{}`, N counting the layers from 0",
        name(prefix, "N", "weight"),
        name(prefix, "N", "bias")
    );
    weights.refuse_unasked(is_asked, &possible, &allowed)?;
    check_numbers(prefix, &numbers)?;
    let bias = |number: u32| weights.tensor(&name(prefix, number, "bias"));
    let found = layers.iter();
    Ok(found
        .map(|(&number, &layer)| (layer, bias(number)))
        .collect())
}

/// Checks the numbering of layers: a gap that no activation explains means that a layer is missing.
fn check_numbers(prefix: &str, numbers: &[u32]) -> Result<(), String> {
    let steps = numbers.windows(2).map(|pair| pair[1] - pair[0]);
    let is_sequential = prefix.rsplit('.').next() != Some("layers");
    let fits = numbers[0] == 0
        && (steps.clone().all(|step| step == 1)
            || is_sequential && steps.clone().all(|step| [2, 3].contains(&step)));
    if fits {
        return Ok(());
    }
    let listed: Vec<String> = numbers.iter().map(u32::to_string).collect();
    Err(format!(
        "its layers `{}` are numbered {}; allowed is 0, 1, 2, ... without a gap, or 0, 2, 4, ... as torch.nn.Sequential \
         numbers `0.weight`, `2.weight`, with an activation between any two (by threes with a dropout after it)",
        name(prefix, "N", "weight"),
        listed.join(", ")
    ))
}

/// Makes layers whose sizes fit together, or describes what does not fit; `largest` says how large each input may be.
///
/// Returns the layers, and how large the score may be.
pub(super) fn fit(
    weights: &Weights,
    inputs: Inputs,
    activation: Activation,
    mut largest: Vec<f64>,
) -> Result<(Vec<Dense>, f64), String> {
    let found = find(weights, inputs)?;
    weights.tensors.iter().try_for_each(refuse_large)?;
    let mut width = inputs.len();
    let mut layers = Vec::new();
    for (index, (weight, bias)) in found.iter().enumerate() {
        let is_last = index + 1 == found.len();
        let fits = match weight.shape[..] {
            [units, columns] => {
                columns == width && (1..=MAX_WIDTH).contains(&units) && (units == 1 || !is_last)
            }
            _ => false,
        };
        if !fits {
            let (units, most) = if is_last {
                ("1", String::new())
            } else {
                ("units", format!(" with 1 to {MAX_WIDTH} units"))
            };
            let of = if index == 0 {
                inputs.description()
            } else {
                "as many columns as the layer before has units".to_owned()
            };
            return Err(format!(
                "its tensor `{}` has the shape {:?}; allowed is [{units}, {width}]{most}, for {of}",
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
        let layer = Dense {
            weights: weight.values.clone(),
            biases,
        };
        largest = layer.largest_sums(&largest);
        let most = largest.iter().copied().fold(0.0, f64::max);
        refuse_overflow(&weight.name, most)?;
        if !is_last {
            for number in &mut largest {
                *number = activation.bound(*number);
            }
        }
        layers.push(layer);
    }
    Ok((layers, largest[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WeightsSource;

    const INPUTS: Inputs = Inputs {
        document: 1,
        user: 1,
        layers: 0,
    };

    /// Makes weights of ones with these names and shapes.
    fn named(tensors: &[(&str, &[usize])]) -> Weights {
        filled(1.0, tensors)
    }

    fn filled(value: f64, tensors: &[(&str, &[usize])]) -> Weights {
        let tensor = |&(name, shape): &(&str, &[usize])| Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: vec![value; shape.iter().product()],
        };
        Weights {
            source: WeightsSource::Layers,
            tensors: tensors.iter().map(tensor).collect(),
        }
    }

    fn fitted(weights: &Weights) -> Result<Vec<Dense>, String> {
        fit(weights, INPUTS, Activation::Relu, vec![1.0; 2]).map(|(layers, _)| layers)
    }

    fn refusal(tensors: &[(&str, &[usize])]) -> String {
        fitted(&named(tensors)).unwrap_err()
    }

    #[test]
    fn layers_are_found_under_the_names_of_a_sequential_in_the_order_of_their_numbers() {
        let weights = named(&[
            ("net.0.bias", &[3]),
            ("net.0.weight", &[3, 2]),
            ("net.2.weight", &[4, 3]),
            ("net.5.weight", &[1, 4]),
        ]);
        let layers = fitted(&weights).unwrap();
        let widths: Vec<usize> = layers.iter().map(|layer| layer.biases.len()).collect();
        assert_eq!(widths, [3, 4, 1]);
        assert_eq!(layers[1].biases, [0.0; 4]);
        let bare = named(&[("0.weight", &[3, 2]), ("2.weight", &[1, 3])]);
        assert_eq!(fitted(&bare).unwrap().len(), 2);
        // Ten comes after two by number, but before it in alphabetical order.
        let names: Vec<String> = (0..11)
            .map(|layer| format!("layers.{layer}.weight"))
            .collect();
        let mut tensors: Vec<(&str, &[usize])> = names
            .iter()
            .map(|name| (name.as_str(), [2_usize, 2].as_slice()))
            .collect();
        tensors[10].1 = &[1, 2];
        tensors.sort_unstable();
        assert_eq!(fitted(&named(&tensors)).unwrap().len(), 11);
    }

    #[test]
    fn a_tensor_that_nobody_asked_for_is_refused_with_the_nearest_name() {
        let layer: (&str, &[usize]) = ("layers.0.weight", &[1, 2]);
        for (unasked, hint) in [
            ("layers.0.Bias", " (did you mean `layers.0.bias`?)"),
            ("layers.0.bais", " (did you mean `layers.0.bias`?)"),
            ("layer.0.bias", " (did you mean `layers.0.bias`?)"),
            ("layers.0.weight_scale", ""),
            ("layers.00.bias", " (did you mean `layers.0.bias`?)"),
            ("bn.running_mean", ""),
            ("log_std", ""),
            ("critic.0.weight", ""),
        ] {
            let told = refusal(&[layer, (unasked, &[1])]);
            let expected = format!(
                "its tensor `{unasked}` is not asked for{hint}: allowed are `layers.N.weight` and `layers.N.bias`, N counting \
                 the layers from 0"
            );
            assert_eq!(told, expected);
        }
        let weight = refusal(&[layer, ("layers.1.wieght", &[1, 1])]);
        assert!(
            weight.contains("(did you mean `layers.1.weight`?)"),
            "{weight}"
        );
        let bias = refusal(&[layer, ("layers.5.bias", &[1])]);
        assert!(bias.contains("`layers.5.bias` is not asked for"), "{bias}");
    }

    #[test]
    fn gaps_are_refused_but_for_those_of_a_sequential() {
        let numbered = |names: [&str; 3]| {
            let [first, second, third] = names;
            fitted(&named(&[
                (first, &[2, 2]),
                (second, &[2, 2]),
                (third, &[1, 2]),
            ]))
        };
        for good in [
            ["layers.0.weight", "layers.1.weight", "layers.2.weight"],
            ["0.weight", "2.weight", "4.weight"],
            ["0.weight", "3.weight", "6.weight"],
            [
                "actor.mlp.0.weight",
                "actor.mlp.2.weight",
                "actor.mlp.4.weight",
            ],
        ] {
            assert!(numbered(good).is_ok(), "{good:?}");
        }
        for bad in [
            ["layers.0.weight", "layers.1.weight", "layers.3.weight"],
            ["layers.0.weight", "layers.2.weight", "layers.4.weight"],
            ["layers.1.weight", "layers.2.weight", "layers.3.weight"],
            ["0.weight", "1.weight", "3.weight"],
            ["0.weight", "2.weight", "6.weight"],
            ["2.weight", "4.weight", "6.weight"],
        ] {
            let told = numbered(bad).unwrap_err();
            assert!(told.contains("are numbered"), "{told}");
            assert!(
                told.contains("allowed is 0, 1, 2, ... without a gap"),
                "{told}"
            );
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused_with_the_most_units() {
        let wide = refusal(&[("0.weight", &[512, 2]), ("2.weight", &[1, 512])]);
        assert_eq!(
            wide,
            "its tensor `0.weight` has the shape [512, 2]; allowed is [units, 2] with 1 to 256 units, for 2 inputs, 1 of the \
             document, 1 of the user and 0 of layers"
        );
        let bias = refusal(&[("0.weight", &[1, 2]), ("0.bias", &[2])]);
        assert!(
            bias.contains("`0.bias` has the shape [2]; allowed is [1]"),
            "{bias}"
        );
    }

    #[test]
    fn numbers_beside_which_single_precision_cannot_tell_candidates_apart_are_refused() {
        let tensors: [(&str, &[usize]); 2] = [("0.weight", &[2, 2]), ("2.weight", &[1, 2])];
        let large = fitted(&filled(10_001.0, &tensors)).unwrap_err();
        assert!(
            large.starts_with("its tensor `0.weight` has the number 10001; allowed are numbers from -10000 to 10000"),
            "{large}"
        );
        assert!(fitted(&filled(-1e4, &tensors)).is_ok());
    }

    #[test]
    fn weights_that_single_precision_may_not_hold_the_sums_of_are_refused_by_layer() {
        let layers = |count: usize| -> Weights {
            let shape = |layer: usize| -> &[usize] {
                match layer + 1 == count {
                    true => &[1, 2],
                    false => &[2, 2],
                }
            };
            let names: Vec<String> = (0..count).map(|layer| format!("{layer}.weight")).collect();
            let tensors: Vec<_> = (0..)
                .zip(&names)
                .map(|(layer, name)| (&name[..], shape(layer)))
                .collect();
            filled(1e4, &tensors)
        };
        // Each layer makes numbers 20,000 times as large.
        assert!(fitted(&layers(6)).is_ok());
        let large = fitted(&layers(8)).unwrap_err();
        assert!(
            large.starts_with(
                "its tensor `6.weight` has such large numbers that a sum could reach 1.3e30"
            ),
            "{large}"
        );
        // The result of a hyperbolic tangent is at most 1.
        let bounded = fit(&layers(8), INPUTS, Activation::Tanh, vec![1.0; 2]);
        assert_eq!(bounded.unwrap().1, 2e4);
    }
}
