//! NEON.

use super::Registers;
use fearless_simd::aarch64::Neon;
use fearless_simd::prelude::*;
use fearless_simd::{kernel, u64x2};
use std::arch::aarch64::{vmovn_u64, vmull_u32};

kernel!(
    #[inline(always)]
    fn product_128(neon: Neon, a: u64x2<Neon>, b: u64x2<Neon>) -> u64x2<Neon> {
        vmull_u32(vmovn_u64(a.into()), vmovn_u64(b.into())).simd_into(neon)
    }
);

impl Registers for Neon {
    #[inline(always)]
    #[allow(unsafe_code, reason = "the only way to make a token from nothing")]
    fn proof() -> Self {
        // SAFETY: programs built for `aarch64` presume NEON.
        unsafe { Self::assume_supported() }
    }
    #[inline(always)]
    fn product(self, a: u64x2<Self>, b: u64x2<Self>) -> u64x2<Self> {
        product_128(self, a, b)
    }
}
