//! Functions that are compiled for several instruction sets, the widest of which is chosen at run time.
//!
//! The bits are the same on all of them: vectors have [`LANES`](crate::number::LANES) users whatever the registers hold, and
//! nothing is contracted, although AVX2 machines could fuse `a * b + c`. On `x86_64` the baseline is SSE2; elsewhere it is the
//! only one, and is NEON on `aarch64`.

use std::sync::atomic::{AtomicU8, Ordering};

/// What code may be compiled for, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// What the program is built for.
    Baseline = 1,
    /// 256 bits.
    Avx2 = 2,
    /// 512 bits: AVX-512 F, VL, BW and DQ. Debug builds leave it out: it adds a third to the time that they take to compile.
    Avx512 = 3,
}

/// The one in use; 0 before the first look.
static IN_USE: AtomicU8 = AtomicU8::new(0);

impl InstructionSet {
    /// Returns the widest one that this processor has.
    #[must_use]
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if cfg!(not(debug_assertions))
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// Returns the one that the backend `cpu` runs on: the widest, unless a narrower one has been set.
    #[inline]
    #[must_use]
    pub fn in_use() -> Self {
        match IN_USE.load(Ordering::Relaxed) {
            1 => Self::Baseline,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => Self::limit(Self::Avx512),
        }
    }

    /// Makes the whole program use no wider one than this, to compare them; returns the one in use from now on.
    pub fn limit(most: Self) -> Self {
        let set = most.min(Self::widest());
        IN_USE.store(set as u8, Ordering::Relaxed);
        set
    }

    /// Names it, as processors' manuals do.
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
}

/// Declares a function whose body is compiled for each [`InstructionSet`], and runs on the one in use; for one user at a
/// time, which fills no vector, for the baseline only.
///
/// What the body calls must be `#[inline(always)]`, or declared like this itself: other functions are compiled for the
/// baseline only.
macro_rules! widest {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<N: Number $(, $generic:ident: $bound:path)*>($($argument:ident: $type:ty),+ $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        #[inline(never)]
        $visibility fn $name<N: Number $(, $generic: $bound)*>($($argument: $type),+) $(-> $result)? {
            #[inline(always)]
            fn plain<N: Number $(, $generic: $bound)*>($($argument: $type),+) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                use $crate::backend::lanes::InstructionSet;

                #[target_feature(enable = "avx2")]
                fn avx2<N: Number $(, $generic: $bound)*>($($argument: $type),+) $(-> $result)? {
                    plain($($argument),+)
                }

                #[cfg(not(debug_assertions))]
                #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq")]
                fn avx512<N: Number $(, $generic: $bound)*>($($argument: $type),+) $(-> $result)? {
                    plain($($argument),+)
                }

                #[allow(
                    unsafe_code,
                    reason = "the only way to call a function compiled for more than the baseline"
                )]
                if const { N::LANES > 1 } {
                    match InstructionSet::in_use() {
                        // SAFETY: the one in use is at most the widest that the processor has.
                        #[cfg(not(debug_assertions))]
                        InstructionSet::Avx512 => return unsafe { avx512($($argument),+) },
                        // SAFETY: as above.
                        InstructionSet::Avx2 => return unsafe { avx2($($argument),+) },
                        _ => {}
                    }
                }
            }
            plain($($argument),+)
        }
    };
}
pub(super) use widest;
