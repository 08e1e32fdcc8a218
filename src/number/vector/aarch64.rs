//! NEON.

use super::Registers;
use fearless_simd::aarch64::Neon;
use fearless_simd::prelude::*;
use fearless_simd::{kernel, u64x2, u64x4, u64x8};
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
        // SAFETY: programs for `aarch64` presume it.
        unsafe { Self::assume_supported() }
    }
    #[inline(always)]
    fn product(self, a: u64x8<Self>, b: u64x8<Self>) -> u64x8<Self> {
        let ((a, c), (b, d)) = (a.split(), b.split());
        half(self, a, b).combine(half(self, c, d))
    }
}

#[inline(always)]
fn half(neon: Neon, a: u64x4<Neon>, b: u64x4<Neon>) -> u64x4<Neon> {
    let ((a, c), (b, d)) = (a.split(), b.split());
    product_128(neon, a, b).combine(product_128(neon, c, d))
}
