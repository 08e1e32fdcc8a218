//! One user at a time: `f64`, `u32` and `bool` are vectors of one.

use super::{Long, Mask, Number, Word};

impl Mask for bool {
    const LANES: usize = 1;
    #[inline(always)]
    fn splat(value: bool) -> Self {
        value
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> Self) -> Self {
        f(0)
    }
    #[inline(always)]
    fn lane(self, _lane: usize) -> bool {
        self
    }
    #[inline(always)]
    fn any(self) -> bool {
        self
    }
    #[inline(always)]
    fn count(self) -> u32 {
        self.into()
    }
}

/// A `u32` whose `+`, `-` and `*` wrap in every build profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalarWord(pub u32);

macro_rules! word_operator {
    ($($operator:ident :: $function:ident => $method:ident),*) => {$(
        impl std::ops::$operator for ScalarWord {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(self.0.$method(other.0))
            }
        }
    )*};
}
word_operator!(Add::add => wrapping_add, Sub::sub => wrapping_sub, Mul::mul => wrapping_mul);
word_operator!(BitAnd::bitand => bitand, BitOr::bitor => bitor, BitXor::bitxor => bitxor);

impl std::ops::Shl<u32> for ScalarWord {
    type Output = Self;
    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        Self(self.0 << bits)
    }
}

impl std::ops::Shr<u32> for ScalarWord {
    type Output = Self;
    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        Self(self.0 >> bits)
    }
}

/// A `u64` of which products read the lower half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalarLong(u64);

impl ScalarLong {
    /// Returns the lower half.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the lower half of 64 bits")]
    pub(super) fn lower(self) -> u32 {
        self.0 as u32
    }
}

impl From<u32> for ScalarLong {
    #[inline(always)]
    fn from(value: u32) -> Self {
        Self(u64::from(value))
    }
}

impl std::ops::BitXor for ScalarLong {
    type Output = Self;
    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

impl Long for ScalarLong {
    #[inline(always)]
    fn splat(value: u32) -> Self {
        Self::from(value)
    }
    // Masks, rather than casts: that is the form in which the vectoriser finds the widening multiplication.
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        Self((self.0 & 0xffff_ffff) * (other.0 & 0xffff_ffff))
    }
    #[inline(always)]
    fn upper(self) -> Self {
        Self(self.0 >> 32)
    }
}

impl Word for ScalarWord {
    type Mask = bool;
    type Long = ScalarLong;
    #[inline(always)]
    fn splat(value: u32) -> Self {
        Self(value)
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> u32) -> Self {
        Self(f(0))
    }
    #[inline(always)]
    fn lane(self, _lane: usize) -> u32 {
        self.0
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the halves of a 64-bit product"
    )]
    fn widening_mul(self, other: Self) -> (Self, Self) {
        let product = u64::from(self.0) * u64::from(other.0);
        (Self((product >> 32) as u32), Self(product as u32))
    }
    #[inline(always)]
    fn by_parts<const A: usize, const B: usize>(
        words: [Self; A],
        f: impl Fn([ScalarLong; A]) -> [ScalarLong; B] + Copy,
    ) -> [Self; B] {
        f(words.map(|word| ScalarLong::from(word.0))).map(|long| Self(long.lower()))
    }
    #[inline(always)]
    fn equals(self, other: Self) -> bool {
        self.0 == other.0
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> bool {
        self.0 < other.0
    }
    #[inline(always)]
    fn select(mask: bool, accept: Self, reject: Self) -> Self {
        if mask { accept } else { reject }
    }
}

impl Number for f64 {
    const LANES: usize = 1;
    type Mask = bool;
    type Word = ScalarWord;
    type Element = Self;
    #[inline(always)]
    fn splat(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn element(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn gather(table: &[Self], index: ScalarWord) -> Self {
        table[(table.len() - 1).min(index.0 as usize)]
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> Self) -> Self {
        f(0)
    }
    #[inline(always)]
    fn lane(self, _lane: usize) -> f64 {
        self
    }
    #[inline(always)]
    fn from_word(word: ScalarWord) -> Self {
        Self::from(word.0)
    }
    #[inline(always)]
    fn from_long_word(word: ScalarWord) -> Self {
        Self::from(word.0)
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the contract: small whole numbers"
    )]
    fn to_word(self) -> ScalarWord {
        ScalarWord(self as u32)
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> bool {
        self < other
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> bool {
        self <= other
    }
    #[inline(always)]
    fn select(mask: bool, accept: Self, reject: Self) -> Self {
        if mask { accept } else { reject }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::min(self, other)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::max(self, other)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        Self::exp(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        Self::ln(self)
    }
    #[inline(always)]
    fn sincospi(self) -> (Self, Self) {
        (self * std::f64::consts::PI).sin_cos()
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + (-self).exp())
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        Self::tanh(self)
    }
    #[inline(always)]
    fn gelu(self) -> Self {
        crate::math::gelu_f64(self)
    }
}
