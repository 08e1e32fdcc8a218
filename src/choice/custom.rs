//! A choice model of the user's own, behind a pointer.

use super::{Choice, ChoiceDefinition};
use crate::number::{Baseline, Number, Wide256, Wide512, vectorized};
use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::sync::Arc;

/// A choice model of the user's own; made by [`ChoiceModel::custom`](super::ChoiceModel::custom).
///
/// Two are equal if one is a clone of the other.
#[derive(Clone, Debug)]
pub struct Custom(Arc<dyn Erased>);

/// A definition that has forgotten its type.
trait Erased: Debug + Send + Sync {
    fn definition(&self) -> &dyn ChoiceDefinition;
    /// Makes a `Box<dyn Choice<N>>` for one of the number types that backends use.
    fn twin_of(&self, number: TypeId) -> Option<Box<dyn Any>>;
}

impl<D: ChoiceDefinition> Erased for D {
    fn definition(&self) -> &dyn ChoiceDefinition {
        self
    }

    fn twin_of(&self, number: TypeId) -> Option<Box<dyn Any>> {
        fn boxed<N: Number>(definition: &impl ChoiceDefinition) -> Box<dyn Any> {
            let twin: Box<dyn Choice<N>> = Box::new(Vectorized(definition.twin::<N>()));
            Box::new(twin)
        }
        let makers = [
            (TypeId::of::<f64>(), boxed::<f64> as fn(&D) -> Box<dyn Any>),
            (TypeId::of::<Baseline>(), boxed::<Baseline>),
            (TypeId::of::<Wide256>(), boxed::<Wide256>),
            (TypeId::of::<Wide512>(), boxed::<Wide512>),
        ];
        let (_, make) = makers.into_iter().find(|(of, _)| *of == number)?;
        Some(make(self))
    }
}

/// A twin whose functions are compiled for the registers of its number, although they are called through a table.
#[derive(Debug)]
struct Vectorized<T>(T);

impl<N: Number, T: Choice<N>> Choice<N> for Vectorized<T> {
    fn choose(&self, scores: &[N], uniform: N) -> N::Word {
        vectorized!(N, self.0.choose(scores, uniform))
    }
    fn are_valid(&self, scores: &[N]) -> N::Mask {
        vectorized!(N, self.0.are_valid(scores))
    }
    fn weigh(&self, score: N) -> N {
        vectorized!(N, self.0.weigh(score))
    }
}

impl Custom {
    pub(super) fn new(definition: impl ChoiceDefinition) -> Self {
        Self(Arc::new(definition))
    }

    pub(super) fn definition(&self) -> &dyn ChoiceDefinition {
        self.0.definition()
    }

    /// Makes the host twin.
    ///
    /// # Panics
    /// For a number type that no backend uses.
    pub(super) fn twin<N: Number>(&self) -> Box<dyn Choice<N>> {
        let twin = self.0.twin_of(TypeId::of::<N>());
        let twin = twin.and_then(|twin| twin.downcast::<Box<dyn Choice<N>>>().ok());
        *twin.unwrap_or_else(|| panic!("no backend computes with {}", std::any::type_name::<N>()))
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
