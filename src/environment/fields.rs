//! Structs of numbers: users, documents and sets of parameters.

use crate::number::Number;
use std::fmt::Debug;

/// A struct whose fields are numbers, words or lists of numbers, so that drivers can select, store and load it without knowing
/// its fields.
pub trait Fields<N: Number>: Clone + Debug + Send {
    /// Lists the fields, in the order of the WGSL twin's.
    fn layout(&self) -> Vec<Field>;
    /// Returns how many numbers there are.
    fn num_fields(&self) -> usize;
    /// Copies the fields of `other` in lanes where the mask is true.
    fn take(&mut self, mask: N::Mask, other: &Self);
    /// Writes all fields, as numbers.
    fn store(&self, fields: &mut [N]);
    /// Reads all fields back; exact for the result of [`store`](Self::store), except for words of 2^23 and more.
    fn load(&mut self, fields: &[N]);
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number; `f32` in WGSL.
    Number,
    /// A whole number that is not negative; `u32` in WGSL.
    Word,
    /// This many numbers; `array<f32, n>` in WGSL.
    Numbers(usize),
}

/// A field of a struct that is a [`Fields`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in both twins.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
}

impl Field {
    /// Names the numbers of the field; those of a list are numbered, as in `features[3]`.
    pub fn names(&self) -> Vec<String> {
        match self.kind {
            Kind::Number | Kind::Word => vec![self.name.to_owned()],
            Kind::Numbers(length) => (0..length)
                .map(|index| format!("{}[{index}]", self.name))
                .collect(),
        }
    }
}

/// Declares a struct of numbers (`N`), words (`Word`) and lists of numbers (`Numbers`), for each user of a vector.
///
/// The WGSL twin is a `struct` with members of the same names in the same order: `f32`, `u32` and `array<f32, n>`.
#[macro_export]
macro_rules! twin_struct {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ident),+ $(,)? }) => {
        $(#[$attribute])*
        $visibility struct $name<N: $crate::number::Number> {
            $($(#[$field_attribute])* pub $field: $crate::twin_struct!(@type N $kind),)+
        }

        // Written by hand: `derive` cannot see the types, which a macro writes.
        #[allow(clippy::clone_on_copy, reason = "lists are not")]
        impl<N: $crate::number::Number> Clone for $name<N> {
            #[inline(always)]
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone()),+ }
            }
            #[inline(always)]
            fn clone_from(&mut self, other: &Self) {
                $(self.$field.clone_from(&other.$field);)+
            }
        }

        impl<N: $crate::number::Number> std::fmt::Debug for $name<N> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))+.finish()
            }
        }

        impl<N: $crate::number::Number> $name<N> {
            /// The fields, in the order of the WGSL twin's.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Makes a value to write into: all numbers are zero, and lists are empty.
            pub fn zero() -> Self {
                Self { $($field: $crate::twin_struct!(@zero N $kind),)+ }
            }
        }

        impl<N: $crate::number::Number> $crate::environment::Fields<N> for $name<N> {
            fn layout(&self) -> Vec<$crate::environment::Field> {
                vec![$($crate::environment::Field {
                    name: stringify!($field),
                    kind: $crate::twin_struct!(@kind self $field $kind),
                }),+]
            }
            #[inline(always)]
            fn num_fields(&self) -> usize {
                0 $(+ $crate::twin_struct!(@length self $field $kind))+
            }
            #[inline(always)]
            fn take(&mut self, mask: N::Mask, other: &Self) {
                $($crate::twin_struct!(@take N $kind mask, self.$field, other.$field);)+
            }
            #[inline(always)]
            fn store(&self, fields: &mut [N]) {
                let rest = fields;
                $(let (field, rest) = rest.split_at_mut($crate::twin_struct!(@length self $field $kind));
                $crate::twin_struct!(@store N $kind self.$field, field);)+
                let _ = rest;
            }
            #[inline(always)]
            fn load(&mut self, fields: &[N]) {
                let rest = fields;
                $(let (field, rest) = rest.split_at($crate::twin_struct!(@length self $field $kind));
                $crate::twin_struct!(@load N $kind self.$field, field);)+
                let _ = rest;
            }
        }
    };
    (@type $n:ident N) => { $n };
    (@type $n:ident Word) => { $n::Word };
    (@type $n:ident Numbers) => { Vec<$n> };
    (@zero $n:ident N) => { $n::splat(0.0) };
    (@zero $n:ident Word) => { <$n::Word as $crate::number::Word>::splat(0) };
    (@zero $n:ident Numbers) => { Vec::new() };
    (@length $self:ident $field:ident N) => { 1 };
    (@length $self:ident $field:ident Word) => { 1 };
    (@length $self:ident $field:ident Numbers) => { $self.$field.len() };
    (@kind $self:ident $field:ident N) => { $crate::environment::Kind::Number };
    (@kind $self:ident $field:ident Word) => { $crate::environment::Kind::Word };
    (@kind $self:ident $field:ident Numbers) => {
        $crate::environment::Kind::Numbers($self.$field.len())
    };
    (@take $n:ident N $mask:ident, $to:expr, $from:expr) => { $to = <$n>::select($mask, $from, $to) };
    (@take $n:ident Word $mask:ident, $to:expr, $from:expr) => {
        $to = <$n::Word as $crate::number::Word>::select($mask, $from, $to)
    };
    (@take $n:ident Numbers $mask:ident, $to:expr, $from:expr) => {
        for (to, &from) in $to.iter_mut().zip(&$from) {
            *to = <$n>::select($mask, from, *to);
        }
    };
    (@store $n:ident N $from:expr, $to:ident) => { $to[0] = $from };
    (@store $n:ident Word $from:expr, $to:ident) => { $to[0] = <$n>::from_word($from) };
    (@store $n:ident Numbers $from:expr, $to:ident) => { $to.copy_from_slice(&$from) };
    (@load $n:ident N $to:expr, $from:ident) => { $to = $from[0] };
    (@load $n:ident Word $to:expr, $from:ident) => { $to = <$n>::to_word($from[0]) };
    (@load $n:ident Numbers $to:expr, $from:ident) => { $to.copy_from_slice($from) };
}
