//! A choice model of the user's own, behind a pointer.

use super::{Choice, ChoiceDefinition};
use crate::number::{LANES, Lanes, Number};
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A choice model of the user's own; made by [`ChoiceModel::custom`](super::ChoiceModel::custom).
///
/// Two are equal if one is a clone of the other.
#[derive(Clone, Debug)]
pub struct Custom(Arc<dyn Erased>);

/// A definition that has forgotten its type, but for the number types that backends use.
trait Erased: Debug + Send + Sync {
    fn definition(&self) -> &dyn ChoiceDefinition;
    fn double(&self) -> Box<dyn Choice<f64>>;
    fn single(&self) -> Box<dyn Choice<Lanes<LANES>>>;
}

impl<D: ChoiceDefinition> Erased for D {
    fn definition(&self) -> &dyn ChoiceDefinition {
        self
    }

    fn double(&self) -> Box<dyn Choice<f64>> {
        Box::new(self.twin())
    }

    fn single(&self) -> Box<dyn Choice<Lanes<LANES>>> {
        Box::new(self.twin())
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
        let double: Box<dyn Any> = Box::new(self.0.double());
        let single: Box<dyn Any> = Box::new(self.0.single());
        let twin = double
            .downcast::<Box<dyn Choice<N>>>()
            .or_else(|_| single.downcast::<Box<dyn Choice<N>>>());
        *twin.unwrap_or_else(|_| panic!("no backend computes with {}", std::any::type_name::<N>()))
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
