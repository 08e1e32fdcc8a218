//! Structs of numbers: what a user, a document or a set of parameters consists of.

use crate::number::Number;
use std::fmt::Debug;

/// A struct whose fields are numbers or words, so that drivers can select, store and load it without knowing it.
pub trait Fields<N: Number>: Clone + Debug + Send {
    /// Names the fields, in the order of the WGSL twin's.
    fn names() -> &'static [&'static str];
    /// Returns how many fields there are.
    fn num_fields(&self) -> usize;
    /// Takes the fields of `other` where the mask holds.
    fn take(&mut self, mask: N::Mask, other: &Self);
    /// Writes all fields, as numbers.
    fn store(&self, fields: &mut [N]);
    /// Reads all fields back; exact for what [`store`](Self::store) wrote.
    fn load(&mut self, fields: &[N]);
}

/// Declares a struct of one number (`N`) or word (`Word`) a field, for each user of a vector.
macro_rules! twin_struct {
    ($(#[$attribute:meta])* pub struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ident),+ $(,)? }) => {
        $(#[$attribute])*
        pub struct $name<N: $crate::number::Number> {
            $($(#[$field_attribute])* pub $field: $crate::environment::twin_struct!(@type N $kind),)+
        }

        // By hand: `derive` cannot look through the macro that writes the types.
        impl<N: $crate::number::Number> Clone for $name<N> {
            #[inline(always)]
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<N: $crate::number::Number> Copy for $name<N> {}

        impl<N: $crate::number::Number> std::fmt::Debug for $name<N> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))+.finish()
            }
        }

        impl<N: $crate::number::Number> $name<N> {
            /// The fields, in the order of the WGSL twin's.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Makes a value to write into: all fields are zero.
            pub fn zero() -> Self {
                Self { $($field: $crate::environment::twin_struct!(@zero N $kind),)+ }
            }
        }

        impl<N: $crate::number::Number> $crate::environment::Fields<N> for $name<N> {
            fn names() -> &'static [&'static str] {
                Self::FIELDS
            }
            #[inline(always)]
            fn num_fields(&self) -> usize {
                Self::FIELDS.len()
            }
            #[inline(always)]
            fn take(&mut self, mask: N::Mask, other: &Self) {
                $(self.$field = $crate::environment::twin_struct!(@select N $kind)(mask, other.$field, self.$field);)+
            }
            #[inline(always)]
            fn store(&self, fields: &mut [N]) {
                let values = [$($crate::environment::twin_struct!(@number N $kind)(self.$field)),+];
                fields[..values.len()].copy_from_slice(&values);
            }
            #[inline(always)]
            fn load(&mut self, fields: &[N]) {
                let [$($field),+] = *fields.first_chunk().expect("as many fields as were stored");
                $(self.$field = $crate::environment::twin_struct!(@field N $kind)($field);)+
            }
        }
    };
    (@type $n:ident N) => { $n };
    (@type $n:ident Word) => { $n::Word };
    (@zero $n:ident N) => { $n::splat(0.0) };
    (@zero $n:ident Word) => { <$n::Word as $crate::number::Word>::splat(0) };
    (@select $n:ident N) => { <$n as $crate::number::Number>::select };
    (@select $n:ident Word) => { <$n::Word as $crate::number::Word>::select };
    (@number $n:ident N) => { std::convert::identity };
    (@number $n:ident Word) => { <$n as $crate::number::Number>::from_word };
    (@field $n:ident N) => { std::convert::identity };
    (@field $n:ident Word) => { <$n as $crate::number::Number>::to_word };
}
pub(crate) use twin_struct;

/// Declares the numbers that a twin is parameterised by; the WGSL twin has a struct of the same name and order.
macro_rules! parameters {
    ($(#[$attribute:meta])* pub struct $name:ident { $($(#[$field_attribute:meta])* $field:ident),+ $(,)? }) => {
        $(#[$attribute])*
        // WGSL: struct Parameters of the twin; the order is tested.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name<N> {
            $($(#[$field_attribute])* pub $field: N,)+
        }

        impl<N: Copy> $name<N> {
            /// The parameters, in the order of the WGSL twin's.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Converts each parameter.
            pub fn map<M>(&self, convert: impl Fn(N) -> M) -> $name<M> {
                $name { $($field: convert(self.$field),)+ }
            }

            /// Lists the parameters in order.
            pub fn values(&self) -> Vec<N> {
                vec![$(self.$field),+]
            }
        }
    };
}
pub(crate) use parameters;
