//! Makes twins for a number type that is known only at run time: models behind `dyn` cannot be generic over it.

#[cfg(test)]
use super::Lanes;
use super::{Baseline, Number, Wide256, Wide512};
use std::any::{Any, TypeId, type_name};

/// Makes a twin for any number type.
pub(crate) trait MakeTwin {
    /// Makes the twin, in a box that [`twin_of`] opens.
    fn make<N: Number>(&self) -> Box<dyn Any>;
}

/// Makes a twin for one of the number types that backends compute with.
pub(crate) fn make_twin(maker: &impl MakeTwin, number: TypeId) -> Option<Box<dyn Any>> {
    macro_rules! of_any {
        ($($(#[$attribute:meta])* $number:ty),+ $(,)?) => {
            $($(#[$attribute])*
            if number == TypeId::of::<$number>() {
                return Some(maker.make::<$number>());
            })+
        };
    }
    of_any! {
        f64,
        Baseline,
        Wide256,
        Wide512,
        // Vectors of other lengths, which tests compare with these.
        #[cfg(test)]
        Lanes<4>,
        #[cfg(test)]
        Lanes<32>,
    }
    None
}

/// Returns the twin that `make` makes for a number type.
///
/// # Panics
/// For a number type that no backend computes with.
pub(crate) fn twin_of<N: Number, T: 'static>(
    make: impl FnOnce(TypeId) -> Option<Box<dyn Any>>,
) -> T {
    let twin = make(TypeId::of::<N>()).and_then(|twin| twin.downcast::<T>().ok());
    *twin.unwrap_or_else(|| panic!("no backend computes with {}", type_name::<N>()))
}
