//! Layers: what goes around a policy, whatever the policy is.
//!
//! A layer sees what the policy sees. It may [revise](Layer::revise) the slate that the policy recommends, and keep
//! numbers of its own about a user: statistics of what has happened, which the policy can read. Layers nest, the first
//! one closest to the policy; each kind occurs at most once.
//!
//! A layer is a pair of twins like a policy, and is added in the same way.
//!
//! # Source
//! `RecSim`'s `AbstractHierarchicalAgentLayer` and `SufficientStatisticsLayer`.

pub mod cluster_click_statistics;
pub mod epsilon_greedy;
pub mod fixed_length_history;
pub mod temporal_aggregation;

use super::{Draws, Feedback, Offer, Propensity, Scratch, Target};
use crate::config::{ConfigError, Entry, Settings};
use crate::number::{Number, Word};
use crate::rng::LAYER;
use crate::shader::{ShaderDefs, ShaderSource};
use std::fmt::Debug;

/// Blocks of random words that a layer has at a step.
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
    /// Takes note of what is offered, before the policy recommends.
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

    /// Takes note of a step; needed only where there is a state.
    fn observe(&self, _feedback: &mut dyn Feedback<N>, _state: &mut [N]) {}
}

/// A layer with its parameters: what makes its WGSL twin, and is its host twin.
pub trait LayerDefinition: Sized {
    /// Names the layer and declares its configuration keys.
    fn entry() -> Entry;
    /// Makes the layer from checked settings, for an environment.
    ///
    /// # Errors
    /// [`ConfigError`] if the environment cannot feed the layer.
    fn new(settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError>;
    /// Returns the WGSL twin, a module `layer::<name>` with one or more of `prepare`, `revise` and `observe`.
    fn shader(&self) -> ShaderSource;
    /// Returns what the WGSL twin is specialised by, besides its sizes.
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
    /// Returns the probability of showing `slate`, from what is known of it without the layer; needed where the layer
    /// revises slates.
    fn propensity(&self, without: Propensity, _num_candidates: u32, _slate: &[u32]) -> Propensity {
        without
    }
    /// Tells whether the numbers are for the policy to read, rather than the layer's own affair.
    fn is_read(&self) -> bool {
        true
    }
}

/// Declares the layers: name of the file, name of the variant and of the type.
macro_rules! layers {
    ($($(#[$attribute:meta])* $module:ident :: $variant:ident),+ $(,)?) => {
        /// A layer with its parameters, and its host twin.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum LayerModel {
            $($(#[$attribute])* $variant($module::$variant),)+
        }

        /// Lists the layers with their configuration keys.
        pub fn entries() -> Vec<Entry> {
            vec![$($module::$variant::entry()),+]
        }

        impl LayerModel {
            /// Makes a layer from checked settings, for an environment.
            ///
            /// # Errors
            /// [`ConfigError`] if the environment cannot feed the layer.
            pub fn new(name: &str, settings: &Settings, target: &Target<'_>) -> Result<Self, ConfigError> {
                $(if name == $module::$variant::entry().name {
                    return Ok(Self::$variant($module::$variant::new(settings, target)?));
                })+
                unreachable!("the catalogue has no layer {name}")
            }

            /// Returns the name in configurations.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $module::$variant::entry().name,)+ }
            }

            /// See [`LayerDefinition::shader`].
            pub fn shader(&self) -> ShaderSource {
                match self { $(Self::$variant(layer) => layer.shader(),)+ }
            }

            /// See [`LayerDefinition::shader_defs`].
            pub fn shader_defs(&self) -> ShaderDefs {
                match self { $(Self::$variant(layer) => layer.shader_defs(),)+ }
            }

            /// See [`LayerDefinition::tables`].
            pub fn tables(&self) -> Vec<f64> {
                match self { $(Self::$variant(layer) => layer.tables(),)+ }
            }

            /// See [`LayerDefinition::state_size`].
            pub fn state_size(&self) -> usize {
                match self { $(Self::$variant(layer) => layer.state_size(),)+ }
            }

            /// See [`LayerDefinition::propensity`].
            pub fn propensity(&self, without: Propensity, num_candidates: u32, slate: &[u32]) -> Propensity {
                match self { $(Self::$variant(layer) => layer.propensity(without, num_candidates, slate),)+ }
            }

            /// See [`LayerDefinition::is_read`].
            pub fn is_read(&self) -> bool {
                match self { $(Self::$variant(layer) => layer.is_read(),)+ }
            }
        }

        impl<N: Number> Layer<N> for LayerModel {
            #[inline(always)]
            fn prepare(&self, offer: &mut dyn Offer<N>, state: &mut [N]) {
                match self { $(Self::$variant(layer) => layer.prepare(offer, state),)+ }
            }

            #[inline(always)]
            fn revise(
                &self,
                offer: &mut dyn Offer<N>,
                draws: &Draws<N::Word>,
                state: &mut [N],
                scratch: &mut Scratch<N>,
                slate: &mut [N::Word],
            ) {
                match self { $(Self::$variant(layer) => layer.revise(offer, draws, state, scratch, slate),)+ }
            }

            #[inline(always)]
            fn observe(&self, feedback: &mut dyn Feedback<N>, state: &mut [N]) {
                match self { $(Self::$variant(layer) => layer.observe(feedback, state),)+ }
            }
        }
    };
}

layers! {
    /// See [`cluster_click_statistics`].
    cluster_click_statistics::ClusterClickStatistics,
    /// See [`epsilon_greedy`].
    epsilon_greedy::EpsilonGreedy,
    /// See [`fixed_length_history`].
    fixed_length_history::FixedLengthHistory,
    /// See [`temporal_aggregation`].
    temporal_aggregation::TemporalAggregation,
}
