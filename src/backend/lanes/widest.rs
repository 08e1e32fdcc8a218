//! Functions that are compiled twice: for the processor that the program is built for, and for AVX2, chosen at run time.

/// Declares a function whose body is compiled for AVX2 as well, and runs so where the processor has it.
///
/// The bits are those of the baseline, because nothing is contracted. What the body calls must be `#[inline(always)]`, or
/// declared like this itself: other functions are compiled for the baseline only.
macro_rules! widest {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident<$($generic:ident: $bound:path),+>($($argument:ident: $type:ty),+ $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$attribute])*
        #[inline(never)]
        $visibility fn $name<$($generic: $bound),+>($($argument: $type),+) $(-> $result)? {
            #[inline(always)]
            fn plain<$($generic: $bound),+>($($argument: $type),+) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2<$($generic: $bound),+>($($argument: $type),+) $(-> $result)? {
                    plain($($argument),+)
                }
                if is_x86_feature_detected!("avx2") {
                    #[allow(
                        unsafe_code,
                        reason = "the only way to call a function compiled for more than the baseline"
                    )]
                    // SAFETY: the processor has just said that it has AVX2.
                    return unsafe { avx2($($argument),+) };
                }
            }
            plain($($argument),+)
        }
    };
}
pub(super) use widest;
