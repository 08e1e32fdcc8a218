//! Numbers that are one user or many: the types over which every twin is generic.
//!
//! A twin (an environment, a choice model, a policy) is written once, for a [`Number`]. Instantiated at `f64` it is the
//! oracle of the `reference` backend, one user at a time; instantiated at vectors of users, in the registers of whichever
//! instruction set the processor has, it is the `cpu` backend. [`Lanes`] are the same vectors in plain arrays, for any
//! processor and any number of users; tests compare the registers with them. Because one number may be many users, the twins
//! never branch on a number: comparisons give a [`Mask`], and both outcomes are computed and selected.
//!
//! Integers ([`Word`]) are the same 32 bits on every backend; that is what makes choices, lengths and clicks comparable
//! exactly between them.

mod erased;
mod lanes;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod pair;
mod scalar;
mod single_precision;
mod vector;

pub(crate) use erased::{MakeTwin, make_twin, twin_of};
pub use lanes::{Lanes, LanesMask, LanesWord};
pub use scalar::{ScalarLong, ScalarWord};
pub(crate) use vector::{Baseline, Wide256, Wide512};

use std::fmt::Debug;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Shl, Shr, Sub};

/// Tells, for each user of a vector, whether a condition holds.
pub trait Mask:
    Copy
    + Debug
    + Send
    + Sync
    + 'static
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Not<Output = Self>
{
    /// How many users one mask stands for.
    const LANES: usize;
    /// Gives every user the same truth value.
    fn splat(value: bool) -> Self;
    /// Builds a mask user by user.
    fn from_fn(f: impl FnMut(usize) -> bool) -> Self;
    /// Reads the truth value of one user.
    fn lane(self, lane: usize) -> bool;
    /// Tells whether the condition holds for at least one user.
    fn any(self) -> bool;
    /// Counts the users for whom the condition holds.
    fn count(self) -> u32;
}

/// A 32-bit unsigned integer for each user; arithmetic wraps.
pub trait Word:
    Copy
    + Debug
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// The truth values that comparisons give.
    type Mask: Mask;
    /// Gives every user the same integer.
    fn splat(value: u32) -> Self;
    /// Builds a vector user by user.
    fn from_fn(f: impl FnMut(usize) -> u32) -> Self;
    /// Reads the integer of one user.
    fn lane(self, lane: usize) -> u32;
    /// Writes the integers of the first users, as many as there is room for.
    #[inline(always)]
    fn write(self, words: &mut [u32]) {
        for (lane, word) in words.iter_mut().enumerate().take(Self::Mask::LANES) {
            *word = self.lane(lane);
        }
    }
    /// Returns the upper and the lower half of the 64-bit product.
    fn widening_mul(self, other: Self) -> (Self, Self);
    /// The 64-bit integers that products are made in.
    type Long: Long;
    /// Applies a function of one user's words to every user's, few users at a time, so that the intermediate results of a
    /// long function stay in registers. Of the longs that `f` takes and returns only the lower halves have a meaning.
    fn by_parts<const A: usize, const B: usize>(
        words: [Self; A],
        f: impl Fn([Self::Long; A]) -> [Self::Long; B] + Copy,
    ) -> [Self; B];
    /// Compares for equality.
    fn equals(self, other: Self) -> Self::Mask;
    /// Compares as unsigned integers.
    fn less_than(self, other: Self) -> Self::Mask;
    /// Takes `accept` where the mask holds, `reject` elsewhere. The order is Rust's `if`, not WGSL's `select`.
    fn select(mask: Self::Mask, accept: Self, reject: Self) -> Self;
}

/// A 64-bit unsigned integer for each of some users, for functions of many products.
pub trait Long: Copy + Debug + Send + Sync + 'static + BitXor<Output = Self> {
    /// Gives every user the same integer, below 2^32.
    fn splat(value: u32) -> Self;
    /// Multiplies the lower halves.
    fn product(self, other: Self) -> Self;
    /// Returns the upper half.
    fn upper(self) -> Self;
}

/// Gives every lane a single-precision constant.
#[inline(always)]
pub(crate) fn number<N: Number>(value: f32) -> N {
    N::splat(f64::from(value))
}

/// A real number for each user.
///
/// # Precision
/// `f64` uses the standard library's functions. Single precision uses the polynomials of [`math`](crate::math), and never
/// contracts `a * b + c`, so its bits do not depend on the instruction set.
pub trait Number:
    Copy
    + Debug
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// How many users one number stands for.
    const LANES: usize;
    /// The truth values that comparisons give.
    type Mask: Mask;
    /// The 32-bit integers that go with this number.
    type Word: Word<Mask = Self::Mask>;
    /// The type of a number in tables, which all users share.
    type Element: Copy + Debug + Send + Sync + 'static;
    /// Gives every user the same number, rounded to this type.
    fn splat(value: f64) -> Self;
    /// Builds a vector user by user, rounding to this type.
    fn from_fn(f: impl FnMut(usize) -> f64) -> Self;
    /// Reads the number of one user; exact.
    fn lane(self, lane: usize) -> f64;
    /// Writes the numbers of the first users, as many as there is room for; exact.
    #[inline(always)]
    fn write(self, numbers: &mut [f64]) {
        for (lane, number) in numbers.iter_mut().enumerate().take(Self::LANES) {
            *number = self.lane(lane);
        }
    }
    /// Writes the numbers of the first users, as many as there is room for, rounded to single precision.
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to single precision is what this does"
    )]
    fn write_single(self, numbers: &mut [f32]) {
        for (lane, number) in numbers.iter_mut().enumerate().take(Self::LANES) {
            *number = self.lane(lane) as f32;
        }
    }
    /// Converts integers below 2^31; exact up to 2^24 and for every integer of at most 24 significant bits.
    fn from_word(word: Self::Word) -> Self;
    /// Converts integers; exact as [`from_word`](Self::from_word), which is quicker on some processors.
    fn from_long_word(word: Self::Word) -> Self;
    /// Converts whole numbers from 0 to 2^23 - 1; exact for those, and meaningless for others.
    fn to_word(self) -> Self::Word;
    /// Compares `self < other`.
    fn less_than(self, other: Self) -> Self::Mask;
    /// Compares `self <= other`.
    fn at_most(self, other: Self) -> Self::Mask;
    /// Takes `accept` where the mask holds, `reject` elsewhere. The order is Rust's `if`, not WGSL's `select`.
    fn select(mask: Self::Mask, accept: Self, reject: Self) -> Self;
    /// Returns the smaller of two numbers, neither of them NaN.
    fn min(self, other: Self) -> Self;
    /// Returns the larger of two numbers, neither of them NaN.
    fn max(self, other: Self) -> Self;
    /// Returns the magnitude.
    fn abs(self) -> Self;
    /// Returns the square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// Returns e to the power `self`.
    fn exp(self) -> Self;
    /// Returns the natural logarithm of a positive, normal number.
    fn ln(self) -> Self;
    /// Returns sin(pi x) and cos(pi x) for x in [-1, 1].
    fn sincospi(self) -> (Self, Self);
    /// Returns the logistic function 1 / (1 + e^-x).
    fn sigmoid(self) -> Self;
    /// Returns the hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Returns x Phi(x), where Phi is the distribution function of the standard normal.
    fn gelu(self) -> Self;

    /// Calls a function that is compiled for the registers of this number, if it is a closure marked `#[inline(always)]`
    /// and what it calls is marked so too.
    #[inline(always)]
    fn vectorize<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    /// Rounds a number to this type, for a table.
    fn element(value: f64) -> Self::Element;
    /// Takes, for each user, one entry of a table that all share; an index past the end takes the last.
    ///
    /// # Panics
    /// If the table is empty.
    fn gather(table: &[Self::Element], index: Self::Word) -> Self;

    /// Takes, for each user, one of the user's own numbers; an index past the end takes the last.
    ///
    /// # Panics
    /// If there are no numbers.
    #[inline(always)]
    fn pick(numbers: &[Self], index: Self::Word) -> Self {
        let last = numbers.len() - 1;
        // A short list number by number: one comparison of all users each is faster than a bounds check for each user.
        if numbers.len() < Self::LANES {
            let mut picked = numbers[last];
            for (position, &number) in (0..).zip(&numbers[..last]) {
                picked = Self::select(index.equals(Self::Word::splat(position)), number, picked);
            }
            return picked;
        }
        Self::from_fn(|lane| numbers[last.min(index.lane(lane) as usize)].lane(lane))
    }

    /// Replaces, for each user where the mask holds, one of the user's own numbers; an index past the end is the last.
    ///
    /// # Panics
    /// If there are no numbers.
    #[inline(always)]
    fn put(numbers: &mut [Self], index: Self::Word, mask: Self::Mask, value: Self) {
        let last = Self::Word::splat(u32::try_from(numbers.len() - 1).expect("few numbers a user"));
        let index = Self::Word::select(index.less_than(last), index, last);
        for (position, number) in (0..).zip(numbers) {
            let here = mask & index.equals(Self::Word::splat(position));
            *number = Self::select(here, value, *number);
        }
    }
}

/// Evaluates an expression in a function that is compiled for the registers of a number: see [`Number::vectorize`].
macro_rules! vectorized {
    ($number:ty, $expression:expr) => {
        <$number as $crate::number::Number>::vectorize(
            #[inline(always)]
            || $expression,
        )
    };
}
pub(crate) use vectorized;

/// A number whose bits can be taken apart: what the polynomials of [`math`](crate::math) need.
pub trait Single: Number {
    /// Returns the IEEE-754 single-precision bits.
    fn to_bits(self) -> Self::Word;
    /// Makes a number from IEEE-754 single-precision bits.
    fn from_bits(bits: Self::Word) -> Self;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::{InstructionSet, Work};

    /// Writes vectors of all kinds to shorter and longer slices.
    struct Written;

    impl Work for Written {
        type Output = ();

        fn run<N: Number>(self) {
            let number = N::from_fn(|lane| lane as f64 + 0.5);
            let word = N::Word::from_fn(|lane| u32::try_from(lane).unwrap());
            for room in 0..=N::LANES + 1 {
                let (mut doubles, mut singles) = (vec![-1.0; room], vec![-1.0_f32; room]);
                let mut words = vec![u32::MAX; room];
                number.write(&mut doubles);
                number.write_single(&mut singles);
                word.write(&mut words);
                for lane in 0..room {
                    let (expected, expected_word) = match lane < N::LANES {
                        true => (lane as f64 + 0.5, u32::try_from(lane).unwrap()),
                        false => (-1.0, u32::MAX),
                    };
                    assert_eq!(doubles[lane], expected);
                    assert_eq!(f64::from(singles[lane]), expected);
                    assert_eq!(words[lane], expected_word);
                }
            }
        }
    }

    /// Takes entries of shorter and longer tables, which short ones give in another way, at indices up to past the end.
    struct Taken;

    impl Work for Taken {
        type Output = ();

        fn run<N: Number>(self) {
            for length in 1..=2 * N::LANES + 1 {
                let entry = |place: usize| 0.5 + place as f64;
                let table: Vec<N::Element> =
                    (0..length).map(|place| N::element(entry(place))).collect();
                let own = |place: usize, lane: usize| entry(place) + 1000.0 * lane as f64;
                let numbers: Vec<N> = (0..length)
                    .map(|place| N::from_fn(|lane| own(place, lane)))
                    .collect();
                for shift in 0..length + 2 {
                    let asked = |lane: usize| (shift + 3 * lane) % (length + 2);
                    let index = N::Word::from_fn(|lane| u32::try_from(asked(lane)).unwrap());
                    let (taken, picked) = (N::gather(&table, index), N::pick(&numbers, index));
                    for lane in 0..N::LANES {
                        let place = asked(lane).min(length - 1);
                        assert_eq!(taken.lane(lane), entry(place), "{place} of {length}");
                        assert_eq!(picked.lane(lane), own(place, lane), "{place} of {length}");
                    }
                }
            }
        }
    }

    #[test]
    fn entries_are_taken_by_index_and_past_the_end_the_last() {
        Taken.run::<f64>();
        Taken.run::<Lanes<4>>();
        Taken.run::<Baseline>();
        InstructionSet::run(Taken);
    }

    #[test]
    fn as_many_users_are_written_as_there_are_and_as_there_is_room_for() {
        Written.run::<f64>();
        Written.run::<Lanes<4>>();
        Written.run::<Baseline>();
        InstructionSet::run(Written);
    }
}
