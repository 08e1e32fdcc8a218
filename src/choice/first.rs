//! The user always clicks the first document of the slate. Twin: `shaders/choice/first.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `LTSUserModel.simulate_response`.

use super::{Choice, ChoiceDefinition};
use crate::number::{Mask, Number, Word};
use crate::shader::{ShaderSource, embedded};

/// The name in configurations.
pub const NAME: &str = "first";

/// The model, and its host twin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct First;

impl<N: Number> Choice<N> for First {
    #[inline(always)]
    fn choose(&self, _scores: &[N], _uniform: N) -> N::Word {
        N::Word::splat(0)
    }

    #[inline(always)]
    fn are_valid(&self, _scores: &[N]) -> N::Mask {
        N::Mask::splat(true)
    }

    #[inline(always)]
    fn weigh(&self, _score: N) -> N {
        N::splat(1.0)
    }
}

impl ChoiceDefinition for First {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn shader(&self) -> ShaderSource {
        embedded!("choice", "choice/first.wgsl")
    }

    fn num_considered(&self, _slate_size: u32) -> u32 {
        1
    }

    fn allows_empty(&self) -> bool {
        false
    }

    fn needs_scores(&self) -> bool {
        false
    }
}
