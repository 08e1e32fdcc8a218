//! As many users at once as a register of a named instruction set holds.
//!
//! The operations are those of the crate `fearless_simd`. The bits are those of [`Lanes`](super::Lanes), which does the same with plain arrays.
//!
//! # Safety
//! `fearless_simd` asks for a token at every operation: the proof that the processor has the instructions. A twin makes
//! numbers from nothing (`N::splat(0.5)`), so here the token is made from nothing, too. That is sound, because code outside
//! of the crate cannot name a [`Vector`], and inside it only
//! [`InstructionSet::run`](crate::backend::cpu::InstructionSet::run) begins to compute with one, after it has looked at the
//! processor.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::pair::Pair;
use super::single_precision::single_precision;
use super::{Long, Mask, Number, Single, Word};
use fearless_simd::prelude::*;
use std::fmt::{Debug, Formatter, Result};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Shl, Shr, Sub};

/// An instruction set, in one of whose registers a [`Vector`] is kept.
pub(crate) trait Registers: Simd {
    /// Returns the token of the instruction set; the module's documentation says why that is sound.
    fn proof() -> Self;
    /// Multiplies the lower halves of 64-bit integers.
    fn product(self, a: Self::u64s, b: Self::u64s) -> Self::u64s;
    /// Moves the upper halves to the lower halves, and may leave them in the upper ones, too.
    #[inline(always)]
    fn upper(self, a: Self::u64s) -> Self::u64s {
        a >> 32
    }
}

/// Single-precision numbers, one a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vector<S: Registers>(S::f32s);

/// 32-bit integers, one a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VectorWord<S: Registers>(S::u32s);

/// Truth values, one a user.
#[derive(Clone, Copy)]
pub(crate) struct VectorMask<S: Registers>(S::mask32s);

// Not derived: masks of `fearless_simd` do not implement `Debug`.
impl<S: Registers> Debug for VectorMask<S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let bits = self.0.to_bitmask();
        write!(f, "VectorMask({bits:#b})")
    }
}

/// 64-bit integers, one for every second user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VectorLong<S: Registers>(S::u64s);

macro_rules! operators {
    ($type:ident: $($operator:ident :: $function:ident),+) => {$(
        impl<S: Registers> $operator for $type<S> {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(self.0.$function(other.0))
            }
        }
    )+};
}
operators!(Vector: Add::add, Sub::sub, Mul::mul, Div::div);
operators!(VectorWord: Add::add, Sub::sub, Mul::mul, BitAnd::bitand, BitOr::bitor, BitXor::bitxor);
operators!(VectorMask: BitAnd::bitand, BitOr::bitor);
operators!(VectorLong: BitXor::bitxor);

impl<S: Registers> Neg for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<S: Registers> Not for VectorMask<S> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl<S: Registers> Shl<u32> for VectorWord<S> {
    type Output = Self;
    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        Self(self.0 << bits)
    }
}

impl<S: Registers> Shr<u32> for VectorWord<S> {
    type Output = Self;
    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        Self(self.0 >> bits)
    }
}

impl<S: Registers> Mask for VectorMask<S> {
    const LANES: usize = <S::f32s as SimdBase<S>>::LEN;
    #[inline(always)]
    fn splat(value: bool) -> Self {
        Self(<S::mask32s as SimdMask<S>>::splat(S::proof(), value))
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> bool) -> Self {
        let mut bits = 0;
        for lane in 0..<S::f32s as SimdBase<S>>::LEN {
            bits |= u64::from(f(lane)) << lane;
        }
        Self(<S::mask32s as SimdMask<S>>::from_bitmask(S::proof(), bits))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> bool {
        self.0.test(lane)
    }
    #[inline(always)]
    fn any(self) -> bool {
        self.0.any_true()
    }
    #[inline(always)]
    fn count(self) -> u32 {
        self.0.to_bitmask().count_ones()
    }
}

impl<S: Registers> Long for VectorLong<S> {
    #[inline(always)]
    fn splat(value: u32) -> Self {
        Self(<S::u64s as SimdBase<S>>::splat(
            S::proof(),
            u64::from(value),
        ))
    }
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        Self(S::proof().product(self.0, other.0))
    }
    #[inline(always)]
    fn upper(self) -> Self {
        Self(S::proof().upper(self.0))
    }
}

impl<S: Registers> VectorWord<S> {
    /// Takes every second user, from the first and from the second on; the upper halves hold anything.
    #[inline(always)]
    fn halves(self) -> [VectorLong<S>; 2] {
        let even: S::u64s = self.0.bitcast();
        [VectorLong(even), VectorLong(even >> 32)]
    }

    /// Puts users together again, from the lower halves.
    #[inline(always)]
    fn from_halves([even, odd]: [VectorLong<S>; 2]) -> Self {
        let lower = <S::u64s as SimdBase<S>>::splat(S::proof(), u64::from(u32::MAX));
        Self(((even.0 & lower) | (odd.0 << 32)).bitcast())
    }
}

impl<S: Registers> Word for VectorWord<S> {
    type Mask = VectorMask<S>;
    type Long = VectorLong<S>;
    #[inline(always)]
    fn splat(value: u32) -> Self {
        Self(<S::u32s as SimdBase<S>>::splat(S::proof(), value))
    }
    #[inline(always)]
    fn from_fn(f: impl FnMut(usize) -> u32) -> Self {
        Self(<S::u32s as SimdBase<S>>::from_fn(S::proof(), f))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> u32 {
        self.0[lane]
    }
    #[inline(always)]
    fn write(self, words: &mut [u32]) {
        for (word, lane) in words.iter_mut().zip(self.0.as_slice()) {
            *word = *lane;
        }
    }
    #[inline(always)]
    fn widening_mul(self, other: Self) -> (Self, Self) {
        let ([a, b], [c, d]) = (self.halves(), other.halves());
        let (even, odd) = (a.product(c), b.product(d));
        let lower = Self::from_halves([even, odd]);
        let upper = Self::from_halves([even.upper(), odd.upper()]);
        (upper, lower)
    }
    #[inline(always)]
    fn by_parts<const A: usize, const B: usize>(
        words: [Self; A],
        f: impl Fn([VectorLong<S>; A]) -> [VectorLong<S>; B] + Copy,
    ) -> [Self; B] {
        // Loops, because the closures that the standard library's functions take would not be compiled for the registers.
        let mut parts = [[VectorLong::splat(0); A]; 2];
        for word in 0..A {
            [parts[0][word], parts[1][word]] = words[word].halves();
        }
        let [even, odd] = [f(parts[0]), f(parts[1])];
        let mut results = [Self::splat(0); B];
        for word in 0..B {
            results[word] = Self::from_halves([even[word], odd[word]]);
        }
        results
    }
    #[inline(always)]
    fn equals(self, other: Self) -> VectorMask<S> {
        VectorMask(self.0.simd_eq(other.0))
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> VectorMask<S> {
        VectorMask(self.0.simd_lt(other.0))
    }
    #[inline(always)]
    fn select(mask: VectorMask<S>, accept: Self, reject: Self) -> Self {
        Self(mask.0.select(accept.0, reject.0))
    }
}

impl<S: Registers> Number for Vector<S> {
    const LANES: usize = <S::f32s as SimdBase<S>>::LEN;
    type Mask = VectorMask<S>;
    type Word = VectorWord<S>;
    type Element = f32;
    single_precision!(VectorWord<S>);
    #[inline(always)]
    fn gather(table: &[f32], index: VectorWord<S>) -> Self {
        let last = table.len() - 1;
        // A short table entry by entry: one comparison of all users each is faster than a bounds check for each user.
        if table.len() < Self::LANES {
            let all = |entry: f32| Self(<S::f32s as SimdBase<S>>::splat(S::proof(), entry));
            let mut taken = all(table[last]);
            for (position, &entry) in (0..).zip(&table[..last]) {
                taken = Self::select(index.equals(Word::splat(position)), all(entry), taken);
            }
            return taken;
        }
        Self(<S::f32s as SimdBase<S>>::from_fn(S::proof(), |lane| {
            table[last.min(index.0[lane] as usize)]
        }))
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to single precision is what this does"
    )]
    fn splat(value: f64) -> Self {
        Self(<S::f32s as SimdBase<S>>::splat(S::proof(), value as f32))
    }
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to single precision is what this does"
    )]
    fn from_fn(mut f: impl FnMut(usize) -> f64) -> Self {
        Self(<S::f32s as SimdBase<S>>::from_fn(S::proof(), |lane| {
            f(lane) as f32
        }))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> f64 {
        f64::from(self.0[lane])
    }
    #[inline(always)]
    fn write(self, numbers: &mut [f64]) {
        for (number, lane) in numbers.iter_mut().zip(self.0.as_slice()) {
            *number = f64::from(*lane);
        }
    }
    #[inline(always)]
    fn write_single(self, numbers: &mut [f32]) {
        for (number, lane) in numbers.iter_mut().zip(self.0.as_slice()) {
            *number = *lane;
        }
    }
    #[inline(always)]
    fn from_word(word: VectorWord<S>) -> Self {
        let signed: S::i32s = word.0.bitcast();
        Self(SimdCvtFloat::float_from(signed))
    }
    #[inline(always)]
    fn from_long_word(word: VectorWord<S>) -> Self {
        Self(SimdCvtFloat::float_from(word.0))
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> VectorMask<S> {
        VectorMask(self.0.simd_lt(other.0))
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> VectorMask<S> {
        VectorMask(self.0.simd_le(other.0))
    }
    #[inline(always)]
    fn select(mask: VectorMask<S>, accept: Self, reject: Self) -> Self {
        Self(mask.0.select(accept.0, reject.0))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs())
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }
    #[inline(always)]
    fn vectorize<R>(f: impl FnOnce() -> R) -> R {
        S::proof().vectorize(f)
    }
}

impl<S: Registers> Single for Vector<S> {
    #[inline(always)]
    fn to_bits(self) -> VectorWord<S> {
        VectorWord(self.0.bitcast())
    }
    #[inline(always)]
    fn from_bits(bits: VectorWord<S>) -> Self {
        Self(bits.0.bitcast())
    }
}

/// The instruction set of `aarch64`.
#[cfg(target_arch = "aarch64")]
mod aarch64;
/// The instruction sets of `x86_64`.
#[cfg(target_arch = "x86_64")]
mod x86_64;

/// Vectors for any processor of the kind that the program is built for: two registers, of which one works while the other
/// waits for its result.
#[cfg(target_arch = "x86_64")]
pub(crate) type Baseline = Pair<Vector<fearless_simd::x86::Sse2>>;
/// The vectors of AVX2: two registers, for the same reason.
#[cfg(target_arch = "x86_64")]
pub(crate) type Wide256 = Pair<Vector<fearless_simd::x86::Avx2>>;
/// The vectors of AVX-512: two registers, for the same reason.
#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
pub(crate) type Wide512 = Pair<Vector<fearless_simd::x86::Avx512>>;
/// Debug builds use the vectors of AVX2 instead, whose bits are the same and which compile in less time; unit tests have both
/// and compare them.
#[cfg(all(target_arch = "x86_64", not(any(test, not(debug_assertions)))))]
pub(crate) type Wide512 = Wide256;

/// Vectors for any processor of the kind that the program is built for: four registers, as there are twice as many as on `x86_64`.
#[cfg(target_arch = "aarch64")]
pub(crate) type Baseline = Pair<Pair<Vector<fearless_simd::aarch64::Neon>>>;
/// Vectors for any processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) type Baseline = super::Lanes<16>;
/// No wider vectors are used on this processor.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Wide256 = Baseline;
/// No wider vectors are used on this processor.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Wide512 = Baseline;
