//! Which instruction set vectors of users are kept in, chosen at run time.
//!
//! The bits are the same on all of them: `a * b + c` is never fused, although most machines could, and no sum depends on how
//! many users a vector has.

use crate::number::{Baseline, Number, Wide256, Wide512};
use fearless_simd::Level;
use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// What the program is built for: SSE2 on `x86_64`, NEON on `aarch64`.
    Baseline = 1,
    /// 256 bits: AVX2, of x86-64-v3.
    Avx2 = 2,
    /// 512 bits: AVX-512 as Ice Lake and Zen 4 have it.
    Avx512 = 3,
}

/// The instruction set in use, as a number; 0 until it is first asked for.
static IN_USE: AtomicU8 = AtomicU8::new(0);

/// Work with vectors of users, written for those of any instruction set: see [`InstructionSet::run`].
pub trait Work {
    /// The result.
    type Output;
    /// Does the work with vectors of type `N`.
    fn run<N: Number>(self) -> Self::Output;
}

impl InstructionSet {
    /// Returns the widest one that this processor has; in debug builds AVX2 at most.
    #[must_use]
    pub fn widest() -> Self {
        let level = Level::new();
        #[cfg(target_arch = "x86_64")]
        {
            // Some builds have no code for it: see `Wide512`.
            if Wide512::LANES > Wide256::LANES && level.as_avx512().is_some() {
                return Self::Avx512;
            }
            if level.as_avx2().is_some() {
                return Self::Avx2;
            }
        }
        let _ = level;
        Self::Baseline
    }

    /// Lists those up to [`widest`](Self::widest), the widest first.
    pub fn available() -> impl Iterator<Item = Self> {
        [Self::Avx512, Self::Avx2, Self::Baseline]
            .into_iter()
            .filter(|&set| set <= Self::widest())
    }

    /// Returns the one that the backend `cpu` runs on: the widest, unless a narrower one has been set.
    #[must_use]
    pub fn in_use() -> Self {
        match IN_USE.load(Ordering::Relaxed) {
            1 => Self::Baseline,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => {
                // A limit that another thread has set in the meantime stays in force.
                let widest = Self::widest() as u8;
                let _ = IN_USE.compare_exchange(0, widest, Ordering::Relaxed, Ordering::Relaxed);
                Self::in_use()
            }
        }
    }

    /// Limits the whole program to instruction sets no wider than this one from now on, so that they can be compared; returns
    /// the one in use. Work that has begun goes on with the one that it began with.
    pub fn limit(most: Self) -> Self {
        let set = most.min(Self::widest());
        IN_USE.store(set as u8, Ordering::Relaxed);
        set
    }

    /// Returns its name, as in processors' manuals.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Baseline if cfg!(target_arch = "x86_64") => "SSE2",
            Self::Baseline if cfg!(target_arch = "aarch64") => "NEON",
            Self::Baseline => "baseline",
        }
    }

    /// Returns how many users its vectors hold.
    #[must_use]
    pub fn num_users(self) -> usize {
        match self {
            Self::Avx512 => Wide512::LANES,
            Self::Avx2 => Wide256::LANES,
            Self::Baseline => Baseline::LANES,
        }
    }

    /// Does some work with vectors of the instruction set in use.
    ///
    /// ```
    /// use slatesim::backend::cpu::{InstructionSet, Work};
    /// use slatesim::number::Number;
    ///
    /// /// Adds up the users of a vector.
    /// struct Count;
    /// impl Work for Count {
    ///     type Output = f64;
    ///     fn run<N: Number>(self) -> f64 {
    ///         (0..N::LANES).map(|lane| N::splat(1.0).lane(lane)).sum()
    ///     }
    /// }
    /// assert_eq!(InstructionSet::run(Count) as usize, InstructionSet::in_use().num_users());
    /// ```
    pub fn run<W: Work>(work: W) -> W::Output {
        // Work with vectors wider than the baseline's begins nowhere else: here the processor is known to have their
        // registers.
        match Self::in_use() {
            Self::Avx512 => work.run::<Wide512>(),
            Self::Avx2 => work.run::<Wide256>(),
            Self::Baseline => work.run::<Baseline>(),
        }
    }
}
