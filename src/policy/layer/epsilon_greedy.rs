//! Replaces the policy's slate by a random one now and then. Twin: `shaders/policy/layer/epsilon_greedy.wgsl`.
//!
//! With probability epsilon, drawn anew at each step, the slate is a uniformly random one of distinct candidates, which may
//! happen to be the policy's.
//!
//! # Precision
//! Epsilon counts as the nearest multiple of 2^-23.

use super::{Layer, LayerDefinition, layer_words};
use crate::config::{ConfigError, Entry, Settings};
use crate::distribution::uniform;
use crate::keys;
use crate::number::{Number, Word};
use crate::policy::propensity::of_distinct;
use crate::policy::shuffle::next_candidate;
use crate::policy::{Draws, Offer, PolicyContext, Propensity, Scratch};
use crate::shader::{ShaderSource, embedded};
use crate::specimen::Specimen;

/// The code of this layer's draws.
// WGSL: const LAYER_CODE in shaders/policy/layer/epsilon_greedy.wgsl
const CODE: u32 = 0;

keys! {
    /// The keys of the layer.
    pub struct Keys {
        /// probability of a random slate of distinct documents
        epsilon: f64 = probability("epsilon", 0.1),
    }
}

/// The host twin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsilonGreedy {
    /// The probability of a random slate.
    pub epsilon: f64,
}

impl LayerDefinition for EpsilonGreedy {
    type Twin<N: Number> = Self;

    fn twin<N: Number>(&self) -> Self {
        *self
    }

    fn entry() -> Entry {
        Entry::layer(
            "epsilon_greedy",
            "now and then a random slate",
            Keys::declared(),
        )
    }

    fn specimens() -> Vec<Specimen> {
        vec![Specimen::composed(&["policy.layer.name=epsilon_greedy"])]
    }

    fn new(settings: &Settings, _context: &PolicyContext<'_>) -> Result<Self, ConfigError> {
        let Keys { epsilon } = Keys::read(settings);
        Ok(Self { epsilon })
    }

    fn shader(&self) -> ShaderSource {
        embedded!("layer::epsilon_greedy", "policy/layer/epsilon_greedy.wgsl")
    }

    fn tables(&self) -> Vec<f64> {
        vec![self.epsilon]
    }

    /// ```text
    /// epsilon (D - K)! / D! + (1 - epsilon) p    p: the probability without the layer
    /// ```
    fn propensity(&self, without: Propensity, num_candidates: u32, slate: &[u32]) -> Propensity {
        without.value().map_or(Propensity::Unknown, |without| {
            let random = of_distinct(num_candidates, slate);
            Propensity::Probability(self.epsilon * random + (1.0 - self.epsilon) * without)
        })
    }
}

impl<N: Number> Layer<N> for EpsilonGreedy {
    #[inline(always)]
    fn revise(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        _state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        let words = layer_words(draws, CODE, 0);
        let explores = uniform::<N>(words[0]).less_than(N::splat(self.epsilon));
        scratch.words.clear();
        for (position, candidate) in (0..).zip(slate) {
            let word = layer_words(draws, CODE, 1 + position / 4)[position as usize % 4];
            let random = next_candidate(&mut scratch.words, offer.num_candidates(), word);
            *candidate = N::Word::select(explores, random, *candidate);
        }
    }
}
