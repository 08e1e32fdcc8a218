//! Many users at once in arrays of `f32`, for any processor and any number of users.
//!
//! Every operation is a loop of fixed length over an array, which is all that a vectoriser needs; there are no intrinsics
//! here, and no `unsafe`. Backends use vectors in registers where there are some, and tests compare those with these. The
//! bits are those of scalar IEEE-754 arithmetic whatever the width.

use super::scalar::ScalarLong;
use super::single_precision::single_precision;
use super::{Mask, Number, Single, Word};

/// Fills an array lane by lane. The standard library's `from_fn` and `map` unroll too early for the vectoriser.
#[inline(always)]
fn from_fn<T: Copy + Default, const L: usize>(mut f: impl FnMut(usize) -> T) -> [T; L] {
    let mut array = [T::default(); L];
    for lane in 0..L {
        array[lane] = f(lane);
    }
    array
}

/// Applies a function to every lane.
#[inline(always)]
fn map<T: Copy, U: Copy + Default, const L: usize>(array: [T; L], f: impl Fn(T) -> U) -> [U; L] {
    from_fn(|lane| f(array[lane]))
}

/// `L` users' single-precision numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
pub struct Lanes<const L: usize>(pub [f32; L]);

/// `L` users' 32-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct LanesWord<const L: usize>(pub [u32; L]);

/// `L` users' truth values, all bits set where true, as vector comparisons give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct LanesMask<const L: usize>([u32; L]);

/// How many lanes `by_parts` works on at a time.
const PART: usize = 8;

/// Implements a binary operator element by element.
macro_rules! elementwise {
    ($type:ident, $($operator:ident :: $function:ident = |$a:ident, $b:ident| $result:expr),* $(,)?) => {$(
        impl<const L: usize> std::ops::$operator for $type<L> {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(from_fn(|lane| {
                    let ($a, $b) = (self.0[lane], other.0[lane]);
                    $result
                }))
            }
        }
    )*};
}

elementwise!(
    Lanes,
    Add::add = |a, b| a + b,
    Sub::sub = |a, b| a - b,
    Mul::mul = |a, b| a * b,
    Div::div = |a, b| a / b
);
elementwise!(
    LanesWord,
    Add::add = |a, b| a.wrapping_add(b),
    Sub::sub = |a, b| a.wrapping_sub(b),
    Mul::mul = |a, b| a.wrapping_mul(b),
    BitAnd::bitand = |a, b| a & b,
    BitOr::bitor = |a, b| a | b,
    BitXor::bitxor = |a, b| a ^ b,
);
elementwise!(
    LanesMask,
    BitAnd::bitand = |a, b| a & b,
    BitOr::bitor = |a, b| a | b
);

impl<const L: usize> std::ops::Neg for Lanes<L> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(map(self.0, |a| -a))
    }
}

impl<const L: usize> std::ops::Not for LanesMask<L> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(map(self.0, |a| !a))
    }
}

impl<const L: usize> std::ops::Shl<u32> for LanesWord<L> {
    type Output = Self;
    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        Self(map(self.0, |a| a << bits))
    }
}

impl<const L: usize> std::ops::Shr<u32> for LanesWord<L> {
    type Output = Self;
    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        Self(map(self.0, |a| a >> bits))
    }
}

/// Spreads a truth value over 32 bits.
#[inline(always)]
fn spread(value: bool) -> u32 {
    if value { u32::MAX } else { 0 }
}

impl<const L: usize> Mask for LanesMask<L> {
    const LANES: usize = L;
    #[inline(always)]
    fn splat(value: bool) -> Self {
        Self([spread(value); L])
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> bool) -> Self {
        Self(from_fn(|lane| spread(f(lane))))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> bool {
        self.0[lane] != 0
    }
    #[inline(always)]
    fn any(self) -> bool {
        self.0.iter().fold(0, |all, &lane| all | lane) != 0
    }
    #[inline(always)]
    fn count(self) -> u32 {
        self.0.iter().map(|&lane| u32::from(lane != 0)).sum()
    }
}

impl<const L: usize> Word for LanesWord<L> {
    type Mask = LanesMask<L>;
    type Long = ScalarLong;
    #[inline(always)]
    fn splat(value: u32) -> Self {
        Self([value; L])
    }
    #[inline(always)]
    fn from_fn(f: impl FnMut(usize) -> u32) -> Self {
        Self(from_fn(f))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> u32 {
        self.0[lane]
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the halves of a 64-bit product"
    )]
    fn widening_mul(self, other: Self) -> (Self, Self) {
        let product: [u64; L] = from_fn(|lane| u64::from(self.0[lane]) * u64::from(other.0[lane]));
        (
            Self(map(product, |p| (p >> 32) as u32)),
            Self(map(product, |p| p as u32)),
        )
    }
    // Lane by lane, and few lanes at a time, so that a long function keeps its intermediate results in registers.
    #[inline(always)]
    fn by_parts<const A: usize, const B: usize>(
        words: [Self; A],
        f: impl Fn([ScalarLong; A]) -> [ScalarLong; B] + Copy,
    ) -> [Self; B] {
        let mut results = [Self([0; L]); B];
        for first in (0..L).step_by(PART) {
            for lane in first..L.min(first + PART) {
                let mut arguments = [ScalarLong::from(0); A];
                for word in 0..A {
                    arguments[word] = ScalarLong::from(words[word].0[lane]);
                }
                let values = f(arguments);
                for word in 0..B {
                    results[word].0[lane] = values[word].lower();
                }
            }
        }
        results
    }
    #[inline(always)]
    fn equals(self, other: Self) -> LanesMask<L> {
        LanesMask(from_fn(|lane| spread(self.0[lane] == other.0[lane])))
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> LanesMask<L> {
        LanesMask(from_fn(|lane| spread(self.0[lane] < other.0[lane])))
    }
    #[inline(always)]
    fn select(mask: LanesMask<L>, accept: Self, reject: Self) -> Self {
        Self(from_fn(|lane| {
            (accept.0[lane] & mask.0[lane]) | (reject.0[lane] & !mask.0[lane])
        }))
    }
}

impl<const L: usize> Number for Lanes<L> {
    const LANES: usize = L;
    type Mask = LanesMask<L>;
    type Word = LanesWord<L>;
    type Element = f32;
    single_precision!(LanesWord<L>);
    #[inline(always)]
    fn gather(table: &[f32], index: LanesWord<L>) -> Self {
        let last = table.len() - 1;
        Self(map(index.0, |index| table[last.min(index as usize)]))
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to single precision is what this does"
    )]
    fn splat(value: f64) -> Self {
        Self([value as f32; L])
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to single precision is what this does"
    )]
    fn from_fn(mut f: impl FnMut(usize) -> f64) -> Self {
        Self(from_fn(|lane| f(lane) as f32))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> f64 {
        f64::from(self.0[lane])
    }
    #[inline(always)]
    #[allow(
        clippy::cast_precision_loss,
        reason = "the contract is exactness up to 24 significant bits only"
    )]
    fn from_word(word: LanesWord<L>) -> Self {
        Self(map(word.0, |a| a as f32))
    }
    #[inline(always)]
    fn from_long_word(word: LanesWord<L>) -> Self {
        Self::from_word(word)
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> LanesMask<L> {
        LanesMask(from_fn(|lane| spread(self.0[lane] < other.0[lane])))
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> LanesMask<L> {
        LanesMask(from_fn(|lane| spread(self.0[lane] <= other.0[lane])))
    }
    #[inline(always)]
    fn select(mask: LanesMask<L>, accept: Self, reject: Self) -> Self {
        Self::from_bits(Word::select(mask, accept.to_bits(), reject.to_bits()))
    }
    // `a < b` picks compile to one vector instruction; the standard library's NaN rules would take three.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(from_fn(|lane| {
            if self.0[lane] < other.0[lane] {
                self.0[lane]
            } else {
                other.0[lane]
            }
        }))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(from_fn(|lane| {
            if self.0[lane] > other.0[lane] {
                self.0[lane]
            } else {
                other.0[lane]
            }
        }))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(map(self.0, f32::abs))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(map(self.0, f32::sqrt))
    }
}

impl<const L: usize> Single for Lanes<L> {
    #[inline(always)]
    fn to_bits(self) -> LanesWord<L> {
        LanesWord(map(self.0, f32::to_bits))
    }
    #[inline(always)]
    fn from_bits(bits: LanesWord<L>) -> Self {
        Self(map(bits.0, f32::from_bits))
    }
}
