//! The user always clicks the first document of the slate. Twin: `shaders/choice/first.wgsl`.
//!
//! # Source
//! `RecSim` 0.2.4, `LTSUserModel.simulate_response`.

use super::{Choice, ChoiceDefinition, Scores};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Mask, Number, Word};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

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

    fn entry() -> Entry {
        Entry::choice(NAME, "the first document, always", Vec::new()).only_where_named()
    }

    // Episodes are run with it by the specimens of the environment whose default it is.
    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&[
            "environment.name=long_term_satisfaction",
        ])]
    }

    fn new(_settings: &Settings, _scores: Option<&Scores>) -> Result<Self, ConfigError> {
        Ok(Self)
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
