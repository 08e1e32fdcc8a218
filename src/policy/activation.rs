//! The activation functions between network layers. Twin: the function `activate` of `shaders/policy/mlp.wgsl`.

use crate::config::OneOf;
use crate::math::{gelu_tanh, silu};
use crate::number::Number;
use crate::shader::{ShaderDef, ShaderDefs};
use crate::words;

words! {
    /// The function that is applied to each number of a network layer before the next one reads it. Results have the bits of
    /// [`math`](crate::math).
    #[derive(PartialEq, Eq)]
    pub enum Activation {
        /// max(0, x).
        Relu = "relu",
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// x Phi(x), with the exact distribution function: `PyTorch`'s default.
        Gelu = "gelu",
        /// The approximation of gelu by a hyperbolic tangent: `PyTorch`'s `approximate='tanh'`, and JAX's default.
        GeluTanh = "gelu_tanh",
        /// x sigmoid(x), also called swish.
        Silu = "silu",
        /// 1 / (1 + e^-x).
        Sigmoid = "sigmoid",
        /// x, so that all layers together are one linear map.
        Identity = "identity",
    }
}

impl Activation {
    /// Applies the function to all numbers of a layer.
    #[inline(always)]
    pub fn apply<N: Number>(self, numbers: &mut [N]) {
        match self {
            Self::Relu => each(
                numbers,
                #[inline(always)]
                |x| x.max(N::splat(0.0)),
            ),
            Self::Tanh => each(numbers, N::tanh),
            Self::Gelu => each(numbers, N::gelu),
            Self::GeluTanh => each(numbers, gelu_tanh),
            Self::Silu => each(numbers, silu),
            Self::Sigmoid => each(numbers, N::sigmoid),
            Self::Identity => {}
        }
    }

    /// Returns how large a result may be in magnitude where x is at most `largest`.
    pub(super) fn bound(self, largest: f64) -> f64 {
        match self {
            Self::Tanh | Self::Sigmoid => 1.0,
            Self::Relu | Self::Gelu | Self::GeluTanh | Self::Silu | Self::Identity => largest,
        }
    }

    /// Returns the definitions that the WGSL twin is specialised by.
    pub(super) fn shader_defs(self) -> ShaderDefs {
        let def = |&activation: &Self| {
            let name = format!("ACTIVATION_{}", activation.word().to_uppercase());
            (name, ShaderDef::Bool(activation == self))
        };
        Self::ALL.iter().map(def).collect()
    }
}

#[inline(always)]
fn each<N: Number>(numbers: &mut [N], function: impl Fn(N) -> N) {
    for number in numbers {
        *number = function(*number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_the_function_of_that_name() {
        // Values of PyTorch's functions at -1 and 2.
        let known = [
            ("relu", [0.0, 2.0]),
            ("tanh", [-0.761594155955765, 0.964027580075817]),
            ("gelu", [-0.158655253931457, 1.954499736103642]),
            ("gelu_tanh", [-0.158808009, 1.954597694]),
            ("silu", [-0.268941421369995, 1.761594155955765]),
            ("sigmoid", [0.268941421369995, 0.880797077977882]),
            ("identity", [-1.0, 2.0]),
        ];
        for ((word, expected), activation) in known.into_iter().zip(Activation::ALL) {
            assert_eq!(word, activation.word());
            let mut numbers = [-1.0, 2.0];
            activation.apply(&mut numbers);
            for (found, expected) in numbers.into_iter().zip(expected) {
                assert!((found - expected).abs() < 2e-8, "{word}: {found}");
                assert!(found.abs() <= activation.bound(2.0), "{word}");
            }
        }
    }

    #[test]
    fn the_wgsl_twin_knows_every_word() {
        let text = include_str!("../../shaders/policy/mlp.wgsl");
        for &activation in Activation::ALL {
            let def = format!("ifdef ACTIVATION_{}\n", activation.word().to_uppercase());
            assert_eq!(text.contains(&def), activation != Activation::Relu, "{def}");
        }
    }
}
