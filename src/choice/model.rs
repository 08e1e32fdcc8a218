//! Any choice model behind a pointer, built-in or a user's own.

use super::first::First;
use super::{Choice, ChoiceDefinition};
use crate::number::{MakeTwin, Number, make_twin, twin_of, vectorized};
use crate::shader::{ShaderDefs, ShaderSource};
use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::sync::Arc;

/// A choice model with its parameters; made of any [`ChoiceDefinition`] by `from`.
///
/// Two are equal if they have the same name, parameters and WGSL.
#[derive(Clone, Debug)]
pub struct ChoiceModel {
    name: &'static str,
    definition: Arc<dyn Erased>,
}

impl<D: ChoiceDefinition> From<D> for ChoiceModel {
    fn from(definition: D) -> Self {
        Self {
            name: D::entry().name,
            definition: Arc::new(definition),
        }
    }
}

/// [`ChoiceDefinition`] with its type erased, without the functions that construct it.
trait Erased: Debug + Send + Sync {
    fn parameters(&self) -> Vec<(&'static str, f64)>;
    fn shader(&self) -> ShaderSource;
    fn shader_defs(&self) -> ShaderDefs;
    fn num_considered(&self, slate_size: u32) -> u32;
    fn allows_empty(&self) -> bool;
    fn needs_scores(&self) -> bool;
    /// Makes a `Box<dyn Decide<N>>` for one of the number types that backends use.
    fn twin_of(&self, number: TypeId) -> Option<Box<dyn Any>>;
    /// Tells whether this is [`First`].
    fn takes_first(&self) -> bool;
}

struct Maker<'a, D>(&'a D);

impl<D: ChoiceDefinition> MakeTwin for Maker<'_, D> {
    fn make<N: Number>(&self) -> Box<dyn Any> {
        let twin: Box<dyn Decide<N>> = Box::new(Vectorized(self.0.twin::<N>()));
        Box::new(twin)
    }
}

impl<D: ChoiceDefinition> Erased for D {
    fn parameters(&self) -> Vec<(&'static str, f64)> {
        ChoiceDefinition::parameters(self)
    }

    fn shader(&self) -> ShaderSource {
        ChoiceDefinition::shader(self)
    }

    fn shader_defs(&self) -> ShaderDefs {
        ChoiceDefinition::shader_defs(self)
    }

    fn num_considered(&self, slate_size: u32) -> u32 {
        ChoiceDefinition::num_considered(self, slate_size)
    }

    fn allows_empty(&self) -> bool {
        ChoiceDefinition::allows_empty(self)
    }

    fn needs_scores(&self) -> bool {
        ChoiceDefinition::needs_scores(self)
    }

    fn twin_of(&self, number: TypeId) -> Option<Box<dyn Any>> {
        make_twin(&Maker(self), number)
    }

    fn takes_first(&self) -> bool {
        TypeId::of::<D>() == TypeId::of::<First>()
    }
}

impl ChoiceModel {
    /// Returns the name in configurations.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// See [`ChoiceDefinition::parameters`].
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.definition.parameters()
    }

    /// See [`ChoiceDefinition::shader`].
    pub fn shader(&self) -> ShaderSource {
        self.definition.shader()
    }

    /// See [`ChoiceDefinition::shader_defs`].
    pub fn shader_defs(&self) -> ShaderDefs {
        self.definition.shader_defs()
    }

    /// Makes the host twin.
    ///
    /// # Panics
    /// For a number type that no backend uses.
    pub fn twin<N: Number>(&self) -> ChoiceTwin<N> {
        if self.definition.takes_first() {
            return ChoiceTwin::First;
        }
        ChoiceTwin::Other(OtherTwin(twin_of::<N, _>(|number| {
            self.definition.twin_of(number)
        })))
    }

    /// See [`ChoiceDefinition::num_considered`]; at least one document, and at most the slate.
    pub fn num_considered(&self, slate_size: u32) -> u32 {
        let considered = self.definition.num_considered(slate_size);
        considered.clamp(1, slate_size.max(1))
    }

    /// See [`ChoiceDefinition::allows_empty`].
    pub fn allows_empty(&self) -> bool {
        self.definition.allows_empty()
    }

    /// See [`ChoiceDefinition::needs_scores`].
    pub fn needs_scores(&self) -> bool {
        self.definition.needs_scores()
    }
}

impl PartialEq for ChoiceModel {
    fn eq(&self, other: &Self) -> bool {
        let [one, other] = [self, other];
        one.name == other.name
            && one.parameters() == other.parameters()
            && one.shader_defs() == other.shader_defs()
            && one.shader().text == other.shader().text
    }
}

/// The host twin of any choice model.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChoiceTwin<N: Number> {
    /// The user clicks the first document. It computes nothing, and most rollouts use it, so it is not called through a table.
    First,
    /// Any other model.
    Other(OtherTwin<N>),
}

/// The host twin of a model that is called through a table.
#[derive(Debug)]
pub struct OtherTwin<N: Number>(Box<dyn Decide<N>>);

/// The calls of a choice model in a step, as few as possible.
trait Decide<N: Number>: Debug + Send + Sync {
    /// See [`Choice::choose`] and [`Choice::are_valid`].
    fn decide(&self, scores: &[N], uniform: N) -> (N::Word, N::Mask);
    /// See [`Choice::weigh`].
    fn weigh(&self, score: N) -> N;
}

/// A twin whose functions are compiled for the instruction set of its number type, although they are called through a table.
#[derive(Debug)]
struct Vectorized<T>(T);

impl<N: Number, T: Choice<N>> Decide<N> for Vectorized<T> {
    fn decide(&self, scores: &[N], uniform: N) -> (N::Word, N::Mask) {
        vectorized!(N, {
            (self.0.choose(scores, uniform), self.0.are_valid(scores))
        })
    }

    fn weigh(&self, score: N) -> N {
        vectorized!(N, self.0.weigh(score))
    }
}

impl<N: Number> ChoiceTwin<N> {
    /// Chooses a position of the slate, and tells whether the scores were used as they are: see [`Choice`].
    #[inline(always)]
    pub fn decide(&self, scores: &[N], uniform: N) -> (N::Word, N::Mask) {
        match self {
            Self::First => (First.choose(scores, uniform), First.are_valid(scores)),
            Self::Other(twin) => twin.0.decide(scores, uniform),
        }
    }

    /// Returns the model's weight of one score: see [`Choice::weigh`].
    #[inline(always)]
    pub fn weigh(&self, score: N) -> N {
        match self {
            Self::First => First.weigh(score),
            Self::Other(twin) => twin.0.weigh(score),
        }
    }
}
