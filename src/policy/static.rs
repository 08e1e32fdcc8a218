//! The first K candidates, in order. Twin: `shaders/policy/static.wgsl`.

use super::{Draws, Offer, Policy, PolicyContext, PolicyDefinition, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Number, Word};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Static;

impl PolicyDefinition for Static {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        Entry::policy("static", "the first candidates, in order", Vec::new())
    }

    fn shader(&self) -> ShaderSource {
        embedded!("policy", "policy/static.wgsl")
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&[])]
    }

    fn new(_settings: &Settings, _context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    fn is_deterministic(&self) -> bool {
        true
    }
}

impl<N: Number> Policy<N> for Static {
    #[inline(always)]
    fn recommend(
        &self,
        _offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        _state: &mut [N],
        _scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        for (position, candidate) in (0..).zip(slate) {
            *candidate = N::Word::splat(position);
        }
    }
}
