//! The operations that all single-precision number types share: the functions of [`math`](crate::math).

/// Implements the operations that all single-precision number types share.
macro_rules! single_precision {
    ($word:ty) => {
        #[inline(always)]
        #[allow(
            clippy::cast_possible_truncation,
            reason = "rounding to single precision is what this does"
        )]
        fn element(value: f64) -> f32 {
            value as f32
        }
        #[inline(always)]
        fn to_word(self) -> $word {
            $crate::math::to_word(self)
        }
        #[inline(always)]
        fn exp(self) -> Self {
            $crate::math::exp(self)
        }
        #[inline(always)]
        fn ln(self) -> Self {
            $crate::math::ln(self)
        }
        #[inline(always)]
        fn sincospi(self) -> (Self, Self) {
            $crate::math::sincospi(self)
        }
        #[inline(always)]
        fn sigmoid(self) -> Self {
            $crate::math::sigmoid(self)
        }
        #[inline(always)]
        fn tanh(self) -> Self {
            $crate::math::tanh(self)
        }
        #[inline(always)]
        fn gelu(self) -> Self {
            $crate::math::gelu(self)
        }
    };
}
pub(super) use single_precision;
