//! SSE2, AVX2 and AVX-512.

use super::Registers;
use fearless_simd::prelude::*;
use fearless_simd::x86::{Avx2, Avx512, Sse2};
use fearless_simd::{kernel, u64x2, u64x4, u64x8};
use std::arch::asm;
use std::arch::x86_64::{__m512i, _mm_mul_epu32, _mm256_mul_epu32};

kernel!(
    #[inline(always)]
    fn product_128(sse2: Sse2, a: u64x2<Sse2>, b: u64x2<Sse2>) -> u64x2<Sse2> {
        _mm_mul_epu32(a.into(), b.into()).simd_into(sse2)
    }
);
kernel!(
    #[inline(always)]
    fn product_256(avx2: Avx2, a: u64x4<Avx2>, b: u64x4<Avx2>) -> u64x4<Avx2> {
        _mm256_mul_epu32(a.into(), b.into()).simd_into(avx2)
    }
);
kernel!(
    #[inline(always)]
    fn product_512(avx512: Avx512, a: u64x8<Avx512>, b: u64x8<Avx512>) -> u64x8<Avx512> {
        multiply_512(a.into(), b.into()).simd_into(avx512)
    }
);
kernel!(
    #[inline(always)]
    fn upper_512(avx512: Avx512, a: u64x8<Avx512>) -> u64x8<Avx512> {
        upper_halves_512(a.into()).simd_into(avx512)
    }
);

/// Multiplies the lower halves of 64-bit integers, as `_mm512_mul_epu32`.
///
/// The intrinsic is no more than a hint: if the upper half of a product is not needed, the compiler takes an instruction that
/// multiplies all 64 bits, in three times as long.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "an instruction by name")]
fn multiply_512(a: __m512i, b: __m512i) -> __m512i {
    let product;
    // SAFETY: the processor has the instruction, as the attribute tells, and it touches its registers only.
    unsafe {
        asm!(
            "vpmuludq {product}, {a}, {b}",
            product = lateout(zmm_reg) product,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    product
}

/// Takes the upper halves of 64-bit integers, as `_mm512_shuffle_epi32::<0b11_11_01_01>`.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "an instruction by name")]
fn upper_halves_512(a: __m512i) -> __m512i {
    let upper;
    // SAFETY: as above.
    unsafe {
        asm!(
            "vpshufd {upper}, {a}, 0xf5",
            upper = lateout(zmm_reg) upper,
            a = in(zmm_reg) a,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    upper
}

/// Returns the token of an instruction set.
macro_rules! proof {
    ($type:ident) => {
        #[inline(always)]
        #[allow(unsafe_code, reason = "the only way to make a token from nothing")]
        fn proof() -> Self {
            // SAFETY: vectors in these registers are used only where the processor has them; see the module above.
            unsafe { $type::assume_supported() }
        }
    };
}

impl Registers for Sse2 {
    proof!(Sse2);
    #[inline(always)]
    fn product(self, a: u64x2<Self>, b: u64x2<Self>) -> u64x2<Self> {
        product_128(self, a, b)
    }
}

impl Registers for Avx2 {
    proof!(Avx2);
    #[inline(always)]
    fn product(self, a: u64x4<Self>, b: u64x4<Self>) -> u64x4<Self> {
        product_256(self, a, b)
    }
}

impl Registers for Avx512 {
    proof!(Avx512);
    #[inline(always)]
    fn product(self, a: u64x8<Self>, b: u64x8<Self>) -> u64x8<Self> {
        product_512(self, a, b)
    }
    // Multiplications and shifts share a port, shuffles have one of their own.
    #[inline(always)]
    fn upper(self, a: u64x8<Self>) -> u64x8<Self> {
        upper_512(self, a)
    }
}
