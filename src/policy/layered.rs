//! A policy with the layers around it: the recommender that a simulation runs with.

use super::layer::{Layer, LayerModel};
use super::random::Random;
use super::{Draws, Feedback, Offer, Policy, PolicyModel, Propensity, Scratch};
use crate::number::{Number, ScalarWord};
use crate::shader::{ShaderDef, ShaderDefs, ShaderSource};
use std::ops::Range;

/// A policy and its layers, the first of them closest to the policy.
///
/// The state of a user is that of the policy, then that of each layer that the policy [reads](super::layer::LayerDefinition::is_read),
/// then that of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Layered {
    policy: PolicyModel,
    layers: Vec<LayerModel>,
    /// Where the state of each layer begins.
    begins: Vec<usize>,
}

impl From<PolicyModel> for Layered {
    fn from(policy: PolicyModel) -> Self {
        Self::new(policy, Vec::new())
    }
}

impl Layered {
    /// Puts layers around a policy, the first of them closest to it.
    ///
    /// # Panics
    /// If a kind of layer occurs twice.
    #[must_use]
    pub fn new(policy: PolicyModel, layers: Vec<LayerModel>) -> Self {
        for (index, layer) in layers.iter().enumerate() {
            let is_double = layers[..index]
                .iter()
                .any(|other| other.name() == layer.name());
            assert!(!is_double, "the layer {:?} occurs twice", layer.name());
        }
        let mut begins = vec![0; layers.len()];
        let mut end = policy.state_size();
        for is_read in [true, false] {
            for (begin, layer) in begins.iter_mut().zip(&layers) {
                if layer.is_read() == is_read {
                    *begin = end;
                    end += layer.state_size();
                }
            }
        }
        Self {
            policy,
            layers,
            begins,
        }
    }

    /// Returns the policy inside.
    #[must_use]
    pub fn policy(&self) -> &PolicyModel {
        &self.policy
    }

    /// Returns the layers, the first of them closest to the policy.
    #[must_use]
    pub fn layers(&self) -> &[LayerModel] {
        &self.layers
    }

    /// Returns how many numbers are remembered of a user; 0 where nothing is learned.
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.policy.state_size()
            + self
                .layers
                .iter()
                .map(LayerModel::state_size)
                .sum::<usize>()
    }

    /// Returns the policy if it is random and has no layers.
    #[must_use]
    pub(crate) fn as_random(&self) -> Option<Random> {
        self.policy.as_random().filter(|_| self.layers.is_empty())
    }

    /// See [`PolicyDefinition::belief`](super::PolicyDefinition::belief).
    #[must_use]
    pub fn belief(&self) -> Option<&[f64]> {
        self.policy.belief()
    }

    /// Returns the tables of the policy, followed by those of each layer.
    #[must_use]
    pub fn tables(&self) -> Vec<f64> {
        let layers = self.layers.iter().flat_map(LayerModel::tables);
        self.policy.tables().into_iter().chain(layers).collect()
    }

    /// Returns the WGSL modules: the policy, then the layers.
    #[must_use]
    pub fn shaders(&self) -> Vec<ShaderSource> {
        let mut modules = vec![self.policy.shader()];
        modules.extend(self.layers.iter().map(LayerModel::shader));
        modules
    }

    /// Returns the definitions that the WGSL modules are specialised by, besides sizes.
    ///
    /// # Panics
    /// Never: states have fewer than 2^32 numbers.
    #[must_use]
    pub fn shader_defs(&self) -> ShaderDefs {
        let size = |size: usize| ShaderDef::UInt(u32::try_from(size).expect("states are small"));
        let mut defs = self.policy.shader_defs();
        // WGSL has no arrays without elements.
        defs.insert("POLICY_STATE".to_owned(), size(self.state_size().max(1)));
        defs.insert("LEARNS".to_owned(), ShaderDef::Bool(self.state_size() > 0));
        defs.insert("OWN_STATE".to_owned(), size(self.policy.state_size()));
        let mut table = self.policy.tables().len();
        for (layer, &state) in self.layers.iter().zip(&self.begins) {
            let name = layer.name().to_uppercase();
            defs.extend(layer.shader_defs());
            defs.insert(format!("{name}_STATE"), size(state));
            defs.insert(format!("{name}_TABLE"), size(table));
            table += layer.tables().len();
        }
        defs
    }

    /// Makes the host twin.
    ///
    /// # Panics
    /// For a number type that no backend computes with.
    #[must_use]
    pub fn twin<N: Number>(&self) -> LayeredTwin<N> {
        let layers = self.layers.iter().zip(&self.begins);
        LayeredTwin {
            policy: self.policy.twin(),
            layers: layers
                .map(|(layer, &begin)| (layer.twin(), begin..begin + layer.state_size()))
                .collect(),
        }
    }

    /// Returns the probability of showing a slate for this offer, given the state before the step; `twin` is the host twin of
    /// this policy.
    pub fn propensity(
        &self,
        twin: &LayeredTwin<f64>,
        offer: &mut dyn Offer<f64>,
        draws: &Draws<ScalarWord>,
        state: &[f64],
        scratch: &mut Scratch<f64>,
        slate: &[u32],
    ) -> Propensity {
        let num_candidates = offer.num_candidates();
        let mut own = vec![ScalarWord(0); slate.len()];
        let mut state = state.to_vec();
        for (layer, own) in &twin.layers {
            layer.prepare(offer, &mut state[own.clone()]);
        }
        // Asking the policy may change the state.
        let before = state.clone();
        twin.policy
            .recommend(offer, draws, &mut state, scratch, &mut own);
        let own: Vec<u32> = own.into_iter().map(|candidate| candidate.0).collect();
        let policy = self.policy.propensity(offer, &before, &own, slate);
        self.layers.iter().fold(policy, |without, layer| {
            layer.propensity(without, num_candidates, slate)
        })
    }
}

/// The host twin of a policy and its layers.
#[derive(Debug)]
pub struct LayeredTwin<N: Number> {
    policy: Box<dyn Policy<N>>,
    /// The layers, the first of them closest to the policy, and where each has its state.
    layers: Vec<(Box<dyn Layer<N>>, Range<usize>)>,
}

impl<N: Number> LayeredTwin<N> {
    /// Recommends as the policy does, and lets each layer revise the slate; see [`Policy::recommend`].
    pub fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        for (layer, own) in &self.layers {
            layer.prepare(offer, &mut state[own.clone()]);
        }
        self.policy.recommend(offer, draws, state, scratch, slate);
        for (layer, own) in &self.layers {
            layer.revise(offer, draws, &mut state[own.clone()], scratch, slate);
        }
    }

    /// Lets each layer, the outermost first, and then the policy learn from a step; see [`Policy::observe`].
    pub fn observe(
        &self,
        feedback: &mut dyn Feedback<N>,
        scratch: &mut Scratch<N>,
        state: &mut [N],
    ) {
        for (layer, own) in self.layers.iter().rev() {
            layer.observe(feedback, &mut state[own.clone()]);
        }
        self.policy.observe(feedback, scratch, state);
    }
}
