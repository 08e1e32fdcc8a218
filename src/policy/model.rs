//! Any policy behind a pointer, built-in or a user's own.

use super::layer::LayerModel;
use super::random::Random;
use super::{Draws, Feedback, Offer, Policy, PolicyDefinition, Propensity, Scratch};
use crate::number::{MakeTwin, Number, make_twin, twin_of, vectorized};
use crate::shader::{ShaderDefs, ShaderSource};
use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::sync::Arc;

/// A policy with its parameters; made of any [`PolicyDefinition`] by `from`.
///
/// Two are equal if they have the same name, tables, sizes and WGSL.
#[derive(Clone, Debug)]
pub struct PolicyModel {
    name: &'static str,
    definition: Arc<dyn Erased>,
}

impl<P: PolicyDefinition> From<P> for PolicyModel {
    fn from(policy: P) -> Self {
        Self {
            name: P::entry().name,
            definition: Arc::new(policy),
        }
    }
}

/// [`PolicyDefinition`] with its type erased, without the functions that construct it.
trait Erased: Debug + Send + Sync {
    fn shader(&self) -> ShaderSource;
    fn shader_defs(&self) -> ShaderDefs;
    fn tables(&self) -> Vec<f64>;
    fn state_size(&self) -> usize;
    fn needed_layer(&self) -> Option<LayerModel>;
    fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity;
    fn belief(&self) -> Option<&[f64]>;
    /// Makes a `Box<dyn Policy<N>>` for one of the number types that backends use.
    fn twin(&self, number: TypeId) -> Option<Box<dyn Any>>;
    fn as_any(&self) -> &dyn Any;
}

struct Maker<'a, P>(&'a P);

impl<P: PolicyDefinition> MakeTwin for Maker<'_, P> {
    fn make<N: Number>(&self) -> Box<dyn Any> {
        let twin: Box<dyn Policy<N>> = Box::new(Vectorized(self.0.twin::<N>()));
        Box::new(twin)
    }
}

impl<P: PolicyDefinition> Erased for P {
    fn shader(&self) -> ShaderSource {
        self.shader()
    }

    fn shader_defs(&self) -> ShaderDefs {
        self.shader_defs()
    }

    fn tables(&self) -> Vec<f64> {
        self.tables()
    }

    fn state_size(&self) -> usize {
        self.state_size()
    }

    fn needed_layer(&self) -> Option<LayerModel> {
        self.needed_layer()
    }

    fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        self.propensity(offer, state, own, slate)
    }

    fn belief(&self) -> Option<&[f64]> {
        self.belief()
    }

    fn twin(&self, number: TypeId) -> Option<Box<dyn Any>> {
        make_twin(&Maker(self), number)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A twin whose functions are compiled for the instruction set of its number type, although they are called through a table.
#[derive(Debug)]
struct Vectorized<T>(T);

impl<N: Number, T: Policy<N>> Policy<N> for Vectorized<T> {
    fn recommend(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        vectorized!(N, self.0.recommend(offer, draws, state, scratch, slate));
    }

    fn observe(&self, feedback: &mut dyn Feedback<N>, scratch: &mut Scratch<N>, state: &mut [N]) {
        vectorized!(N, self.0.observe(feedback, scratch, state));
    }
}

impl PolicyModel {
    /// Returns the name in configurations.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// See [`PolicyDefinition::shader`].
    #[must_use]
    pub fn shader(&self) -> ShaderSource {
        self.definition.shader()
    }

    /// See [`PolicyDefinition::shader_defs`].
    #[must_use]
    pub fn shader_defs(&self) -> ShaderDefs {
        self.definition.shader_defs()
    }

    /// See [`PolicyDefinition::tables`].
    #[must_use]
    pub fn tables(&self) -> Vec<f64> {
        self.definition.tables()
    }

    /// See [`PolicyDefinition::state_size`].
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.definition.state_size()
    }

    /// See [`PolicyDefinition::needed_layer`].
    #[must_use]
    pub fn needed_layer(&self) -> Option<LayerModel> {
        self.definition.needed_layer()
    }

    /// See [`PolicyDefinition::propensity`].
    pub fn propensity(
        &self,
        offer: &mut dyn Offer<f64>,
        state: &[f64],
        own: &[u32],
        slate: &[u32],
    ) -> Propensity {
        self.definition.propensity(offer, state, own, slate)
    }

    /// See [`PolicyDefinition::belief`].
    #[must_use]
    pub fn belief(&self) -> Option<&[f64]> {
        self.definition.belief()
    }

    /// Makes the host twin.
    ///
    /// # Panics
    /// For a number type that no backend computes with.
    #[must_use]
    pub fn twin<N: Number>(&self) -> Box<dyn Policy<N>> {
        twin_of::<N, _>(|number| self.definition.twin(number))
    }

    /// Returns the policy if it makes random slates, for which rollouts have a faster way.
    pub(super) fn as_random(&self) -> Option<Random> {
        self.definition.as_any().downcast_ref().copied()
    }
}

impl PartialEq for PolicyModel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.tables() == other.tables()
            && self.state_size() == other.state_size()
            && self.belief() == other.belief()
            && self.shader_defs() == other.shader_defs()
            && self.shader().text == other.shader().text
    }
}
