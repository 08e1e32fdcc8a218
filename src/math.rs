//! Elementary functions with the same bits on every lane: the polynomials that both twins share.
//!
//! WGSL lets `exp`, `log`, `sin` and `cos` differ by hundreds of ulp between devices, and the platform's libm does not
//! vectorise. These functions use `+ - * /`, comparisons and bit operations only, never branch and never contract
//! `a * b + c`, so [`Lanes`](crate::number::Lanes) of any width, on any instruction set, give the same bits. A shader
//! compiler may contract, or carry constant factors through a product; the last bits then differ. Mesa's software Vulkan
//! gives these functions' bits exactly.
//!
//! The coefficients are minimax fits made for this crate: a linear program over 1200 Chebyshev points minimises the
//! largest weighted error, then one coefficient after the other, from the lowest power up, is rounded to single
//! precision and the rest fitted again. `shaders/math.wgsl` holds the same literals under the same names.
//!
//! # Precision
//! Errors were measured against double precision, over every single-precision argument of the range given. An ulp is
//! the spacing of single-precision numbers at the exact result. Fused, as a GPU would do it, the errors are smaller: 0.88
//! ulp for `exp`, 1.06 for `ln`, 1.70 * 2^-24 for `sincospi`, 1.99 ulp for `sigmoid`. The errors of `tanh`, `gelu`, `silu` and
//! `gelu_tanh` are the largest over some millions of arguments, evenly spread over the bit patterns.

#![allow(
    clippy::approx_constant,
    reason = "literals are those of the twin, digit for digit"
)]

use crate::number::{Number, Single, Word, number};

/// Where `exp` saturates: 2^-126 < e^-87.33, so that no result, nor its reciprocal, is subnormal or infinite.
const EXP_LIMIT: f32 = 87.33;
const LOG_TWO_E: f32 = 1.442695;
/// ln 2 in two parts; the upper one has ten bits, so that its product with a whole exponent is exact.
const LN_TWO_UPPER: f32 = 0.6933594;
const LN_TWO_LOWER: f32 = -0.00021219444;
const EXP_B: f32 = 0.49999994;
const EXP_C: f32 = 0.16666523;
const EXP_D: f32 = 0.041668292;
const EXP_E: f32 = 0.008368532;
const EXP_F: f32 = 0.0013818304;

/// Adding 1.5 * 2^23 leaves the nearest whole number in the low bits: `f32::round` would be a call on baseline x86-64.
/// The twin calls `round`, because a shader compiler may cancel the constant; both round halves to even.
const ROUND_TO_WHOLE: f32 = 12582912.0;

const MANTISSA_BITS: u32 = 23;
const MANTISSA_MASK: u32 = 0x007f_ffff;
/// The bits of 2/3, where the significand of a logarithm is cut: it then lies in [2/3, 4/3), about 1.
const LN_CUT: u32 = 0x3f2a_aaab;
/// The bits of 1 less those of 2/3.
const LN_CUT_TO_ONE: u32 = 0x0055_5555;
/// The bits of 2^23: a number below 2^23 set into them is that number above 2^23.
const WHOLE_BITS: u32 = 0x4b00_0000;
/// 2^23 + 127: what those bits and the exponent's bias add.
const WHOLE_BIAS: f32 = 8388735.0;
const LN_TWO: f32 = 0.6931472;
const LN_A: f32 = -0.49999937;
const LN_B: f32 = 0.333332;
const LN_C: f32 = -0.25007746;
const LN_D: f32 = 0.2001108;
const LN_E: f32 = -0.16417098;
const LN_F: f32 = 0.13997002;
const LN_G: f32 = -0.15383217;
const LN_H: f32 = 0.14021301;

const SIN_A: f32 = 3.1415927;
const SIN_B: f32 = 3.1415882;
const SIN_C: f32 = 1.1155442;
const SIN_D: f32 = 0.20432651;
const SIN_E: f32 = 0.024600154;
const COS_B: f32 = 1.9999994;
const COS_C: f32 = 1.0652245;
const COS_D: f32 = 0.26042777;
const COS_E: f32 = 0.03858604;

/// Where 2 |x| stops growing: tanh(10) is 1.
const TANH_LIMIT: f32 = 20.0;
/// The bits of 1.
const ONE_BITS: u32 = 0x3f80_0000;

/// Where |x| stops growing: the lower tail is then 2.9e-37, and no factor of it is subnormal.
const GELU_LIMIT: f32 = 12.9;
/// The twelve upper bits of a significand, whose square is exact.
const UPPER_BITS: u32 = 0xffff_f000;
const GELU_SCALE: f32 = 0.35;
const GELU_A: f32 = 0.13962185;
const GELU_B: f32 = 0.13985431;
const GELU_C: f32 = 0.11988591;
const GELU_D: f32 = 0.105304375;
const GELU_E: f32 = -0.022640424;
const GELU_F: f32 = 0.15850657;
const GELU_G: f32 = -0.25514042;
const GELU_H: f32 = 0.14369835;
const GELU_I: f32 = -0.029090539;

/// Beyond which the approximation is 0 or x: the argument of its logistic function is then 87.31.
const GELU_TANH_LIMIT: f32 = 10.0;
/// 2 sqrt(2 / pi).
const GELU_TANH_A: f32 = 1.595769;
/// 0.044715 times that.
const GELU_TANH_B: f32 = 0.071354814;

/// Gives every lane a bit pattern.
#[inline(always)]
fn word<N: Number>(value: u32) -> N::Word {
    N::Word::splat(value)
}

/// Returns e to the power `x`.
///
/// ```text
/// x = n ln 2 + r, |r| <= (ln 2) / 2:   e^x = 2^n (1 + r + r^2 P(r))
/// ```
///
/// Outside [-87.33, 87.33] the result is that of the nearer end, 1.18e-38 or 8.45e37.
///
/// # Precision
/// 1.18 ulp over [-87.33, 87.33], 1.03 ulp over [-1, 1].
#[inline(always)]
pub fn exp<N: Single>(x: N) -> N {
    let clamped = x.max(number(-EXP_LIMIT)).min(number(EXP_LIMIT));
    let shifted = clamped * number(LOG_TWO_E) + number(ROUND_TO_WHOLE);
    let exponent = shifted - number(ROUND_TO_WHOLE);
    let r = clamped - exponent * number(LN_TWO_UPPER) - exponent * number(LN_TWO_LOWER);
    let mut p = number::<N>(EXP_F);
    p = p * r + number(EXP_E);
    p = p * r + number(EXP_D);
    p = p * r + number(EXP_C);
    p = p * r + number(EXP_B);
    p = p * r + number(1.0);
    p = p * r + number(1.0);
    N::from_bits(p.to_bits() + (shifted.to_bits() << MANTISSA_BITS))
}

/// Returns the natural logarithm of a positive, normal number.
///
/// ```text
/// x = 2^k (1 + f), 2/3 <= 1 + f < 4/3:   ln x = k ln 2 + f + f^2 Q(f)
/// ```
///
/// # Precision
/// 1.23 ulp over all positive normal numbers, next to 1 as elsewhere; `ln(1)` is 0.
#[inline(always)]
pub fn ln<N: Single>(x: N) -> N {
    let shifted = x.to_bits() + word::<N>(LN_CUT_TO_ONE);
    let k = N::from_bits((shifted >> MANTISSA_BITS) | word::<N>(WHOLE_BITS)) - number(WHOLE_BIAS);
    let f = N::from_bits((shifted & word::<N>(MANTISSA_MASK)) + word::<N>(LN_CUT)) - number(1.0);
    let mut q = number::<N>(LN_H);
    q = q * f + number(LN_G);
    q = q * f + number(LN_F);
    q = q * f + number(LN_E);
    q = q * f + number(LN_D);
    q = q * f + number(LN_C);
    q = q * f + number(LN_B);
    q = q * f + number(LN_A);
    let small = f + f * f * q;
    small + k * number(LN_TWO)
}

/// Returns sin(pi x) and cos(pi x) for x in [-1, 1].
///
/// ```text
/// w = |x| (1 - |x|):   sin(pi x) = x (1 - |x|) S(w),   cos(pi x) = (1 - 2 |x|) C(w)
/// ```
///
/// Both quotients are even about |x| = 1/2, hence smooth in w, which runs over [0, 1/4] only: the polynomials are short
/// and free of cancellation, the factors carry signs and zeros, and no quadrant has to be told apart.
///
/// # Precision
/// Absolute error 1.83 * 2^-24 over the angles that [`normal_pair`](crate::distribution::normal_pair) draws, the odd
/// multiples of 2^-23; 3.13 * 2^-24 over all of [-1, 1]. The sine's relative error is 3 ulp up to |x| = 0.9.
#[inline(always)]
pub fn sincospi<N: Single>(x: N) -> (N, N) {
    let magnitude = x.abs();
    let rest = number::<N>(1.0) - magnitude;
    let w = magnitude * rest;
    let mut s = number::<N>(SIN_E);
    s = s * w + number(SIN_D);
    s = s * w + number(SIN_C);
    s = s * w + number(SIN_B);
    s = s * w + number(SIN_A);
    let mut c = number::<N>(COS_E);
    c = c * w + number(COS_D);
    c = c * w + number(COS_C);
    c = c * w + number(COS_B);
    c = c * w + number(1.0);
    (x * rest * s, (rest - magnitude) * c)
}

/// Returns the logistic function 1 / (1 + e^-x), for any number.
///
/// Nothing overflows, because [`exp`] saturates, and nothing cancels: the relative error is small at both ends.
///
/// # Precision
/// 2.49 ulp over [-87.33, 0], 1.50 ulp above; 2^-126 < result <= 1.
#[inline(always)]
pub fn sigmoid<N: Single>(x: N) -> N {
    number::<N>(1.0) / (number::<N>(1.0) + exp(-x))
}

/// Returns the hyperbolic tangent, for any number.
///
/// ```text
/// e = e^(2 |x|) - 1 = 2^n (r + r^2 P(r)) + (2^n - 1):   tanh x = sign(x) e / (e + 2)
/// ```
///
/// with n, r and P of [`exp`]: nothing cancels next to 0.
///
/// # Precision
/// 2.67 ulp; |result| <= 1.
#[inline(always)]
pub fn tanh<N: Single>(x: N) -> N {
    let magnitude = x.abs();
    let doubled = (magnitude + magnitude).min(number(TANH_LIMIT));
    let shifted = doubled * number(LOG_TWO_E) + number(ROUND_TO_WHOLE);
    let exponent = shifted - number(ROUND_TO_WHOLE);
    let r = doubled - exponent * number(LN_TWO_UPPER) - exponent * number(LN_TWO_LOWER);
    let mut p = number::<N>(EXP_F);
    p = p * r + number(EXP_E);
    p = p * r + number(EXP_D);
    p = p * r + number(EXP_C);
    p = p * r + number(EXP_B);
    let small = p * r * r + r;
    let power = N::from_bits(word::<N>(ONE_BITS) + (shifted.to_bits() << MANTISSA_BITS));
    let e = power * small + (power - number(1.0));
    let ratio = e / (e + number(2.0));
    N::select(x.less_than(number(0.0)), -ratio, ratio)
}

/// Returns x Phi(x), where Phi is the distribution function of the standard normal, for any number: `PyTorch`'s `GELU`.
///
/// ```text
/// a = |x|,  t = 1 / (1 + 0.35 a):   x Phi(x) = max(x, 0) - a Phi(-a),   Phi(-a) = e^(-a^2 / 2) t P(t)
/// ```
///
/// The square is taken in two parts, a = u + v with an exact u^2, so that the error does not grow with a. Below -12.9 the
/// result is -2.9e-37.
///
/// # Precision
/// 7.1 ulp from -12.9 on; P alone errs by 3.4e-8.
///
/// # Source
/// Hendrycks and Gimpel (2016), "Gaussian error linear units".
#[inline(always)]
pub fn gelu<N: Single>(x: N) -> N {
    let a = x.abs().min(number(GELU_LIMIT));
    let upper = N::from_bits(a.to_bits() & word::<N>(UPPER_BITS));
    let t = number::<N>(1.0) / (number::<N>(1.0) + number::<N>(GELU_SCALE) * a);
    let mut p = number::<N>(GELU_I);
    p = p * t + number(GELU_H);
    p = p * t + number(GELU_G);
    p = p * t + number(GELU_F);
    p = p * t + number(GELU_E);
    p = p * t + number(GELU_D);
    p = p * t + number(GELU_C);
    p = p * t + number(GELU_B);
    p = p * t + number(GELU_A);
    let square = exp(number::<N>(-0.5) * (upper * upper));
    let rest = exp(number::<N>(-0.5) * ((a - upper) * (a + upper)));
    x.max(number(0.0)) - a * (t * p * (square * rest))
}

/// Returns x sigmoid(x), for any number: `PyTorch`'s `SiLU`, also called swish. Below -87.33 the result is -1.0e-36.
///
/// # Precision
/// 2.86 ulp from -87.33 on.
#[inline(always)]
pub fn silu<N: Number>(x: N) -> N {
    x.max(number(-EXP_LIMIT)) * x.sigmoid()
}

/// Returns x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, for any number: `PyTorch`'s `GELU(approximate='tanh')`.
///
/// ```text
/// x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))
/// ```
///
/// Below -10 the result is -1.2e-37.
///
/// # Precision
/// 2.9 ulp from -1 on; below, where the argument of the logistic function is large, up to 185 ulp (1.1e-5 of the result) at
/// -10, and 5.5e-8 in absolute terms.
#[inline(always)]
pub fn gelu_tanh<N: Number>(x: N) -> N {
    let limit = number::<N>(GELU_TANH_LIMIT);
    let inside = x.max(-limit).min(limit);
    let slope = number::<N>(GELU_TANH_A) + number::<N>(GELU_TANH_B) * (inside * inside);
    x.max(-limit) * (inside * slope).sigmoid()
}

/// [`gelu`] in double precision.
///
/// ```text
/// a < 3:   Phi(-a) = 1/2 - phi(a) (a + a^3 / 3 + a^5 / (3 5) + ...)
/// above:   Phi(-a) = phi(a) / (a + 1 / (a + 2 / (a + 3 / (a + ...))))
/// ```
///
/// # Precision
/// 1e-13 of the result, measured against 50 digits.
pub(crate) fn gelu_f64(x: f64) -> f64 {
    let a = x.abs();
    let density = (-0.5 * a * a).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail = if a < 3.0 {
        let (mut term, mut sum) = (a, a);
        for odd in (3..120).step_by(2) {
            term *= a * a / f64::from(odd);
            sum += term;
        }
        0.5 - density * sum
    } else {
        let fraction = (1..=100)
            .rev()
            .fold(0.0, |below, k| f64::from(k) / (a + below));
        density / (a + fraction)
    };
    x.max(0.0) - a * tail
}

/// Converts whole numbers from 0 to 2^23 - 1.
#[inline(always)]
pub(crate) fn to_word<N: Single>(x: N) -> N::Word {
    // Adding 2^23 leaves a whole number below it in the low bits of the mantissa.
    (x + number(8_388_608.0)).to_bits() & word::<N>(MANTISSA_MASK)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::number::Lanes;
    use std::collections::BTreeMap;
    use std::f64::consts::PI;
    use std::path::PathBuf;

    /// Reads the scalar constants of a Rust or WGSL source as bits.
    fn constants(source: &str) -> BTreeMap<String, u32> {
        let declarations = source
            .lines()
            .filter_map(|line| line.strip_prefix("const "));
        declarations
            .filter_map(|declaration| {
                let (name, rest) = declaration.split_once(": ")?;
                let (kind, literal) = rest.trim_end_matches(';').split_once(" = ")?;
                let literal = literal.replace('_', "");
                let bits = match kind {
                    "f32" => literal.parse::<f32>().expect("a plain literal").to_bits(),
                    "u32" => {
                        let digits = literal.trim_end_matches('u');
                        match digits.strip_prefix("0x") {
                            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                            None => digits.parse(),
                        }
                        .expect("a plain literal")
                    }
                    _ => return None,
                };
                Some((name.to_owned(), bits))
            })
            .collect()
    }

    /// Requires that two twins hold the same scalar constants, bit for bit, but for those that one of them alone needs.
    pub(crate) fn assert_same_constants(rust: &str, wgsl: &str, one_sided: &[&str]) {
        let [mut rust, mut wgsl] = [rust, wgsl].map(constants);
        for &name in one_sided {
            let sides = [rust.remove(name), wgsl.remove(name)];
            assert_eq!(sides.iter().flatten().count(), 1, "{name} is no exception");
        }
        assert!(!rust.is_empty());
        assert_eq!(rust, wgsl);
    }

    /// The largest error in ulp of the exact result, over `count` arguments evenly spread over the bit patterns.
    fn largest_error_ulp(
        (first, last): (f32, f32),
        function: impl Fn(Lanes<1>) -> Lanes<1>,
        exact: impl Fn(f64) -> f64,
    ) -> f64 {
        const COUNT: u64 = 1 << 15;
        // Same sign, so that the bit patterns are in order of magnitude.
        let (low, high) = (
            first.to_bits().min(last.to_bits()),
            first.to_bits().max(last.to_bits()),
        );
        let step = u64::from(high - low) / COUNT;
        let arguments = (0..=COUNT)
            .map(|index| f32::from_bits(low + u32::try_from(index * step).expect("within u32")));
        arguments
            .map(|x| {
                let expected = exact(f64::from(x));
                // 2^exponent <= |expected|, and an ulp is 2^(exponent - 23).
                let ulp =
                    f64::from_bits(expected.to_bits() & 0x7ff0_0000_0000_0000) * 2f64.powi(-23);
                (function(Lanes([x])).lane(0) - expected).abs() / ulp
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn exp_errs_by_less_than_its_stated_bound() {
        for range in [(1e-9, 87.33), (-1e-9, -87.33), (0.25, 1.0), (-0.25, -1.0)] {
            let error = largest_error_ulp(range, exp, f64::exp);
            assert!(error <= 1.18, "{range:?}: {error}");
        }
        assert_eq!(exp(Lanes([0.0, -0.0])).0, [1.0, 1.0]);
    }

    #[test]
    fn exp_saturates_at_normal_numbers_whose_reciprocals_are_normal() {
        let [smallest, also_smallest, largest, also_largest] =
            exp(Lanes([-87.33, -1e30, 87.33, f32::MAX])).0;
        assert_eq!((smallest, largest), (also_smallest, also_largest));
        assert!(
            smallest.is_normal() && (1.0 / smallest).is_normal(),
            "{smallest:e}"
        );
        assert!(
            largest.is_normal() && (1.0 / largest).is_normal(),
            "{largest:e}"
        );
    }

    #[test]
    fn ln_errs_by_less_than_its_stated_bound() {
        let next_to_one = (1.0 - 2f32.powi(-10), 1.0 + 2f32.powi(-10));
        for range in [
            (f32::MIN_POSITIVE, f32::MAX),
            (2f32.powi(-32), 1.0),
            (0.6, 1.5),
            next_to_one,
        ] {
            let error = largest_error_ulp(range, ln, f64::ln);
            assert!(error <= 1.23, "{range:?}: {error}");
        }
        assert_eq!(ln(Lanes([1.0])).0, [0.0]);
    }

    #[test]
    fn sincospi_errs_by_less_than_its_stated_bound_on_the_angles_drawn() {
        for k in (0..1u32 << 23).step_by(127) {
            let x = Lanes::<1>::from_word(Word::splat(2 * k + 1)) * Number::splat(2f64.powi(-23))
                - Number::splat(1.0);
            let (sine, cosine) = sincospi(x);
            let (exact_sine, exact_cosine) = (PI * x.lane(0)).sin_cos();
            let error = (sine.lane(0) - exact_sine)
                .abs()
                .max((cosine.lane(0) - exact_cosine).abs());
            assert!(error <= 1.83 * 2f64.powi(-24), "{x:?}: {error:e}");
        }
        let (sine, cosine) = sincospi(Lanes([-1.0, -0.5, 0.0, 0.5, 1.0]));
        assert_eq!(
            sine.0
                .map(|s| (f64::from(s) * 2f64.powi(22)).round() / 2f64.powi(22)),
            [0.0, -1.0, 0.0, 1.0, 0.0]
        );
        assert_eq!(cosine.0, [-1.0, 0.0, 1.0, 0.0, -1.0]);
    }

    #[test]
    fn sigmoid_errs_by_less_than_its_stated_bound_and_never_leaves_0_to_1() {
        let exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!(largest_error_ulp((-1e-9, -87.33), sigmoid, exact) <= 2.49);
        assert!(largest_error_ulp((1e-9, 87.33), sigmoid, exact) <= 1.5);
        let [least, middle, most] = sigmoid(Lanes([-f32::MAX, 0.0, f32::MAX])).0;
        assert!(least.is_normal() && least < 1e-37);
        assert_eq!((middle, most), (0.5, 1.0));
    }

    #[test]
    fn tanh_errs_by_less_than_its_stated_bound_and_never_leaves_minus_1_to_1() {
        for range in [(1e-9, 10.0), (-1e-9, -10.0), (0.03, 0.3)] {
            let error = largest_error_ulp(range, tanh, f64::tanh);
            assert!(error <= 2.67, "{range:?}: {error}");
        }
        assert_eq!(
            tanh(Lanes([-f32::MAX, 0.0, 10.0, f32::MAX])).0,
            [-1.0, 0.0, 1.0, 1.0]
        );
    }

    /// Values of x Phi(x) by mpmath with 50 digits, rounded.
    #[test]
    fn gelu_in_double_precision_is_that_of_tables() {
        let known: [(f64, f64); 12] = [
            (-12.0, -2.1317785344932147e-32),
            (-6.0, -5.9195258702261885e-09),
            (-3.5, -0.0008142017766243376),
            (-3.0, -0.0040496940948902835),
            (-2.5, -0.015524163314440337),
            (-1.0, -0.15865525393145705),
            (-0.25, -0.10032341857926907),
            (-1e-3, -0.000499601057786089),
            (0.5, 0.34573123063700656),
            (1.0, 0.8413447460685429),
            (2.9, 2.8945891414288862),
            (8.0, 7.999999999999995),
        ];
        for (x, expected) in known {
            let found = gelu_f64(x);
            assert!(
                (found - expected).abs() <= 1e-13 * expected.abs(),
                "{x}: {found:e}, {expected:e}"
            );
        }
    }

    #[test]
    fn gelu_errs_by_less_than_its_stated_bound_in_both_tails() {
        for range in [(1e-9, 12.9), (-1e-9, -12.9), (-0.1, -4.0), (0.001, 1.0)] {
            let error = largest_error_ulp(range, gelu, gelu_f64);
            assert!(error <= 7.1, "{range:?}: {error}");
        }
        let [least, zero, most] = gelu(Lanes([-f32::MAX, 0.0, f32::MAX])).0;
        assert!(least <= 0.0 && least > -3e-37, "{least:e}");
        assert_eq!((zero, most), (0.0, f32::MAX));
    }

    #[test]
    fn silu_errs_by_less_than_its_stated_bound() {
        let exact = |x: f64| x / (1.0 + (-x).exp());
        for range in [(1e-9, 87.33), (-1e-9, -87.33)] {
            let error = largest_error_ulp(range, silu, exact);
            assert!(error <= 2.86, "{range:?}: {error}");
        }
        let [least, zero, most] = silu(Lanes([-f32::MAX, 0.0, f32::MAX])).0;
        assert!(least <= 0.0 && least > -1.1e-36, "{least:e}");
        assert_eq!((zero, most), (0.0, f32::MAX));
        assert_eq!(silu(-1e300f64), 0.0);
    }

    #[test]
    fn gelu_tanh_errs_by_less_than_its_stated_bound() {
        let exact = |x: f64| {
            let inner = (2.0 / PI).sqrt() * (x + 0.044715 * x.powi(3));
            x / (1.0 + (-2.0 * inner).exp())
        };
        for (range, bound) in [
            ((1e-9, 10.0), 2.9),
            ((-1e-9, -1.0), 2.9),
            ((-1.0, -10.0), 185.0),
        ] {
            let error = largest_error_ulp(range, gelu_tanh, exact);
            assert!(error <= bound, "{range:?}: {error}");
        }
        let [least, zero, most] = gelu_tanh(Lanes([-f32::MAX, 0.0, f32::MAX])).0;
        assert!(least <= 0.0 && least > -1.3e-37, "{least:e}");
        assert_eq!((zero, most), (0.0, f32::MAX));
        assert!((gelu_tanh(-0.75f64) - exact(-0.75)).abs() < 1e-8);
    }

    #[test]
    fn lanes_of_any_width_give_the_same_bits() {
        for start in 0..1000u32 {
            let x: [f32; 16] = std::array::from_fn(|lane| {
                let bits =
                    (start * 16 + u32::try_from(lane).expect("few")).wrapping_mul(0x9e37_79b9);
                // Of either sign, from 2^-16 to 2^16.
                f32::from_bits((bits % 0x1000_0000 + 0x3780_0000) | (bits & 0x8000_0000))
            });
            let (unit, positive) = (x.map(|x| x % 1.0), x.map(f32::abs));
            let wide = [
                exp(Lanes(x)),
                ln(Lanes(positive)),
                sigmoid(Lanes(x)),
                tanh(Lanes(x)),
                gelu(Lanes(x)),
                silu(Lanes(x)),
                gelu_tanh(Lanes(x)),
                sincospi(Lanes(unit)).0,
                sincospi(Lanes(unit)).1,
            ];
            for lane in 0..16 {
                let (x, unit) = (Lanes([x[lane]]), sincospi(Lanes([unit[lane]])));
                let narrow = [
                    exp(x),
                    ln(Lanes([positive[lane]])),
                    sigmoid(x),
                    tanh(x),
                    gelu(x),
                    silu(x),
                    gelu_tanh(x),
                    unit.0,
                    unit.1,
                ];
                assert_eq!(
                    narrow.map(|n| n.0[0].to_bits()),
                    wide.map(|w| w.0[lane].to_bits())
                );
            }
        }
    }

    #[test]
    fn both_twins_hold_the_same_coefficients() {
        let (rust, wgsl) = (
            include_str!("math.rs"),
            include_str!("../shaders/math.wgsl"),
        );
        assert_same_constants(
            rust,
            wgsl,
            &[
                "ROUND_TO_WHOLE",
                "WHOLE_BITS",
                "WHOLE_BIAS",
                "QUOTIENT_CORRECTIONS",
            ],
        );
    }

    #[test]
    #[should_panic(expected = "assertion")]
    fn a_coefficient_that_differs_in_its_last_bit_is_noticed() {
        assert_same_constants(
            "const A: f32 = 0.33333334;",
            "const A: f32 = 0.33333337;",
            &[],
        );
    }

    /// Reads the shaders line by line, without comments, each with its file.
    fn lines_of_shaders() -> Vec<(PathBuf, String)> {
        let mut folders = vec![PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/shaders"
        ))];
        let mut lines = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("shaders are part of the package") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                for line in std::fs::read_to_string(&path).expect("text").lines() {
                    let code = line.split("//").next().unwrap_or_default();
                    lines.push((path.clone(), code.to_owned()));
                }
            }
        }
        assert!(lines.len() > 1000);
        lines
    }

    /// Numbers of a line of code that have a decimal point.
    fn decimals(code: &str) -> impl Iterator<Item = f64> + '_ {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_');
        code.split(ends)
            .filter(|word| word.contains('.'))
            .filter_map(|word| word.trim_end_matches(['f', 'h']).parse().ok())
    }

    /// Where a number next to 2^23 is added and taken away again to round, a device that may rearrange sums need not round.
    #[test]
    fn no_shader_rounds_by_adding_a_large_number() {
        let rounds = |number: &f64| (1e6..1e9).contains(number);
        assert_eq!(
            decimals("let k = x * 2.0 + 12582912.0;").find(rounds),
            Some(12_582_912.0)
        );
        for (path, code) in lines_of_shaders() {
            assert_eq!(
                decimals(&code).find(rounds),
                None,
                "{}: {code}",
                path.display()
            );
        }
    }

    #[test]
    fn no_shader_calls_a_function_whose_error_the_platform_chooses() {
        const LOOSE: [&str; 12] = [
            "exp",
            "exp2",
            "log",
            "log2",
            "pow",
            "sin",
            "cos",
            "tan",
            "tanh",
            "fma",
            "inverseSqrt",
            "length",
        ];
        for (path, code) in lines_of_shaders() {
            let own = path.ends_with("math.wgsl");
            let is_own = |name: &&str| own && ["exp", "tanh"].contains(name);
            for name in LOOSE.into_iter().filter(|name| !is_own(name)) {
                for (at, _) in code.match_indices(&format!("{name}(")) {
                    let qualified =
                        code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                    assert!(qualified, "{}: {code}", path.display());
                }
            }
        }
    }
}
