//! Two vectors at a time, so that one works while the other waits for its last result.

use super::{Mask, Number, Single, Word};
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Shl, Shr, Sub};

/// The users of one vector, and then those of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair<T>(T, T);

macro_rules! operators {
    ($($operator:ident :: $function:ident),+) => {$(
        impl<T: $operator<Output = T>> $operator for Pair<T> {
            type Output = Self;
            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(self.0.$function(other.0), self.1.$function(other.1))
            }
        }
    )+};
}
operators!(
    Add::add,
    Sub::sub,
    Mul::mul,
    Div::div,
    BitAnd::bitand,
    BitOr::bitor,
    BitXor::bitxor
);

impl<T: Neg<Output = T>> Neg for Pair<T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

impl<T: Not<Output = T>> Not for Pair<T> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(!self.0, !self.1)
    }
}

impl<T: Shl<u32, Output = T>> Shl<u32> for Pair<T> {
    type Output = Self;
    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        Self(self.0 << bits, self.1 << bits)
    }
}

impl<T: Shr<u32, Output = T>> Shr<u32> for Pair<T> {
    type Output = Self;
    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        Self(self.0 >> bits, self.1 >> bits)
    }
}

impl<M: Mask> Mask for Pair<M> {
    const LANES: usize = 2 * M::LANES;
    #[inline(always)]
    fn splat(value: bool) -> Self {
        Self(M::splat(value), M::splat(value))
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> bool) -> Self {
        let first = M::from_fn(&mut f);
        Self(first, M::from_fn(|lane| f(M::LANES + lane)))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> bool {
        if lane < M::LANES {
            self.0.lane(lane)
        } else {
            self.1.lane(lane - M::LANES)
        }
    }
    #[inline(always)]
    fn any(self) -> bool {
        (self.0 | self.1).any()
    }
    #[inline(always)]
    fn count(self) -> u32 {
        self.0.count() + self.1.count()
    }
}

impl<W: Word> Word for Pair<W> {
    type Mask = Pair<W::Mask>;
    type Long = W::Long;
    #[inline(always)]
    fn splat(value: u32) -> Self {
        Self(W::splat(value), W::splat(value))
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> u32) -> Self {
        let first = W::from_fn(&mut f);
        Self(first, W::from_fn(|lane| f(W::Mask::LANES + lane)))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> u32 {
        if lane < W::Mask::LANES {
            self.0.lane(lane)
        } else {
            self.1.lane(lane - W::Mask::LANES)
        }
    }
    #[inline(always)]
    fn write(self, words: &mut [u32]) {
        let (first, second) = words.split_at_mut(W::Mask::LANES.min(words.len()));
        self.0.write(first);
        self.1.write(second);
    }
    #[inline(always)]
    fn widening_mul(self, other: Self) -> (Self, Self) {
        let (upper, lower) = self.0.widening_mul(other.0);
        let (second_upper, second_lower) = self.1.widening_mul(other.1);
        (Self(upper, second_upper), Self(lower, second_lower))
    }
    #[inline(always)]
    fn by_parts<const A: usize, const B: usize>(
        words: [Self; A],
        f: impl Fn([W::Long; A]) -> [W::Long; B] + Copy,
    ) -> [Self; B] {
        let mut halves = [[W::splat(0); A]; 2];
        for word in 0..A {
            [halves[0][word], halves[1][word]] = [words[word].0, words[word].1];
        }
        let [first, second] = [W::by_parts(halves[0], f), W::by_parts(halves[1], f)];
        let mut results = [Self::splat(0); B];
        for word in 0..B {
            results[word] = Self(first[word], second[word]);
        }
        results
    }
    #[inline(always)]
    fn equals(self, other: Self) -> Self::Mask {
        Pair(self.0.equals(other.0), self.1.equals(other.1))
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> Self::Mask {
        Pair(self.0.less_than(other.0), self.1.less_than(other.1))
    }
    #[inline(always)]
    fn select(mask: Self::Mask, accept: Self, reject: Self) -> Self {
        Self(
            W::select(mask.0, accept.0, reject.0),
            W::select(mask.1, accept.1, reject.1),
        )
    }
}

impl<N: Number> Number for Pair<N> {
    const LANES: usize = 2 * N::LANES;
    type Mask = Pair<N::Mask>;
    type Word = Pair<N::Word>;
    type Element = N::Element;
    #[inline(always)]
    fn element(value: f64) -> N::Element {
        N::element(value)
    }
    #[inline(always)]
    fn gather(table: &[N::Element], index: Self::Word) -> Self {
        Self(N::gather(table, index.0), N::gather(table, index.1))
    }
    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self(N::splat(value), N::splat(value))
    }
    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> f64) -> Self {
        let first = N::from_fn(&mut f);
        Self(first, N::from_fn(|lane| f(N::LANES + lane)))
    }
    #[inline(always)]
    fn lane(self, lane: usize) -> f64 {
        if lane < N::LANES {
            self.0.lane(lane)
        } else {
            self.1.lane(lane - N::LANES)
        }
    }
    #[inline(always)]
    fn write(self, numbers: &mut [f64]) {
        let (first, second) = numbers.split_at_mut(N::LANES.min(numbers.len()));
        self.0.write(first);
        self.1.write(second);
    }
    #[inline(always)]
    fn write_single(self, numbers: &mut [f32]) {
        let (first, second) = numbers.split_at_mut(N::LANES.min(numbers.len()));
        self.0.write_single(first);
        self.1.write_single(second);
    }
    #[inline(always)]
    fn from_word(word: Self::Word) -> Self {
        Self(N::from_word(word.0), N::from_word(word.1))
    }
    #[inline(always)]
    fn from_long_word(word: Self::Word) -> Self {
        Self(N::from_long_word(word.0), N::from_long_word(word.1))
    }
    #[inline(always)]
    fn to_word(self) -> Self::Word {
        Pair(self.0.to_word(), self.1.to_word())
    }
    #[inline(always)]
    fn less_than(self, other: Self) -> Self::Mask {
        Pair(self.0.less_than(other.0), self.1.less_than(other.1))
    }
    #[inline(always)]
    fn at_most(self, other: Self) -> Self::Mask {
        Pair(self.0.at_most(other.0), self.1.at_most(other.1))
    }
    #[inline(always)]
    fn select(mask: Self::Mask, accept: Self, reject: Self) -> Self {
        Self(
            N::select(mask.0, accept.0, reject.0),
            N::select(mask.1, accept.1, reject.1),
        )
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0), self.1.min(other.1))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0), self.1.max(other.1))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs(), self.1.abs())
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt(), self.1.sqrt())
    }
    #[inline(always)]
    fn exp(self) -> Self {
        Self(self.0.exp(), self.1.exp())
    }
    #[inline(always)]
    fn ln(self) -> Self {
        Self(self.0.ln(), self.1.ln())
    }
    #[inline(always)]
    fn sincospi(self) -> (Self, Self) {
        let ((sine, cosine), (second_sine, second_cosine)) = (self.0.sincospi(), self.1.sincospi());
        (Self(sine, second_sine), Self(cosine, second_cosine))
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self(self.0.sigmoid(), self.1.sigmoid())
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        Self(self.0.tanh(), self.1.tanh())
    }
    #[inline(always)]
    fn gelu(self) -> Self {
        Self(self.0.gelu(), self.1.gelu())
    }
    #[inline(always)]
    fn vectorize<R>(f: impl FnOnce() -> R) -> R {
        N::vectorize(f)
    }
}

impl<N: Single> Single for Pair<N> {
    #[inline(always)]
    fn to_bits(self) -> Self::Word {
        Pair(self.0.to_bits(), self.1.to_bits())
    }
    #[inline(always)]
    fn from_bits(bits: Self::Word) -> Self {
        Self(N::from_bits(bits.0), N::from_bits(bits.1))
    }
}
