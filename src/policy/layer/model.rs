//! Any layer behind a pointer, built-in or a user's own.

use super::{Layer, LayerDefinition};
use crate::number::{MakeTwin, Number, make_twin, twin_of, vectorized};
use crate::policy::{Draws, Feedback, Offer, Propensity, Scratch};
use crate::shader::{ShaderDefs, ShaderSource};
use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::sync::Arc;

/// A layer with its parameters; made of any [`LayerDefinition`] by `from`.
///
/// Two are equal if they have the same name, tables, sizes and WGSL.
#[derive(Clone, Debug)]
pub struct LayerModel {
    name: &'static str,
    definition: Arc<dyn Erased>,
}

impl<L: LayerDefinition> From<L> for LayerModel {
    fn from(layer: L) -> Self {
        Self {
            name: L::entry().name,
            definition: Arc::new(layer),
        }
    }
}

/// [`LayerDefinition`] with its type erased, without the functions that construct it.
trait Erased: Debug + Send + Sync {
    fn shader(&self) -> ShaderSource;
    fn shader_defs(&self) -> ShaderDefs;
    fn tables(&self) -> Vec<f64>;
    fn state_size(&self) -> usize;
    fn propensity(&self, without: Propensity, num_candidates: u32, slate: &[u32]) -> Propensity;
    fn is_read(&self) -> bool;
    /// Makes a `Box<dyn Layer<N>>` for one of the number types that backends use.
    fn twin(&self, number: TypeId) -> Option<Box<dyn Any>>;
}

struct Maker<'a, L>(&'a L);

impl<L: LayerDefinition> MakeTwin for Maker<'_, L> {
    fn make<N: Number>(&self) -> Box<dyn Any> {
        let twin: Box<dyn Layer<N>> = Box::new(Vectorized(self.0.twin::<N>()));
        Box::new(twin)
    }
}

impl<L: LayerDefinition> Erased for L {
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

    fn propensity(&self, without: Propensity, num_candidates: u32, slate: &[u32]) -> Propensity {
        self.propensity(without, num_candidates, slate)
    }

    fn is_read(&self) -> bool {
        self.is_read()
    }

    fn twin(&self, number: TypeId) -> Option<Box<dyn Any>> {
        make_twin(&Maker(self), number)
    }
}

/// A twin whose functions are compiled for the instruction set of its number type, although they are called through a table.
#[derive(Debug)]
struct Vectorized<T>(T);

impl<N: Number, T: Layer<N>> Layer<N> for Vectorized<T> {
    fn prepare(&self, offer: &mut dyn Offer<N>, state: &mut [N]) {
        vectorized!(N, self.0.prepare(offer, state));
    }

    fn revise(
        &self,
        offer: &mut dyn Offer<N>,
        draws: &Draws<N::Word>,
        state: &mut [N],
        scratch: &mut Scratch<N>,
        slate: &mut [N::Word],
    ) {
        vectorized!(N, self.0.revise(offer, draws, state, scratch, slate));
    }

    fn observe(&self, feedback: &mut dyn Feedback<N>, state: &mut [N]) {
        vectorized!(N, self.0.observe(feedback, state));
    }
}

impl LayerModel {
    /// Returns the name in configurations.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// See [`LayerDefinition::shader`].
    #[must_use]
    pub fn shader(&self) -> ShaderSource {
        self.definition.shader()
    }

    /// See [`LayerDefinition::shader_defs`].
    #[must_use]
    pub fn shader_defs(&self) -> ShaderDefs {
        self.definition.shader_defs()
    }

    /// See [`LayerDefinition::tables`].
    #[must_use]
    pub fn tables(&self) -> Vec<f64> {
        self.definition.tables()
    }

    /// See [`LayerDefinition::state_size`].
    #[must_use]
    pub fn state_size(&self) -> usize {
        self.definition.state_size()
    }

    /// See [`LayerDefinition::propensity`].
    #[must_use]
    pub fn propensity(
        &self,
        without: Propensity,
        num_candidates: u32,
        slate: &[u32],
    ) -> Propensity {
        self.definition.propensity(without, num_candidates, slate)
    }

    /// See [`LayerDefinition::is_read`].
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.definition.is_read()
    }

    /// Makes the host twin.
    ///
    /// # Panics
    /// For a number type that no backend computes with.
    #[must_use]
    pub fn twin<N: Number>(&self) -> Box<dyn Layer<N>> {
        twin_of::<N, _>(|number| self.definition.twin(number))
    }
}

impl PartialEq for LayerModel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.tables() == other.tables()
            && self.state_size() == other.state_size()
            && self.shader_defs() == other.shader_defs()
            && self.shader().text == other.shader().text
    }
}
