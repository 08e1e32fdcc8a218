//! Layers around a policy, whatever the policy is: they change its slates, or keep statistics for it.
//!
//! A layer sees what the policy sees. It may [revise](Layer::revise) the slate that the policy recommends, and keep numbers of
//! its own about each user, such as counts of clicks, which the policy can read. Layers nest, the first one closest to the
//! policy; each kind occurs at most once.
//!
//! A layer is a pair of twins like a policy, and is added in the same way.
//!
//! # Source
//! `RecSim`'s `AbstractHierarchicalAgentLayer` and `SufficientStatisticsLayer`.

pub mod cluster_click_statistics;
pub mod epsilon_greedy;
pub mod fixed_length_history;
mod model;
pub mod temporal_aggregation;

pub use model::LayerModel;

use super::{Draws, Feedback, Offer, PolicyContext, Propensity, Scratch};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Number, Word};
use crate::rng::LAYER;
use crate::shader::{ShaderDefs, ShaderSource};
use crate::specimen::Specimen;
use std::fmt::Debug;

/// Blocks of random words that are reserved for each layer at a step.
const BLOCKS_PER_LAYER: u32 = 1 << 16;

/// Returns the four words of block `block` of the layer whose code is `layer`.
#[inline(always)]
pub fn layer_words<W: Word>(draws: &Draws<W>, layer: u32, block: u32) -> [W; 4] {
    draws
        .stream
        .words(LAYER, W::splat(layer * BLOCKS_PER_LAYER + block))
}

/// The host twin of a layer.
pub trait Layer<N: Number>: Debug + Send + Sync {
    /// Learns from what is offered, before the policy recommends.
    fn prepare(&self, _offer: &mut dyn Offer<N>, _state: &mut [N]) {}

    /// Revises the slate that has been recommended; `state` has [`LayerDefinition::state_size`] numbers.
    fn revise(
        &self,
        _offer: &mut dyn Offer<N>,
        _draws: &Draws<N::Word>,
        _state: &mut [N],
        _scratch: &mut Scratch<N>,
        _slate: &mut [N::Word],
    ) {
    }

    /// Learns from a step; needed only where there is a state.
    fn observe(&self, _feedback: &mut dyn Feedback<N>, _state: &mut [N]) {}
}

/// A layer with its parameters: has the WGSL twin, and makes the host twin.
///
/// `docs/authoring.md` shows how to write one; `tests/custom_policies.rs` has a small one.
pub trait LayerDefinition: Debug + Sized + Send + Sync + 'static {
    /// The host twin; mostly the definition itself.
    type Twin<N: Number>: Layer<N> + 'static;
    /// Makes the host twin for a number type.
    fn twin<N: Number>(&self) -> Self::Twin<N>;
    /// Names the layer and declares its configuration keys.
    fn entry() -> Entry;
    /// Lists settings under which the layer is checked: at least one for each of its forms.
    fn specimens() -> Vec<Specimen> {
        Vec::new()
    }
    /// Makes the layer from checked settings, for an environment.
    ///
    /// # Errors
    /// [`ConfigError`] if the environment does not have what the layer needs.
    fn new(settings: &Settings, context: &PolicyContext<'_>) -> Result<Self, ConfigError>;
    /// Returns the WGSL twin, a module `layer::<name>` with one or more of `prepare`, `revise` and `observe`.
    fn shader(&self) -> ShaderSource;
    /// Returns the definitions that the WGSL twin is specialised by, besides its sizes.
    fn shader_defs(&self) -> ShaderDefs {
        ShaderDefs::new()
    }
    /// Returns the numbers that the WGSL twin reads with `slatesim::tables::policy_table(#{<NAME>_TABLE} + index)`.
    fn tables(&self) -> Vec<f64> {
        Vec::new()
    }
    /// Returns how many numbers the layer keeps of a user.
    fn state_size(&self) -> usize {
        0
    }
    /// Returns the probability of showing `slate`, given the probability without the layer.
    ///
    /// By default it is unknown if the WGSL twin has a function `revise`, and else the same as without the layer.
    fn propensity(&self, without: Propensity, _num_candidates: u32, _slate: &[u32]) -> Propensity {
        match self.shader().declares("fn", "revise") {
            true => Propensity::Unknown,
            false => without,
        }
    }
    /// Tells whether the policy reads the state, rather than the layer alone.
    fn is_read(&self) -> bool {
        true
    }
}
