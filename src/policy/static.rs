//! The first K candidates, in order. Twin: `shaders/policy/static.wgsl`.

use super::{Offer, Policy, Scratch};
use crate::config::{ConfigError, Key, Settings};
use crate::environment::Outline;
use crate::number::{Number, Word};
use crate::rng::Stream;
use crate::shader::{ShaderDefs, ShaderSource, embedded};

/// The name in configurations.
pub const NAME: &str = "static";
/// What it is, in a line.
pub const ABOUT: &str = "the first candidates, in order";

/// Lists the configuration keys.
pub fn keys() -> Vec<Key> {
    Vec::new()
}

/// Returns the WGSL twin.
pub fn shader() -> ShaderSource {
    embedded!("policy", "policy/static.wgsl")
}

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Static;

impl Static {
    pub(super) fn new(_settings: &Settings, _outline: &Outline) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    pub(super) fn shader_defs(self) -> ShaderDefs {
        ShaderDefs::new()
    }
}

impl<N: Number> Policy<N> for Static {
    #[inline(always)]
    fn recommend(
        &self,
        _offer: &mut impl Offer<N>,
        _stream: &Stream<N::Word>,
        _first_word: N::Word,
        _scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        for (position, candidate) in (0..).zip(slate) {
            *candidate = N::Word::splat(position);
        }
    }
}
